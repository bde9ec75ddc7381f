// exp(-|x|) and log1p of it, as pairs of numbers that keep what rounding would lose.
//
// Floats: exp(z) = 2^(n/4) * exp(r), with a table of four powers and a short polynomial, comes as kShare*exp(z) = T +
// D, T an entry of the table, exact, and D at most a tenth of it. So kShare times exp(z) is known to more than a float
// holds, at no cost, and T is the part of log1p that needs no rounding: the share was chosen so that what remains is
// small. Doubles: a rounded value and what its rounding lost.
#pragma once

#include "constants.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V>
struct Const;
template <>
struct Const<VF> {
  static constexpr float kFast = 64.0f;               // exp(-a) and its low parts are far from underflow up to here
  static constexpr float kTiny = 0x1p-100f;           // a weighted result below it may hide an underflow
  static constexpr float kRough = 3.0f;               // ULP that a result may be off when it is rounded to 16 bits
  static constexpr float kShare = constants::kShare;  // the pair of exp(z) is kShare*exp(z)
};
template <>
struct Const<VD> {
  static constexpr double kFast = 670.0;
  static constexpr double kShare = 1.0;
  static constexpr double kFloor =
      -790.0;  // 2^128 * exp(kFloor) is still a normal number, and no factor makes it count
  static constexpr double kMagic = 0x1.8p52 + 1023.0;
  static constexpr double kMagicUp = 0x1.8p52 + 1023.0 + 128.0;  // the same for 2^128 times the result
  static constexpr double kLog2e = constants::kLog2e64, kLn2Hi = constants::kLn2Hi64, kLn2Lo = constants::kLn2Lo64;
};

// sum(c[k] * x^k) as even part + x * odd part: half the depth of Horner's rule for one operation more.
template <std::size_t First, class V, class E, std::size_t N>
inline V every_second(V xx, const E (&c)[N]) {
  constexpr std::size_t last = First + (N - 1 - First) / 2 * 2;
  V r = V::set1(c[last]);
  for (std::size_t i = last; i >= First + 2; i -= 2) r = fma(r, xx, V::set1(c[i - 2]));
  return r;
}
template <class V, class E, std::size_t N>
inline V polynomial(V x, const E (&c)[N]) {
  const V xx = x * x;
  return fma(x, every_second<1>(xx, c), every_second<0>(xx, c));
}

// kShare * exp(z) = T + D for z in [-kFast, 0].
inline void exp_parts(VF z, VF& T, VF& D) {
  using namespace constants;
  const VF tn = fma(z, VF::set1(kSteps), VF::set1(kMagic)), n = tn - VF::set1(kMagic);
  const VF r_high = fnma(n, VF::set1(kStepHi), z), r_low = n * VF::set1(-kStepLo),
           r = r_high + r_low;  // the first exact
  const VF rr = r * r;
  const VF high = fma(VF::set1(kExpTail[3]), r, VF::set1(kExpTail[2]));
  const VF q = fma(high, rr, fma(VF::set1(kExpTail[1]), r, VF::set1(kExpTail[0])));
  T = table_scale(tn, kPowers);
  D = fma(T, r_high, T * fma(rr, q, r_low));
}

// 2^n * (1 + t) = exp(z) * 2^(magic's extra bias): the scale 2^n and t.
inline void reduce(VD z, VD magic, VD& scale, VD& t, VD& t_low) {
  using K = Const<VD>;
  const VD tn = fma(z, VD::set1(K::kLog2e), magic);
  const VD n = tn - magic;
  const VD r0 = fnma(n, VD::set1(K::kLn2Hi), z), r = fnma(n, VD::set1(K::kLn2Lo), r0);
  const VD rr = r * r, q = polynomial(r, constants::kExpTail64);
  t = fma(rr, q, r);
  t_low = fma(rr, q, r - t) + fnma(n, VD::set1(K::kLn2Lo), r0 - r);
  scale = scale_from_bits(tn);
}
// exp(z) = S + E for z in [-kFast, 0], S rounded to nearest.
inline void exp_parts(VD z, VD& S, VD& E) {
  VD scale, t, t_low;
  reduce(z, VD::set1(Const<VD>::kMagic), scale, t, t_low);
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

// From the pair of exp_parts: S rounded to nearest and E, what that lost.
inline void rounded(VF T, VF D, VF& S, VF& E) {
  S = T + D;
  E = (T - S) + D;
}
inline void rounded(VD first, VD second, VD& S, VD& E) {
  S = first;
  E = second;
}

// log1p(exp(z)) = H + C from the pair of exp_parts. H carries most of it and C the rest with all that H lost.
inline void log1p_parts(VF T, VF D, VF& H, VF& C) {
  const VF M = polynomial((T + D) - VF::set1(constants::kCentre), constants::kLog1pRest);
  H = T;
  C = fma(T, M, fma(D, M, D));  // (T + D)*M + D, without the rounding of T + D
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

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
