// Pass 4: weight and scale, one rounding, and what is not right yet.
//
// The rounding is the last addition or multiply-add in the compute type, to nearest even. For 16 bits a second one
// follows, which would be wrong where the first has gone to a tie: results within 3 ULP of float of one are computed in
// double, rounded to odd and then to 16 bits, so that one rounding is all that counts.
//   Domain: all operands.
//   Largest error of 16 bits: 0.5 ULP, correctly rounded, for targets 0 and 1 without weights, on every logit; else
//   what 2 ULP of float make of it.
//   Measured by: tests/accuracy/test_accuracy_16_bits.py, test_every_logit and test_random_operands.
//   Special values: NaN is made one for all processors (canonical); an overflow gives infinity where rounding says so;
//   subnormal results are rounded once, like others.
#pragma once

#include "repair.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// The results of one vector from what pass 3 made of it. `moderate`: no logit is far out, every result is finite.
template <class K, bool moderate, bool from_sigmoid = false, class V>
inline void round_and_store(const Block<K>& b, std::size_t i, V loss, V loss_tail, V grad_head, V grad_tail) {
  constexpr bool weighted = K::has_weight, pos_weighted = K::has_pos_weight, odd = K::rounds_to_16_bits;
  const V one = V::set1(1);
  const V x = b.logits.at(i), p = b.pos_weight_at(i), w = b.weight_at(i), g = b.grad_output_at(i);
  const V t = K::reads_targets ? b.targets.at(i) : one;
  const V z = neg_abs(x);
  const auto negative = sign_bit(x), everywhere = ordered(one, one);
  const auto in_range = moderate ? everywhere : ge(z, V::set1(-Threshold<V>::kFar));
  if constexpr (K::has_loss && !K::loss_is_single) loss = weighted_loss<weighted>(loss, loss_tail, w);

  if constexpr (!K::has_grad) {
    auto is_final = final_lanes<K, moderate>(loss, w, w, one, in_range);
    if (!all(is_final)) [[unlikely]] {
      const V share = select(negative, t, one - t);
      if constexpr (!moderate)
        settle_far_lanes<K>(z, t, p, share, pos_weighted ? select(negative, p * t, share) : share, negate(z),
                            {w, V::set1(0)}, loss, is_final);
      if (!all(is_final)) loss = select(is_final, loss, loss_in_double<weighted, pos_weighted, odd>(x, t, w, p));
    }
    b.store(loss, i);
    return;
  }

  Factor<V> factor = b.scale;
  if constexpr (weighted) factor = combine_factors(w, g, b.scale);
  V grad = from_sigmoid ? scaled(grad_head, factor) : scaled(grad_head, grad_tail, factor);
  auto is_final = final_lanes<K, moderate>(grad, w, g, b.nonzero_scale, K::uses_exp ? in_range : everywhere);
  if constexpr (K::wrt_targets) {
    if (!all(is_final)) [[unlikely]]
      grad = select(is_final, grad, target_grad_in_double<weighted, pos_weighted, odd>(x, w, p, g, b.wide_scale));
  } else {
    using L = typename K::LossAlone;
    auto loss_is_final = in_range;
    if constexpr (K::has_loss) loss_is_final = final_lanes<L, moderate>(loss, w, w, one, in_range);
    if (!all(is_final & loss_is_final)) [[unlikely]] {
      if constexpr (!moderate) {
        const V not_t = one - t, pt = pos_weighted ? p * t : t, share = select(negative, t, not_t);
        settle_far_lanes<K>(z, t, p, share, select(negative, negate(pt), not_t), one, factor, grad, is_final);
        if constexpr (K::has_loss)
          settle_far_lanes<L>(z, t, p, share, select(negative, pt, not_t), negate(z), {w, V::set1(0)}, loss,
                              loss_is_final);
      }
      if (!all(is_final & loss_is_final)) {
        grad = select(is_final, grad, grad_in_double<weighted, pos_weighted, odd>(x, t, w, p, g, b.wide_scale));
        if constexpr (K::has_loss)
          loss = select(loss_is_final, loss, loss_in_double<weighted, pos_weighted, false>(x, t, w, p));
      }
    }
    if constexpr (K::has_loss) loss.store(b.loss_out + i);
  }
  b.store(grad, i);
}

template <class K, bool moderate, bool from_sigmoid = false>
BCELOGITS_PASS void round_pass(const Block<K>& b, std::size_t i, std::size_t n, const Stage<typename K::V>& s) {
  using V = typename K::V;
  const std::size_t step = b.step();
  for (std::size_t k = b.first_of(n), left = n; left != 0; left -= V::W, k += step) {
    V loss_head, loss_tail, grad_head, grad_tail;
    if constexpr (K::has_grad) grad_head = V::load(s.grad.head + k);
    if constexpr (K::has_grad && !from_sigmoid) grad_tail = V::load(s.grad.tail + k);
    if constexpr (K::has_loss) {
      loss_head = V::load(s.log.head + k);
      if constexpr (!K::loss_is_single) loss_tail = V::load(s.log.tail + k);
    }
    round_and_store<K, moderate, from_sigmoid>(b, i + k, loss_head, loss_tail, grad_head, grad_tail);
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
