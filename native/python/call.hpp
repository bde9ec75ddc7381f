// What the functions of the Python door share: exceptions from a Status, running with the GIL let go of, and the
// accumulator of losses that come in pieces.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

#include "../core/execute.hpp"

namespace bcelogits::python {

// TypeError, ValueError or MemoryError with the status's text.
void raise_if(const Status& status);

// Runs a plan; others may run Python meanwhile if it takes long enough to be worth it.
void execute_released(const Plan& plan, ExactSum* sum, int threads);

// Losses of arrays in any pieces: an exact sum and how many they are.
struct LossAccumulator {
  ExactSum sum;
  std::uint64_t count = 0;
  DType result = DType::Unsupported;  // promoted dtype of the pieces so far

  void feed(const Plan& plan, const ExactSum& piece) {
    sum.merge(piece);
    count += static_cast<std::uint64_t>(plan.count);
    result = result == DType::Unsupported ? plan.result : promote(result, plan.result);
  }
};

// Adds the functions that take tensors; see tensors.cpp.
void define_tensor_functions(nanobind::module_& m);

}  // namespace bcelogits::python
