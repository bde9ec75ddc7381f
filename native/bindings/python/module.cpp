// The Python binding: conversion of arguments and results, exceptions from Status. No checks, no arithmetic.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <atomic>

#include "../../engine/engine.hpp"
#include "names.hpp"
#include "operator_call.hpp"

namespace bcelogits::python {

namespace {
std::atomic<int> thread_count{1};
}

int threads() { return thread_count.load(std::memory_order_relaxed); }

namespace {

// ---- arrays ----------------------------------------------------------------------------------------------------

Result<"numpy.typing.NDArray[typing.Any] | numpy.floating[typing.Any]"> loss(Array logits, Array targets, Factor weight,
                                                                             Factor pos_weight, AnyReduction reduction,
                                                                             Array out) {
  return OperatorCall<Held>(Op::Loss, {logits, targets, weight, pos_weight}, reduction_of(reduction))
      .loss(out, threads());
}

template <Op op>
Result<"numpy.typing.NDArray[typing.Any]"> gradient(Factor grad_output, Array logits, Array targets, Factor weight,
                                                    Factor pos_weight, AnyReduction reduction, Array out) {
  return OperatorCall<Held>(op, {logits, targets, weight, pos_weight}, reduction_of(reduction), grad_output)
      .gradient(out, threads());
}

Result<"tuple[numpy.typing.NDArray[typing.Any] | numpy.floating[typing.Any], numpy.typing.NDArray[typing.Any]]">
value_and_grad(Array logits, Array targets, Factor weight, Factor pos_weight, AnyReduction reduction, Array grad_out) {
  return OperatorCall<Held>(Op::ValueAndGrad, {logits, targets, weight, pos_weight}, reduction_of(reduction))
      .loss_and_gradient(nb::handle(Py_None), grad_out, threads());
}

Result<"numpy.dtype[typing.Any]"> check(Array logits, Array targets, Factor weight, Factor pos_weight,
                                        Factor grad_output) {
  const Op op = grad_output.is_none() ? Op::Loss : Op::Backward;
  return dtype_object(OperatorCall<Held>(op, {logits, targets, weight, pos_weight}, 0, grad_output).plan().result);
}

// ---- PyTorch's tensors: outputs are made by the caller, so that they come from PyTorch's allocator ---------------

void tensor_loss(Tensor input, Tensor target, Tensor weight, Tensor pos_weight, std::int64_t reduction, Tensor out,
                 int threads) {
  OperatorCall<HeldTensor>(Op::Loss, {input, target, weight, pos_weight}, reduction).loss(out, clamp_threads(threads));
}

template <Op op>
void tensor_gradient(Tensor grad_output, Tensor input, Tensor target, Tensor weight, Tensor pos_weight,
                     std::int64_t reduction, Tensor out, int threads, std::uint64_t mean_over) {
  OperatorCall<HeldTensor>(op, {input, target, weight, pos_weight}, reduction, grad_output, mean_over)
      .gradient(out, clamp_threads(threads));
}

void tensor_value_and_grad(Tensor input, Tensor target, Tensor weight, Tensor pos_weight, std::int64_t reduction,
                           Tensor out, Tensor grad_out, int threads) {
  OperatorCall<HeldTensor>(Op::ValueAndGrad, {input, target, weight, pos_weight}, reduction)
      .loss_and_gradient(out, grad_out, clamp_threads(threads));
}

void check_tensors(Tensor input, Tensor target, Tensor weight, Tensor pos_weight) {
  OperatorCall<DescribedTensor>(Op::Loss, {input, target, weight, pos_weight}, 0);
}

bool are_plain(Tensor input, Tensor target, Tensor weight, Tensor pos_weight) {
  return is_plain(input) && is_plain(target) && is_plain(weight) && is_plain(pos_weight);
}

void define_operator(nb::module_& m) {
  using namespace nb::literals;
  const auto grad_output = "grad_output"_a.none(), logits = "logits"_a.none(), targets = "targets"_a.none(),
             weight = "weight"_a.none(), pos_weight = "pos_weight"_a.none(), reduction = "reduction"_a.none(),
             out = "out"_a.none(), grad_out = "grad_out"_a.none();
  m.def("loss", &loss, logits, targets, weight, pos_weight, reduction, out);
  m.def("backward", &gradient<Op::Backward>, grad_output, logits, targets, weight, pos_weight, reduction, out);
  m.def("target_backward", &gradient<Op::TargetBackward>, grad_output, logits, targets, weight, pos_weight, reduction,
        out);
  m.def("value_and_grad", &value_and_grad, logits, targets, weight, pos_weight, reduction, grad_out);
  m.def("check", &check, logits, targets, "weight"_a.none() = nb::none(), "pos_weight"_a.none() = nb::none(),
        "grad_output"_a.none() = nb::none(),
        "Raise what the operator raises for these operands, without reading an element; the dtype of its result.");

  m.def("tensor_loss", &tensor_loss, "input"_a, "target"_a, weight, pos_weight, "reduction"_a, "out"_a, "threads"_a);
  m.def("tensor_backward", &tensor_gradient<Op::Backward>, "grad_output"_a, "input"_a, "target"_a, weight, pos_weight,
        "reduction"_a, "out"_a, "threads"_a, "mean_over"_a = 0);
  m.def("tensor_target_backward", &tensor_gradient<Op::TargetBackward>, "grad_output"_a, "input"_a, "target"_a, weight,
        pos_weight, "reduction"_a, "out"_a, "threads"_a, "mean_over"_a = 0);
  m.def("tensor_value_and_grad", &tensor_value_and_grad, "input"_a, "target"_a, weight, pos_weight, "reduction"_a,
        "out"_a, "grad_out"_a, "threads"_a);
  m.def(
      "set_plain_types", [](TensorType tensor, TensorType parameter) { set_plain_types(tensor, parameter); },
      "tensor"_a, "parameter"_a);
  m.def("check_tensors", &check_tensors, "input"_a, "target"_a, weight, pos_weight,
        "Raise what the operator raises for tensors of these shapes and dtypes, without looking at their memory.");
  m.def("are_plain", &are_plain, "input"_a, "target"_a, weight, pos_weight);
}

void set_num_threads(Arg<"int"> n) {
  if (!PyLong_Check(n.ptr()) || PyBool_Check(n.ptr()))
    throw nb::type_error(("n: " + repr_of(n) + ", expected an int").c_str());
  const long long value = PyLong_AsLongLong(n.ptr());
  if (PyErr_Occurred()) PyErr_Clear();
  if (value < 1 || value > kMaxThreads)
    throw nb::value_error(("n: " + repr_of(n) + ", expected 1 to " + std::to_string(kMaxThreads) + " threads").c_str());
  thread_count = static_cast<int>(value);
}

void refuse_import_if(const std::string& problem) {
  if (problem.empty()) return;
  PyErr_SetString(PyExc_ImportError, problem.c_str());
  throw nb::python_error();
}

}  // namespace

NB_MODULE(_core, m) {
  using namespace nb::literals;
  refuse_import_if(select_isa());
  int threads = 1;
  refuse_import_if(default_threads(threads));
  thread_count = threads;

  m.doc() = "The native engine. Use the functions of the bcelogits package, which document and name the arguments.";
  define_operator(m);
  define_accumulator(m);
  m.def("set_num_threads", &set_num_threads, "n"_a.none(), nb::sig("def set_num_threads(n: int) -> None"),
        "Set how many threads calls of this process use, 1 to 4096. Results do not depend on it.");
  m.def("get_num_threads", [] { return thread_count.load(); }, "How many threads calls of this process use.");
  m.def("version", [] { return std::string(BCELOGITS_VERSION); });
  m.def("isa", [] { return std::string(kernel_table().isa); });
  m.def("isas", &available_isas);
  m.def("reduction_of", &reduction_of, "reduction"_a.none(), nb::sig("def reduction_of(reduction: str | int) -> int"),
        "The number of 'none', 'mean' or 'sum'; 0, 1 or 2 is its own.");
}

}  // namespace bcelogits::python
