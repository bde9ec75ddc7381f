// Whether two views share memory, and the checks of an output that this decides. Errs on the side of "yes" only where
// strides make it hard to tell.
#pragma once

#include "shape.hpp"

namespace bcelogits {

bool exactly_in_place(const ArrayView& a, const ArrayView& b);  // the same elements in the same places
bool may_overlap(const ArrayView& a, const ArrayView& b);       // never, while one of them is a placeholder
bool overlaps_itself(const ArrayView& a);

// An output that is written while this input is read: separate memory, or, where `in_place` is allowed (each element is
// read before its result is written), exactly the same elements.
Status check_separate(const Named& out, const Named& input, bool in_place);
// No two elements of an output share memory.
Status check_no_overlap(const Named& out);

}  // namespace bcelogits
