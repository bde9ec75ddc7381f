// What is neither elementwise nor a reduction: the elements that a mask selects, and whether two tensors are equal.
#pragma once

#include "reduce.hpp"

namespace bcelogits::elementary {

struct SelectionPlan {
  ElementType mask_type{};
  Operand operand, mask;
  char* out = nullptr;
  std::int64_t count = 0, capacity = 0;
};

// `in` and `mask` broadcast against each other; `out` is contiguous, of one dimension and has room for all.
Status plan_selection(const Named& in, const Named& mask, const Named& out, bool bfloat16, SelectionPlan& made);
// Writes the selected elements in order; `found`: how many there are.
Status execute(const SelectionPlan& plan, std::int64_t& found);

// `compare` writes one byte for each element of tensors of equal shape, `all` reads them: both to where their operands'
// base is set before they run. The tensors have one dtype.
Status plan_equal(const Named& a, const Named& b, const Named& out, bool bfloat16, ElementwisePlan& compare,
                  ReductionPlan& all);

}  // namespace bcelogits::elementary
