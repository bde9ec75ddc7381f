// The accumulator as a class of the Python binding: what is added, read out, and taken to other processes.
#include <nanobind/nanobind.h>
#include <nanobind/operators.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cstring>

#include "names.hpp"
#include "operator_call.hpp"

namespace bcelogits::python {

namespace {

// Numbers or losses that come in chunks: their exact sum and how many they are.
struct Accumulator {
  ExactSum sum;
  std::uint64_t count = 0;
  DType dtype = DType::Unsupported;  // promoted dtype of the arrays so far; Unsupported: there was none

  // Adds the sum of n more numbers, of a dtype if they came in an array; raises, and adds nothing, where the count
  // would not fit.
  void feed(const ExactSum& chunk, std::uint64_t n, DType of) {
    std::uint64_t all = 0;
    if (__builtin_add_overflow(count, n, &all))
      throw nb::value_error("count: 2^64 or more, expected fewer numbers in all");
    sum.merge(chunk);
    count = all;
    if (of != DType::Unsupported) dtype = dtype == DType::Unsupported ? of : promote(dtype, of);
  }
};

using Text = std::optional<std::string>;
constexpr std::int64_t kSum = static_cast<std::int64_t>(Reduction::Sum);

void add_values(Accumulator& self, Factor values) {
  const Held held(values, Role::Factor);
  SumPlan plan;
  raise_if(plan_sum("values", held.view, plan));
  ExactSum sum;
  execute_released(plan, sum, threads());
  if (PyLong_CheckExact(values.ptr())) {  // what float64 does not hold of a long one
    nb::object rest = nb::borrow(values);
    for (double part = held.number; part != 0.0;) {
      rest = nb::steal(PyNumber_Subtract(rest.ptr(), nb::steal(PyLong_FromDouble(part)).ptr()));
      if (!rest.is_valid()) throw nb::python_error();
      part = PyLong_AsDouble(rest.ptr());
      sum.add(part);
    }
  }
  self.feed(sum, static_cast<std::uint64_t>(plan.count), held.view.weak ? DType::Unsupported : held.view.dtype());
}

void feed(Accumulator& self, const Plan& plan, const ExactSum& losses) {
  self.feed(losses, static_cast<std::uint64_t>(plan.count), plan.result);
}

void add_losses(Accumulator& self, Array logits, Array targets, Factor weight, Factor pos_weight) {
  OperatorCall<Held> call(Op::Loss, {logits, targets, weight, pos_weight}, kSum);
  feed(self, call.plan(), call.losses(threads()));
}

void add_tensor_losses(Accumulator& self, Tensor input, Tensor target, Tensor weight, Tensor pos_weight, int threads) {
  OperatorCall<HeldTensor> call(Op::Loss, {input, target, weight, pos_weight}, kSum);
  feed(self, call.plan(), call.losses(clamp_threads(threads)));
}

void add_losses_with_gradient(Accumulator& self, Array logits, Array targets, Factor weight, Factor pos_weight,
                              AnyReduction reduction, Array grad_out, std::uint64_t mean_over) {
  OperatorCall<Held> call(Op::ValueAndGrad, {logits, targets, weight, pos_weight}, reducing_of(reduction),
                          nb::handle(Py_None), mean_over);
  feed(self, call.plan(), call.losses_and_gradient(grad_out, threads()));
}

double value(const Accumulator& self, std::int64_t reduction, DType dtype) {
  return read_out(self.sum, dtype, reduction == kSum ? 1 : self.count);
}

Result<"numpy.floating[typing.Any]"> read(const Accumulator& self, AnyReduction reduction,
                                          Arg<"numpy.typing.DTypeLike"> dtype, const std::string& default_dtype) {
  const std::int64_t r = reducing_of(reduction);
  const DType d = !dtype.is_none()                   ? dtype_from(dtype)
                  : self.dtype != DType::Unsupported ? self.dtype
                                                     : dtype_of(element_named(default_dtype));
  if (d == DType::Unsupported)
    throw nb::type_error(("dtype: " + repr_of(dtype) + ", expected float32, float16, bfloat16 or float64").c_str());
  return scalar(d, value(self, r, d));
}

void read_into_tensor(const Accumulator& self, std::int64_t reduction, Tensor out) {
  const HeldTensor held(out);
  write_number(value(self, reduction, held.view.dtype()), held.view.dtype(), held.view.data);
}

Text dtype_name(const Accumulator& self) {
  return self.dtype == DType::Unsupported ? Text() : Text(info(self.dtype).name);
}

// ---- the state -------------------------------------------------------------------------------------------------

constexpr std::size_t kLimbs = ExactSum::kLimbs;

// Every limb but the last within 32 bits: states that mean the same are the same, and may be added limb by limb.
ExactSum::State resolved(const Accumulator& a) {
  ExactSum sum;
  sum.merge(a.sum);
  return sum.state();
}

bool equal(const Accumulator& a, const Accumulator& b) {
  const ExactSum::State s = resolved(a), t = resolved(b);
  return a.count == b.count && a.dtype == b.dtype && s.limb == t.limb && s.nan == t.nan && s.plus_inf == t.plus_inf &&
         s.minus_inf == t.minus_inf;
}

// What additions can have left: later ones overflow nothing.
bool plausible(const ExactSum::State& s, std::uint64_t count) {
  if (s.pending == 0 || s.pending > 1u << 30) return false;
  bool zero = s.nan + s.plus_inf + s.minus_inf == 0;
  for (std::size_t k = 0; k < kLimbs; ++k) {
    zero = zero && s.limb[k] == 0;
    const bool last = k + 1 == kLimbs;
    const std::int64_t most = last ? std::int64_t{1} << 40 : static_cast<std::int64_t>(s.pending) << 32;
    if (s.limb[k] >= most || s.limb[k] < (last ? -most : 0)) return false;
  }
  return zero || count != 0;
}

// The state as integers of 64 bits that may be added to those of other sums: an all-reduce (SUM) over processes merges
// them.
using Integers = std::array<std::int64_t, 5 + kLimbs>;

nb::bytes integers(const Accumulator& self) {
  const ExactSum::State e = resolved(self);
  Integers all{static_cast<std::int64_t>(self.count), e.pending, e.nan, e.plus_inf, e.minus_inf};
  for (std::size_t k = 0; k < kLimbs; ++k) all[5 + k] = e.limb[k];
  return nb::bytes(all.data(), sizeof(all));
}

Accumulator from_integers(nb::bytes bytes, const Text& dtype) {
  Integers all{};
  if (bytes.size() != sizeof(all))
    throw nb::value_error(
        ("integers: " + std::to_string(bytes.size()) + " bytes, expected " + std::to_string(sizeof(all))).c_str());
  std::memcpy(all.data(), bytes.data(), sizeof(all));
  ExactSum::State e;
  e.pending = static_cast<std::uint32_t>(all[1]);
  e.nan = all[2] != 0;
  e.plus_inf = all[3] != 0;
  e.minus_inf = all[4] != 0;
  for (std::size_t k = 0; k < kLimbs; ++k) e.limb[k] = all[5 + k];
  Accumulator made;
  made.count = static_cast<std::uint64_t>(all[0]);
  if (all[1] != e.pending || !plausible(e, made.count))
    throw nb::value_error("integers: damaged, expected those of exact sums, added up");
  made.sum.set_state(e);
  if (dtype) made.dtype = dtype_of(element_named(*dtype));
  return made;
}

}  // namespace

void define_accumulator(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Accumulator>(m, "Accumulator")
      .def(nb::init<>())
      .def("add_values", &add_values, "values"_a.none())
      .def("add_losses", &add_losses, "logits"_a.none(), "targets"_a.none(), "weight"_a.none(), "pos_weight"_a.none())
      .def("add_losses_with_gradient", &add_losses_with_gradient, "logits"_a.none(), "targets"_a.none(),
           "weight"_a.none(), "pos_weight"_a.none(), "reduction"_a.none(), "grad_out"_a, "mean_over"_a)
      .def("add_tensor_losses", &add_tensor_losses, "input"_a, "target"_a, "weight"_a.none(), "pos_weight"_a.none(),
           "threads"_a)
      .def(
          "merge",
          [](Accumulator& self, const Accumulator& other) {
            self.feed(ExactSum(other.sum), other.count, other.dtype);  // a copy: it may be this one
          },
          "other"_a)
      .def("read", &read, "reduction"_a.none(), "dtype"_a.none(), "default_dtype"_a)
      .def("read_into_tensor", &read_into_tensor, "reduction"_a, "out"_a)
      .def("integers", &integers)
      .def_static("from_integers", &from_integers, "integers"_a, "dtype"_a.none() = nb::none())
      .def("__eq__", &equal, nb::is_operator(), nb::sig("def __eq__(self, other: object, /) -> bool"),
           "Whether exact sum, count, dtype and the kinds of what was not finite are equal.")
      .def_ro("count", &Accumulator::count, "How many numbers were added.")
      .def_prop_ro("dtype_name", &dtype_name, "The promoted dtype of the arrays so far; None if there was none.");
}

}  // namespace bcelogits::python
