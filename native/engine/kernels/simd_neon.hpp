// Vectors of 4 floats and 2 doubles over AArch64's Advanced SIMD. Same names and meaning in every simd_*.hpp.
#pragma once

#include <arm_neon.h>

#include "half.hpp"
#include "table.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kJoinsPasses = false;  // not measured; see Block::joins
inline constexpr bool kStreams = false;      // there are stores past the caches

struct MaskF {  // all bits of a lane, or none
  uint32x4_t m;
};
struct MaskD {
  uint64x2_t m;
};

// Any address, any element type: vld1 and vst1 promise an alignment and a type that operands need not have.
template <class N>
inline N fetch(const void* p) {
  N n;
  __builtin_memcpy(&n, p, sizeof(n));
  return n;
}
template <class N>
inline void put(void* p, N n) {
  __builtin_memcpy(p, &n, sizeof(n));
}

struct VF {
  using Elem = float;
  static constexpr std::size_t W = 4;
  float32x4_t v;
  static VF set1(float a) { return {vdupq_n_f32(a)}; }
  static VF load(const float* p) { return {fetch<float32x4_t>(p)}; }
  static VF load(const f16* p) { return {vcvt_f32_f16(fetch<float16x4_t>(p))}; }
  static VF load(const bf16* p) { return {vreinterpretq_f32_u32(vshll_n_u16(fetch<uint16x4_t>(p), 16))}; }
  void stream(float* p) const { put(p, v); }  // no such store among the intrinsics
  void store(float* p) const { put(p, v); }
  void store(f16* p) const { put(p, vcvt_f16_f32(v)); }  // rounds as FPCR says: see enter_fp
  void store(bf16* p) const {                            // NaN is the canonical one here, and stays one
    const uint32x4_t b = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(b, 16), vdupq_n_u32(1));
    put(p, vshrn_n_u32(vaddq_u32(b, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16));
  }
};

inline VF operator+(VF a, VF b) { return {vaddq_f32(a.v, b.v)}; }
inline VF operator-(VF a, VF b) { return {vsubq_f32(a.v, b.v)}; }
inline VF operator*(VF a, VF b) { return {vmulq_f32(a.v, b.v)}; }
inline VF operator/(VF a, VF b) { return {vdivq_f32(a.v, b.v)}; }
// There is c + a*b and c - a*b. The others negate c, not the result: a sum that is exactly 0 is then +0, as elsewhere.
inline VF fma(VF a, VF b, VF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline VF fms(VF a, VF b, VF c) { return {vfmaq_f32(vnegq_f32(c.v), a.v, b.v)}; }
inline VF fnma(VF a, VF b, VF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
inline VF fnms(VF a, VF b, VF c) { return {vfmsq_f32(vnegq_f32(c.v), a.v, b.v)}; }
inline VF neg_abs(VF a) { return {vnegq_f32(vabsq_f32(a.v))}; }  // bits only, of NaN too
inline VF negate(VF a) { return {vnegq_f32(a.v)}; }
inline VF either(VF a, VF b) {  // bitwise
  return {vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(a.v), vreinterpretq_u32_f32(b.v)))};
}
// Neither fmax nor fmaxnm: both order the zeros, and fmax makes a new NaN.
inline VF max_or_second(VF a, VF b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
// With b the bits of a lane: the float with bits table[b & 3] + (b << 21).
inline VF table_scale(VF a, const std::uint32_t (&table)[4]) {
  const uint32x4_t b = vreinterpretq_u32_f32(a.v);
  // The numbers of the four bytes of entry k are 4*k, 4*k + 1, ...; no carry crosses a byte.
  const uint32x4_t index = vmlaq_u32(vdupq_n_u32(0x03020100), vandq_u32(b, vdupq_n_u32(3)), vdupq_n_u32(0x04040404));
  const uint32x4_t entry = vreinterpretq_u32_u8(vqtbl1q_u8(fetch<uint8x16_t>(table), vreinterpretq_u8_u32(index)));
  return {vreinterpretq_f32_u32(vaddq_u32(entry, vshlq_n_u32(b, 21)))};
}
inline MaskF sign_bit(VF a) { return {vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(a.v), 31))}; }
inline MaskF ge(VF a, VF b) { return {vcgeq_f32(a.v, b.v)}; }
inline MaskF gt(VF a, VF b) { return {vcgtq_f32(a.v, b.v)}; }
inline MaskF ne(VF a, VF b) { return {vmvnq_u32(vceqq_f32(a.v, b.v))}; }
inline MaskF ordered(VF a, VF b) { return {vandq_u32(vceqq_f32(a.v, a.v), vceqq_f32(b.v, b.v))}; }
inline MaskF finite(VF a) { return {vcaleq_f32(a.v, vdupq_n_f32(__FLT_MAX__))}; }
// See simd_avx512.hpp.
inline MaskF near_tie(VF r, float ulps, const f16*) {
  const VF margin = VF::set1(ulps * 0x1p-23f);
  const uint16x4_t p = vreinterpret_u16_f16(vcvt_f16_f32(fma(r, margin, r).v)),
                   q = vreinterpret_u16_f16(vcvt_f16_f32(fnma(r, margin, r).v));
  return {vmvnq_u32(vceqq_u32(vmovl_u16(p), vmovl_u16(q)))};
}
inline MaskF near_tie(VF r, float ulps, const bf16*) {
  const auto m = (std::uint32_t)ulps;
  const uint32x4_t low = vshlq_n_u32(vreinterpretq_u32_f32(r.v), 16);
  return {vcleq_u32(vsubq_u32(low, vdupq_n_u32((0x8000u - m) << 16)), vdupq_n_u32((2 * m) << 16))};
}
// See simd_avx512.hpp.
inline VF to_odd(VF r, VF rest) {
  const int32x4_t b = vreinterpretq_s32_f32(r.v), one = vdupq_n_s32(1);
  const float32x4_t zero = vdupq_n_f32(0);
  const uint32x4_t even = vceqq_s32(vandq_s32(b, one), vdupq_n_s32(0));
  const uint32x4_t left = vorrq_u32(vcgtq_f32(rest.v, zero), vcltq_f32(rest.v, zero));     // neither 0 nor NaN
  const int32x4_t opposed = vshrq_n_s32(veorq_s32(b, vreinterpretq_s32_f32(rest.v)), 31);  // -1 or 0
  const int32x4_t step = vandq_s32(vorrq_s32(opposed, one), vreinterpretq_s32_u32(vandq_u32(even, left)));
  return {vreinterpretq_f32_s32(vaddq_s32(b, step))};
}
inline MaskF operator&(MaskF a, MaskF b) { return {vandq_u32(a.m, b.m)}; }
inline MaskF operator|(MaskF a, MaskF b) { return {vorrq_u32(a.m, b.m)}; }
inline MaskF operator~(MaskF a) { return {vmvnq_u32(a.m)}; }
inline bool all(MaskF a) { return vminvq_u32(a.m) != 0; }
inline VF select(MaskF m, VF a, VF b) { return {vbslq_f32(m.m, a.v, b.v)}; }

struct VD {
  using Elem = double;
  static constexpr std::size_t W = 2;
  float64x2_t v;
  static VD set1(double a) { return {vdupq_n_f64(a)}; }
  static VD load(const double* p) { return {fetch<float64x2_t>(p)}; }
  static VD load(const float* p) { return {vcvt_f64_f32(fetch<float32x2_t>(p))}; }
  void stream(double* p) const { put(p, v); }
  void store(double* p) const { put(p, v); }
  void store(float* p) const { put(p, vcvt_f32_f64(v)); }
};

inline VD operator+(VD a, VD b) { return {vaddq_f64(a.v, b.v)}; }
inline VD operator-(VD a, VD b) { return {vsubq_f64(a.v, b.v)}; }
inline VD operator*(VD a, VD b) { return {vmulq_f64(a.v, b.v)}; }
inline VD operator/(VD a, VD b) { return {vdivq_f64(a.v, b.v)}; }
inline VD fma(VD a, VD b, VD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
inline VD fms(VD a, VD b, VD c) { return {vfmaq_f64(vnegq_f64(c.v), a.v, b.v)}; }
inline VD fnma(VD a, VD b, VD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
inline VD fnms(VD a, VD b, VD c) { return {vfmsq_f64(vnegq_f64(c.v), a.v, b.v)}; }
inline VD neg_abs(VD a) { return {vnegq_f64(vabsq_f64(a.v))}; }
inline VD negate(VD a) { return {vnegq_f64(a.v)}; }
inline VD either(VD a, VD b) {  // bitwise
  return {vreinterpretq_f64_u64(vorrq_u64(vreinterpretq_u64_f64(a.v), vreinterpretq_u64_f64(b.v)))};
}
inline VD max_or_second(VD a, VD b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
inline VD scale_from_bits(VD a) { return {vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(a.v), 52))}; }
inline MaskD sign_bit(VD a) { return {vreinterpretq_u64_s64(vshrq_n_s64(vreinterpretq_s64_f64(a.v), 63))}; }
inline MaskD ge(VD a, VD b) { return {vcgeq_f64(a.v, b.v)}; }
inline MaskD gt(VD a, VD b) { return {vcgtq_f64(a.v, b.v)}; }
inline MaskD operator&(MaskD a, MaskD b) { return {vandq_u64(a.m, b.m)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {vorrq_u64(a.m, b.m)}; }
inline MaskD operator~(MaskD a) { return {veorq_u64(a.m, vdupq_n_u64(~(std::uint64_t)0))}; }
inline MaskD ne(VD a, VD b) { return ~MaskD{vceqq_f64(a.v, b.v)}; }
inline MaskD ordered(VD a, VD b) { return {vandq_u64(vceqq_f64(a.v, a.v), vceqq_f64(b.v, b.v))}; }
inline MaskD finite(VD a) { return {vcaleq_f64(a.v, vdupq_n_f64(__DBL_MAX__))}; }
inline bool all(MaskD a) { return vminvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }
inline VD select(MaskD m, VD a, VD b) { return {vbslq_f64(m.m, a.v, b.v)}; }
inline double hsum(VD a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }
inline double hmax(VD a) {
  const double p = vgetq_lane_f64(a.v, 0), q = vgetq_lane_f64(a.v, 1);
  return p > q ? p : q;
}

// See simd_avx512.hpp.
struct VI {
  static constexpr std::size_t W = 4;
  uint32x4_t v;
  static VI set1(std::uint32_t a) { return {vdupq_n_u32(a)}; }
  static VI set_halves(std::uint32_t low, std::uint32_t high) {
    return {vreinterpretq_u32_u64(vdupq_n_u64((std::uint64_t)high << 32 | low))};
  }
  static VI load(const void* p) { return {fetch<uint32x4_t>(p)}; }
};
inline VI operator&(VI a, VI b) { return {vandq_u32(a.v, b.v)}; }
inline VI operator|(VI a, VI b) { return {vorrq_u32(a.v, b.v)}; }
inline VI operator-(VI a, VI b) { return {vsubq_u32(a.v, b.v)}; }
inline VI min_signed(VI a, VI b) {
  return {vreinterpretq_u32_s32(vminq_s32(vreinterpretq_s32_u32(a.v), vreinterpretq_s32_u32(b.v)))};
}
inline VI min_unsigned(VI a, VI b) { return {vminq_u32(a.v, b.v)}; }
inline VI max_unsigned(VI a, VI b) { return {vmaxq_u32(a.v, b.v)}; }
inline std::int32_t hmin_signed(VI a) { return vminvq_s32(vreinterpretq_s32_u32(a.v)); }
inline std::uint32_t hmin_unsigned(VI a) { return vminvq_u32(a.v); }
inline std::uint32_t hmax_unsigned(VI a) { return vmaxvq_u32(a.v); }

// The largest magnitude seen; a NaN is larger than all, and stays.
template <class V>
struct Bound;
template <>
struct Bound<VF> {
  uint32x4_t most = vdupq_n_u32(0);
  void see(VF a) { most = vmaxq_u32(most, vreinterpretq_u32_f32(vabsq_f32(a.v))); }
  bool within(float limit) const { return bit_cast<float>(vmaxvq_u32(most)) <= limit; }
};
template <>
struct Bound<VD> {
  uint64x2_t most = vdupq_n_u64(0);
  void see(VD a) {
    const uint64x2_t b = vreinterpretq_u64_f64(vabsq_f64(a.v));
    most = vbslq_u64(vcgtq_u64(b, most), b, most);
  }
  bool within(double limit) const {
    const std::uint64_t p = vgetq_lane_u64(most, 0), q = vgetq_lane_u64(most, 1);
    return bit_cast<double>(p > q ? p : q) <= limit;
  }
};

template <class V>  // as VF::stream
inline void stream_16(V v, char* p) {
  __builtin_memcpy(p, &v, sizeof(v));
}
inline void fence() {}

// All of FPCR, as 0: to nearest even, subnormal numbers kept in every format, NaN handed on, no traps, IEEE half
// precision, and none of the alternate behaviours of FEAT_AFP.
inline std::uint64_t enter_fp() {
  std::uint64_t saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"((std::uint64_t)0));
  return saved;
}
inline void leave_fp(std::uint64_t saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
