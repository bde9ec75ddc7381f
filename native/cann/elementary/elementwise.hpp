// The elementwise operators of any dtype: what is checked, and the plan that runs.
#pragma once

#include "../../engine/engine.hpp"
#include "kernels.hpp"

namespace bcelogits::elementary {

inline constexpr int kMostOperands = 3;

struct ElementwiseCall {
  Kernel kernel = Kernel::Same;
  int inputs = 0;  // tensors of `input`, in the order of the kernel's operands
  Named input[kMostOperands]{};
  Named out{};
  bool number_is_operand = false;  // the kernel's last operand is `number`
  bool spread = false;             // the output may be larger than what the inputs broadcast to
  Number number;
  Parameters parameters;
  bool bfloat16 = true;  // whether tensors may have it
};

struct ElementwisePlan {
  Kernel kernel = Kernel::Same;
  Calc calc = Calc::F32;
  bool as_bits = false;  // a copy between tensors of one dtype, whatever it is
  int inputs = 0;
  ElementType in[kMostOperands]{}, to{};
  Operand operand[kMostOperands], out;
  bool number_is_operand = false;
  Number number;
  Parameters parameters;
  std::int64_t count = 0;
};

// Checks everything and plans. The inputs broadcast against each other to the shape of the output; each may be exactly
// the output, in place.
Status plan(const ElementwiseCall& request, ElementwisePlan& made);
Status execute(const ElementwisePlan& plan, int threads);

// The checks of one tensor that do not depend on others: there, dtype, format, number of dimensions.
Status check_tensor(const Named& tensor, bool bfloat16, bool any_dtype);

}  // namespace bcelogits::elementary
