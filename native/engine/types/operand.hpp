// Where an operand's elements are, once it has been checked and placed in a plan's iteration space.
#pragma once

#include <cstdint>

#include "element.hpp"

namespace bcelogits {

inline constexpr int kMaxDims = 64;  // NumPy's limit

struct Operand {
  enum class Kind {
    Absent,
    Contiguous,  // base + i * item
    Splat,       // one element
    Periodic,    // base + (i % period) * item
    Strided,     // dims and strides below
  };
  Kind kind = Kind::Absent;
  ElementType element = ElementType::F32;
  int item = 0;  // bytes of an element
  char* base = nullptr;
  std::int64_t period = 0;
  int ndim = 0;  // coalesced, outermost first; strides in bytes
  std::int64_t dim[kMaxDims], stride[kMaxDims];
  std::int64_t step[kMaxDims];  // stride along each dimension of the plan's space, before merging

  DType dtype() const { return dtype_of(element); }
};

}  // namespace bcelogits
