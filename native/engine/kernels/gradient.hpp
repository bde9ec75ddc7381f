// The gradients of one vector, times a factor:
//   d loss/dx = w * ( alpha + beta*u ) / (1+u),  u = exp(-|x|),  (alpha, beta) = x >= 0 ? (1-t, -p*t) : (-p*t, 1-t)
//   d loss/dt = w * ( (p-1)*L + (x >= 0 ? -a : p*a) )                          (exactly -w*x without pos_weight)
// They cancel only at their own roots.
//
// Errors are those of the rounded results, repair and factor included, in ULP of the exact value, next to a root in ULP
// of the larger term; docs/accuracy.md has them all. Special values where nothing else is said: zeros and subnormal
// numbers as their values demand; NaN and infinities are outside, see grad_limit.
#pragma once

#include "limits.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V>
inline Factor<V> combine_factors(V w, V g, Factor<V> scale) {
  const V wg = w * g, wg_low = fms(w, g, wg), hi = wg * scale.hi;
  return {hi, fms(wg, scale.hi, hi) + fma(wg, scale.lo, wg_low * scale.hi)};
}
// (head + tail) * factor; where the factor is 0, so is the result, with one sign.
template <class V>
inline V scaled(V head, V tail, Factor<V> factor) {
  return fma(head, factor.hi, fma(head, factor.lo, tail * factor.hi) + V::set1(0));
}
template <class V>
inline V scaled(V head, Factor<V> factor) {
  return fma(head, factor.hi, fma(head, factor.lo, V::set1(0)));
}

// The gradient wrt logits as head + tail: a quotient and what its remainder makes. u = kShare*exp(z), rounded, and
// u_lost what the rounding lost. `hard`: as in loss_pair.
//   Domain: |x| up to 64 (floats) or 670 (doubles), t and p finite.
//   Largest error: floats 0.581 ULP for targets 0 and 1 without pos_weight, over all floats; else 1.52, of 510 million
//   sampled. Doubles 0.77 and 1.51, of 7.8 million sampled.
//   Measured by: tests/accuracy/test_accuracy_float32.py, test_targets_0_and_1_at_every_logit_below_1024,
//   test_random_operands and test_climbing_to_the_worst_operands, and the same of test_accuracy_float64.py.
template <bool pos_weighted, bool hard = false, class V>
inline void grad_pair(V u, V u_lost, decltype(sign_bit(V{})) negative, V t, V p, V& head, V& tail) {
  constexpr auto share = kShare<V>;
  const V one = V::set1(1), not_t = one - t, unit = V::set1(share);
  V pt = t;
  if constexpr (pos_weighted) pt = p * t;
  const V alpha = select(negative, negate(pt), not_t), beta = select(negative, not_t, negate(pt));
  // divisor + divisor_low = kShare*(1 + exp(z)), without u_lost
  const V divisor = unit + u, divisor_low = (unit - divisor) + u, inverse = one / divisor;
  V alpha_unit = alpha;
  if constexpr (share != 1) alpha_unit = alpha * unit;
  const V numerator = fma(beta, u, alpha_unit);
  head = numerator * inverse;
  // remainder = numerator - head*divisor, and what of both was lost
  V remainder = fma(beta - head, u_lost, fnma(head, divisor_low, fnma(head, divisor, numerator)));
  if constexpr (share != 1 && (pos_weighted || !hard)) remainder = remainder + fms(alpha, unit, alpha_unit);
  if constexpr (!hard) {  // what 1-t and p*t lost in rounding
    const V not_t_low = (one - not_t) - t;
    if constexpr (pos_weighted) {
      const V minus_pt_low = fnma(p, t, pt);
      remainder = remainder +
                  fma(select(negative, not_t_low, minus_pt_low), u, select(negative, minus_pt_low, not_t_low) * unit);
    } else {
      remainder = fma(not_t_low, select(negative, u, unit), remainder);
    }
  }
  tail = remainder * inverse;
}

// The gradient wrt logits for targets 0 and 1 from small = sigmoid(-|x|), as alpha*(1 - small) + beta*small.
//   Domain: small rounded to nearest, |x| up to 64; t 0 or 1; p finite.
//   Largest error: 1.5 ULP of float before the factor, which adds a rounding: within the 3 ULP that pass 4 allows for.
//   Measured by: tests/accuracy/test_accuracy_steps.py, test_gradient_from_a_sigmoid_that_is_looked_up.
template <bool pos_weighted, class V>
inline V hard_grad_from_sigmoid(V small, decltype(sign_bit(V{})) negative, V t, V p) {
  const V one = V::set1(1), not_t = one - t;
  V pt = t;
  if constexpr (pos_weighted) pt = p * t;
  const V alpha = select(negative, negate(pt), not_t), beta = select(negative, not_t, negate(pt));
  return fma(beta, small, alpha * (one - small));
}

// The gradient wrt logits where grad_pair does not serve, times the factor.
//   Domain: all operands.
//   Largest error: as grad_pair.
//   Measured by: tests/accuracy/test_accuracy_known_points.py, and test_accuracy_float64.py, test_random_operands.
//   Special values: a NaN in any operand gives NaN. An infinite logit gives the limit: 0 if its target (0 or 1) agrees
//   with it, else the factor with a sign, times p; 0 times infinity is 0. tests/contract/test_limits.py has them.
template <bool pos_weighted>
inline VD grad_limit(VD z, MaskD negative, VD t, VD p, VD factor, Factor<VD> c) {
  const VD one = VD::set1(1), up = VD::set1(kUp), zero = VD::set1(0), not_t = one - t;
  VD small, small_up, small_low;  // sigmoid(-a); sigmoid(a) = 1 - small
  at_every_scale(z, [&](VD u, VD) { return u / (one + u); }, small, small_up, small_low);
  const VD pt = pos_weighted ? mul0(p, t) : t, t_up = t * up, pt_up = pos_weighted ? mul0(p, t_up) : t_up;
  const VD not_t_low = (one - not_t) - t;
  const VD pt_low = pos_weighted ? fms(p, t, pt) : zero, pt_up_low = pos_weighted ? fms(p, t_up, pt_up) : zero;
  const VD alpha = select(negative, negate(pt), not_t), alpha_up = select(negative, negate(pt_up), not_t * up);
  const VD alpha_low = select(negative, negate(pt_up_low), not_t_low * up), large = one - small;
  const VD beta = select(negative, not_t, negate(pt)), beta_low = select(negative, not_t_low, negate(pt_low));
  const VD lost = fma(beta_low, small_up, fma(beta, small_low, alpha_low));
  const Factor<VD> pair{factor, select(finite(c.lo), c.lo, zero)};
  const VD plain = scaled_sum(beta, small, mul0(alpha, large), zero, pair);
  const VD larger = scaled_sum(beta, small_up, mul0(alpha_up, large), lost, pair);
  return choose_scaling(plain, larger, plain * VD::set1(kDown), finite(p) & finite(factor));
}

// The gradient wrt logits of any operands; see loss_in_double.
template <bool weighted, bool pos_weighted, bool odd = false>
__attribute__((noinline)) VD grad_in_double(VD x, VD t, VD w, VD p, VD g, Factor<VD> scale) {
  const VD z = neg_abs(x), floor = VD::set1(-Threshold<VD>::kFar);
  const auto negative = sign_bit(x);
  const VD factor = weighted ? mul0(mul0(w, g), scale.hi) : scale.hi;
  if constexpr (weighted) scale = combine_factors(w, g, scale);
  VD u, u_lost, head, tail;
  exp_pair(max_or_second(z, floor), u, u_lost);
  grad_pair<pos_weighted>(u, u_lost, negative, t, p, head, tail);
  const VD normal = scaled(head, tail, scale);
  const auto is_final = ge(z, floor) & finite(normal) & finite(p);
  if (all(is_final)) return normal;
  return canonical(select(is_final, normal, grad_limit<pos_weighted>(z, negative, t, p, factor, scale)));
}
template <bool weighted, bool pos_weighted, bool odd>
__attribute__((noinline)) VF grad_in_double(VF x, VF t, VF w, VF p, VF g, Factor<VD> scale) {
  return in_double<odd>(
      [scale](std::size_t i, auto& in) {
        return grad_in_double<weighted, pos_weighted>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i),
                                                      VD::load(in[3] + i), VD::load(in[4] + i), scale);
      },
      x, t, w, p, g);
}

// The gradient wrt targets as head + tail, from log1p_pair (which does not matter without pos_weight).
//   Domain: without pos_weight all x, else |x| up to 64 (floats) or 670 (doubles) and p finite.
//   Largest error: without pos_weight none before the factor. Else floats 1.88 ULP, of 242 million sampled,
//   doubles 1.16 ULP, of 3.2 million.
//   Measured by: tests/accuracy/test_accuracy_float32.py and test_accuracy_float64.py, test_random_operands and
//   test_climbing_to_the_worst_operands.
template <bool pos_weighted, class V>
inline void target_grad_pair(V log_head, V log_tail, V z, V x, V p, V& head, V& tail) {
  if constexpr (!pos_weighted) {
    head = negate(x);
    tail = V::set1(0);
  } else {
    // p - 1 = p_less_1 + p_less_1_low
    const V one = V::set1(1), p_less_1 = p - one, back = p_less_1 - p;
    const V p_less_1_low = (p - (p_less_1 - back)) - (one + back);
    // base + base_low = x >= 0 ? -a : p*a
    const auto negative = sign_bit(x);
    const V pz = p * z, base = select(negative, negate(pz), z);
    const V base_low = select(negative, fnms(p, z, negate(pz)), V::set1(0));
    // p_less_1*log_head + base = head + error (Knuth's TwoSum)
    head = fma(p_less_1, log_head, base);
    const V added = head - base;
    tail = fma(p_less_1, log_tail,
               (fms(p_less_1, log_head, added) + (base - (head - added))) + fma(p_less_1_low, log_head, base_low));
  }
}

// The gradient wrt targets of any operands; see loss_in_double.
template <bool weighted, bool pos_weighted, bool odd = false>
__attribute__((noinline)) VD target_grad_in_double(VD x, VD w, VD p, VD g, Factor<VD> scale) {
  const VD z = neg_abs(x), floor = VD::set1(-Threshold<VD>::kFar), near_z = max_or_second(z, floor), a = negate(z);
  const auto negative = sign_bit(x);
  const VD factor = weighted ? mul0(mul0(w, g), scale.hi) : scale.hi;
  if constexpr (weighted) scale = combine_factors(w, g, scale);
  VD exp_head, exp_tail, log_head, log_tail, head, tail;
  exp_pair(near_z, exp_head, exp_tail);
  log1p_pair(exp_head, exp_tail, log_head, log_tail);
  target_grad_pair<pos_weighted>(log_head, log_tail, pos_weighted ? near_z : z, x, p, head, tail);
  const VD normal = scaled(head, tail, scale);
  auto is_final = finite(normal);
  VD limit = mul0(negate(x), factor);
  if constexpr (pos_weighted) {
    is_final = is_final & ge(z, floor) & finite(p);
    if (all(is_final)) return normal;
    const VD up = VD::set1(kUp), down = VD::set1(kDown), zero = VD::set1(0), p_less_1 = p - VD::set1(1);
    VD L, L_up, L_low;
    at_every_scale(z, log1p_value, L, L_up, L_low);
    const Factor<VD> pair{factor, select(finite(scale.lo), scale.lo, zero)};
    const VD slope = select(negative, p, VD::set1(-1));
    limit =
        choose_scaling(scaled_sum(a, slope, mul0(p_less_1, L), zero, pair),
                       scaled_sum(a, slope * up, mul0(p_less_1, L_up), zero, pair),
                       scaled_sum(a * down, slope, mul0(p_less_1, L * down), zero, pair), finite(p) & finite(factor));
  }
  return canonical(select(is_final, normal, limit));
}
template <bool weighted, bool pos_weighted, bool odd>
__attribute__((noinline)) VF target_grad_in_double(VF x, VF w, VF p, VF g, Factor<VD> scale) {
  return in_double<odd>(
      [scale](std::size_t i, auto& in) {
        return target_grad_in_double<weighted, pos_weighted>(VD::load(in[0] + i), VD::load(in[1] + i),
                                                             VD::load(in[2] + i), VD::load(in[3] + i), scale);
      },
      x, w, p, g);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
