// "Vectors" of one element in portable C++: the baseline of every processor, and the first door of a new one.
// Without an FMA instruction the fused operation is emulated exactly, so that the bits stay the same.
#pragma once

#include "half.hpp"
#include "table.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kJoinsPasses = false;  // see Block::joins
inline constexpr bool kStreams = false;      // there are stores past the caches

struct MaskF {
  bool m;
};
using MaskD = MaskF;

inline float fused(float a, float b, float c) {
#if defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  // a*b is exact in double. Rounding its sum with c to odd keeps what a second rounding needs to know.
  const double product = (double)a * (double)b, addend = c, sum = product + addend;
  const double back = sum - product, error = (product - (sum - back)) + (addend - back);
  std::uint64_t bits = bit_cast<std::uint64_t>(sum);
  if (error != 0.0 && error == error && (bits & 1) == 0) bits += ((error > 0) == (sum > 0)) ? 1 : (std::uint64_t)-1;
  return (float)bit_cast<double>(bits);
#endif
}
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class E, class Bits, int mant>
struct Scalar {
  using Elem = E;
  static constexpr std::size_t W = 1;
  E v;
  static Scalar set1(E a) { return {a}; }
  template <class T>
  static Scalar load(const T* p) {
    return {(E)widen(*p)};
  }
  void stream(E* p) const { *p = v; }  // no such store in portable C++
  template <class T>
  void store(T* p) const {
    narrow((double)v, p);
  }
  friend Scalar operator+(Scalar a, Scalar b) { return {a.v + b.v}; }
  friend Scalar operator-(Scalar a, Scalar b) { return {a.v - b.v}; }
  friend Scalar operator*(Scalar a, Scalar b) { return {a.v * b.v}; }
  friend Scalar operator/(Scalar a, Scalar b) { return {a.v / b.v}; }
  friend Scalar fma(Scalar a, Scalar b, Scalar c) { return {fused(a.v, b.v, c.v)}; }
  friend Scalar fms(Scalar a, Scalar b, Scalar c) { return {fused(a.v, b.v, -c.v)}; }
  friend Scalar fnma(Scalar a, Scalar b, Scalar c) { return {fused(-a.v, b.v, c.v)}; }
  friend Scalar fnms(Scalar a, Scalar b, Scalar c) { return {fused(-a.v, b.v, -c.v)}; }
  friend Scalar neg_abs(Scalar a) { return {bit_cast<E>(bit_cast<Bits>(a.v) | ((Bits)1 << (sizeof(E) * 8 - 1)))}; }
  friend Scalar negate(Scalar a) { return {-a.v}; }
  friend Scalar either(Scalar a, Scalar b) { return {bit_cast<E>((Bits)(bit_cast<Bits>(a.v) | bit_cast<Bits>(b.v)))}; }
  friend Scalar max_or_second(Scalar a, Scalar b) { return {a.v > b.v ? a.v : b.v}; }
  friend Scalar scale_from_bits(Scalar a) { return {bit_cast<E>((Bits)(bit_cast<Bits>(a.v) << mant))}; }
  // kShare*2^(n/4) from the sum of n and the magic number; see kPowers.
  friend Scalar table_scale(Scalar a, const std::uint32_t (&table)[4]) {
    const auto b = (std::uint32_t)bit_cast<Bits>(a.v);
    return {bit_cast<E>((Bits)(table[b & 3] + (b << 21)))};
  }
  friend MaskF sign_bit(Scalar a) { return {(bit_cast<Bits>(a.v) >> (sizeof(E) * 8 - 1)) != 0}; }
  friend MaskF ge(Scalar a, Scalar b) { return {a.v >= b.v}; }
  friend MaskF gt(Scalar a, Scalar b) { return {a.v > b.v}; }
  friend MaskF ne(Scalar a, Scalar b) { return {a.v != b.v}; }
  friend MaskF ordered(Scalar a, Scalar b) { return {a.v == a.v && b.v == b.v}; }
  friend MaskF finite(Scalar a) { return {a.v - a.v == 0}; }
  friend MaskF near_tie(Scalar r, float ulps, const f16*) {  // see simd_avx512.hpp
    f16 p, q;
    narrow((double)fma(r, Scalar{(E)(ulps * 0x1p-23f)}, r).v, &p);
    narrow((double)fnma(r, Scalar{(E)(ulps * 0x1p-23f)}, r).v, &q);
    return {p.bits != q.bits};
  }
  friend MaskF near_tie(Scalar r, float ulps, const bf16*) {
    const auto m = (std::uint32_t)ulps;
    const std::uint32_t low = (std::uint32_t)bit_cast<Bits>(r.v) << 16;
    return {low - ((0x8000u - m) << 16) <= (2 * m) << 16};
  }
  friend Scalar to_odd(Scalar r, Scalar rest) {  // see simd_avx512.hpp
    const Bits b = bit_cast<Bits>(r.v);
    if (!(rest.v < 0 || rest.v > 0) || (b & 1) != 0) return r;
    return {bit_cast<E>(((rest.v > 0) == (r.v > 0)) ? b + 1 : b - 1)};
  }
  friend Scalar select(MaskF m, Scalar a, Scalar b) { return m.m ? a : b; }
  friend E hsum(Scalar a) { return a.v; }
  friend E hmax(Scalar a) { return a.v; }
};
inline MaskF operator&(MaskF a, MaskF b) { return {a.m && b.m}; }
inline MaskF operator|(MaskF a, MaskF b) { return {a.m || b.m}; }
inline MaskF operator~(MaskF a) { return {!a.m}; }
inline bool all(MaskF a) { return a.m; }

using VF = Scalar<float, std::uint32_t, 23>;
using VD = Scalar<double, std::uint64_t, 52>;

// See simd_avx512.hpp.
template <class V>
struct Bound {
  bool fine = true;
  typename V::Elem most = 0;
  void see(V a) {
    const auto size = negate(neg_abs(a)).v;
    fine = fine && size == size;
    most = size > most ? size : most;
  }
  bool within(typename V::Elem limit) const { return fine && most <= limit; }
};

// See simd_avx512.hpp.
struct VI {
  static constexpr std::size_t W = 2;
  std::uint32_t low, high;
  static VI set1(std::uint32_t a) { return {a, a}; }
  static VI set_halves(std::uint32_t low, std::uint32_t high) { return {low, high}; }
  static VI load(const void* p) {  // the upper half of a double is `high` also where it lies first
    std::uint64_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return {(std::uint32_t)bits, (std::uint32_t)(bits >> 32)};
  }
};
inline std::int32_t lesser(std::uint32_t a, std::uint32_t b) {
  return (std::int32_t)a < (std::int32_t)b ? (std::int32_t)a : (std::int32_t)b;
}
inline VI operator&(VI a, VI b) { return {a.low & b.low, a.high & b.high}; }
inline VI operator|(VI a, VI b) { return {a.low | b.low, a.high | b.high}; }
inline VI operator-(VI a, VI b) { return {a.low - b.low, a.high - b.high}; }
inline VI min_signed(VI a, VI b) {
  return {(std::uint32_t)lesser(a.low, b.low), (std::uint32_t)lesser(a.high, b.high)};
}
inline VI min_unsigned(VI a, VI b) { return {a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high}; }
inline VI max_unsigned(VI a, VI b) { return {a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high}; }
inline std::int32_t hmin_signed(VI a) { return lesser(a.low, a.high); }
inline std::uint32_t hmin_unsigned(VI a) { return a.low < a.high ? a.low : a.high; }
inline std::uint32_t hmax_unsigned(VI a) { return a.low > a.high ? a.low : a.high; }

template <class V>  // as VF::stream
inline void stream_16(V v, char* p) {
  __builtin_memcpy(p, &v, sizeof(v));
}
inline void fence() {}
#if defined(__x86_64__)
inline std::uint64_t enter_fp() {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(0x1f80);
  return saved;
}
inline void leave_fp(std::uint64_t saved) { _mm_setcsr((unsigned)saved); }
#elif defined(__aarch64__)
inline std::uint64_t enter_fp() {
  std::uint64_t saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"((std::uint64_t)0));
  return saved;
}
inline void leave_fp(std::uint64_t saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }
#else
inline std::uint64_t enter_fp() { return 0; }
inline void leave_fp(std::uint64_t) {}
#endif

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
