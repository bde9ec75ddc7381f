// An operand as a door hands it over: untrusted, nothing copied, strides in bytes.
#pragma once

#include <cstdint>
#include <string>

#include "dtype.hpp"

namespace bcelogits {

inline constexpr int kMaxDims = 64;  // NumPy's limit

struct ArrayView {
  bool present = false;
  void* data = nullptr;
  DType dtype = DType::Unsupported;
  int item = 0;  // bytes of an element of a dtype that DType does not have; else 0
  int ndim = 0;
  const std::int64_t* shape = nullptr;
  const std::int64_t* strides = nullptr;
  bool writable = false;
  bool byte_swapped = false;
  bool weak = false;                 // a Python number: it takes part in no promotion
  bool out_of_range = false;         // a Python number that no float64 holds
  std::string type_name{};           // what an unsupported operand is, for the message
  const char* bad_format = nullptr;  // the name of a memory format that strides do not describe
};

inline const ArrayView kNoArray{};

inline int item_size(const ArrayView& v) { return v.item ? v.item : size_of(v.dtype); }

}  // namespace bcelogits
