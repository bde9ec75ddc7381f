// The kernels of the elementary operators: one block of contiguous operands in the type of the calculation.
#pragma once

#include <type_traits>

#include "value.hpp"

namespace bcelogits::elementary {

enum class Kernel : int {
#define KERNEL(name, operands, kind, expression) name,
#include "kernels.def"
#undef KERNEL
};

enum class Kind { Any, Real, Whole, Test };

// A number that an operator takes besides its tensors.
struct Number {
  bool real = false;  // else whole
  double as_real = 1;
  std::int64_t as_whole = 1;
};

struct Parameters {
  Number factor;  // alpha, value or weight, as the operator calls it
  double rtol = 0, atol = 0;
  bool equal_nan = false;

  template <class T>
  T scale() const {
    if constexpr (std::is_integral_v<T>)
      return factor.as_whole;
    else
      return factor.real ? static_cast<T>(factor.as_real) : static_cast<T>(factor.as_whole);
  }
};

using Function = void (*)(const void* const* operands, void* result, std::size_t n, const Parameters& p);

struct KernelInfo {
  int operands;
  Kind kind;
  Function function[static_cast<int>(Calc::Count)];  // the results of a Test are of type I64
};
const KernelInfo& info(Kernel kernel);

}  // namespace bcelogits::elementary
