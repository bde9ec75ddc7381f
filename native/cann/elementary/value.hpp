// Elements of any dtype that the elementary operators have, and the three types in which they are calculated.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

enum class Calc : int { F32, F64, I64, Count };

inline std::size_t size_of(Calc c) { return c == Calc::F32 ? 4 : 8; }

// n contiguous elements to the type of the calculation: exact, but for integers beyond 2^24 in float32 and beyond 2^53
// in float64, which are rounded to nearest even.
void widen(ElementType from, Calc to, const void* elements, void* values, std::size_t n);

// And back. One rounding, to nearest even, to a floating-point type; a floating-point number to an integer is cut
// towards zero, saturates, and is 0 if it is NaN; an integer to a narrower one keeps the low bits; Bool is "not 0".
void narrow(Calc from, ElementType to, const void* values, void* elements, std::size_t n);

}  // namespace bcelogits::elementary
