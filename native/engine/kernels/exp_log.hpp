// exp(-|x|) and log1p of it, as pairs: unevaluated sums head + tail that keep what rounding would lose.
//
// Above each function stand its domain, its largest error in ULP of the exact value, the test that measures it, and
// what special values give. Lanes outside the domain get numbers that nobody uses: pass 4 has them computed again
// (repair.hpp).
//
// Floats: exp(z) = 2^(n/4) * exp(r), with a table of four powers and a short polynomial, comes as kShare*exp(z) = head
// + tail, the head an entry of the table, exact, and the tail at most a tenth of it. So kShare times exp(z) is known to
// more than a float holds, at no cost, and the head is the part of log1p that needs no rounding: the share was chosen
// so that what remains is small. Doubles: a rounded value and what its rounding lost.
#pragma once

#include "constants.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// What the pair of exp(z) is multiplied by.
template <class V>
inline constexpr typename V::Elem kShare = 1;
template <>
inline constexpr float kShare<VF> = constants::kShare;

// Where other forms begin.
template <class V>
struct Threshold;
template <>
struct Threshold<VF> {
  static constexpr float kFar = 64.0f;       // of |x|: up to here exp(-|x|) and its tail are far from underflow
  static constexpr float kTiny = 0x1p-100f;  // a weighted result below it may hide an underflow
  static constexpr float kTieMargin = 3.0f;  // ULP that a result may be off when it is rounded to 16 bits
};
template <>
struct Threshold<VD> {
  static constexpr double kFar = 670.0;
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

// kShare * exp(z) = head + tail.
//   Domain: z in [-64, 0].
//   Largest error: 0.081 ULP of float, over all floats of the domain; the polynomial's part is in constants.hpp.
//   Measured by: tests/accuracy/test_accuracy_steps.py, test_exp_of_floats.
//   Special values: either zero gives kShare, exactly, and subnormal z the same to within the error. NaN, infinities
//   and what is below -64: outside the domain.
inline void exp_pair(VF z, VF& head, VF& tail) {
  using namespace constants;
  // n = round(4*z / ln 2), which the low bits of the first sum hold
  const VF n_in_bits = fma(z, VF::set1(kSteps), VF::set1(kMagic)), n = n_in_bits - VF::set1(kMagic);
  // r = z - n * ln 2/4 = r_high + r_low, |r| <= ln 2/8; r_high is exact
  const VF r_high = fnma(n, VF::set1(kStepHi), z), r_low = n * VF::set1(-kStepLo), r = r_high + r_low;
  // q = (exp(r) - 1 - r) / r^2
  const VF rr = r * r, q_high = fma(VF::set1(kExpTail[3]), r, VF::set1(kExpTail[2]));
  const VF q = fma(q_high, rr, fma(VF::set1(kExpTail[1]), r, VF::set1(kExpTail[0])));
  // head = kShare * 2^(n/4)
  head = table_scale(n_in_bits, kPowers);
  // tail = head * (exp(r) - 1) = head*r_high + head*(r^2*q + r_low): one rounding that counts
  tail = fma(head, r_high, head * fma(rr, q, r_low));
}

// scale * (1 + t + t_low) = 2^k * exp(z), where `magic` is kMagic64 + k: the steps that both forms for doubles share.
inline constexpr double kMagic64 = 0x1.8p52 + 1023.0;  // its sum with a number has the bias and the integer in its bits
inline void reduce_exp(VD z, double magic, VD& scale, VD& t, VD& t_low) {
  using namespace constants;
  // n = round(z / ln 2)
  const VD n_in_bits = fma(z, VD::set1(kLog2e64), VD::set1(magic)), n = n_in_bits - VD::set1(magic);
  // r = z - n*ln 2, |r| <= ln 2/2; r_first is exact
  const VD r_first = fnma(n, VD::set1(kLn2Hi64), z), r = fnma(n, VD::set1(kLn2Lo64), r_first);
  // t = exp(r) - 1 = r + r^2*q, t_low what the roundings of it and of r lost
  const VD rr = r * r, q = polynomial(r, kExpTail64);
  t = fma(rr, q, r);
  t_low = fma(rr, q, r - t) + fnma(n, VD::set1(kLn2Lo64), r_first - r);
  // scale = 2^(n + k)
  scale = scale_from_bits(n_in_bits);
}

// exp(z) = head + tail, the head rounded to nearest.
//   Domain: z in [-670, 0].
//   Largest error: 0.21 ULP of double, of 1.6 million sampled.
//   Measured by: tests/accuracy/test_accuracy_steps.py, test_exp_of_doubles.
//   Special values: either zero gives 1, exactly, and subnormal z the same to within the error. NaN, infinities and
//   what is below -670: outside the domain.
inline void exp_pair(VD z, VD& head, VD& tail) {
  VD scale, t, t_low;
  reduce_exp(z, kMagic64, scale, t, t_low);
  head = fma(t, scale, scale);
  tail = fma(t_low, scale, fma(t, scale, scale - head));
}

inline constexpr double kUp = 0x1p128, kDown = 0x1p-128;
inline constexpr double kFloor = -790.0;  // 2^128 * exp(kFloor) is a normal number still, and no factor makes it count

// 2^128 * exp(z) = value + tail, where exp(z) itself may be subnormal or below all numbers.
//   Domain: z <= 0, and NaN.
//   Largest error: 0.21 ULP of double for z in [-790, -600], of 400,000 sampled.
//   Measured by: tests/accuracy/test_accuracy_steps.py, test_exp_scaled_up.
//   Special values: either zero gives 2^128, exactly; z below -790 what -790 gives; -infinity 0; NaN NaN.
inline VD exp_scaled_up(VD z, VD& tail) {
  VD scale, t, t_low;
  reduce_exp(max_or_second(VD::set1(kFloor), z), kMagic64 + 128.0, scale, t, t_low);
  const VD first = fma(t, scale, scale), second = fma(t_low, scale, fma(t, scale, scale - first));
  const VD zero = VD::set1(0), value = first + second;
  const auto is_positive = ne(z, VD::set1(-__builtin_inf()));
  tail = select(is_positive, (first - value) + second, zero);
  return select(is_positive, value, zero);
}

// From the pair of exp_pair: its sum rounded to nearest, and what that lost. Exact.
inline void round_exp(VF head, VF tail, VF& nearest, VF& lost) {
  nearest = head + tail;
  lost = (head - nearest) + tail;
}
inline void round_exp(VD head, VD tail, VD& nearest, VD& lost) {
  nearest = head;
  lost = tail;
}

// log1p(exp(z)) = head + tail from the pair of exp_pair. The head carries most of it, and the tail the rest with all
// that the head lost.
//   Domain: what exp_pair makes of its domain.
//   Largest error, that of the exponential included: floats 0.53 ULP, over all floats of the domain; doubles
//   0.45 ULP, of 1.6 million sampled. What is lost is a rounding of the tail, which is smaller than the sum.
//   Measured by: tests/accuracy/test_accuracy_steps.py, test_log1p_of_floats, test_log1p_of_doubles.
//   Special values: z of either zero, or subnormal, gives ln 2 to within the error. All else: outside the domain.
inline void log1p_pair(VF exp_head, VF exp_tail, VF& head, VF& tail) {
  // With U = exp_head + exp_tail = kShare*exp(z): log1p(U/kShare) = U + U*m(U) = exp_head + (U*m + exp_tail)
  const VF m = polynomial((exp_head + exp_tail) - VF::set1(constants::kCentre), constants::kLog1pRest);
  head = exp_head;
  tail = fma(exp_head, m, fma(exp_tail, m, exp_tail));  // without the rounding of U
}
inline void log1p_pair(VD exp_head, VD exp_tail, VD& head, VD& tail) {
  // With u = exp_head above 1/2: log1p(u) = ln 2 + log1p(f), f = (u-1)/2, else f = u; so f is in [-1/4, 1/2], and exact
  const VD half = VD::set1(0.5), ln2 = VD::set1(constants::kLn2Hi64);
  const MaskD upper = gt(exp_head, half);
  const VD f = select(upper, (exp_head - VD::set1(1.0)) * half, exp_head);
  // log1p(f) = f - (h - s*(h + R(s^2))), h = f^2/2, s = f/(2+f)  (Ng, FreeBSD msun)
  const VD h = half * f * f;
  const VD s = f / (VD::set1(2.0) + f), ss = s * s;
  const VD R = ss * polynomial(ss, constants::kAtanhTail64);
  // rest = log1p(f) - f, with exp_tail times the derivative of log1p, about 1 - u/2
  const VD rest = fma(s, h + R, fnma(half * exp_head, exp_tail, exp_tail)) - h;
  const VD sum = ln2 + f;
  head = select(upper, sum, exp_head);
  tail = select(upper, ((ln2 - sum) + f) + (rest + VD::set1(constants::kLn2Lo64)), rest);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
