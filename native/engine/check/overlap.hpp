// Whether two views share memory. Errs on the side of "yes" only where strides make it hard to tell.
#pragma once

#include "../types/view.hpp"

namespace bcelogits {

bool exactly_in_place(const ArrayView& a, const ArrayView& b);  // the same elements in the same places
bool may_overlap(const ArrayView& a, const ArrayView& b);
bool overlaps_itself(const ArrayView& a);

}  // namespace bcelogits
