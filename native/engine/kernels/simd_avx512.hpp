// Vectors of 16 floats and 8 doubles over AVX-512 (F, BW, DQ, VL). Same names and meaning in every simd_*.hpp.
#pragma once

#include <immintrin.h>

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kManyRegisters = true;  // see Traits::fuses_last_passes
inline constexpr bool kStreams = true;        // there are stores past the caches

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
  void store(bf16* p) const {
    const __m512i r = _mm512_srli_epi32((__m512i)rounded_to_bf16(*this), 16);
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(r));
  }
};

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

inline VD fma(VD a, VD b, VD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline VD fms(VD a, VD b, VD c) { return {_mm512_fmsub_pd(a.v, b.v, c.v)}; }
inline VD fnma(VD a, VD b, VD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
inline VD fnms(VD a, VD b, VD c) { return {_mm512_fnmsub_pd(a.v, b.v, c.v)}; }
inline VD neg_abs(VD a) { return {_mm512_or_pd(a.v, _mm512_set1_pd(-0.0))}; }
inline VD negate(VD a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
inline VD either(VD a, VD b) { return {_mm512_or_pd(a.v, b.v)}; }  // bitwise
inline VD max_or_second(VD a, VD b) { return {_mm512_max_pd(a.v, b.v)}; }
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

using VI = Integers<sizeof(VF)>;

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
