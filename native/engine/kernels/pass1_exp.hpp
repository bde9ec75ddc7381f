// Pass 1: exp(-|x|) as a pair, and what is known of the operands.
#pragma once

#include "stage.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class K>
BCELOGITS_PASS OperandRange exp_pass(const Block<K>& b, std::size_t i, std::size_t n, Stage<typename K::V>& s) {
  using V = typename K::V;
  using Elem = typename K::Elem;
  const Next next_logits = b.next_logits, next_targets = b.next_targets;
  LargestMagnitude<V> logits, factors;
  V soft = V::set1(0);  // stays 0 for targets 0 and 1
  for (std::size_t k = 0; k < n; k += V::W) {
    prefetch<V>(b.logits.p, i + k, next_logits);
    const V x = b.logits.at(i + k);
    logits.see(x);
    if constexpr (K::reads_targets) {
      if constexpr (!K::uses_log1p) prefetch<V>(b.targets.p, i + k, next_targets);  // else pass 2 does, which has time
      const V t = b.targets.at(i + k);
      factors.see(t);
      if constexpr (K::has_hard_form) soft = either(soft, fnma(t, t, t));  // t - t*t
    }
    see_factors(b, i + k, factors);
    if constexpr (K::uses_exp) {
      V head, tail;
      exp_pair(neg_abs(x), head, tail);
      head.store(s.exp.head + k);
      tail.store(s.exp.tail + k);
    }
  }
  if (!logits.within(Threshold<V>::kFar) || !factors.within((Elem)kModerateFactor) || !b.scale_is_moderate)
    return OperandRange::kAny;
  const bool hard = K::has_hard_form && all(~ne(soft, V::set1(0)));
  return hard ? OperandRange::kHardTargets : OperandRange::kModerate;
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
