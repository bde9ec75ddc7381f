// Pass 2: log1p(exp(-|x|)) as a pair, from the pair of exp(-|x|).
#pragma once

#include "stage.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class K>
BCELOGITS_PASS void log1p_pass(const Block<K>& b, std::size_t i, std::size_t n, Stage<typename K::V>& s) {
  using V = typename K::V;
  const Next next_targets = b.next_targets;
  for (std::size_t k = 0; k < n; k += V::W) {
    if constexpr (K::reads_targets) prefetch<V>(b.targets.p, i + k, next_targets);
    V head, tail;
    log1p_pair(V::load(s.exp.head + k), V::load(s.exp.tail + k), head, tail);
    if constexpr (!K::is_float) head.store(s.log.head + k);  // of floats it is the head of exp, see log1p_head
    tail.store(s.log.tail + k);
  }
}

// The heads of log1p(exp(-|x|)), from wherever they are.
template <class K>
inline const typename K::Elem* log1p_head(const Stage<typename K::V>& s) {
  return K::is_float && !K::looks_up_log1p ? s.exp.head : s.log.head;
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
