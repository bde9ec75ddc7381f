// Pass 3: loss and gradient, before weight and scale, as pairs.
#pragma once

#include "gradient.hpp"
#include "loss.hpp"
#include "pass2_log1p.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// Of one vector: the element i of the block, k of the stage. Of the results those are set that the kernel has.
// `hard`: all targets are 0 or 1. `from_sigmoid`: so are they, and the gradient's head is made of a sigmoid that was
// looked up.
template <class K, bool hard, bool from_sigmoid = false, class V>
inline void terms(const Block<K>& b, std::size_t i, std::size_t k, const Stage<V>& s, V& loss_head, V& loss_tail,
                  V& grad_head, V& grad_tail) {
  const V x = b.logits.at(i), z = neg_abs(x), p = b.pos_weight_at(i);
  const V t = K::reads_targets ? b.targets.at(i) : V::set1(0);
  const auto negative = sign_bit(x);
  V log_head, log_tail;
  if constexpr (K::uses_log1p) {
    log_head = V::load(log1p_head<K>(s) + k);
    if constexpr (!K::looks_up_log1p || !K::loss_is_single) log_tail = V::load(s.log.tail + k);
  }
  if constexpr (K::wrt_targets) {
    target_grad_pair<K::has_pos_weight>(log_head, log_tail, z, x, p, grad_head, grad_tail);
  } else if constexpr (from_sigmoid) {
    grad_head = hard_grad_from_sigmoid<K::has_pos_weight>(V::load(s.grad.head + k), negative, t, p);
  } else if constexpr (K::has_grad) {
    V u, u_lost;
    round_exp(V::load(s.exp.head + k), V::load(s.exp.tail + k), u, u_lost);
    grad_pair<K::has_pos_weight, hard>(u, u_lost, negative, t, p, grad_head, grad_tail);
  }
  if constexpr (K::has_loss) {
    if constexpr (K::loss_is_single && K::looks_up_log1p)
      loss_head = fnma(select(negative, t, V::set1(1) - t), z, log_head);
    else if constexpr (K::loss_is_single)
      loss_head = loss_single(log_head, log_tail, z, negative, t);
    else
      loss_pair<K::has_pos_weight, hard>(log_head, log_tail, z, negative, t, p, loss_head, loss_tail);
  }
}

template <class K, bool hard, bool from_sigmoid = false>
BCELOGITS_PASS void terms_pass(const Block<K>& b, std::size_t i, std::size_t n, Stage<typename K::V>& s) {
  using V = typename K::V;
  for (std::size_t k = 0; k < n; k += V::W) {
    V loss_head, loss_tail, grad_head, grad_tail;
    terms<K, hard, from_sigmoid>(b, i + k, k, s, loss_head, loss_tail, grad_head, grad_tail);
    if constexpr (K::has_grad) grad_head.store(s.grad.head + k);
    if constexpr (K::has_grad && !from_sigmoid) grad_tail.store(s.grad.tail + k);
    if constexpr (K::has_loss) {
      loss_head.store(s.log.head + k);
      if constexpr (!K::loss_is_single) loss_tail.store(s.log.tail + k);
    }
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
