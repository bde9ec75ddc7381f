// The Python door: conversion of arguments and results, exceptions from Status. No checks, no arithmetic.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <atomic>
#include <cmath>

#include "../runtime/pool.hpp"
#include "array_view.hpp"
#include "call.hpp"

namespace bcelogits::python {

namespace {

std::atomic<int> thread_count{1};

int threads() { return thread_count.load(std::memory_order_relaxed); }
std::string repr_of(nb::handle object) { return text_of(nb::steal(PyObject_Repr(object.ptr()))); }

std::int64_t reduction_of(nb::handle object) {
  std::int64_t value = -1;
  if (PyUnicode_Check(object.ptr())) {
    value = parse_reduction(text_of(object));
  } else if ((PyLong_Check(object.ptr()) && !PyBool_Check(object.ptr())) ||
             PyObject_IsInstance(object.ptr(), NumPy::get().integer.ptr()) == 1) {
    const nb::object index = nb::steal(PyNumber_Index(object.ptr()));
    if (index.is_valid()) value = PyLong_AsLongLong(index.ptr());
    if (PyErr_Occurred()) {
      PyErr_Clear();
      value = -1;
    }
  } else {
    throw nb::type_error(("reduction: " + repr_of(object) + ", expected a str or an int").c_str());
  }
  if (value < 0 || value > 2)
    throw nb::value_error(("reduction: " + repr_of(object) + ", expected 'none' (0), 'mean' (1) or 'sum' (2)").c_str());
  return value;
}

nb::object new_like(nb::handle logits, DType d) {
  return NumPy::get().empty_like(logits, nb::arg("dtype") = dtype_object(d), nb::arg("subok") = false);
}

nb::object scalar(DType d, double value) {
  if (value == 0.0 || std::abs(value) >= std::ldexp(1.0, info(d).emin)) return dtype_object(d).attr("type")(value);
  // A subnormal number: NumPy's conversion would flush it where the caller has that mode set.
  const nb::object array = NumPy::get().empty(nb::make_tuple(), dtype_object(d));
  write_number(value, d, Held(array).view.data);
  return array.attr("__getitem__")(nb::make_tuple());
}

nb::object loss(nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight, nb::handle reduction,
                nb::handle out) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::Loss, reduction_of(reduction), x.view, t.view, w.view, p.view, {}};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  const bool elementwise = plan.reduction == Reduction::None;
  nb::object result = nb::borrow(out);
  if (elementwise) {
    if (out.is_none()) result = new_like(logits, plan.result);
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
  write_number(reduced(plan, sum, o.view.dtype), o.view.dtype, o.view.data);
  return result;
}

template <Op op>
nb::object gradient(nb::handle grad_output, nb::handle logits, nb::handle targets, nb::handle weight,
                    nb::handle pos_weight, nb::handle reduction, nb::handle out) {
  Held g(grad_output, Role::Factor), x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{op, reduction_of(reduction), x.view, t.view, w.view, p.view, g.view};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  nb::object result = out.is_none() ? new_like(logits, plan.result) : nb::borrow(out);
  Held o(result, Role::Output);
  raise_if(plan_output(r, "out", o.view, true, plan.grad_out));
  execute_released(plan, nullptr, threads());
  return result;
}

nb::object value_and_grad(nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight,
                          nb::handle reduction, nb::handle grad_out, LossAccumulator* into, std::uint64_t mean_over) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::ValueAndGrad, reduction_of(reduction), x.view, t.view, w.view, p.view, {}};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  plan.mean_over = mean_over;
  nb::object grad = grad_out.is_none() ? new_like(logits, plan.result) : nb::borrow(grad_out);
  Held o(grad, Role::Output);
  raise_if(plan_output(r, "grad_out", o.view, true, plan.grad_out));
  if (plan.reduction == Reduction::None) {
    nb::object value = new_like(logits, plan.result);
    Held v(value, Role::Output);
    raise_if(plan_output(r, "loss", v.view, true, plan.loss_out));
    execute_released(plan, nullptr, threads());
    return nb::make_tuple(value, grad);
  }
  ExactSum sum;
  execute_released(plan, &sum, threads());
  if (into) {
    into->feed(plan, sum);
    return nb::make_tuple(nb::none(), grad);
  }
  return nb::make_tuple(scalar(plan.result, reduced(plan, sum, plan.result)), grad);
}

void update(LossAccumulator& self, nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::Loss, static_cast<std::int64_t>(Reduction::Sum), x.view, t.view, w.view, p.view, {}};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  ExactSum piece;
  execute_released(plan, &piece, threads());
  self.feed(plan, piece);
}

nb::object read_out(const LossAccumulator& self, nb::handle reduction, nb::handle dtype) {
  const std::int64_t red = reduction_of(reduction);
  if (red == 0) throw nb::value_error("reduction: 'none', expected 'mean' or 'sum'");
  DType d = self.result == DType::Unsupported ? DType::F32 : self.result;
  if (!dtype.is_none()) d = dtype_from(dtype);
  if (d == DType::Unsupported)
    throw nb::type_error(("dtype: " + repr_of(dtype) + ", expected float32, float16, bfloat16 or float64").c_str());
  return scalar(d, read_out(self.sum, d, red == 1 ? self.count : 1));
}

// The state as bytes of a fixed, little-endian layout: version, flags, dtype, count, limbs.
nb::bytes get_state(const LossAccumulator& self) {
  std::string s(4 + 8 + 8 * ExactSum::kLimbs + 4, '\0');
  const auto put = [&](std::size_t at, std::uint64_t v, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) s[at + i] = static_cast<char>(v >> (8 * i));
  };
  ExactSum resolved;  // every limb but the last within 32 bits: states may be added limb by limb
  resolved.merge(self.sum);
  const ExactSum::State& e = resolved.state();
  s[0] = 1;
  s[1] = static_cast<char>(e.nan | e.plus_inf << 1 | e.minus_inf << 2);
  s[2] = static_cast<char>(self.result);
  put(4, self.count, 8);
  put(12, e.pending, 4);
  for (std::size_t k = 0; k < ExactSum::kLimbs; ++k) put(16 + 8 * k, static_cast<std::uint64_t>(e.limb[k]), 8);
  return nb::bytes(s.data(), s.size());
}

void set_state(LossAccumulator& self, nb::bytes state) {
  const auto* s = reinterpret_cast<const unsigned char*>(state.c_str());
  if (state.size() != 16 + 8 * ExactSum::kLimbs || s[0] != 1 || s[2] > static_cast<int>(DType::Unsupported) || s[1] > 7)
    throw nb::value_error("state: not a state of LossAccumulator, version 1");
  const auto get = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < bytes; ++i) v |= static_cast<std::uint64_t>(s[at + i]) << (8 * i);
    return v;
  };
  ExactSum::State e;
  e.nan = s[1] & 1;
  e.plus_inf = s[1] >> 1 & 1;
  e.minus_inf = s[1] >> 2 & 1;
  e.pending = static_cast<std::uint32_t>(get(12, 4));
  for (std::size_t k = 0; k < ExactSum::kLimbs; ++k) e.limb[k] = static_cast<std::int64_t>(get(16 + 8 * k, 8));
  ExactSum sum;
  sum.set_state(e);
  self = LossAccumulator{sum, get(4, 8), static_cast<DType>(s[2])};
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
         std::uint64_t total, LossAccumulator& into) { value_and_grad(x, t, w, p, reduction, grad_out, &into, total); },
      "logits"_a.none(), "targets"_a.none(), "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(),
      "grad_out"_a.none(), "total"_a, "accumulator"_a,
      nb::sig(
          "def value_and_grad_piece(" OPERANDS ANY("grad_out") ", total: int, accumulator: LossAccumulator) -> None"));

  nb::class_<LossAccumulator>(m, "LossAccumulator")
      .def(nb::init<>())
      .def("update", &update, "logits"_a.none(), "targets"_a.none(), "weight"_a.none() = nb::none(), nb::kw_only(),
           "pos_weight"_a.none() = nb::none(),
           nb::sig("def update(self, " ANY("logits") ", " ANY("targets") ", weight: typing.Any = None, *, "
                                                                         "pos_weight: typing.Any = None) -> None"))
      .def(
          "merge",
          [](LossAccumulator& self, const LossAccumulator& other) {
            self.sum.merge(other.sum);
            self.count += other.count;
            if (other.result != DType::Unsupported)
              self.result = self.result == DType::Unsupported ? other.result : promote(self.result, other.result);
          },
          "other"_a)
      .def("result", &read_out, "reduction"_a.none() = "mean", "dtype"_a.none() = nb::none(),
           nb::sig("def result(self, reduction: typing.Any = 'mean', dtype: typing.Any = None) -> typing.Any"))
      .def_ro("count", &LossAccumulator::count)
      .def("__getstate__", &get_state)
      .def("__setstate__", [](LossAccumulator& self, nb::bytes state) {
        new (&self) LossAccumulator;
        set_state(self, state);
      });
#undef OPERANDS
#undef ANY

  define_tensor_functions(m);

  m.def("set_num_threads", &set_num_threads, "n"_a.none(), nb::sig("def set_num_threads(n: int) -> None"),
        "Set how many threads calls of this process use, 1 to 4096. Results do not depend on it.");
  m.def("get_num_threads", [] { return thread_count.load(); }, "How many threads calls of this process use.");
  m.def("isa", [] { return std::string(kernel_table().isa); });
  m.def("isas", &available_isas);
}

}  // namespace bcelogits::python
