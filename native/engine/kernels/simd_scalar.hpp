// "Vectors" of one element in portable C++: the baseline of every processor, and what a new one begins with.
// Without an FMA instruction the fused operation is emulated exactly, so that the bits stay the same.
#pragma once

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr bool kManyRegisters = false;  // see Traits::fuses_last_passes
inline constexpr bool kStreams = false;        // no stores past the caches

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

template <class E>
struct Scalar {
  using Elem = E;
  using Int = typename Integer<sizeof(E)>::Unsigned;
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
  friend Scalar fma(Scalar a, Scalar b, Scalar c) { return {fused(a.v, b.v, c.v)}; }
  friend Scalar fms(Scalar a, Scalar b, Scalar c) { return {fused(a.v, b.v, -c.v)}; }
  friend Scalar fnma(Scalar a, Scalar b, Scalar c) { return {fused(-a.v, b.v, c.v)}; }
  friend Scalar fnms(Scalar a, Scalar b, Scalar c) { return {fused(-a.v, b.v, -c.v)}; }
  friend Scalar neg_abs(Scalar a) { return {bit_cast<E>(bit_cast<Int>(a.v) | ((Int)1 << (sizeof(E) * 8 - 1)))}; }
  friend Scalar negate(Scalar a) { return {-a.v}; }
  friend Scalar either(Scalar a, Scalar b) { return {bit_cast<E>((Int)(bit_cast<Int>(a.v) | bit_cast<Int>(b.v)))}; }
  friend Scalar max_or_second(Scalar a, Scalar b) { return {a.v > b.v ? a.v : b.v}; }
  // kShare*2^(n/4) from the sum of n and the magic number; see kPowers.
  friend Scalar table_scale(Scalar a, const std::uint32_t (&table)[4]) {
    const auto b = (std::uint32_t)bit_cast<Int>(a.v);
    return {bit_cast<E>((Int)(table[b & 3] + (b << 21)))};
  }
  friend MaskF sign_bit(Scalar a) { return {(bit_cast<Int>(a.v) >> (sizeof(E) * 8 - 1)) != 0}; }
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
    const std::uint32_t low = (std::uint32_t)bit_cast<Int>(r.v) << 16;
    return {low - ((0x8000u - m) << 16) <= (2 * m) << 16};
  }
  friend Scalar select(MaskF m, Scalar a, Scalar b) { return m.m ? a : b; }
  friend E hsum(Scalar a) { return a.v; }
  friend E hmax(Scalar a) { return a.v; }
};
inline MaskF operator&(MaskF a, MaskF b) { return {a.m && b.m}; }
inline MaskF operator|(MaskF a, MaskF b) { return {a.m || b.m}; }
inline MaskF operator~(MaskF a) { return {!a.m}; }
inline bool all(MaskF a) { return a.m; }

using VF = Scalar<float>;
using VD = Scalar<double>;
using VI = Integers<8>;

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
