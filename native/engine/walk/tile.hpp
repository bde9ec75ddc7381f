// Tiles for transposed operands, such as column-major targets beside row-major logits.
// A tile is two blocks: in one, each column of 32 rows would be two cache lines, too short for the prefetcher.
#pragma once

#include <vector>

#include "../check/plan.hpp"
#include "../kernels/table.hpp"

namespace bcelogits {

constexpr std::int64_t kTile = 2 * static_cast<std::int64_t>(kernels::kBlock);  // most elements of a tile

// If an operand is transposed, the same work as plans over parts of the space, each in tiles
// (Plan::tile), in which every cache line of that operand is read once: most of the space, and what is left at its
// edges. Empty if the plan is fine as it is. Sums are exact, so the parts may be done in any order.
std::vector<Plan> tiles(const Plan& plan);

}  // namespace bcelogits
