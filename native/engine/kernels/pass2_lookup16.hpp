// Pass 2 for logits of 16 bits: log1p(exp(-|x|)) and sigmoid(-|x|) are looked up.
//
// There are 21,505 magnitudes of float16 up to 64, and 17,025 of bfloat16. What is looked up of each is computed once,
// in double, and rounded to nearest; after that a look-up takes half the time of exp and log1p. What entries hold is
// said at kLookupLast in table.hpp.
//   Domain: magnitudes up to 64; larger ones, infinities and NaN get the last entry, and are repaired (repair.hpp).
//   Largest error: 0.5 ULP of float, correctly rounded but for the error of double; a pair has 2^-48 of the value.
//   Measured by: tests/accuracy/test_accuracy_16_bits.py, on every logit:
//   test_float32_losses_of_right_answers_are_correctly_rounded.
//   Special values: zeros give the first entry, ln 2 and 1/2; subnormal numbers have entries of their own.
#pragma once

#include "stage.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

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
        const Four of_a = entry(a), of_b = entry(b), of_c = entry(c), of_d = entry(d);
        const Four ab = __builtin_shufflevector(of_a, of_b, 0, 4, 1, 5),
                   cd = __builtin_shufflevector(of_c, of_d, 0, 4, 1, 5);
        put(__builtin_shufflevector(ab, cd, 0, 1, 4, 5), first + k);
        put(__builtin_shufflevector(ab, cd, 2, 3, 6, 7), second + k);
        const Four ab3 = __builtin_shufflevector(of_a, of_b, 2, 6, 2, 6),
                   cd3 = __builtin_shufflevector(of_c, of_d, 2, 6, 2, 6);
        put(__builtin_shufflevector(ab3, cd3, 0, 1, 4, 5), third + k);
      },
      [=](std::size_t k, std::size_t a) {
        first[k] = lookup[4 * a];
        second[k] = lookup[4 * a + 1];
        third[k] = lookup[4 * a + 2];
      });
}

// Sets what the kernel looks up: of losses the head, and the tail if they are pairs; of gradients a sigmoid, which the
// one alone needs for targets 0 and 1 only.
template <class K>
inline void look_up_pass(const Block<K>& b, std::size_t n, Stage<typename K::V>& s, OperandRange range) {
  if constexpr (K::looks_up_log1p && K::looks_up_sigmoid && K::loss_is_single)
    look_up(s.index, n, b.lookup, s.log.head, s.grad.head);
  else if constexpr (K::looks_up_log1p && K::looks_up_sigmoid)
    look_up(s.index, n, b.lookup, s.log.head, s.log.tail, s.grad.head);
  else if constexpr (K::looks_up_log1p && K::loss_is_single)
    look_up(s.index, n, b.lookup, s.log.head);
  else if constexpr (K::looks_up_log1p)
    look_up(s.index, n, b.lookup, s.log.head, s.log.tail);
  else if (range == OperandRange::kHardTargets)
    look_up(s.index, n, b.lookup, s.grad.head);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
