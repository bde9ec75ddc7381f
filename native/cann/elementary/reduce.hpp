// Reductions of tensors of any dtype over some of their dimensions.
#pragma once

#include <vector>

#include "elementwise.hpp"

namespace bcelogits::elementary {

enum class Fold { Sum, Mean, Max, Min, All, Any };

struct ReductionPlan {
  Fold fold = Fold::Sum;
  ElementType in{}, to{};
  Operand operand, out;
  std::int64_t outer = 0, inner = 0;  // results; elements behind each
};

// `dims`: the dimensions to reduce, counted from the end if negative; empty: all. The output has the input's shape
// without them, or with 1 in their place if `keep`. Sums of floating-point numbers are exact, and rounded once.
Status plan_reduction(Fold fold, const Named& in, const std::vector<std::int64_t>& dims, bool keep, const Named& out,
                      bool bfloat16, ReductionPlan& made);
Status execute(const ReductionPlan& plan);

}  // namespace bcelogits::elementary
