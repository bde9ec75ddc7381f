// What a kernel is made for, and the flags that follow from it and choose the code of every pass.
#pragma once

#include "table.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// op: what is computed. weighted: weight and, of gradients, grad_output are arrays. pos_weighted: pos_weight is one.
// V: vectors of the compute type. In: dtype of logits and targets in memory. Out: dtype of the results.
template <Op op, bool weighted, bool pos_weighted, class Vector, class InType, class OutType>
struct Traits {
  using V = Vector;
  using In = InType;
  using Out = OutType;
  using Elem = typename V::Elem;
  // The kernel of the losses alone, which kValueAndGrad leaves in the compute type.
  using LossAlone = Traits<kLoss, weighted, pos_weighted, V, In, Elem>;

  static constexpr bool has_weight = weighted, has_pos_weight = pos_weighted;
  // Losses are computed.
  static constexpr bool has_loss = op == kLoss || op == kValueAndGrad;
  // A gradient is computed, and is what `Out` is the dtype of.
  static constexpr bool has_grad = op != kLoss;
  // The gradient is the one wrt targets, which does not depend on them.
  static constexpr bool wrt_targets = op == kTargetGrad;
  static constexpr bool reads_targets = !wrt_targets;
  // The gradient's factor differs from element to element: weight * grad_output * scale.
  static constexpr bool has_grad_output = weighted && has_grad;

  // The compute type is float, and doubles are there to repair what floats cannot do.
  static constexpr bool is_float = sizeof(Elem) == 4;
  // Results are rounded twice, to float and to 16 bits, so that those near a tie need care.
  static constexpr bool rounds_to_16_bits = sizeof(Out) == 2;
  // The gradient wrt targets is -x, times the factor, without pos_weight; all else needs exp(-|x|).
  static constexpr bool uses_exp = !wrt_targets || pos_weighted;
  // The gradient wrt logits is made of exp(-|x|) alone.
  static constexpr bool uses_log1p = uses_exp && op != kGrad;
  // Logits of 16 bits are so few that log1p(exp(-|x|)) of them is looked up.
  static constexpr bool looks_up_log1p = sizeof(In) == 2 && has_loss;
  // So is sigmoid(-|x|), from which gradients for targets 0 and 1 are right to what 16 bits need.
  static constexpr bool looks_up_sigmoid = sizeof(In) == 2 && rounds_to_16_bits && (op == kGrad || op == kValueAndGrad);
  static constexpr bool looks_up = looks_up_log1p || looks_up_sigmoid;

  // It is worth knowing that all targets are 0 or 1: only the loss without pos_weight has one form for all targets.
  static constexpr bool has_hard_form = pos_weighted || op != kLoss;
  // The loss of floats without weights is one number, rounded once more than a pair would be, and not a pair.
  static constexpr bool loss_is_single = is_float && !pos_weighted && !weighted;
  // A product with a factor, or a gradient, may be so small that a part of it has underflowed. Of floats only: with
  // factors of ordinary size doubles have exponents to spare.
  static constexpr bool may_underflow = is_float && (weighted || pos_weighted || op != kLoss);
  // Passes 3 and 4 are one. With enough registers that is faster, but for results of 16 bits, which need repair too
  // often.
  static constexpr bool fuses_last_passes = kManyRegisters && (!rounds_to_16_bits || has_grad_output);
};

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
