// What kernels look up for logits of 16 bits.
#pragma once

#include "../kernels/table.hpp"

namespace bcelogits {

// The entries that kernels of this operation and row read, see kernels::kLookupLast. They are computed when they are
// first wanted and kept from then on: 67 to 344 KB each. Null if there is no memory.
const float* lookup_table(kernels::Op op, kernels::Row row, bool weighted);

}  // namespace bcelogits
