// What the functions of the Python door share: arguments, results, exceptions from a Status, running with the GIL let
// go of, and the exact sum that Python holds.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

#include "../../engine/engine.hpp"

namespace bcelogits::python {

namespace nb = nanobind;

// TypeError, ValueError or MemoryError with the status's text.
void raise_if(const Status& status);

// How many threads calls use.
int threads();

std::string repr_of(nb::handle object);
// 0 to 2 of a str or an int, or an exception.
std::int64_t reduction_of(nb::handle object);
// A NumPy scalar; the dtype has the value.
nb::object scalar(DType dtype, double value);

// Runs a plan; others may run Python meanwhile if it takes long enough to be worth it.
void execute_released(const Plan& plan, ExactSum* sum, int threads);
void execute_released(const SumPlan& plan, ExactSum& sum, int threads);

// Numbers or losses that come in pieces: their exact sum and how many they are.
struct Accumulator {
  ExactSum sum;
  std::uint64_t count = 0;
  DType dtype = DType::Unsupported;  // promoted dtype of the arrays so far

  // A fault, and nothing added, where the count would not fit.
  Status feed(const ExactSum& piece, std::uint64_t n, DType of);
};

// Adds the losses of a plan, or raises.
void feed(Accumulator& into, const Plan& plan, const ExactSum& piece);

// Adds the class and its functions; see sums.cpp.
void define_sums(nb::module_& m);
// Adds the functions that take tensors; see tensors.cpp.
void define_tensor_functions(nanobind::module_& m);

}  // namespace bcelogits::python
