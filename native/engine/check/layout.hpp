// The iteration space: the dimensions of logits in the order in which memory is walked best, and each operand in it.
#pragma once

#include "../check/plan.hpp"

namespace bcelogits {

struct Layout {
  int ndim = 0;
  std::int64_t dim[kMaxDims];  // outermost first
  int axis[kMaxDims];          // which axis of logits it is
  bool flip[kMaxDims];         // walked from its end
};

// Sums are exact and elementwise results independent, so the order is free: by falling stride of logits,
// negative strides turned round.
Layout make_layout(const ArrayView& logits);

// Makes `operand` `v`, broadcast to the space's shape (aligned at the last axis), with neighbouring dimensions merged.
// In place: an Operand has room for 64 dimensions, and copying that costs a small call more than anything else.
void place(const Layout& layout, const ArrayView& v, Operand& operand);

// Fill an operand's dims, strides and kind for a space of these dimensions and strides (in bytes). Of dimensions that
// could be one, `apart` is not merged with the one outside it.
void coalesce(Operand& operand, int ndim, const std::int64_t* dim, const std::int64_t* stride, int apart = -1);

}  // namespace bcelogits
