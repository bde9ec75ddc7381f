// The exact sum as a class of the Python door: what is added, read out, and taken to other processes.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cstring>

#include "array_view.hpp"
#include "call.hpp"

namespace bcelogits::python {

namespace {

constexpr std::size_t kLimbs = ExactSum::kLimbs;

void add(Accumulator& self, nb::handle values) {
  const Held held(values, Role::Factor);
  SumPlan plan;
  raise_if(plan_sum("values", held.view, plan));
  ExactSum piece;
  execute_released(plan, piece, threads());
  if (PyLong_CheckExact(values.ptr())) {  // what float64 does not hold of a long one
    nb::object rest = nb::borrow(values);
    for (double part = held.number; part != 0.0;) {
      rest = nb::steal(PyNumber_Subtract(rest.ptr(), nb::steal(PyLong_FromDouble(part)).ptr()));
      if (!rest.is_valid()) throw nb::python_error();
      part = PyLong_AsDouble(rest.ptr());
      piece.add(part);
    }
  }
  raise_if(self.feed(piece, static_cast<std::uint64_t>(plan.count),
                     held.view.weak ? DType::Unsupported : held.view.dtype()));
}

void update(Accumulator& self, nb::handle logits, nb::handle targets, nb::handle weight, nb::handle pos_weight) {
  Held x(logits), t(targets), w(weight, Role::Factor), p(pos_weight, Role::Factor);
  const Request r{Op::Loss, static_cast<std::int64_t>(Reduction::Sum), x.view, t.view, w.view, p.view, kNoArray};
  Plan plan;
  raise_if(plan_inputs(r, plan));
  ExactSum piece;
  execute_released(plan, &piece, threads());
  feed(self, plan, piece);
}

nb::object read(const Accumulator& self, nb::handle reduction, nb::handle dtype, nb::handle otherwise) {
  const std::int64_t red = reduction_of(reduction);
  if (red == 0) throw nb::value_error("reduction: 'none', expected 'mean' or 'sum'");
  DType d = !dtype.is_none()                   ? dtype_from(dtype)
            : self.dtype != DType::Unsupported ? self.dtype
                                               : dtype_from(otherwise);
  if (d == DType::Unsupported)
    throw nb::type_error(("dtype: " + repr_of(dtype) + ", expected float32, float16, bfloat16 or float64").c_str());
  return scalar(d, read_out(self.sum, d, red == 1 ? self.count : 1));
}

// ---- the state -------------------------------------------------------------------------------------------------

// Every limb but the last within 32 bits: states that mean the same are the same, and may be added limb by limb.
ExactSum::State resolved(const Accumulator& a) {
  ExactSum sum;
  sum.merge(a.sum);
  return sum.state();
}

bool same(const Accumulator& a, const Accumulator& b) {
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

std::uint32_t crc32(const unsigned char* s, std::size_t n) {  // of zlib, PNG and IEEE 802.3
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < n; ++i) {
    crc ^= s[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

// The state as bytes of a fixed, little-endian layout: version, flags, dtype, 0, count, pending, limbs, checksum.
constexpr unsigned char kVersion = 2;
constexpr std::size_t kHeader = 16, kChecked = kHeader + 8 * kLimbs, kBytes = kChecked + 4;

void put(unsigned char* at, std::uint64_t v, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(v >> (8 * i));
}

std::uint64_t get(const unsigned char* at, std::size_t bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i) v |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  return v;
}

nb::bytes get_state(const Accumulator& self) {
  const ExactSum::State e = resolved(self);
  unsigned char s[kBytes] = {kVersion, static_cast<unsigned char>(e.nan | e.plus_inf << 1 | e.minus_inf << 2),
                             static_cast<unsigned char>(self.dtype)};
  put(s + 4, self.count, 8);
  put(s + 12, e.pending, 4);
  for (std::size_t k = 0; k < kLimbs; ++k) put(s + kHeader + 8 * k, static_cast<std::uint64_t>(e.limb[k]), 8);
  put(s + kChecked, crc32(s, kChecked), 4);
  return nb::bytes(s, kBytes);
}

void set_state(Accumulator& self, nb::bytes state) {
  const auto* s = static_cast<const unsigned char*>(state.data());
  const std::size_t size = state.size();
  if (size == 0 || s[0] != kVersion)
    throw nb::value_error(
        ("state: " + (size == 0 ? std::string("empty") : "version " + std::to_string(s[0])) + ", expected version 2")
            .c_str());
  if (size != kBytes)
    throw nb::value_error(("state: " + std::to_string(size) + " bytes, expected " + std::to_string(kBytes)).c_str());
  ExactSum::State e;
  e.nan = s[1] & 1;
  e.plus_inf = s[1] >> 1 & 1;
  e.minus_inf = s[1] >> 2 & 1;
  e.pending = static_cast<std::uint32_t>(get(s + 12, 4));
  for (std::size_t k = 0; k < kLimbs; ++k) e.limb[k] = static_cast<std::int64_t>(get(s + kHeader + 8 * k, 8));
  const std::uint64_t count = get(s + 4, 8);
  if (get(s + kChecked, 4) != crc32(s, kChecked) || s[1] > 7 || s[2] > static_cast<int>(DType::Unsupported) ||
      s[3] != 0 || !plausible(e, count))
    throw nb::value_error("state: damaged, expected bytes that an exact sum has given");
  self.sum.set_state(e);
  self.count = count;
  self.dtype = static_cast<DType>(s[2]);
}

// The state as integers of 64 bits that may be added to those of other sums, whatever adds them up over processes.
constexpr std::size_t kIntegers = 5 + kLimbs;
using Integers = std::array<std::int64_t, kIntegers>;

nb::bytes integers(const Accumulator& self) {
  const ExactSum::State e = resolved(self);
  Integers all{static_cast<std::int64_t>(self.count), e.pending, e.nan, e.plus_inf, e.minus_inf};
  for (std::size_t k = 0; k < kLimbs; ++k) all[5 + k] = e.limb[k];
  return nb::bytes(all.data(), sizeof(all));
}

Accumulator from_integers(const Accumulator& like, nb::bytes bytes) {
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
  Accumulator sum;
  sum.count = static_cast<std::uint64_t>(all[0]);
  if (all[1] != e.pending || !plausible(e, sum.count))
    throw nb::value_error("integers: damaged, expected those of exact sums, added up");
  sum.sum.set_state(e);
  sum.dtype = like.dtype;
  return sum;
}

}  // namespace

void define_sums(nb::module_& m) {
  using namespace nb::literals;
#define ANY(name) name ": typing.Any"
  nb::class_<Accumulator>(m, "ExactSum")
      .def(nb::init<>())
      .def("add", &add, "values"_a.none(), nb::sig("def add(self, " ANY("values") ") -> None"))
      .def(
          "merge",
          [](Accumulator& self, const Accumulator& other) {
            raise_if(self.feed(ExactSum(other.sum), other.count, other.dtype));
          },
          "other"_a)
      .def_ro("count", &Accumulator::count, "How many numbers were added.")
      .def("__getstate__", &get_state)
      .def("__setstate__", [](Accumulator& self, nb::bytes state) {
        Accumulator a;
        set_state(a, state);
        new (&self) Accumulator(a);
      });
  m.def("sum_update", &update, "into"_a, "logits"_a.none(), "targets"_a.none(), "weight"_a.none(),
        "pos_weight"_a.none(),
        nb::sig("def sum_update(into: ExactSum, " ANY("logits") ", " ANY("targets") ", " ANY("weight") ", " ANY(
            "pos_weight") ") -> None"));
  m.def("sum_read", &read, "of"_a, "reduction"_a.none(), "dtype"_a.none(), "otherwise"_a,
        nb::sig(
            "def sum_read(of: ExactSum, " ANY("reduction") ", " ANY("dtype") ", " ANY("otherwise") ") -> typing.Any"));
  m.def("sums_equal", &same, "one"_a, "other"_a);
  m.def("sum_integers", &integers, "of"_a);
  m.def("sum_from_integers", &from_integers, "like"_a, "integers"_a);
#undef ANY
}

}  // namespace bcelogits::python
