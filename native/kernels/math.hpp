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
  static constexpr float kFast = 80.0f;                  // exp(-a) and its low part are normal numbers up to here
  static constexpr float kMagic = 12582912.0f + 127.0f;  // 1.5*2^23 + bias: low bits become the exponent field
  static constexpr float kTiny = 0x1p-100f;              // a weighted result below it may hide an underflow
  static constexpr float kRough = 5.0f;  // ULP; what loss_rough and grad_rough may be off (largest seen: 4.4)
  static constexpr float kLog2e = constants::kLog2e, kLn2Hi = constants::kLn2Hi, kLn2Lo = constants::kLn2Lo;
};
template <>
struct Const<VD> {
  static constexpr double kFast = 670.0;
  static constexpr double kFloor = -750.0;  // exp(kFloor) rounds to 0
  static constexpr double kMagic = 0x1.8p52 + 1023.0;
  static constexpr double kMagicTiny = 0x1.8p52 + 1023.0 + 128.0;
  static constexpr double kUntiny = 0x1p-128;
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

// exp(z) for z <= 0 below -kFast, down to 0, rounded once into the subnormal numbers; NaN stays NaN.
template <class V>
inline V exp_tiny(V z) {
  using K = Const<V>;
  V scale, t, t_low;
  reduce(max_or_second(V::set1(K::kFloor), z), V::set1(K::kMagicTiny), scale, t, t_low);
  const V S = fma(t, scale, scale), E = fma(t_low, scale, fma(t, scale, scale - S));
  return (S + E) * V::set1(K::kUntiny);
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
template <bool careful, class V>
inline V mul(V a, V b) {
  if constexpr (careful) return mul0(a, b);
  return a * b;
}

// A normal-range loss as the unevaluated sum P + low; z = -|x| in [-kFast, 0].
template <bool P_, bool careful, class V>
inline void loss_parts(V z, decltype(sign_bit(V{})) negative, V t, V p, V& P, V& low) {
  V S, E, H, C;
  exp_parts(z, S, E);
  log1p_parts(S, E, H, C);
  const V one = V::set1(1);
  const V omt = one - t;
  if constexpr (P_) {
    const V pt = mul<careful>(p, t);
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
  if constexpr (careful) low = select(is_nan(low) & ordered(P, P), V::set1(0), low);  // P infinite
}

template <bool W_, bool P_, bool careful, class V>
inline V loss_normal(V z, decltype(sign_bit(V{})) negative, V t, V w, V p) {
  V P, low;
  loss_parts<P_, careful>(z, negative, t, p, P, low);
  if constexpr (!W_) {
    return P + low;
  } else if constexpr (careful) {
    const V r = fma(w, P, mul0(w, low));
    return select(is_nan(r) & ordered(w, P), mul0(w, P), r);
  } else {
    return fma(w, P, w * low);
  }
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

// The loss beyond the normal range: exp(-a) is tiny, infinities meet zeros.
template <bool W_, bool P_, class V>
inline V loss_limit(V z, decltype(sign_bit(V{})) negative, V t, V w, V p) {
  const V u = exp_tiny(z), omt = V::set1(1) - t;
  const V pt = P_ ? mul0(p, t) : t;
  const V r = mul0(select(negative, pt, omt), negate(z)) + (P_ ? mul0(omt + pt, u) : u);
  return W_ ? mul0(w, r) : r;
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD loss_careful(VD x, VD t, VD w, VD p) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast);
  const auto negative = sign_bit(x);
  const VD normal = loss_normal<W_, P_, true>(max_or_second(z, floor), negative, t, w, p);
  return canonical(select(ge(z, floor), normal, loss_limit<W_, P_>(z, negative, t, w, p)));
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

// What a gradient is multiplied by, as an unevaluated sum: the scalar scale, or weight * grad_output * scale.
template <class V>
struct Factor {
  V hi, lo;
};

template <bool careful, class V>
inline Factor<V> combine(V w, V g, Factor<V> c) {
  const V f = mul<careful>(w, g), f_low = fms(w, g, f);
  const V hi = mul<careful>(f, c.hi);
  return {hi, fms(f, c.hi, hi) + fma(f, c.lo, f_low * c.hi)};
}

// The gradient wrt logits from exp_parts: quotient and remainder, so that it is rounded once.
template <bool P_, bool careful, class V>
inline V grad_normal(V S, V E, decltype(sign_bit(V{})) negative, V t, V p, Factor<V> c) {
  const V one = V::set1(1), omt = one - t, omt_low = (one - omt) - t;
  V pt = t;
  if constexpr (P_) pt = mul<careful>(p, t);
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
  return fma(q, c.hi, fma(q, c.lo, (left * inv) * c.hi));
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

template <bool P_, class V>
inline V grad_limit(V z, decltype(sign_bit(V{})) negative, V t, V p) {
  const V u = exp_tiny(z), omt = V::set1(1) - t;
  const V npt = P_ ? negate(mul0(p, t)) : negate(t);
  return select(negative, npt, omt) + mul0(select(negative, omt, npt), u);
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD grad_careful(VD x, VD t, VD w, VD p, VD g, Factor<VD> c) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast);
  const auto negative = sign_bit(x);
  if constexpr (W_) c = combine<true>(w, g, c);
  VD S, E;
  exp_parts(max_or_second(z, floor), S, E);
  const VD normal = grad_normal<P_, true>(S, E, negative, t, p, c);
  const VD limit = mul0(grad_limit<P_>(z, negative, t, p), c.hi);
  return canonical(select(ge(z, floor) & ordered(normal, normal), normal, limit));
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
  return fma(r, c.hi, fma(r, c.lo, low * c.hi));
}

template <bool W_, bool P_, bool odd = false>
__attribute__((noinline)) VD target_grad_careful(VD x, VD w, VD p, VD g, Factor<VD> c) {
  const VD z = neg_abs(x), floor = VD::set1(-Const<VD>::kFast);
  if constexpr (W_) c = combine<true>(w, g, c);
  VD limit = negate(x);
  if constexpr (P_) limit = mul0(p - VD::set1(1), exp_tiny(z)) + select(sign_bit(x), mul0(p, negate(z)), z);
  const VD normal = target_grad_normal<P_>(P_ ? max_or_second(z, floor) : z, x, p, c);
  auto fine = ordered(normal, normal);
  if constexpr (P_) fine = fine & ge(z, floor);
  return canonical(select(fine, normal, mul0(limit, c.hi)));
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
