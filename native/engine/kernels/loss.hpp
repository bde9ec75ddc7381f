// The loss of one vector:  w * ( A*a + B*L ),  a = |x|, L = log1p(exp(-a)),
//   A = x >= 0 ? 1-t : p*t,  B = (1-t) + p*t  (exactly 1 without pos_weight).
// Nothing cancels for t in [0, 1].
//
// Errors are those of the rounded results, repair included, in ULP of the exact value; docs/accuracy.md has them all.
#pragma once

#include "limits.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// The loss before its weight as head + tail, from log1p_pair; z = -|x|. `hard`: all t are 0 or 1, so that 1-t and p*t
// lose nothing; leaving out what is 0 changes no bit.
//   Domain: |x| up to 64 (floats) or 670 (doubles), t and p finite; t may leave [0, 1], but then terms may cancel.
//   Largest error for t in [0, 1]: floats, with weight or pos_weight, 1.69 ULP, of 188 million sampled;
//   doubles 0.87 ULP for targets 0 and 1 without weights, else 1.43, of 3.6 million sampled.
//   Measured by: tests/accuracy/test_accuracy_float32.py and test_accuracy_float64.py, test_random_operands and
//   test_climbing_to_the_worst_operands.
//   Special values: zeros and subnormal numbers as their values demand. NaN, infinities: outside, see loss_limit.
template <bool pos_weighted, bool hard = false, class V>
inline void loss_pair(V log_head, V log_tail, V z, decltype(sign_bit(V{})) negative, V t, V p, V& head, V& tail) {
  const V one = V::set1(1);
  const V not_t = one - t;
  if constexpr (pos_weighted) {
    const V pt = p * t;
    const V B = not_t + pt, A = select(negative, pt, not_t);
    // B*log_head = product + lost, lost with what the roundings of A and B lose
    const V product = B * log_head;
    V lost = fms(B, log_head, product);
    if constexpr (!hard) {
      const V not_t_low = (one - not_t) - t, pt_low = fms(p, t, pt);
      const V A_low = select(negative, pt_low, not_t_low);
      const V back = B - not_t, B_low = ((not_t - (B - back)) + (pt - back)) + (not_t_low + pt_low);
      lost = fnma(A_low, z, fma(B_low, log_head, lost));
    }
    // A*a + product = head + error (Knuth's TwoSum: either term may be the larger), and B*log_tail
    head = fnma(A, z, product);
    const V added = head - product;
    const V error = (fnms(A, z, added) + (product - (head - added))) + lost;
    tail = fma(B, log_tail, error);
  } else {
    const V A = select(negative, t, not_t);
    // A*a + log_head = head + error (TwoSum), and log_tail
    head = fnma(A, z, log_head);
    const V added = head - log_head;
    tail = log_tail + (fnms(A, z, added) + (log_head - (head - added)));
  }
}

template <bool weighted, class V>
inline V weighted_loss(V head, V tail, V w) {
  return weighted ? fma(w, head, w * tail) : head + tail;
}

// The same without weights, for floats: L = log_head + log_tail is rounded first. What that loses is given to a
// instead: there it counts, or is below half an ULP of a and so of the result.
//   Domain: |x| up to 64, t finite.
//   Largest error: 0.977 ULP for targets 0 and 1, over all floats; 1.49 for t in [0, 1], of 26 million sampled.
//   Measured by: tests/accuracy/test_accuracy_float32.py, test_targets_0_and_1_at_every_logit_below_1024 and
//   test_random_operands.
//   Special values: as for loss_pair.
inline VF loss_single(VF log_head, VF log_tail, VF z, MaskF negative, VF t) {
  const VF L = log_head + log_tail, lost = log_tail - (L - log_head);
  // A*(a + lost) + L
  return fnma(select(negative, t, VF::set1(1) - t), z - lost, L);
}

// The loss where loss_pair does not serve, times its weight.
//   Domain: all operands.
//   Largest error: as loss_pair; where exp(z) is tiny, or 0, sums of products scaled by 2^128 keep the digits.
//   Measured by: tests/accuracy/test_accuracy_known_points.py, and test_accuracy_float64.py, test_random_operands.
//   Special values: a NaN in any operand gives NaN. An infinite logit gives 0 if its target (0 or 1) agrees with it,
//   else infinity; 0 times infinity is 0 and makes no NaN. tests/contract/test_limits.py has them.
template <bool weighted, bool pos_weighted>
inline VD loss_limit(VD z, MaskD negative, VD t, VD w, VD p) {
  const VD one = VD::set1(1), up = VD::set1(kUp), down = VD::set1(kDown), zero = VD::set1(0), a = negate(z);
  VD L, L_up, L_low;
  at_every_scale(z, log1p_value, L, L_up, L_low);
  const VD not_t = one - t, pt = pos_weighted ? mul0(p, t) : t;
  const VD t_up = t * up, pt_up = pos_weighted ? mul0(p, t_up) : t_up;
  const VD A = select(negative, pt, not_t), A_up = select(negative, pt_up, not_t * up);
  const VD not_t_low = (one - not_t) - t;
  const VD A_low = select(negative, pos_weighted ? fms(p, t_up, pt_up) : zero, not_t_low * up);
  const VD B = pos_weighted ? not_t + pt : one, BL_up = mul0(B, L_up);
  const VD lost = fma(a, A_low, fma(B, L_low, fms(B, L_up, BL_up)));
  const Factor<VD> factor{weighted ? w : one, zero};
  return choose_scaling(scaled_sum(a, A, mul0(B, L), zero, factor), scaled_sum(a, A_up, BL_up, lost, factor),
                        scaled_sum(a * down, A, mul0(B, L * down), zero, factor), finite(p) & finite(w));
}

// The loss of any operands. Functions of their own: they are rare, and inlined they would take the passes' registers.
template <bool weighted, bool pos_weighted, bool odd = false>
__attribute__((noinline)) VD loss_in_double(VD x, VD t, VD w, VD p) {
  const VD z = neg_abs(x), floor = VD::set1(-Threshold<VD>::kFar), near_z = max_or_second(z, floor);
  const auto negative = sign_bit(x);
  VD exp_head, exp_tail, log_head, log_tail, head, tail;
  exp_pair(near_z, exp_head, exp_tail);
  log1p_pair(exp_head, exp_tail, log_head, log_tail);
  loss_pair<pos_weighted>(log_head, log_tail, near_z, negative, t, p, head, tail);
  const VD normal = weighted_loss<weighted>(head, tail, w);
  const auto is_final = ge(z, floor) & finite(normal) & finite(p);
  if (all(is_final)) return normal;  // an element of 16 bits near a tie
  return canonical(select(is_final, normal, loss_limit<weighted, pos_weighted>(z, negative, t, w, p)));
}
template <bool weighted, bool pos_weighted, bool odd>
__attribute__((noinline)) VF loss_in_double(VF x, VF t, VF w, VF p) {
  return in_double<odd>(
      [](std::size_t i, auto& in) {
        return loss_in_double<weighted, pos_weighted>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i),
                                                      VD::load(in[3] + i));
      },
      x, t, w, p);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
