// Vectors of 8 floats and 4 doubles over AVX2, FMA and F16C. Same names and meaning in every simd_*.hpp.
#pragma once

#include <immintrin.h>

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kManyRegisters = false;  // see Traits::fuses_last_passes
inline constexpr bool kStreams = true;         // there are stores past the caches

struct MaskF {
  __m256 m;
};
struct MaskD {
  __m256d m;
};

struct VF {
  using Elem = float;
  static constexpr std::size_t W = 8;
  __m256 v;
  static VF set1(float a) { return {_mm256_set1_ps(a)}; }
  static VF load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static VF load(const f16* p) { return {_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p))}; }
  static VF load(const bf16* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p)), 16))};
  }
  void stream(float* p) const { _mm256_stream_ps(p, v); }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store(f16* p) const {
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  void store(bf16* p) const {
    const __m256i r = _mm256_srli_epi32((__m256i)rounded_to_bf16(*this), 16);
    _mm_storeu_si128((__m128i*)p, _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)));
  }
};

inline VF fma(VF a, VF b, VF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline VF fms(VF a, VF b, VF c) { return {_mm256_fmsub_ps(a.v, b.v, c.v)}; }
inline VF fnma(VF a, VF b, VF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
inline VF fnms(VF a, VF b, VF c) { return {_mm256_fnmsub_ps(a.v, b.v, c.v)}; }
inline VF neg_abs(VF a) { return {_mm256_or_ps(a.v, _mm256_set1_ps(-0.0f))}; }
inline VF negate(VF a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
inline VF either(VF a, VF b) { return {_mm256_or_ps(a.v, b.v)}; }  // bitwise
inline VF max_or_second(VF a, VF b) { return {_mm256_max_ps(a.v, b.v)}; }
// kShare*2^(n/4) from the sum of n and the magic number; see kPowers.
inline VF table_scale(VF a, const std::uint32_t (&table)[4]) {
  const __m256 entry =
      _mm256_permutevar_ps(_mm256_broadcast_ps((const __m128*)table), _mm256_castps_si256(a.v));  // by the low two bits
  return {_mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_castps_si256(entry), _mm256_slli_epi32(_mm256_castps_si256(a.v), 21)))};
}
inline MaskF sign_bit(VF a) { return {_mm256_castsi256_ps(_mm256_srai_epi32(_mm256_castps_si256(a.v), 31))}; }
inline MaskF ge(VF a, VF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
inline MaskF gt(VF a, VF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
inline MaskF ne(VF a, VF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)}; }
inline MaskF ordered(VF a, VF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_ORD_Q)}; }
inline MaskF operator~(MaskF a);
inline MaskF finite(VF a) { return {_mm256_cmp_ps(neg_abs(a).v, _mm256_set1_ps(-__FLT_MAX__), _CMP_GE_OQ)}; }
// See simd_avx512.hpp.
inline MaskF near_tie(VF r, float ulps, const f16*) {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  const VF margin = VF::set1(ulps * 0x1p-23f);
  const __m128i same =
      _mm_cmpeq_epi16(_mm256_cvtps_ph(fma(r, margin, r).v, nearest), _mm256_cvtps_ph(fnma(r, margin, r).v, nearest));
  return ~MaskF{_mm256_castsi256_ps(_mm256_cvtepi16_epi32(same))};
}
inline MaskF near_tie(VF r, float ulps, const bf16*) {
  const int m = (int)ulps;
  const __m256i low = _mm256_slli_epi32(_mm256_castps_si256(r.v), 16);
  const __m256i past = _mm256_sub_epi32(low, _mm256_set1_epi32((0x8000 - m) << 16)),
                most = _mm256_set1_epi32(2 * m << 16);
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_min_epu32(past, most), past))};
}
inline MaskF operator&(MaskF a, MaskF b) { return {_mm256_and_ps(a.m, b.m)}; }
inline MaskF operator|(MaskF a, MaskF b) { return {_mm256_or_ps(a.m, b.m)}; }
inline MaskF operator~(MaskF a) { return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
inline bool all(MaskF a) { return _mm256_movemask_ps(a.m) == 0xff; }
inline VF select(MaskF m, VF a, VF b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }

struct VD {
  using Elem = double;
  static constexpr std::size_t W = 4;
  __m256d v;
  static VD set1(double a) { return {_mm256_set1_pd(a)}; }
  static VD load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static VD load(const float* p) { return {_mm256_cvtps_pd(_mm_loadu_ps(p))}; }
  void stream(double* p) const { _mm256_stream_pd(p, v); }
  void store(double* p) const { _mm256_storeu_pd(p, v); }
  void store(float* p) const { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
};

inline VD fma(VD a, VD b, VD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
inline VD fms(VD a, VD b, VD c) { return {_mm256_fmsub_pd(a.v, b.v, c.v)}; }
inline VD fnma(VD a, VD b, VD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
inline VD fnms(VD a, VD b, VD c) { return {_mm256_fnmsub_pd(a.v, b.v, c.v)}; }
inline VD neg_abs(VD a) { return {_mm256_or_pd(a.v, _mm256_set1_pd(-0.0))}; }
inline VD negate(VD a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
inline VD either(VD a, VD b) { return {_mm256_or_pd(a.v, b.v)}; }  // bitwise
inline VD max_or_second(VD a, VD b) { return {_mm256_max_pd(a.v, b.v)}; }
inline MaskD sign_bit(VD a) { return {a.v}; }  // blendv and movemask look at the sign bit alone
inline MaskD ge(VD a, VD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)}; }
inline MaskD gt(VD a, VD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)}; }
inline MaskD ne(VD a, VD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ)}; }
inline MaskD ordered(VD a, VD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_ORD_Q)}; }
inline MaskD finite(VD a) { return {_mm256_cmp_pd(neg_abs(a).v, _mm256_set1_pd(-__DBL_MAX__), _CMP_GE_OQ)}; }
inline MaskD operator&(MaskD a, MaskD b) { return {_mm256_and_pd(a.m, b.m)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {_mm256_or_pd(a.m, b.m)}; }
inline MaskD operator~(MaskD a) { return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))}; }
inline bool all(MaskD a) { return _mm256_movemask_pd(a.m) == 0xf; }
inline VD select(MaskD m, VD a, VD b) { return {_mm256_blendv_pd(b.v, a.v, m.m)}; }
inline double hsum(VD a) {
  const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
inline double hmax(VD a) {
  const __m128d s = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_max_sd(s, _mm_unpackhi_pd(s, s)));
}

// There is no maximum of integers of 64 bits; the smallest -|a| and a NaN's trace take fewer operations than a choice.
template <>
struct LargestMagnitude<VD> {
  VD least = VD::set1(0), odd = VD::set1(0);
  void see(VD a) {
    least = {_mm256_min_pd(least.v, neg_abs(a).v)};
    odd = {_mm256_or_pd(odd.v, _mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q))};
  }
  bool within(double limit) const { return all(ge(least, VD::set1(-limit)) & ~MaskD{odd.v}); }
};

using VI = Integers<sizeof(VF)>;

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
