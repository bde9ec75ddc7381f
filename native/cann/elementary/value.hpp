// Elements of any dtype that the elementary operators have, and the three types in which they are calculated.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

// The first four are those of DType, in its order.
enum class Elem : int { F32, F16, BF16, F64, Bool, U8, I8, I16, I32, I64, Count };
enum class Calc : int { F32, F64, I64, Count };

inline bool is_float(Elem e) { return e <= Elem::F64; }
inline DType dtype_of(Elem e) { return static_cast<DType>(e); }  // of a floating-point one
std::size_t size_of(Elem e);
inline std::size_t size_of(Calc c) { return c == Calc::F32 ? 4 : 8; }

// n contiguous elements to the type of the calculation: exact, but for integers beyond 2^24 in float32 and beyond 2^53
// in float64, which are rounded to nearest even.
void widen(Elem from, Calc to, const void* elements, void* values, std::size_t n);

// And back. One rounding, to nearest even, to a floating-point type; a floating-point number to an integer is cut
// towards zero, saturates, and is 0 if it is NaN; an integer to a narrower one keeps the low bits; Bool is "not 0".
void narrow(Calc from, Elem to, const void* values, void* elements, std::size_t n);

}  // namespace bcelogits::elementary
