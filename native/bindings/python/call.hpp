// What the functions that Python calls share: arguments, results, exceptions from a Status, and running with the GIL
// let go of.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "../../engine/engine.hpp"

namespace bcelogits::python {

namespace nb = nanobind;

// The types of exceptions are those of the library whose objects were given.
enum class Errors { NumPy, PyTorch };
// Raises, with the status's text, where there is a fault.
void raise_if(const Status& status, Errors errors = Errors::NumPy);

// How many threads calls on arrays use.
int threads();
// How many a call uses that says so itself.
inline int clamp_threads(int threads) { return std::clamp(threads, 1, kMaxThreads); }

std::string repr_of(nb::handle object);
// The number of a str or an int; an exception where it cannot be a reduction's, though a plan may refuse it still.
std::int64_t reduction_of(nb::handle object);
// 1 or 2 likewise, where the losses are added up.
std::int64_t reducing_of(nb::handle object);
// A NumPy scalar; the dtype has the value.
nb::object scalar(DType dtype, double value);

// Runs a plan; others may run Python meanwhile if it takes long enough to be worth it.
void execute_released(const Plan& plan, ExactSum* sum, int threads);
void execute_released(const SumPlan& plan, ExactSum& sum, int threads);

// Adds the class; see accumulator.cpp.
void define_accumulator(nb::module_& m);

}  // namespace bcelogits::python
