// The arithmetic of the operator on one vector: exp and log1p parts, loss, and the two gradients.
//
// With a = |x|, u = exp(-a), L = log1p(u):  softplus(x) = max(x, 0) + L,  so that
//   loss = w * ( A*a + B*L ),    A = x >= 0 ? 1-t : p*t,    B = (1-t) + p*t   (exactly 1 without pos_weight)
//   d loss/dx = w * ( alpha + beta*u ) / (1+u),   (alpha, beta) = x >= 0 ? (1-t, -p*t) : (-p*t, 1-t)
//   d loss/dt = w * ( (p-1)*L + (x >= 0 ? -a : p*a) )                           (exactly -w*x without pos_weight)
// Nothing cancels in the loss for t in [0, 1], and in the gradients only at their own roots.
//
// Every vector is first tried by the fast form, which is right when |x| <= kFast, the result is finite and no
// intermediate can have underflowed. The lanes where that fails, and only they (so that a lane's bits never depend
// on its neighbours), are taken from the careful form: it knows the limits, and does floats in double.
#pragma once

#include "constants.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V>
struct Const;
template <>
struct Const<VF> {
  static constexpr float kFast = 64.0f;                  // exp(-a) and its low parts are far from underflow up to here
  static constexpr float kMagic = 12582912.0f + 127.0f;  // 1.5*2^23 + bias: low bits become the exponent field
  static constexpr float kTiny = 0x1p-100f;              // a weighted result below it may hide an underflow
  static constexpr float kRough = 5.0f;  // ULP; what loss_rough and grad_rough may be off (largest seen: 4.4)
  static constexpr float kLog2e = constants::kLog2e, kLn2Hi = constants::kLn2Hi, kLn2Lo = constants::kLn2Lo;
};
template <>
struct Const<VD> {
  static constexpr double kFast = 670.0;
  static constexpr double kFloor =
      -790.0;  // 2^128 * exp(kFloor) is still a normal number, and no factor makes it count
  static constexpr double kMagic = 0x1.8p52 + 1023.0;
  static constexpr double kMagicUp = 0x1.8p52 + 1023.0 + 128.0;  // the same for 2^128 times the result
  static constexpr double kLog2e = constants::kLog2e64, kLn2Hi = constants::kLn2Hi64, kLn2Lo = constants::kLn2Lo64;
};

// sum(c[k] * x^k). Floats: Horner's rule, whose rounding errors are the smaller. Doubles: even part + x * odd part,
// half the depth for one operation more, since their polynomials are long and their vectors few.
template <class E, std::size_t N>
inline VF polynomial(VF x, const E (&c)[N]) {
  VF r = VF::set1(c[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) r = fma(r, x, VF::set1(c[i]));
  return r;
}
template <std::size_t First, class E, std::size_t N>
inline VD every_second(VD xx, const E (&c)[N]) {
  constexpr std::size_t last = First + (N - 1 - First) / 2 * 2;
  VD r = VD::set1(c[last]);
  for (std::size_t i = last; i >= First + 2; i -= 2) r = fma(r, xx, VD::set1(c[i - 2]));
  return r;
}
template <class E, std::size_t N>
inline VD polynomial(VD x, const E (&c)[N]) {
  const VD xx = x * x;
  return fma(x, every_second<1>(xx, c), every_second<0>(xx, c));
}
inline VF exp_tail(VF r) { return polynomial(r, constants::kExpTail); }
inline VD exp_tail(VD r) { return polynomial(r, constants::kExpTail64); }

// 2^n * (1 + t) = exp(z) * 2^(magic's extra bias): the scale 2^n and t.
template <class V>
inline void reduce(V z, V magic, V& scale, V& t, V& t_low) {
  using K = Const<V>;
  const V tn = fma(z, V::set1(K::kLog2e), magic);
  const V n = tn - magic;
  const V r0 = fnma(n, V::set1(K::kLn2Hi), z), r = fnma(n, V::set1(K::kLn2Lo), r0);
  const V rr = r * r, q = exp_tail(r);
  t = fma(rr, q, r);
  t_low = fma(rr, q, r - t) + fnma(n, V::set1(K::kLn2Lo), r0 - r);
  scale = scale_from_bits(tn);
}

inline void reduce_rough(VF z, VF& scale, VF& t) {
  using K = Const<VF>;
  const VF tn = fma(z, VF::set1(K::kLog2e), VF::set1(K::kMagic)), n = tn - VF::set1(K::kMagic);
  const VF r = fnma(n, VF::set1(K::kLn2Lo), fnma(n, VF::set1(K::kLn2Hi), z));
  t = fma(r * r, exp_tail(r), r);
  scale = scale_from_bits(tn);
}

// exp(z) = S + E for z in [-kFast, 0], S rounded to nearest.
template <class V>
inline void exp_parts(V z, V& S, V& E) {
  V scale, t, t_low;
  reduce(z, V::set1(Const<V>::kMagic), scale, t, t_low);
  S = fma(t, scale, scale);
  E = fma(t_low, scale, fma(t, scale, scale - S));
}

// 2^128 * exp(z), z <= 0 down to where exp(z) is below all numbers; NaN stays NaN.
constexpr double kUp = 0x1p128, kDown = 0x1p-128;
inline VD exp_up(VD z, VD& low) {
  using K = Const<VD>;
  VD scale, t, t_low;
  reduce(max_or_second(VD::set1(K::kFloor), z), VD::set1(K::kMagicUp), scale, t, t_low);
  const VD S = fma(t, scale, scale), E = fma(t_low, scale, fma(t, scale, scale - S));
  const VD none = VD::set1(0), sum = S + E;
  const auto finite_x = ne(z, VD::set1(-__builtin_inf()));  // positive unless x is infinite
  low = select(finite_x, (S - sum) + E, none);
  return select(finite_x, sum, none);
}

// log1p(S + E) = H + C for S in (0, 1]. H carries most of it and C the rest with all that H lost.
inline void log1p_parts(VF S, VF E, VF& H, VF& C) {
  const VF share = VF::set1(0.875f);
  H = share * S;
  E = fnma(VF::set1(0.5f) * S, E, E) + fms(share, S, H);  // E / (1 + S), near enough
  const VF v = S - VF::set1(0.5f);
  C = fma(S, polynomial(v, constants::kLog1pRest), E);
}
inline void log1p_parts(VD S, VD E, VD& H, VD& C) {
  // log1p(S) = log(2) + log1p((S-1)/2) for the upper half, so that |f| stays small; S-1 is exact there
  const VD half = VD::set1(0.5), ln2 = VD::set1(constants::kLn2Hi64);
  const MaskD upper = gt(S, half);
  const VD f = select(upper, (S - VD::set1(1.0)) * half, S);
  const VD h = half * f * f;
  const VD s = f / (VD::set1(2.0) + f), z = s * s;
  const VD R = z * polynomial(z, constants::kAtanhTail64);
  const VD tail = fma(s, h + R, fnma(half * S, E, E)) - h;  // log1p(f) - f
  const VD sum = ln2 + f;
  H = select(upper, sum, S);
  C = select(upper, ((ln2 - sum) + f) + (tail + VD::set1(constants::kLn2Lo64)), tail);
}

template <class V>
inline auto is_nan(V a) {
  return ~ordered(a, a);
}
template <class V>
inline V canonical(V a) {  // one NaN for all processors
  return select(ordered(a, a), a, V::set1((typename V::Elem)__builtin_nan("")));
}
// a*b, but 0 where one is 0 and the other infinite.
template <class V>
inline V mul0(V a, V b) {
  const V c = a * b;
  return select(is_nan(c) & ordered(a, b), V::set1(0), c);
}

// A normal-range loss as the unevaluated sum P + low; z = -|x| in [-kFast, 0].
template <bool P_, class V>
inline void loss_parts(V z, decltype(sign_bit(V{})) negative, V t, V p, V& P, V& low) {
  V S, E, H, C;
  exp_parts(z, S, E);
  log1p_parts(S, E, H, C);
  const V one = V::set1(1);
  const V omt = one - t;
  if constexpr (P_) {
    const V pt = p * t;
    const V B = omt + pt;
    const V A = select(negative, pt, omt);
    const V omt_low = (one - omt) - t, pt_low = fms(p, t, pt);
    const V A_low = select(negative, pt_low, omt_low);
    const V BH = B * H, BH_low = fms(B, H, BH);
    const V back = B - omt, B_low = ((omt - (B - back)) + (pt - back)) + (omt_low + pt_low);
    P = fnma(A, z, BH);
    const V d = P - BH;
    const V err = (fnms(A, z, d) + (BH - (P - d))) + fnma(A_low, z, fma(B_low, H, BH_low));
    low = fma(B, C, err);
  } else {
    const V A = select(negative, t, omt);
    P = fnma(A, z, H);
    const V d = P - H;  // Knuth's TwoSum: either of H and A*a may be the larger
    low = C + (fnms(A, z, d) + (H - (P - d)));
  }
}

template <bool W_, bool P_, class V>
inline V loss_normal(V z, decltype(sign_bit(V{})) negative, V t, V w, V p) {
  V P, low;
  loss_parts<P_>(z, negative, t, p, P, low);
  return W_ ? fma(w, P, w * low) : P + low;
}

// For 16-bit outputs: within kRough ULP of float, and cheaper. Where that leaves the rounding open (near_tie), the
// element is repeated in double.
template <bool W_, bool P_>
inline VF loss_rough(VF z, MaskF negative, VF t, VF w, VF p) {
  VF scale, tail;
  reduce_rough(z, scale, tail);
  const VF S = fma(tail, scale, scale), omt = VF::set1(1) - t;
  const VF L = fma(S, polynomial(S - VF::set1(0.5f), constants::kLog1pRest), VF::set1(0.875f) * S);
  VF r;
  if constexpr (P_) {
    const VF pt = p * t;
    r = fnma(select(negative, pt, omt), z, (omt + pt) * L);
  } else {
    r = fnma(select(negative, t, omt), z, L);
  }
  if constexpr (W_) r = r * w;
  return r;
}

// What a gradient is multiplied by, as an unevaluated sum: the scalar scale, or weight * grad_output * scale.
template <class V>
struct Factor {
  V hi, lo;
};

// Where exp(-a) is tiny, or infinities meet zeros, plain sums of products serve. So that no intermediate under- or
// overflows where the result does not, they are also computed 2^128 times larger and smaller.
inline VD pick(VD plain, VD up, VD down, MaskD factors_finite) {
  // up is infinite because plain is large, or because a factor is infinite and plain was lost
  const auto small = gt(VD::set1(1), negate(neg_abs(plain))) & ordered(up, up);
  const VD r = select(finite(up) | small, up * VD::set1(kDown), plain);
  return select(finite(plain) | ~factors_finite, r, down * VD::set1(kUp));
}

// A quantity of exp(z) and itself times 2^128: f(S, E) where z is in the normal range, exp(z) beyond.
template <class F>
inline void near_and_far(VD z, F f, VD& value, VD& value_up, VD& low_up) {
  const VD floor = VD::set1(-Const<VD>::kFast);
  VD S, E, far_low;
  const VD far_up = exp_up(z, far_low);
  exp_parts(max_or_second(z, floor), S, E);
  const VD near = f(S, E);
  VD far = far_up * VD::set1(kDown);
  far = select(gt(far_up, far), max_or_second(far, VD::set1(0x1p-1074)), far);  // positive, should a factor be infinite
  value = select(ge(z, floor), near, far);
  value_up = select(ge(z, floor), near * VD::set1(kUp), far_up);
  low_up = select(ge(z, floor), VD::set1(0), far_low);
}
inline VD log1p_value(VD S, VD E) {
  VD H, C;
  log1p_parts(S, E, H, C);
  return H + C;
}

// (a*b + c + extra) * factor with one rounding where all is finite; 0 times infinity is 0. `extra` is what roundings
// lost.
inline VD scaled_sum(VD a, VD b, VD c, VD extra, Factor<VD> factor) {
  const VD product = a * b, sum = product + c, back = sum - product;
  const VD rest = ((product - (sum - back)) + (c - back)) + (fms(a, b, product) + extra);
  const VD r = fma(sum, factor.hi, fma(sum, factor.lo, rest * factor.hi));
  return select(finite(r) & finite(factor.lo), r, mul0(mul0(a, b) + c, factor.hi));
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
  const VD normal = loss_normal<W_, P_>(max_or_second(z, floor), negative, t, w, p);
  const auto fine = ge(z, floor) & finite(normal) & finite(p);
  return canonical(select(fine, normal, loss_limit<W_, P_>(z, negative, t, w, p)));
}

// A vector of floats through a function of doubles, rounded once to float, or to odd if it is to be rounded again
// (Boldo, Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd",
// IEEE Trans. Comput. 57(4), 2008).
template <bool odd, class F, class... Vs>
inline VF in_double(F f, Vs... operands) {
  float out[VF::W], rest[VF::W], in[sizeof...(Vs)][VF::W];
  std::size_t k = 0;
  (operands.store(in[k++]), ...);
  for (std::size_t i = 0; i < VF::W; i += VD::W) {
    const VD d = f(i, in);
    d.store(out + i);
    if constexpr (odd) (d - VD::load(out + i)).store(rest + i);
  }
  const VF r = VF::load(out);
  if constexpr (odd) return to_odd(r, VF::load(rest));
  return r;
}

template <bool W_, bool P_, bool odd>
__attribute__((noinline)) VF loss_careful(VF x, VF t, VF w, VF p) {
  return in_double<odd>(
      [](std::size_t i, auto& in) {
        return loss_careful<W_, P_>(VD::load(in[0] + i), VD::load(in[1] + i), VD::load(in[2] + i), VD::load(in[3] + i));
      },
      x, t, w, p);
}

template <class V>
inline Factor<V> combine(V w, V g, Factor<V> c) {
  const V f = w * g, f_low = fms(w, g, f), hi = f * c.hi;
  return {hi, fms(f, c.hi, hi) + fma(f, c.lo, f_low * c.hi)};
}
// (q + rest) * factor; where the factor is 0, so is the result, with one sign.
template <class V>
inline V scaled(V q, V rest, Factor<V> c) {
  return fma(q, c.hi, fma(q, c.lo, rest * c.hi) + V::set1(0));
}

// The gradient wrt logits from exp_parts: quotient and remainder, so that it is rounded once.
template <bool P_, class V>
inline V grad_normal(V S, V E, decltype(sign_bit(V{})) negative, V t, V p, Factor<V> c) {
  const V one = V::set1(1), omt = one - t, omt_low = (one - omt) - t;
  V pt = t;
  if constexpr (P_) pt = p * t;
  const V alpha = select(negative, negate(pt), omt), beta = select(negative, omt, negate(pt));
  const V D = one + S, D_low = (one - D) + S, inv = one / D;
  const V num = fma(beta, S, alpha), q = num * inv;
  V left = fnma(q, D_low, fnma(q, D, num));
  left = fma(beta - q, E, left);
  if constexpr (P_) {  // what 1-t and p*t lost in rounding
    const V npt_low = fnma(p, t, pt);
    left = left + fma(select(negative, omt_low, npt_low), S, select(negative, npt_low, omt_low));
  } else {
    left = fma(omt_low, select(negative, S, one), left);
  }
  return scaled(q, left * inv, c);
}

// See loss_rough; within kRough ULP of the larger term.
template <bool P_>
inline VF grad_rough(VF z, MaskF negative, VF t, VF p, VF factor) {
  VF scale, tail;
  reduce_rough(z, scale, tail);
  const VF one = VF::set1(1), S = fma(tail, scale, scale), omt = one - t;
  VF pt = t;
  if constexpr (P_) pt = p * t;
  const VF first = select(negative, negate(pt), omt), second = select(negative, omt, negate(pt)) * S;
  return (first + second) * (factor / (one + S));
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
  if constexpr (W_) c = combine(w, g, c);
  VD S, E;
  exp_parts(max_or_second(z, floor), S, E);
  const VD normal = grad_normal<P_>(S, E, negative, t, p, c);
  const auto fine = ge(z, floor) & finite(normal) & finite(p);
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

template <bool P_, class V>
inline V target_grad_normal(V z, V x, V p, Factor<V> c) {
  V r, low;
  if constexpr (!P_) {
    r = negate(x);
    low = V::set1(0);
  } else {
    V S, E, H, C;
    exp_parts(z, S, E);
    log1p_parts(S, E, H, C);
    const V one = V::set1(1), pm1 = p - one, back = pm1 - p, pm1_low = (p - (pm1 - back)) - (one + back);
    const auto negative = sign_bit(x);
    const V pz = p * z, base = select(negative, negate(pz), z);
    const V base_low = select(negative, fnms(p, z, negate(pz)), V::set1(0));
    r = fma(pm1, H, base);
    const V d = r - base;  // Knuth's TwoSum
    low = fma(pm1, C, (fms(pm1, H, d) + (base - (r - d))) + fma(pm1_low, H, base_low));
  }
  return scaled(r, low, c);
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD target_grad_careful(VD x, VD w, VD p, VD g, Factor<VD> c) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast), a = negate(z);
  const auto negative = sign_bit(x);
  const VD factor = W_ ? mul0(mul0(w, g), c.hi) : c.hi;
  if constexpr (W_) c = combine(w, g, c);
  const VD normal = target_grad_normal<P_>(P_ ? max_or_second(z, floor) : z, x, p, c);
  auto fine = finite(normal);
  VD limit = mul0(negate(x), factor);
  if constexpr (P_) {
    fine = fine & ge(z, floor) & finite(p);
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
