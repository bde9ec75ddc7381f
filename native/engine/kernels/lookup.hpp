// Logits of 16 bits: what depends on |x| alone is looked up.
//
// There are 21,505 magnitudes of float16 up to 64, and 17,025 of bfloat16. Their losses and sigmoids are computed once,
// in double, and rounded to nearest; after that a look-up takes half the time of exp and log1p.
#pragma once

#include "limits.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class T>
struct Sixteen;
template <>
struct Sixteen<f16> {
  static constexpr std::uint16_t kLast = kLookupLast[kF16], kOne = 0x3c00, kMost = 0x7bff;
};
template <>
struct Sixteen<bf16> {
  static constexpr std::uint16_t kLast = kLookupLast[kBF16], kOne = 0x3f80, kMost = 0x4980;  // kMost: 2^20
};

// Where to look, and what is known of the logits and targets (see Nature). Compilers make vectors of this by
// themselves.
struct Survey {
  bool plain, hard;
};
template <class T>
inline Survey survey_block(const T* __restrict x, const T* __restrict t, std::size_t n,
                           std::uint16_t* __restrict index) {
  using K = Sixteen<T>;
  std::uint16_t far = 0, large = 0, soft = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::uint16_t a = x[k].bits & 0x7fff, b = t[k].bits & 0x7fff;
    index[k] = a < K::kLast ? a : K::kLast;
    far = far > a ? far : a;
    large = large > b ? large : b;
    soft |= (b != 0) & (t[k].bits != K::kOne);
  }
  return {far <= K::kLast && large <= K::kMost, soft == 0};
}

using Four = float __attribute__((vector_size(16)));
using Two = double __attribute__((vector_size(16)));

// Four at a time, as the store of four numbers takes as long as that of one.
template <class Fours, class One>
inline void by_fours(const std::uint16_t* index, std::size_t n, Fours fours, One one) {
  std::size_t k = 0;
#pragma GCC unroll 2
  for (; k + 4 <= n; k += 4) {
    std::uint64_t j;
    __builtin_memcpy(&j, index + k, sizeof(j));
    fours(k, j & 0xffff, j >> 16 & 0xffff, j >> 32 & 0xffff, j >> 48);
  }
  for (; k < n; ++k) one(k, index[k]);
}
inline void put(Four four, float* out) { __builtin_memcpy(out, &four, sizeof(four)); }

// Entries of one, two and four numbers (of which three count), each to an array of its own.
__attribute__((noinline)) void look_up(const std::uint16_t* index, std::size_t n, const float* lookup, float* out) {
  by_fours(
      index, n,
      [=](std::size_t k, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        put(Four{lookup[a], lookup[b], lookup[c], lookup[d]}, out + k);
      },
      [=](std::size_t k, std::size_t a) { out[k] = lookup[a]; });
}
__attribute__((noinline)) void look_up(const std::uint16_t* index, std::size_t n, const float* lookup, float* first,
                                       float* second) {
  const auto entry = [lookup](std::size_t a) {  // as the bits of a double
    double two;
    __builtin_memcpy(&two, lookup + 2 * a, sizeof(two));
    return two;
  };
  by_fours(
      index, n,
      [=](std::size_t k, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        const Four ab = (Four)Two{entry(a), entry(b)}, cd = (Four)Two{entry(c), entry(d)};
        put(__builtin_shufflevector(ab, cd, 0, 2, 4, 6), first + k);
        put(__builtin_shufflevector(ab, cd, 1, 3, 5, 7), second + k);
      },
      [=](std::size_t k, std::size_t a) {
        first[k] = lookup[2 * a];
        second[k] = lookup[2 * a + 1];
      });
}
__attribute__((noinline)) void look_up(const std::uint16_t* index, std::size_t n, const float* lookup, float* first,
                                       float* second, float* third) {
  const auto entry = [lookup](std::size_t a) {
    Four four;
    __builtin_memcpy(&four, lookup + 4 * a, sizeof(four));
    return four;
  };
  by_fours(
      index, n,
      [=](std::size_t k, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        const Four A = entry(a), B = entry(b), C = entry(c), D = entry(d);
        const Four ab = __builtin_shufflevector(A, B, 0, 4, 1, 5), cd = __builtin_shufflevector(C, D, 0, 4, 1, 5);
        put(__builtin_shufflevector(ab, cd, 0, 1, 4, 5), first + k);
        put(__builtin_shufflevector(ab, cd, 2, 3, 6, 7), second + k);
        const Four ab3 = __builtin_shufflevector(A, B, 2, 6, 2, 6), cd3 = __builtin_shufflevector(C, D, 2, 6, 2, 6);
        put(__builtin_shufflevector(ab3, cd3, 0, 1, 4, 5), third + k);
      },
      [=](std::size_t k, std::size_t a) {
        first[k] = lookup[4 * a];
        second[k] = lookup[4 * a + 1];
        third[k] = lookup[4 * a + 2];
      });
}

// The gradient for targets 0 and 1 from sigmoid(-|x|), to less than 3 ULP with all that follows: for results of 16
// bits.
template <bool P_, class V>
inline V grad_of_sigmoid(V small, decltype(sign_bit(V{})) negative, V t, V p) {
  const V one = V::set1(1), omt = one - t;
  V pt = t;
  if constexpr (P_) pt = p * t;
  const V alpha = select(negative, negate(pt), omt), beta = select(negative, omt, negate(pt));
  return fma(beta, small, alpha * (one - small));
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
