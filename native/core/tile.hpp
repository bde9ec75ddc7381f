// Tiles for operands that run across the others, such as column-major targets beside row-major logits.
#pragma once

#include <vector>

#include "plan.hpp"

namespace bcelogits {

// If an operand is walked across its memory, the same work as plans over parts of the space: tiles of one block each,
// in which every cache line of that operand is read once, and the edges. Empty if the plan is fine as it is.
// Sums are exact, so the parts may be done in any order.
std::vector<Plan> tiles(const Plan& plan);

}  // namespace bcelogits
