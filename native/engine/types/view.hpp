// An operand as a binding hands it over: untrusted, nothing copied, strides in bytes.
#pragma once

#include <cstdint>
#include <string>

#include "element.hpp"
#include "operand.hpp"

namespace bcelogits {

struct ArrayView {
  bool present = false;
  void* data = nullptr;
  ElementType element = ElementType::Other;
  int other_item = 0;  // of an element of type Other: its bytes,
  int other_code = 0;  // and what the binding calls its type; equal codes are equal types
  int ndim = 0;
  const std::int64_t* shape = nullptr;
  const std::int64_t* strides = nullptr;
  bool writable = false;
  bool byte_swapped = false;
  bool weak = false;                 // a Python number: it takes part in no promotion
  bool out_of_range = false;         // a Python number that no float64 holds
  bool placeholder = false;          // the memory is named later: it overlaps with nothing yet
  std::string type_name{};           // what an operand of type Other is, for the message
  const char* bad_format = nullptr;  // the name of a memory format that strides do not describe

  DType dtype() const { return dtype_of(element); }
  int item() const { return element == ElementType::Other ? other_item : info(element).bytes; }
  bool same_type(const ArrayView& v) const {
    return element == v.element && other_item == v.other_item && other_code == v.other_code;
  }
  // "dtype int64", or what else it is, for the message
  std::string type_text() const {
    return element == ElementType::Other ? type_name : std::string("dtype ") + info(element).name;
  }
};

inline const ArrayView kNoArray{};

}  // namespace bcelogits
