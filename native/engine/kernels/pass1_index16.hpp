// Pass 1 for logits of 16 bits: where in the lookup table their magnitudes stand, and what is known of the operands.
#pragma once

#include "stage.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class T>
struct Format16;  // bits of numbers: the last magnitude that is looked up, 1, and the largest moderate target
template <>
struct Format16<f16> {
  static constexpr std::uint16_t kLast = kLookupLast[kF16], kOne = 0x3c00, kModerate = 0x7bff;
};
template <>
struct Format16<bf16> {
  static constexpr std::uint16_t kLast = kLookupLast[kBF16], kOne = 0x3f80, kModerate = 0x4980;  // 2^20
};

struct Found16 {
  bool moderate, hard;
};
// Works on the bits of logits and targets. Compilers make vectors of this by themselves.
template <class T>
inline Found16 index_magnitudes(const T* __restrict logits, const T* __restrict targets, std::size_t n,
                                std::uint16_t* __restrict index) {
  using F = Format16<T>;
  std::uint16_t largest_logit = 0, largest_target = 0, soft = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::uint16_t x = logits[k].bits & 0x7fff, t = targets[k].bits & 0x7fff;
    index[k] = x < F::kLast ? x : F::kLast;
    largest_logit = largest_logit > x ? largest_logit : x;
    largest_target = largest_target > t ? largest_target : t;
    soft |= (t != 0) & (targets[k].bits != F::kOne);
  }
  return {largest_logit <= F::kLast && largest_target <= F::kModerate, soft == 0};
}

template <class K>
BCELOGITS_PASS OperandRange index16_pass(const Block<K>& b, std::size_t i, std::size_t n, Stage<typename K::V>& s) {
  using V = typename K::V;
  LargestMagnitude<V> factors;
  // A line at a time of what follows; what will be copied may lie in two lines a vector.
  const bool copied = b.next_logits.at || b.next_targets.at;
  const std::size_t step = copied ? V::W : 64 / sizeof(typename K::In);
  for (std::size_t k = 0; k < n; k += step) {
    prefetch<V>(b.logits.p, i + k, b.next_logits);
    prefetch<V>(b.targets.p, i + k, b.next_targets);
  }
  if constexpr (K::has_pos_weight || K::has_weight)
    for (std::size_t k = 0; k < n; k += V::W) see_factors(b, i + k, factors);
  const Found16 found = index_magnitudes(b.logits.p + i, b.targets.p + i, n, s.index);
  if (!found.moderate || !factors.within((typename K::Elem)kModerateFactor) || !b.scale_is_moderate)
    return OperandRange::kAny;
  return found.hard ? OperandRange::kHardTargets : OperandRange::kModerate;
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
