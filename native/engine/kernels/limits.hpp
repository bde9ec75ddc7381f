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

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
