// The Python door: conversion of arguments and results, exceptions from Status. No checks, no arithmetic.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <atomic>
#include <cmath>

#include "../../engine/engine.hpp"
#include "array_view.hpp"
#include "call.hpp"

namespace bcelogits::python {

namespace {
std::atomic<int> thread_count{1};
}

int threads() { return thread_count.load(std::memory_order_relaxed); }

namespace {

bool row_major(const ArrayView& v) {
  std::int64_t step = v.item();
  for (int i = v.ndim - 1; i >= 0; --i) {
    if (v.shape[i] != 1 && v.strides[i] != step) return false;
    step *= v.shape[i];
  }
  return true;
}

// An array for results, in the order of the logits.
nb::object new_like(nb::handle logits, const ArrayView& view, DType d) {
  NumPy& n = NumPy::get();
  if (row_major(view)) {  // np.empty takes half the time of np.empty_like
    const nb::object shape = nb::steal(PyTuple_New(view.ndim));
    if (!shape.is_valid()) throw nb::python_error();
    for (int i = 0; i < view.ndim; ++i) {
      PyObject* const length = PyLong_FromLongLong(view.shape[i]);
      if (!length) throw nb::python_error();
      PyTuple_SET_ITEM(shape.ptr(), i, length);
    }
    return n.empty(shape, dtype_object(d));
  }
  PyObject* const given[] = {logits.ptr(), dtype_object(d).ptr(), Py_False};
  nb::object array = nb::steal(PyObject_Vectorcall(n.empty_like.ptr(), given, 1, n.like_names.ptr()));
  if (!array.is_valid()) throw nb::python_error();
  return array;
}

nb::object loss(nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight, nb::handle reduction,
                nb::handle out) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::Loss, reduction_of(reduction), x.view, t.view, w.view, p.view, kNoArray};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  const bool elementwise = plan.reduction == Reduction::None;
  nb::object result = nb::borrow(out);
  if (elementwise) {
    if (out.is_none()) result = new_like(logits, x.view, plan.result);
    Held o(result, Role::Output);
    raise_if(plan_output(r, "out", o.view, true, plan.loss_out));
    execute_released(plan, nullptr, threads());
    return result;
  }
  ExactSum sum;
  if (out.is_none()) {
    execute_released(plan, &sum, threads());
    return scalar(plan.result, reduced(plan, sum, plan.result));
  }
  Held o(out, Role::Output);
  Operand unused;
  raise_if(plan_output(r, "out", o.view, false, unused));
  execute_released(plan, &sum, threads());
  write_number(reduced(plan, sum, o.view.dtype()), o.view.dtype(), o.view.data);
  return result;
}

template <Op op>
nb::object gradient(nb::handle grad_output, nb::handle logits, nb::handle targets, nb::handle weight,
                    nb::handle pos_weight, nb::handle reduction, nb::handle out) {
  Held g(grad_output, Role::Factor), x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{op, reduction_of(reduction), x.view, t.view, w.view, p.view, g.view};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  nb::object result = out.is_none() ? new_like(logits, x.view, plan.result) : nb::borrow(out);
  Held o(result, Role::Output);
  raise_if(plan_output(r, "out", o.view, true, plan.grad_out));
  execute_released(plan, nullptr, threads());
  return result;
}

nb::object value_and_grad(nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight,
                          nb::handle reduction, nb::handle grad_out, Accumulator* into, std::uint64_t mean_over) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::ValueAndGrad, reduction_of(reduction), x.view,   t.view, w.view, p.view,
                  kNoArray,         &kPythonDialect,         mean_over};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  nb::object grad = grad_out.is_none() ? new_like(logits, x.view, plan.result) : nb::borrow(grad_out);
  Held o(grad, Role::Output);
  raise_if(plan_output(r, "grad_out", o.view, true, plan.grad_out));
  if (plan.reduction == Reduction::None) {
    nb::object value = new_like(logits, x.view, plan.result);
    Held v(value, Role::Output);
    raise_if(plan_output(r, "loss", v.view, true, plan.loss_out));
    execute_released(plan, nullptr, threads());
    return nb::make_tuple(value, grad);
  }
  ExactSum sum;
  execute_released(plan, &sum, threads());
  if (into) {
    feed(*into, plan, sum);
    return nb::make_tuple(nb::none(), grad);
  }
  return nb::make_tuple(scalar(plan.result, reduced(plan, sum, plan.result)), grad);
}

void set_num_threads(nb::handle n) {
  if (!PyLong_Check(n.ptr()) || PyBool_Check(n.ptr()))
    throw nb::type_error(("n: " + repr_of(n) + ", expected an int").c_str());
  const long long value = PyLong_AsLongLong(n.ptr());
  if (PyErr_Occurred()) PyErr_Clear();
  if (value < 1 || value > kMaxThreads)
    throw nb::value_error(("n: " + repr_of(n) + ", expected 1 to " + std::to_string(kMaxThreads) + " threads").c_str());
  thread_count = static_cast<int>(value);
}

}  // namespace

NB_MODULE(_core, m) {
  using namespace nb::literals;
  if (const std::string problem = select_isa(); !problem.empty()) {
    PyErr_SetString(PyExc_ImportError, problem.c_str());
    throw nb::python_error();
  }
  int threads = 1;
  if (const std::string problem = default_threads(threads); !problem.empty()) {
    PyErr_SetString(PyExc_ImportError, problem.c_str());
    throw nb::python_error();
  }
  thread_count = threads;

  m.doc() = "The native engine. Use the functions of the bcelogits package, which document and name the arguments.";
  m.def("version", [] { return std::string(BCELOGITS_VERSION); });

#define ANY(name) name ": typing.Any"
#define OPERANDS ANY("logits") ", " ANY("targets") ", " ANY("weight") ", " ANY("pos_weight") ", " ANY("reduction") ", "
  m.def("loss", &loss, "logits"_a.none(), "targets"_a.none(), "weight"_a.none(), "pos_weight"_a.none(),
        "reduction"_a.none(), "out"_a.none(), nb::sig("def loss(" OPERANDS ANY("out") ") -> typing.Any"));
  m.def("backward", &gradient<Op::Backward>, "grad_output"_a.none(), "logits"_a.none(), "targets"_a.none(),
        "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(), "out"_a.none(),
        nb::sig("def backward(" ANY("grad_output") ", " OPERANDS ANY("out") ") -> typing.Any"));
  m.def("target_backward", &gradient<Op::TargetBackward>, "grad_output"_a.none(), "logits"_a.none(), "targets"_a.none(),
        "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(), "out"_a.none(),
        nb::sig("def target_backward(" ANY("grad_output") ", " OPERANDS ANY("out") ") -> typing.Any"));
  m.def(
      "value_and_grad",
      [](nb::handle x, nb::handle t, nb::handle w, nb::handle p, nb::handle reduction, nb::handle grad_out) {
        return value_and_grad(x, t, w, p, reduction, grad_out, nullptr, 0);
      },
      "logits"_a.none(), "targets"_a.none(), "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(),
      "grad_out"_a.none(),
      nb::sig("def value_and_grad(" OPERANDS ANY("grad_out") ") -> tuple[typing.Any, typing.Any]"));
  m.def(
      "value_and_grad_piece",
      [](nb::handle x, nb::handle t, nb::handle w, nb::handle p, nb::handle reduction, nb::handle grad_out,
         std::uint64_t total, Accumulator& into) { value_and_grad(x, t, w, p, reduction, grad_out, &into, total); },
      "logits"_a.none(), "targets"_a.none(), "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(),
      "grad_out"_a.none(), "total"_a, "accumulator"_a,
      nb::sig("def value_and_grad_piece(" OPERANDS ANY("grad_out") ", total: int, accumulator: ExactSum) -> None"));
#undef OPERANDS
#undef ANY

  define_sums(m);
  define_tensor_functions(m);

  m.def("set_num_threads", &set_num_threads, "n"_a.none(), nb::sig("def set_num_threads(n: int) -> None"),
        "Set how many threads calls of this process use, 1 to 4096. Results do not depend on it.");
  m.def("get_num_threads", [] { return thread_count.load(); }, "How many threads calls of this process use.");
  m.def("isa", [] { return std::string(kernel_table().isa); });
  m.def("isas", &available_isas);
}

}  // namespace bcelogits::python
