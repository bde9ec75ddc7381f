// The types that elements of an operand may have: the float types that are computed with (DType), those that labels
// and the elementary operators have besides, and any other, of which only the size is known.
#pragma once

#include "dtype.hpp"

namespace bcelogits {

enum class ElementType : int {
#define X(name, text, bytes, mantissa, least_exponent) name,
#include "dtype.def"
#undef X
  Bool,
  U8,
  I8,
  I16,
  I32,
  I64,
  Other,
};

struct ElementInfo {
  const char* name;  // NumPy's
  int bytes;
};

inline constexpr ElementInfo kElements[] = {
#define X(name, text, bytes, mantissa, least_exponent) {text, bytes},
#include "dtype.def"
#undef X
    {"bool", 1}, {"uint8", 1}, {"int8", 1}, {"int16", 2}, {"int32", 4}, {"int64", 8}, {"other", 0},
};
static_assert(sizeof(kElements) / sizeof(kElements[0]) == static_cast<std::size_t>(ElementType::Other) + 1);

inline constexpr const ElementInfo& info(ElementType e) { return kElements[static_cast<int>(e)]; }

// The first of them are those of DType, in its order: each is cast into the other.
static_assert(static_cast<int>(ElementType::Bool) == static_cast<int>(DType::Count));
inline constexpr bool is_float(ElementType e) { return e < ElementType::Bool; }
inline constexpr DType dtype_of(ElementType e) { return is_float(e) ? static_cast<DType>(e) : DType::Unsupported; }
inline constexpr ElementType element_of(DType d) {
  return d < DType::Count ? static_cast<ElementType>(d) : ElementType::Other;
}

}  // namespace bcelogits
