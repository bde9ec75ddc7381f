// The state behind sums that are fed bit by bit: what Python's ExactSum and LossAccumulator hold.
#pragma once

#include <cstdint>

#include "../../engine/engine.hpp"

namespace bcelogits::python {

// Numbers or losses that come in chunks: their exact sum and how many they are.
struct Accumulator {
  ExactSum sum;
  std::uint64_t count = 0;
  DType dtype = DType::Unsupported;  // promoted dtype of the arrays so far; Unsupported: there was none

  // Adds the sum of n more numbers, of a dtype if they came in an array; raises, and adds nothing, where the count
  // would not fit.
  void feed(const ExactSum& chunk, std::uint64_t n, DType of);
};

}  // namespace bcelogits::python
