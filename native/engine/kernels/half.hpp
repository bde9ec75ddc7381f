// Scalar conversions between the 16-bit formats and float or double, to nearest even; used where no instruction does.
#pragma once

#include "table.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}

inline float widen(f16 h) {
  const std::uint32_t sign = (std::uint32_t)(h.bits & 0x8000u) << 16, e = (h.bits >> 10) & 31u, m = h.bits & 0x3ffu;
  if (e == 0) {  // zero or subnormal: m * 2^-24 is exact in a float
    const float magnitude = (float)m * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  if (e == 31) return bit_cast<float>(sign | 0x7f800000u | (m << 13) | (m ? 0x400000u : 0u));
  return bit_cast<float>(sign | ((e + 112u) << 23) | (m << 13));
}
inline float widen(bf16 h) { return bit_cast<float>((std::uint32_t)h.bits << 16); }
inline float widen(float f) { return f; }
inline double widen(double d) { return d; }

// Round a finite or infinite double to a format with `mant` explicit bits and least normal exponent `emin`
// (as bits of a 16-bit format with bias 1-emin), once, to nearest even.
template <int mant, int emin>
inline std::uint16_t narrow16(double d) {
  constexpr int bias = 1 - emin;
  const std::uint64_t b = bit_cast<std::uint64_t>(d);
  const std::uint16_t sign = (std::uint16_t)((b >> 48) & 0x8000u);
  const std::uint64_t a = b & 0x7fffffffffffffffull;
  constexpr std::uint16_t inf = (std::uint16_t)((2 * bias + 1) << mant);
  if (a > 0x7ff0000000000000ull) return (std::uint16_t)(inf | (1u << (mant - 1)));  // one NaN for all
  const int e = (int)(a >> 52) - 1023;
  if (e > bias) return (std::uint16_t)(sign | inf);
  if (e < emin - mant - 1) return sign;
  const std::uint64_t m = (a & 0xfffffffffffffull) | 0x10000000000000ull;  // 53 bits
  const int drop = 52 - mant + (e < emin ? emin - e : 0);                  // bits below the target's last
  const std::uint64_t half = 1ull << (drop - 1), rest = m & ((1ull << drop) - 1);
  std::uint64_t q = m >> drop;
  q += rest > half || (rest == half && (q & 1));
  // q carries into the exponent by itself: q has its leading bit at `mant` for normal numbers.
  const std::uint64_t field = e < emin ? 0 : (std::uint64_t)(e + bias - 1) << mant;
  return (std::uint16_t)(sign | (field + q));
}
inline void narrow(double d, f16* p) { p->bits = narrow16<10, -14>(d); }
inline void narrow(double d, bf16* p) { p->bits = narrow16<7, -126>(d); }
inline void narrow(double d, float* p) { *p = d != d ? bit_cast<float>(0x7fc00000u) : (float)d; }
inline void narrow(double d, double* p) { *p = d != d ? bit_cast<double>((std::uint64_t)0x7ff8000000000000ull) : d; }

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
