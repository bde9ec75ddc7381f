// The gradients of one vector, times a factor:
//   d loss/dx = w * ( alpha + beta*u ) / (1+u),  u = exp(-|x|),  (alpha, beta) = x >= 0 ? (1-t, -p*t) : (-p*t, 1-t)
//   d loss/dt = w * ( (p-1)*L + (x >= 0 ? -a : p*a) )                          (exactly -w*x without pos_weight)
// They cancel only at their own roots.
#pragma once

#include "limits.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V>
inline Factor<V> combine_factors(V w, V g, Factor<V> c) {
  const V f = w * g, f_low = fms(w, g, f), hi = f * c.hi;
  return {hi, fms(f, c.hi, hi) + fma(f, c.lo, f_low * c.hi)};
}
// (q + rest) * factor; where the factor is 0, so is the result, with one sign.
template <class V>
inline V scaled(V q, V rest, Factor<V> c) {
  return fma(q, c.hi, fma(q, c.lo, rest * c.hi) + V::set1(0));
}
template <class V>
inline V scaled(V q, Factor<V> c) {
  return fma(q, c.hi, fma(q, c.lo, V::set1(0)));
}

// The gradient wrt logits as the unevaluated sum q + rest, from S = kShare*exp(z) and what its rounding lost: a
// quotient and its remainder. `hard`: as in loss_parts.
template <bool P_, bool hard = false, class V>
inline void grad_parts(V S, V E, decltype(sign_bit(V{})) negative, V t, V p, V& q, V& rest) {
  constexpr auto share = Const<V>::kShare;
  const V one = V::set1(1), omt = one - t, unit = V::set1(share);
  V pt = t;
  if constexpr (P_) pt = p * t;
  const V alpha = select(negative, negate(pt), omt), beta = select(negative, omt, negate(pt));
  const V D = unit + S, D_low = (unit - D) + S, inverse = one / D;
  V first = alpha;
  if constexpr (share != 1) first = alpha * unit;
  const V num = fma(beta, S, first);
  q = num * inverse;
  V left = fma(beta - q, E, fnma(q, D_low, fnma(q, D, num)));
  if constexpr (share != 1 && (P_ || !hard)) left = left + fms(alpha, unit, first);
  if constexpr (!hard) {  // what 1-t and p*t lost in rounding
    const V omt_low = (one - omt) - t;
    if constexpr (P_) {
      const V npt_low = fnma(p, t, pt);
      left = left + fma(select(negative, omt_low, npt_low), S, select(negative, npt_low, omt_low) * unit);
    } else {
      left = fma(omt_low, select(negative, S, unit), left);
    }
  }
  rest = left * inverse;
}

// See loss_limit; times the factor.
template <bool P_>
inline VD grad_limit(VD z, MaskD negative, VD t, VD p, VD factor, Factor<VD> c) {
  const VD one = VD::set1(1), up = VD::set1(kUp), omt = one - t;
  VD small, small_up, small_low;  // sigmoid(-a); sigmoid(a) = 1 - small
  near_and_far(z, [&](VD S, VD) { return S / (one + S); }, small, small_up, small_low);
  const VD pt = P_ ? mul0(p, t) : t, t_up = t * up, pt_up = P_ ? mul0(p, t_up) : t_up, none = VD::set1(0);
  const VD omt_low = (one - omt) - t, pt_low = P_ ? fms(p, t, pt) : none, pt_up_low = P_ ? fms(p, t_up, pt_up) : none;
  const VD alpha = select(negative, negate(pt), omt), alpha_up = select(negative, negate(pt_up), omt * up);
  const VD alpha_low = select(negative, negate(pt_up_low), omt_low * up), large = one - small;
  const VD beta = select(negative, omt, negate(pt)), beta_low = select(negative, omt_low, negate(pt_low));
  const VD extra = fma(beta_low, small_up, fma(beta, small_low, alpha_low));
  const Factor<VD> pair{factor, select(finite(c.lo), c.lo, none)};
  const VD plain = scaled_sum(beta, small, mul0(alpha, large), none, pair);
  const VD larger = scaled_sum(beta, small_up, mul0(alpha_up, large), extra, pair);
  return pick(plain, larger, plain * VD::set1(kDown), finite(p) & finite(factor));
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD grad_careful(VD x, VD t, VD w, VD p, VD g, Factor<VD> c) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast);
  const auto negative = sign_bit(x);
  const VD factor = W_ ? mul0(mul0(w, g), c.hi) : c.hi;
  if constexpr (W_) c = combine_factors(w, g, c);
  VD S, E;
  exp_parts(max_or_second(z, floor), S, E);
  VD q, rest;
  grad_parts<P_>(S, E, negative, t, p, q, rest);
  const VD normal = scaled(q, rest, c);
  const auto fine = ge(z, floor) & finite(normal) & finite(p);
  if (all(fine)) return normal;
  return canonical(select(fine, normal, grad_limit<P_>(z, negative, t, p, factor, c)));
}

template <bool W_, bool P_, bool odd>
__attribute__((noinline)) VF grad_careful(VF x, VF t, VF w, VF p, VF g, Factor<VD> c) {
  return in_double<odd>(
      [c](std::size_t i, auto& in) {
        return grad_careful<W_, P_>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i), VD::load(in[3] + i),
                                    VD::load(in[4] + i), c);
      },
      x, t, w, p, g);
}

// The gradient wrt targets as the unevaluated sum q + rest, from log1p_parts (which do not matter without pos_weight).
template <bool P_, class V>
inline void target_grad_parts(V H, V C, V z, V x, V p, V& q, V& rest) {
  if constexpr (!P_) {
    q = negate(x);
    rest = V::set1(0);
  } else {
    const V one = V::set1(1), pm1 = p - one, back = pm1 - p, pm1_low = (p - (pm1 - back)) - (one + back);
    const auto negative = sign_bit(x);
    const V pz = p * z, base = select(negative, negate(pz), z);
    const V base_low = select(negative, fnms(p, z, negate(pz)), V::set1(0));
    q = fma(pm1, H, base);
    const V d = q - base;  // Knuth's TwoSum
    rest = fma(pm1, C, (fms(pm1, H, d) + (base - (q - d))) + fma(pm1_low, H, base_low));
  }
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD target_grad_careful(VD x, VD w, VD p, VD g, Factor<VD> c) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast), a = negate(z);
  const auto negative = sign_bit(x);
  const VD factor = W_ ? mul0(mul0(w, g), c.hi) : c.hi;
  if constexpr (W_) c = combine_factors(w, g, c);
  VD S, E, H, C;
  exp_parts(max_or_second(z, floor), S, E);
  log1p_parts(S, E, H, C);
  VD q, rest;
  target_grad_parts<P_>(H, C, P_ ? max_or_second(z, floor) : z, x, p, q, rest);
  const VD normal = scaled(q, rest, c);
  auto fine = finite(normal);
  VD limit = mul0(negate(x), factor);
  if constexpr (P_) {
    fine = fine & ge(z, floor) & finite(p);
    if (all(fine)) return normal;
    const VD up = VD::set1(kUp), down = VD::set1(kDown), pm1 = p - VD::set1(1);
    VD L, L_up, L_low;
    near_and_far(z, log1p_value, L, L_up, L_low);
    const Factor<VD> pair{factor, select(finite(c.lo), c.lo, VD::set1(0))};
    const VD p_or_1 = select(negative, p, VD::set1(-1)), none = VD::set1(0);
    limit =
        pick(scaled_sum(a, p_or_1, mul0(pm1, L), none, pair), scaled_sum(a, p_or_1 * up, mul0(pm1, L_up), none, pair),
             scaled_sum(a * down, p_or_1, mul0(pm1, L * down), none, pair), finite(p) & finite(factor));
  }
  return canonical(select(fine, normal, limit));
}

template <bool W_, bool P_, bool odd>
__attribute__((noinline)) VF target_grad_careful(VF x, VF w, VF p, VF g, Factor<VD> c) {
  return in_double<odd>(
      [c](std::size_t i, auto& in) {
        return target_grad_careful<W_, P_>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i),
                                           VD::load(in[3] + i), c);
      },
      x, w, p, g);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
