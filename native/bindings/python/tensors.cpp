// The functions of the Python door that take PyTorch's tensors: outputs are made by the caller, so that they come
// from PyTorch's allocator. No checks, no arithmetic.
#include <algorithm>

#include "../../engine/engine.hpp"
#include "call.hpp"
#include "tensor_view.hpp"

namespace bcelogits::python {

namespace {

// Outputs of the size of the logits are mostly fresh memory.
void prepare(const Operand& out, std::int64_t count) {
  if (out.kind == Operand::Kind::Contiguous)
    prefer_large_pages(out.base, static_cast<std::size_t>(count) * static_cast<std::size_t>(out.item));
}

int clamp_threads(int threads) { return std::clamp(threads, 1, kMaxThreads); }

// The loss into `out`, of the shape of the logits for reduction 0 and else without dimensions.
void loss(nb::handle input, nb::handle target, nb::handle weight, nb::handle pos_weight, std::int64_t reduction,
          nb::handle out, int threads) {
  const HeldTensor x(input), t(target), w(weight), p(pos_weight), o(out);
  const Request r{Op::Loss, reduction, x.view, t.view, w.view, p.view, kNoArray, &kTensorDialect};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  const bool elementwise = plan.reduction == Reduction::None;
  Operand unused;
  raise_if(plan_output(r, "out", o.view, elementwise, elementwise ? plan.loss_out : unused));
  prepare(plan.loss_out, plan.count);
  ExactSum sum;
  execute_released(plan, elementwise ? nullptr : &sum, clamp_threads(threads));
  if (!elementwise) write_number(reduced(plan, sum, o.view.dtype()), o.view.dtype(), o.view.data);
}

// `mean_over`: how many elements a mean is over, if the logits are a part of them; else 0.
template <Op op>
void gradient(nb::handle grad_output, nb::handle input, nb::handle target, nb::handle weight, nb::handle pos_weight,
              std::int64_t reduction, nb::handle out, int threads, std::uint64_t mean_over) {
  const HeldTensor g(grad_output), x(input), t(target), w(weight), p(pos_weight), o(out);
  const Request r{op, reduction, x.view, t.view, w.view, p.view, g.view, &kTensorDialect, mean_over};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  raise_if(plan_output(r, "out", o.view, true, plan.grad_out));
  prepare(plan.grad_out, plan.count);
  execute_released(plan, nullptr, clamp_threads(threads));
}

// Loss and gradient in one pass over memory.
void value_and_grad(nb::handle input, nb::handle target, nb::handle weight, nb::handle pos_weight,
                    std::int64_t reduction, nb::handle out, nb::handle grad_out, int threads) {
  const HeldTensor x(input), t(target), w(weight), p(pos_weight), o(out), g(grad_out);
  const Request r{Op::ValueAndGrad, reduction, x.view, t.view, w.view, p.view, kNoArray, &kTensorDialect};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  const bool elementwise = plan.reduction == Reduction::None;
  Operand unused;
  raise_if(plan_output(r, "out", o.view, elementwise, elementwise ? plan.loss_out : unused));
  raise_if(plan_output(r, "grad_out", g.view, true, plan.grad_out));
  prepare(plan.loss_out, plan.count);
  prepare(plan.grad_out, plan.count);
  ExactSum sum;
  execute_released(plan, elementwise ? nullptr : &sum, clamp_threads(threads));
  if (!elementwise) write_number(reduced(plan, sum, o.view.dtype()), o.view.dtype(), o.view.data);
}

void update(Accumulator& into, nb::handle input, nb::handle target, nb::handle weight, nb::handle pos_weight,
            int threads) {
  const HeldTensor x(input), t(target), w(weight), p(pos_weight);
  const Request r{Op::Loss,       static_cast<std::int64_t>(Reduction::Sum), x.view, t.view, w.view, p.view, kNoArray,
                  &kTensorDialect};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  ExactSum piece;
  execute_released(plan, &piece, clamp_threads(threads));
  feed(into, plan, piece);
}

// The accumulated sum (reduction 2) or mean (1), rounded once to the dtype of `out`, a tensor without dimensions.
void result(const Accumulator& from, std::int64_t reduction, nb::handle out) {
  const HeldTensor o(out);
  const double value = read_out(from.sum, o.view.dtype(), reduction == 1 ? from.count : 1);
  write_number(value, o.view.dtype(), o.view.data);
}

}  // namespace

void define_tensor_functions(nb::module_& m) {
  using namespace nb::literals;
#define ANY(name) name ": typing.Any"
#define OPERANDS ANY("input") ", " ANY("target") ", " ANY("weight") ", " ANY("pos_weight")
  m.def("set_plain_types", &set_plain_types, "tensor"_a, "parameter"_a,
        nb::sig("def set_plain_types(" ANY("tensor") ", " ANY("parameter") ") -> None"));
  m.def(
      "are_plain",
      [](nb::handle x, nb::handle t, nb::handle w, nb::handle p) {
        return is_plain(x) && is_plain(t) && is_plain(w) && is_plain(p);
      },
      "input"_a, "target"_a, "weight"_a.none(), "pos_weight"_a.none(), nb::sig("def are_plain(" OPERANDS ") -> bool"));
  m.def("tensor_loss", &loss, "input"_a, "target"_a, "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a, "out"_a,
        "threads"_a, nb::sig("def tensor_loss(" OPERANDS ", reduction: int, " ANY("out") ", threads: int) -> None"));
  m.def("tensor_backward", &gradient<Op::Backward>, "grad_output"_a, "input"_a, "target"_a, "weight"_a.none(),
        "pos_weight"_a.none(), "reduction"_a, "out"_a, "threads"_a, "mean_over"_a = 0,
        nb::sig("def tensor_backward(" ANY("grad_output") ", " OPERANDS ", reduction: int, " ANY(
            "out") ", threads: int, mean_over: int = 0) -> None"));
  m.def("tensor_target_backward", &gradient<Op::TargetBackward>, "grad_output"_a, "input"_a, "target"_a,
        "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a, "out"_a, "threads"_a, "mean_over"_a = 0,
        nb::sig("def tensor_target_backward(" ANY("grad_output") ", " OPERANDS ", reduction: int, " ANY(
            "out") ", threads: int, mean_over: int = 0) -> None"));
  m.def("tensor_value_and_grad", &value_and_grad, "input"_a, "target"_a, "weight"_a.none(), "pos_weight"_a.none(),
        "reduction"_a, "out"_a, "grad_out"_a, "threads"_a,
        nb::sig("def tensor_value_and_grad(" OPERANDS
                ", reduction: int, " ANY("out") ", " ANY("grad_out") ", threads: int) -> None"));
  m.def("tensor_update", &update, "accumulator"_a, "input"_a, "target"_a, "weight"_a.none(), "pos_weight"_a.none(),
        "threads"_a, nb::sig("def tensor_update(accumulator: ExactSum, " OPERANDS ", threads: int) -> None"));
  m.def("tensor_result", &result, "accumulator"_a, "reduction"_a, "out"_a,
        nb::sig("def tensor_result(accumulator: ExactSum, reduction: int, " ANY("out") ") -> None"));
#undef OPERANDS
#undef ANY
}

}  // namespace bcelogits::python
