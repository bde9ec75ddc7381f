// What pass 4 does with a vector in which a result may be wrong: it says which lanes stand, settles those far out, and
// has the others computed again. Lanes that stand keep their bits, so an element never depends on its neighbours.
#pragma once

#include "gradient.hpp"
#include "loss.hpp"
#include "stage.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// The lanes of `in_range`, where exp(-|x|) was right, whose result stands: it is finite, unless that is known; not so
// small that it may hide an underflow, unless a factor that is 0 explains it; and, for results of 16 bits, not so near
// a tie that the error of float could decide.
template <class K, bool moderate, class V, class Mask>
inline Mask final_lanes(V result, [[maybe_unused]] V weight, [[maybe_unused]] V grad_output, [[maybe_unused]] V scale,
                        Mask in_range) {
  Mask is_final = in_range;
  if constexpr (!moderate) is_final = is_final & finite(result);
  if constexpr (K::may_underflow) {
    const V zero = V::set1(0);
    auto is_large = ge(V::set1(-Threshold<VF>::kTiny), neg_abs(result));
    if constexpr (K::has_weight) is_large = is_large | ~ne(weight, zero) | ~ne(grad_output, zero);
    if constexpr (K::has_grad) is_large = is_large | ~ne(scale, zero);
    is_final = is_final & is_large;
  }
  if constexpr (K::rounds_to_16_bits)
    is_final = is_final & ~near_tie(result, Threshold<VF>::kTieMargin, (const typename K::Out*)nullptr);
  return is_final;
}

// Far out (masks: -inf, -1e9) exp(-|x|) is 0 whatever multiplies it, and one product is left: coefficient * size *
// factor, where the coefficient is 0 if the target's share is, which is t or 1-t. Settles the lanes for which that is
// beyond doubt: the share is 0 or 1. It saves masks the way through doubles.
//   Domain: |x| >= 1024, t, p and the factor finite; other lanes stay as they are.
//   Largest error: the roundings of two products, 1.5 ULP; none where the share is 0.
//   Measured by: tests/accuracy/test_accuracy_float32.py, test_targets_0_and_1_above_1024 and test_random_operands.
//   Special values: an infinite logit is settled where its result is 0. Else, like NaN and infinities of other
//   operands, it is left for what follows.
template <class K, class V, class Mask>
inline void settle_far_lanes(V z, V t, V p, V share, V coefficient, V size, Factor<V> factor, V& result,
                             Mask& is_final) {
  if constexpr (K::is_float) {
    const V tiny = V::set1(Threshold<VF>::kTiny), zero = V::set1(0);
    const auto magnitude = [](V a) { return negate(neg_abs(a)); };
    const auto is_far = ge(V::set1(-1024), z) & finite(t) & finite(p) & finite(factor.hi);
    const auto is_zero = is_far & ~ne(share, zero);
    const V product = coefficient * size, far = fma(product, factor.hi, product * factor.lo);
    auto is_settled = is_zero;
    if constexpr (!K::rounds_to_16_bits) {
      is_settled = is_zero | (is_far & ~ne(share, V::set1(1)) & finite(far) & ge(magnitude(coefficient), tiny) &
                              ge(magnitude(product), tiny) & ge(magnitude(far), tiny) & ge(magnitude(factor.hi), tiny));
    }
    result = select(is_settled & ~is_final, select(is_zero, zero, far), result);
    is_final = is_final | is_settled;
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
