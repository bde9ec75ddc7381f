// One call of the operator, the same for arrays and tensors: `View` holds one of them as an ArrayView (Held,
// HeldTensor). No checks, no arithmetic.
#pragma once

#include <nanobind/nanobind.h>

#include "../../engine/engine.hpp"
#include "array_view.hpp"
#include "call.hpp"
#include "tensor_view.hpp"

namespace bcelogits::python {

struct Operands {
  nb::handle logits, targets, weight, pos_weight;
};

template <class View>
class OperatorCall {
 public:
  // `mean_over`: how many elements a mean is over, if the logits are a part of them; else 0.
  OperatorCall(Op op, const Operands& o, std::int64_t reduction, nb::handle grad_output = nb::handle(Py_None),
               std::uint64_t mean_over = 0)
      : grad_output_(grad_output, Role::Factor),
        logits_(o.logits, Role::Input),
        targets_(o.targets, Role::Input),
        weight_(o.weight, Role::Factor),
        pos_weight_(o.pos_weight, Role::Factor),
        like_(o.logits),
        request_{op,           reduction,        logits_.view,      targets_.view,
                 weight_.view, pos_weight_.view, grad_output_.view, View::kDialect,
                 mean_over} {
    raise_if(plan_inputs(request_, plan_), View::kErrors);
  }
  OperatorCall(const OperatorCall&) = delete;

  const Plan& plan() const { return plan_; }

  // The loss: into `out`, or where that is None a new array, or a NumPy scalar if it is reduced.
  nb::object loss(nb::handle out, int threads) {
    if (plan_.reduction == Reduction::None) {
      const Output result(*this, "out", out, true, plan_.loss_out);
      execute_released(plan_, nullptr, threads);
      return result.object;
    }
    if (out.is_none()) return scalar(plan_.result, reduced(plan_, losses(threads), plan_.result));
    Operand number;
    const Output result(*this, "out", out, false, number);
    const DType dtype = result.held.view.dtype();
    write_number(reduced(plan_, losses(threads), dtype), dtype, result.held.view.data);
    return result.object;
  }

  // The gradient, into `out` or where that is None a new array.
  nb::object gradient(nb::handle out, int threads) {
    const Output result(*this, "out", out, true, plan_.grad_out);
    execute_released(plan_, nullptr, threads);
    return result.object;
  }

  // Both, in one pass over memory.
  nb::object loss_and_gradient(nb::handle out, nb::handle grad_out, int threads) {
    const Output grad(*this, "grad_out", grad_out, true, plan_.grad_out);
    return nb::make_tuple(loss(out, threads), grad.object);
  }

  // The sum of the losses, and the gradient into `grad_out`.
  ExactSum losses_and_gradient(nb::handle grad_out, int threads) {
    const Output grad(*this, "grad_out", grad_out, true, plan_.grad_out);
    return losses(threads);
  }

  ExactSum losses(int threads) {
    ExactSum sum;
    execute_released(plan_, &sum, threads);
    return sum;
  }

 private:
  // An array that is written to, and its place in the plan.
  struct Output {
    nb::object object;
    View held;
    Output(OperatorCall& call, const char* name, nb::handle given, bool elementwise, Operand& target)
        : object(call.given_or_new(given)), held(object, Role::Output) {
      raise_if(plan_output(call.request_, name, held.view, elementwise, target), View::kErrors);
      if constexpr (View::kFreshOutputs)
        if (elementwise && target.kind == Operand::Kind::Contiguous)
          prefer_large_pages(target.base,
                             static_cast<std::size_t>(call.plan_.count) * static_cast<std::size_t>(target.item));
    }
  };

  nb::object given_or_new(nb::handle given) const {
    if constexpr (requires { View::new_like(like_, logits_.view, plan_.result); })
      if (given.is_none()) return View::new_like(like_, logits_.view, plan_.result);
    return nb::borrow(given);
  }

  const View grad_output_, logits_, targets_, weight_, pos_weight_;
  const nb::handle like_;
  const Request request_;
  Plan plan_;
};

}  // namespace bcelogits::python
