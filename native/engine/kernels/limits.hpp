// Numbers outside the range of plain arithmetic: NaN, infinities that meet zeros, results that only a factor brings
// back into range; and floats through doubles.
#pragma once

#include "exp_log.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

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

// What a gradient is multiplied by, as an unevaluated sum: the scalar scale, or weight * grad_output * scale.
template <class V>
struct Factor {
  V hi, lo;
};

// Where exp(-a) is tiny, or infinities meet zeros, plain sums of products serve. So that no intermediate under- or
// overflows where the result does not, they are also computed 2^128 times larger (`up`) and smaller (`down`); this
// takes the one that is right.
inline VD choose_scaling(VD plain, VD up, VD down, MaskD factors_finite) {
  // up is infinite because plain is large, or because a factor is infinite and plain was lost
  const auto is_small = gt(VD::set1(1), negate(neg_abs(plain))) & ordered(up, up);
  const VD r = select(finite(up) | is_small, up * VD::set1(kDown), plain);
  return select(finite(plain) | ~factors_finite, r, down * VD::set1(kUp));
}

// f(exp(z)), and 2^128 times it as value_up + tail_up, for an f that is near its argument where that is tiny: f of the
// pair where z is in the normal range, the exponential itself beyond.
template <class F>
inline void at_every_scale(VD z, F f, VD& value, VD& value_up, VD& tail_up) {
  const VD floor = VD::set1(-Threshold<VD>::kFar);
  VD head, tail, far_tail;
  const VD far_up = exp_scaled_up(z, far_tail);
  exp_pair(max_or_second(z, floor), head, tail);
  const VD near = f(head, tail);
  VD far = far_up * VD::set1(kDown);
  far = select(gt(far_up, far), max_or_second(far, VD::set1(0x1p-1074)), far);  // positive, should a factor be infinite
  const auto in_range = ge(z, floor);
  value = select(in_range, near, far);
  value_up = select(in_range, near * VD::set1(kUp), far_up);
  tail_up = select(in_range, VD::set1(0), far_tail);
}
inline VD log1p_value(VD exp_head, VD exp_tail) {
  VD head, tail;
  log1p_pair(exp_head, exp_tail, head, tail);
  return head + tail;
}

// (a*b + c + lost) * factor with one rounding where all is finite; 0 times infinity is 0. `lost` is what roundings
// lost.
inline VD scaled_sum(VD a, VD b, VD c, VD lost, Factor<VD> factor) {
  const VD product = a * b, sum = product + c, back = sum - product;
  const VD rest = ((product - (sum - back)) + (c - back)) + (fms(a, b, product) + lost);
  const VD r = fma(sum, factor.hi, fma(sum, factor.lo, rest * factor.hi));
  return select(finite(r) & finite(factor.lo), r, mul0(mul0(a, b) + c, factor.hi));
}

// A vector of floats through a function of doubles, rounded once to float, or to odd if it is to be rounded again
// (Boldo, Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd",
// IEEE Trans. Comput. 57(4), 2008).
template <bool odd, class F, class... Vs>
inline VF in_double(F f, Vs... operands) {
  float out[VF::W], lost[VF::W], in[sizeof...(Vs)][VF::W];
  std::size_t k = 0;
  (operands.store(in[k++]), ...);
  for (std::size_t i = 0; i < VF::W; i += VD::W) {
    const VD d = f(i, in);
    d.store(out + i);
    if constexpr (odd) (d - VD::load(out + i)).store(lost + i);
  }
  const VF r = VF::load(out);
  if constexpr (odd) return to_odd(r, VF::load(lost));
  return r;
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
