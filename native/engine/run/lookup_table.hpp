// What kernels look up for logits of 16 bits.
#pragma once

#include "../check/plan.hpp"
#include "../kernels/table.hpp"

namespace bcelogits {

// The entries that the kernels of a plan look up, see kernels::kLookupLast; none but for logits of 16 bits. They are
// computed when they are first wanted and kept from then on: 67 to 344 KB each.
struct LookupTables {
  const float* loss = nullptr;    // of the loss's kernel, where loss and gradient have one each
  const float* result = nullptr;  // of the only kernel, or of the gradient's
  bool complete = true;           // false: there was no memory for them

  explicit LookupTables(const Plan& plan);
};

}  // namespace bcelogits
