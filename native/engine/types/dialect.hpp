// What a binding calls the operands in messages, and what it allows: the checks are the same for all bindings.
#pragma once

#include "element.hpp"
#include "operand.hpp"

namespace bcelogits {

struct Dialect {
  const char* grad_output = "grad_output";
  const char* logits = "logits";
  const char* targets = "targets";
  const char* weight = "weight";
  const char* pos_weight = "pos_weight";
  const char* absent = "None";
  const char* reductions = "0 (none), 1 (mean) or 2 (sum)";
  const char* operand = "an array of float32, float16, bfloat16 or float64";
  unsigned dtypes = 0b1111;  // bit i: DType i
  int max_dims = kMaxDims;
  enum class Result { Any, AsTargets, AsLogitsOrTargets } result = Result::Any;  // dtype of an output

  bool allows(ElementType e) const { return is_float(e) && (dtypes >> static_cast<int>(e) & 1) != 0; }
};

inline constexpr Dialect kPythonDialect{};

}  // namespace bcelogits
