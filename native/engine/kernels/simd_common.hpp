// What vectors of every ISA have in common: arithmetic in the compilers' own notation, which makes the instructions of
// the ISA, and operations on the bits of lanes. Included at the top of each simd_*.hpp, which adds the types VF and VD
// (floats, doubles), their masks MaskF and MaskD, VI, and all that needs intrinsics. Whatever is not explained here is
// explained in simd_avx512.hpp.
//
// Every operation is the IEEE 754 one in each lane, so NaN, infinities, zeros and subnormal numbers are as there. Those
// on bits (neg_abs, negate, either, LargestMagnitude, to_odd) take all of them as bit patterns.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "half.hpp"
#include "table.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V>
concept Vector = requires {  // VF and VD: a member v of W lanes of type Elem
  typename V::Elem;
  V::W;
};

// W integers in the notation of compilers; a single one is a plain number.
template <class Int, std::size_t W>
struct Lanes {
  typedef Int type __attribute__((vector_size(W * sizeof(Int))));
};
template <class Int>
struct Lanes<Int, 1> {
  using type = Int;
};
template <std::size_t bytes>
struct Integer;
template <>
struct Integer<4> {
  using Unsigned = std::uint32_t;
  using Signed = std::int32_t;
};
template <>
struct Integer<8> {
  using Unsigned = std::uint64_t;
  using Signed = std::int64_t;
};
template <Vector V>
using Word = typename Integer<sizeof(typename V::Elem)>::Unsigned;  // as many bits as a lane has
template <Vector V>
using Bits = typename Lanes<Word<V>, V::W>::type;
template <Vector V>
using SignedBits = typename Lanes<typename Integer<sizeof(Word<V>)>::Signed, V::W>::type;
template <Vector V>
inline constexpr int kSignBit = 8 * sizeof(Word<V>) - 1;

template <Vector V>
inline Bits<V> bits(V a) {
  return __builtin_bit_cast(Bits<V>, a.v);
}
template <Vector V>
inline V from_bits(Bits<V> b) {
  return {__builtin_bit_cast(decltype(V::v), b)};
}

template <Vector V>
inline V operator+(V a, V b) {
  return {a.v + b.v};
}
template <Vector V>
inline V operator-(V a, V b) {
  return {a.v - b.v};
}
template <Vector V>
inline V operator*(V a, V b) {
  return {a.v * b.v};
}
template <Vector V>
inline V operator/(V a, V b) {
  return {a.v / b.v};
}
// 2^n from the sum of n and kMagic64, whose low bits are n + 1023.
template <Vector V>
inline V scale_from_bits(V a) {
  return from_bits<V>(bits(a) << 52);
}

// `r` as if it had been rounded to odd, given what its rounding to nearest left: exact, for r other than 0. A rest that
// is 0 or NaN leaves r as it is. Measured by check_simd.cpp, bit by bit.
template <Vector V>
inline V to_odd(V r, V rest) {
  const auto b = bits(r);
  const auto is_odd = sign_bit(from_bits<V>(b << kSignBit<V>)), towards_0 = sign_bit(from_bits<V>(b ^ bits(rest)));
  const auto is_inexact = ne(rest, V::set1(0)) & ordered(rest, rest);
  const V neighbour = select(towards_0, from_bits<V>(b - (Word<V>)1), from_bits<V>(b + (Word<V>)1));
  return select(is_inexact & ~is_odd, neighbour, r);
}

// The upper 16 bits of each lane: a float rounded to bfloat16, to nearest even. NaN is the canonical one here, and
// stays one.
template <Vector V>
inline Bits<V> rounded_to_bf16(V a) {
  const Bits<V> b = bits(a);
  return b + ((b >> 16 & 1u) + 0x7fffu);
}

// The largest magnitude seen; a NaN is larger than all, and stays.
template <Vector V>
struct LargestMagnitude {
  // Of -|a|, which is needed for other things, as integers with a sign: more ISAs compare these.
  SignedBits<V> most = signed_bits(V::set1(typename V::Elem(-0.0)));
  static SignedBits<V> signed_bits(V a) { return __builtin_bit_cast(SignedBits<V>, a.v); }
  void see(V a) {
    const auto b = signed_bits(neg_abs(a));
    most = b > most ? b : most;
  }
  bool within(typename V::Elem limit) const {
    return all(ge(V{__builtin_bit_cast(decltype(V::v), most)}, V::set1(-limit)));
  }
};

// 0, 1, ... n - 1 as template arguments.
template <std::size_t... I>
struct Numbers {};
template <std::size_t n, std::size_t... I>
struct Count : Count<n - 1, n - 1, I...> {};
template <std::size_t... I>
struct Count<0, I...> {
  using Result = Numbers<I...>;
};

// VI: integers of 32 bits, for the bits of floats and the halves of doubles.
template <std::size_t bytes>
struct Integers {
  static constexpr std::size_t W = bytes / sizeof(std::uint32_t);
  using Unsigned = typename Lanes<std::uint32_t, W>::type;
  using Signed = typename Lanes<std::int32_t, W>::type;
  Unsigned v;
  static Integers set1(std::uint32_t a) { return {Unsigned{} + a}; }
  static Integers set_halves(std::uint32_t low, std::uint32_t high) {  // of each 64 bits, as they lie in memory
    typename Lanes<std::uint64_t, W / 2>::type both{};
    return {__builtin_bit_cast(Unsigned, both + ((std::uint64_t)high << 32 | low))};
  }
  static Integers load(const void* p) {
    Integers r;
    __builtin_memcpy(&r.v, p, bytes);
    return r;
  }
  friend Integers operator&(Integers a, Integers b) { return {a.v & b.v}; }
  friend Integers operator|(Integers a, Integers b) { return {a.v | b.v}; }
  friend Integers operator-(Integers a, Integers b) { return {a.v - b.v}; }
  friend Integers min_unsigned(Integers a, Integers b) { return {a.v < b.v ? a.v : b.v}; }
  friend Integers max_unsigned(Integers a, Integers b) { return {a.v > b.v ? a.v : b.v}; }
  friend Integers min_signed(Integers a, Integers b) {  // in numbers with a sign throughout, or GCC sees no minimum
    const Signed c = (Signed)a.v, d = (Signed)b.v;
    return {(Unsigned)(c < d ? c : d)};
  }
};
template <std::size_t first, class V, std::size_t... I>
inline auto some_lanes(V v, Numbers<I...>) {
  return __builtin_shufflevector(v, v, (first + I)...);
}
// One number of all, which two of them make.
template <std::size_t bytes, class F>
inline std::uint32_t reduce(Integers<bytes> a, F f) {
  if constexpr (bytes == 8) {
    return f(a, Integers<8>{some_lanes<1>(a.v, Numbers<0, 0>())}).v[0];
  } else {
    using Half = typename Count<Integers<bytes>::W / 2>::Result;
    return reduce(f(Integers<bytes / 2>{some_lanes<0>(a.v, Half())},
                    Integers<bytes / 2>{some_lanes<Integers<bytes>::W / 2>(a.v, Half())}),
                  f);
  }
}
template <std::size_t bytes>
inline std::int32_t hmin_signed(Integers<bytes> a) {
  return (std::int32_t)reduce(a, [](auto b, auto c) { return min_signed(b, c); });
}
template <std::size_t bytes>
inline std::uint32_t hmin_unsigned(Integers<bytes> a) {
  return reduce(a, [](auto b, auto c) { return min_unsigned(b, c); });
}
template <std::size_t bytes>
inline std::uint32_t hmax_unsigned(Integers<bytes> a) {
  return reduce(a, [](auto b, auto c) { return max_unsigned(b, c); });
}

// stream_16: a vector of 16 bytes, past the caches where the ISA can. enter_fp: the floating-point environment of IEEE
// 754's default: to nearest even, subnormal numbers kept, no traps.
#if defined(__x86_64__)
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
#else
template <class V>
inline void stream_16(V v, char* p) {
  __builtin_memcpy(p, &v, sizeof(v));
}
inline void fence() {}
#if defined(__aarch64__)
// All of FPCR, as 0: also NaN handed on, IEEE half precision, and none of the alternate behaviours of FEAT_AFP.
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
#endif

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
