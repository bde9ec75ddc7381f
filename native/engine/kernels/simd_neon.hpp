// Vectors of 4 floats and 2 doubles over AArch64's Advanced SIMD. Same names and meaning in every simd_*.hpp.
#pragma once

#include <arm_neon.h>

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kManyRegisters = false;  // see Traits::fuses_last_passes; not measured
inline constexpr bool kStreams = false;        // no stores past the caches

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
  void store(bf16* p) const { put(p, vshrn_n_u32((uint32x4_t)rounded_to_bf16(*this), 16)); }
};

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

using VI = Integers<sizeof(VF)>;

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
