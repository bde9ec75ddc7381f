// Elements of any dtype that the elementary operators have, and the three types in which they are calculated.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

// The first two index the kernels' conversions to and from float types.
enum class Calc : int { F32, F64, I64, Count };

inline constexpr std::int64_t kBlock = 1024;  // elements that are taken at once; what a thread needs stays in its cache
inline constexpr std::int64_t kMostBytes = 16;  // of an element, of whatever type

// How many elements the block from `first` on has, of those before `end`.
inline std::size_t block_size(std::int64_t first, std::int64_t end) {
  return static_cast<std::size_t>(std::min(kBlock, end - first));
}

// Elements [first, first + n) without a gap: where they lie, or gathered into `room`.
const char* contiguous(const Operand& o, std::int64_t first, std::size_t n, char* room);

// n contiguous elements to the type of the calculation: exact, but for integers beyond 2^24 in float32 and beyond 2^53
// in float64, which are rounded to nearest even.
void widen(ElementType from, Calc to, const void* elements, void* values, std::size_t n);

// And back. One rounding, to nearest even, to a floating-point type; a floating-point number to an integer is cut
// towards zero, saturates, and is 0 if it is NaN; an integer to a narrower one keeps the low bits; Bool is "not 0".
void narrow(Calc from, ElementType to, const void* values, void* elements, std::size_t n);

}  // namespace bcelogits::elementary
