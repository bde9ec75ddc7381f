// Vectors of 16 floats and 8 doubles over AVX-512 (F, BW, DQ, VL). Same names and meaning in every simd_*.hpp.
#pragma once

#include <immintrin.h>

#include "table.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kJoinsPasses = true;  // see Block::joins
inline constexpr bool kStreams = true;      // there are stores past the caches

struct MaskF {
  __mmask16 m;
};
struct MaskD {
  __mmask8 m;
};

struct VF {
  using Elem = float;
  static constexpr std::size_t W = 16;
  __m512 v;
  static VF set1(float a) { return {_mm512_set1_ps(a)}; }
  static VF load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static VF load(const f16* p) { return {_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p))}; }
  static VF load(const bf16* p) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16))};
  }
  void stream(float* p) const { _mm512_stream_ps(p, v); }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(f16* p) const {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  void store(bf16* p) const {  // NaN is the canonical one here, and stays one
    const __m512i b = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(b, 16), _mm512_set1_epi32(1));
    const __m512i r = _mm512_add_epi32(b, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
  }
};

inline VF operator+(VF a, VF b) { return {_mm512_add_ps(a.v, b.v)}; }
inline VF operator-(VF a, VF b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline VF operator*(VF a, VF b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline VF operator/(VF a, VF b) { return {_mm512_div_ps(a.v, b.v)}; }
inline VF fma(VF a, VF b, VF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline VF fms(VF a, VF b, VF c) { return {_mm512_fmsub_ps(a.v, b.v, c.v)}; }
inline VF fnma(VF a, VF b, VF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
inline VF fnms(VF a, VF b, VF c) { return {_mm512_fnmsub_ps(a.v, b.v, c.v)}; }
inline VF neg_abs(VF a) { return {_mm512_or_ps(a.v, _mm512_set1_ps(-0.0f))}; }
inline VF negate(VF a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
inline VF either(VF a, VF b) { return {_mm512_or_ps(a.v, b.v)}; }          // bitwise
inline VF max_or_second(VF a, VF b) { return {_mm512_max_ps(a.v, b.v)}; }  // b where either is NaN
// kShare*2^(n/4) from the sum of n and the magic number; see kPowers.
inline VF table_scale(VF a, const std::uint32_t (&table)[4]) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512 four = _mm512_broadcast_f32x4(_mm_loadu_ps((const float*)table));
  const __m512i entry = _mm512_castps_si512(_mm512_permutevar_ps(four, bits));  // by the low two bits
  return {_mm512_castsi512_ps(_mm512_add_epi32(entry, _mm512_slli_epi32(bits, 21)))};
}
inline MaskF sign_bit(VF a) { return {_mm512_movepi32_mask(_mm512_castps_si512(a.v))}; }
inline MaskF ge(VF a, VF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
inline MaskF gt(VF a, VF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
inline MaskF ne(VF a, VF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
inline MaskF ordered(VF a, VF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_ORD_Q)}; }
inline MaskF finite(VF a) { return {(__mmask16)~_mm512_fpclass_ps_mask(a.v, 0x99)}; }
// Where r may be within `ulps` (of float) of a tie of a 16-bit format, so that an error of that size would decide.
inline MaskF near_tie(VF r, float ulps, const f16*) {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  const VF margin = VF::set1(ulps * 0x1p-23f);
  return {_mm256_cmpneq_epi16_mask(_mm512_cvtps_ph(fma(r, margin, r).v, nearest),
                                   _mm512_cvtps_ph(fnma(r, margin, r).v, nearest))};
}
inline MaskF near_tie(VF r, float ulps, const bf16*) {  // the 16 bits to drop are 0x8000 +- ulps
  const __m512i low = _mm512_slli_epi32(_mm512_castps_si512(r.v), 16);
  const int m = (int)ulps;
  return {_mm512_cmple_epu32_mask(_mm512_sub_epi32(low, _mm512_set1_epi32((0x8000 - m) << 16)),
                                  _mm512_set1_epi32(2 * m << 16))};
}
// `r` as if it had been rounded to odd, given what its rounding to nearest left.
inline VF to_odd(VF r, VF rest) {
  const __m512i b = _mm512_castps_si512(r.v), one = _mm512_set1_epi32(1);
  const __mmask16 inexact =
      _mm512_cmp_ps_mask(rest.v, _mm512_setzero_ps(), _CMP_NEQ_OQ) & _mm512_testn_epi32_mask(b, one);
  const __mmask16 away = ~_mm512_movepi32_mask(_mm512_xor_si512(b, _mm512_castps_si512(rest.v)));
  const __m512i step = _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), away, one);
  return {_mm512_castsi512_ps(_mm512_mask_add_epi32(b, inexact, b, step))};
}
inline MaskF operator&(MaskF a, MaskF b) { return {(__mmask16)(a.m & b.m)}; }
inline MaskF operator|(MaskF a, MaskF b) { return {(__mmask16)(a.m | b.m)}; }
inline MaskF operator~(MaskF a) { return {(__mmask16)~a.m}; }
inline bool all(MaskF a) { return a.m == 0xffff; }
inline VF select(MaskF m, VF a, VF b) { return {_mm512_mask_mov_ps(b.v, m.m, a.v)}; }

struct VD {
  using Elem = double;
  static constexpr std::size_t W = 8;
  __m512d v;
  static VD set1(double a) { return {_mm512_set1_pd(a)}; }
  static VD load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static VD load(const float* p) { return {_mm512_cvtps_pd(_mm256_loadu_ps(p))}; }
  void stream(double* p) const { _mm512_stream_pd(p, v); }
  void store(double* p) const { _mm512_storeu_pd(p, v); }
  void store(float* p) const { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
};

inline VD operator+(VD a, VD b) { return {_mm512_add_pd(a.v, b.v)}; }
inline VD operator-(VD a, VD b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline VD operator*(VD a, VD b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline VD operator/(VD a, VD b) { return {_mm512_div_pd(a.v, b.v)}; }
inline VD fma(VD a, VD b, VD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline VD fms(VD a, VD b, VD c) { return {_mm512_fmsub_pd(a.v, b.v, c.v)}; }
inline VD fnma(VD a, VD b, VD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
inline VD fnms(VD a, VD b, VD c) { return {_mm512_fnmsub_pd(a.v, b.v, c.v)}; }
inline VD neg_abs(VD a) { return {_mm512_or_pd(a.v, _mm512_set1_pd(-0.0))}; }
inline VD negate(VD a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
inline VD either(VD a, VD b) { return {_mm512_or_pd(a.v, b.v)}; }  // bitwise
inline VD max_or_second(VD a, VD b) { return {_mm512_max_pd(a.v, b.v)}; }
inline VD scale_from_bits(VD a) { return {_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(a.v), 52))}; }
inline MaskD sign_bit(VD a) { return {_mm512_movepi64_mask(_mm512_castpd_si512(a.v))}; }
inline MaskD ge(VD a, VD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)}; }
inline MaskD gt(VD a, VD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)}; }
inline MaskD ne(VD a, VD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
inline MaskD ordered(VD a, VD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_ORD_Q)}; }
inline MaskD finite(VD a) { return {(__mmask8)~_mm512_fpclass_pd_mask(a.v, 0x99)}; }
inline MaskD operator&(MaskD a, MaskD b) { return {(__mmask8)(a.m & b.m)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {(__mmask8)(a.m | b.m)}; }
inline MaskD operator~(MaskD a) { return {(__mmask8)~a.m}; }
inline bool all(MaskD a) { return a.m == 0xff; }
inline VD select(MaskD m, VD a, VD b) { return {_mm512_mask_mov_pd(b.v, m.m, a.v)}; }
inline double hsum(VD a) { return _mm512_reduce_add_pd(a.v); }
inline double hmax(VD a) { return _mm512_reduce_max_pd(a.v); }

// The largest magnitude seen; a NaN is larger than all.
template <class V>
struct Bound;
template <>
struct Bound<VF> {
  __m512i most = _mm512_set1_epi32((int)0x80000000);
  void see(VF a) { most = _mm512_max_epu32(most, _mm512_castps_si512(neg_abs(a).v)); }
  bool within(float limit) const { return all(ge({_mm512_castsi512_ps(most)}, VF::set1(-limit))); }
};
template <>
struct Bound<VD> {
  __m512i most = _mm512_set1_epi64((long long)0x8000000000000000ull);
  void see(VD a) { most = _mm512_max_epu64(most, _mm512_castpd_si512(neg_abs(a).v)); }
  bool within(double limit) const { return all(ge({_mm512_castsi512_pd(most)}, VD::set1(-limit))); }
};

// Integers of 32 bits, for the bits of floats and the halves of doubles.
struct VI {
  static constexpr std::size_t W = 16;
  __m512i v;
  static VI set1(std::uint32_t a) { return {_mm512_set1_epi32((int)a)}; }
  static VI set_halves(std::uint32_t low, std::uint32_t high) {  // of each 64 bits, as they lie in memory
    return {_mm512_set1_epi64((long long)((std::uint64_t)high << 32 | low))};
  }
  static VI load(const void* p) { return {_mm512_loadu_si512(p)}; }
};
inline VI operator&(VI a, VI b) { return {_mm512_and_si512(a.v, b.v)}; }
inline VI operator|(VI a, VI b) { return {_mm512_or_si512(a.v, b.v)}; }
inline VI operator-(VI a, VI b) { return {_mm512_sub_epi32(a.v, b.v)}; }
inline VI min_signed(VI a, VI b) { return {_mm512_min_epi32(a.v, b.v)}; }
inline VI min_unsigned(VI a, VI b) { return {_mm512_min_epu32(a.v, b.v)}; }
inline VI max_unsigned(VI a, VI b) { return {_mm512_max_epu32(a.v, b.v)}; }
inline std::int32_t hmin_signed(VI a) { return _mm512_reduce_min_epi32(a.v); }
inline std::uint32_t hmin_unsigned(VI a) { return _mm512_reduce_min_epu32(a.v); }
inline std::uint32_t hmax_unsigned(VI a) { return _mm512_reduce_max_epu32(a.v); }

// A vector of 16 bytes, past the caches.
template <class V>
inline void stream_16(V v, char* p) {
  _mm_stream_si128((__m128i*)p, (__m128i)v);
}
inline void fence() { _mm_sfence(); }
inline std::uint64_t enter_fp() {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(0x1f80);
  return saved;
}
inline void leave_fp(std::uint64_t saved) { _mm_setcsr((unsigned)saved); }

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
