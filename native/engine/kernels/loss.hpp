// The loss of one vector:  w * ( A*a + B*L ),  a = |x|, L = log1p(exp(-a)),
//   A = x >= 0 ? 1-t : p*t,  B = (1-t) + p*t  (exactly 1 without pos_weight).
// Nothing cancels for t in [0, 1].
#pragma once

#include "limits.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// A normal-range loss as the unevaluated sum P + low, from log1p_parts; z = -|x| in [-kFast, 0]. `hard`: all t are 0 or
// 1, so that 1-t and p*t lose nothing; leaving out what is 0 changes no bit.
template <bool P_, bool hard = false, class V>
inline void loss_parts(V H, V C, V z, decltype(sign_bit(V{})) negative, V t, V p, V& P, V& low) {
  const V one = V::set1(1);
  const V omt = one - t;
  if constexpr (P_) {
    const V pt = p * t;
    const V B = omt + pt;
    const V A = select(negative, pt, omt);
    const V BH = B * H;
    V lost = fms(B, H, BH);
    if constexpr (!hard) {
      const V omt_low = (one - omt) - t, pt_low = fms(p, t, pt);
      const V A_low = select(negative, pt_low, omt_low);
      const V back = B - omt, B_low = ((omt - (B - back)) + (pt - back)) + (omt_low + pt_low);
      lost = fnma(A_low, z, fma(B_low, H, lost));
    }
    P = fnma(A, z, BH);
    const V d = P - BH;
    const V err = (fnms(A, z, d) + (BH - (P - d))) + lost;
    low = fma(B, C, err);
  } else {
    const V A = select(negative, t, omt);
    P = fnma(A, z, H);
    const V d = P - H;  // Knuth's TwoSum: either of H and A*a may be the larger
    low = C + (fnms(A, z, d) + (H - (P - d)));
  }
}

template <bool W_, class V>
inline V weighted(V P, V low, V w) {
  return W_ ? fma(w, P, w * low) : P + low;
}

// The same without weights, for floats: L = H + C is rounded first. What that loses is given to a instead: there it
// counts, or is below half an ULP of a and so of the result.
inline VF loss_direct(VF H, VF C, VF z, MaskF negative, VF t) {
  const VF L = H + C, lost = C - (L - H);
  return fnma(select(negative, t, VF::set1(1) - t), z - lost, L);
}

template <bool W_, bool P_>
inline VD loss_limit(VD z, MaskD negative, VD t, VD w, VD p) {
  const VD one = VD::set1(1), up = VD::set1(kUp), down = VD::set1(kDown), a = negate(z), omt = one - t;
  VD L, L_up, L_low;
  near_and_far(z, log1p_value, L, L_up, L_low);
  const VD pt = P_ ? mul0(p, t) : t, t_up = t * up, pt_up = P_ ? mul0(p, t_up) : t_up, none = VD::set1(0);
  const VD A = select(negative, pt, omt), A_up = select(negative, pt_up, omt * up);
  const VD omt_low = (one - omt) - t, A_low = select(negative, P_ ? fms(p, t_up, pt_up) : none, omt_low * up);
  const VD B = P_ ? omt + pt : one, BL_up = mul0(B, L_up);
  const VD extra = fma(a, A_low, fma(B, L_low, fms(B, L_up, BL_up)));
  const Factor<VD> factor{W_ ? w : one, none};
  return pick(scaled_sum(a, A, mul0(B, L), none, factor), scaled_sum(a, A_up, BL_up, extra, factor),
              scaled_sum(a * down, A, mul0(B, L * down), none, factor), finite(p) & finite(w));
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD loss_careful(VD x, VD t, VD w, VD p) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast);
  const auto negative = sign_bit(x);
  VD S, E, H, C;
  exp_parts(max_or_second(z, floor), S, E);
  log1p_parts(S, E, H, C);
  VD P, low;
  loss_parts<P_>(H, C, max_or_second(z, floor), negative, t, p, P, low);
  const VD normal = weighted<W_>(P, low, w);
  const auto fine = ge(z, floor) & finite(normal) & finite(p);
  if (all(fine)) return normal;  // an element of 16 bits near a tie
  return canonical(select(fine, normal, loss_limit<W_, P_>(z, negative, t, w, p)));
}

template <bool W_, bool P_, bool odd>
__attribute__((noinline)) VF loss_careful(VF x, VF t, VF w, VF p) {
  return in_double<odd>(
      [](std::size_t i, auto& in) {
        return loss_careful<W_, P_>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i), VD::load(in[3] + i));
      },
      x, t, w, p);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
