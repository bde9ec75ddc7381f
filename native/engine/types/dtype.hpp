// The float types that are computed with and their properties, made from dtype.def.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bcelogits {

enum class DType : int {
#define X(name, text, bytes, mantissa, least_exponent) name,
#include "dtype.def"
#undef X
  Count,
  Unsupported = Count,
};

struct DTypeInfo {
  const char* name;
  int bytes;
  int mantissa;        // explicit bits
  int least_exponent;  // of a normal number
};

inline constexpr DTypeInfo kDTypes[] = {
#define X(name, text, bytes, mantissa, least_exponent) {text, bytes, mantissa, least_exponent},
#include "dtype.def"
#undef X
};

inline constexpr const DTypeInfo& info(DType d) { return kDTypes[static_cast<int>(d)]; }
inline constexpr int size_of(DType d) { return info(d).bytes; }

// The common float type: equal stays, f16 with bf16 is f32, else the wider.
inline constexpr DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::F64 || b == DType::F64) return DType::F64;
  return DType::F32;
}

}  // namespace bcelogits
