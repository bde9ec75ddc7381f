// A Python object as an ArrayView, without a copy and without NumPy's headers: through the array interface's
// C struct (https://numpy.org/doc/stable/reference/arrays.interface.html). Only converts; plan.cpp judges.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>

#include "../../engine/engine.hpp"
#include "call.hpp"

namespace bcelogits::python {

namespace nb = nanobind;

enum class Role { Input, Factor, Output };  // a factor may be a Python number

inline constexpr Dialect kArrayDialect = [] {
  Dialect d;
  d.reductions = "'none' (0), 'mean' (1) or 'sum' (2)";
  return d;
}();

// An array, a Python number or None. Keeps what the view points to alive.
struct Held {
  static constexpr const Dialect* kDialect = &kArrayDialect;
  static constexpr Errors kErrors = Errors::NumPy;
  static constexpr bool kFreshOutputs = false;  // NumPy asks for large pages itself

  ArrayView view;
  nb::object owner;  // the capsule that holds shape and strides
  double number = 0;
  explicit Held(nb::handle object, Role role = Role::Input);
  Held(const Held&) = delete;
  // An array for results, in the order of `array`, whose view is given.
  static nb::object new_like(nb::handle array, const ArrayView& view, DType dtype);
};

// NumPy objects that are needed, looked up once.
struct NumPy {
  nb::object ndarray, generic, integer, empty, empty_like, dtype[static_cast<int>(DType::Count)];
  nb::object array_struct, like_names, no_index;  // "__array_struct__", ("dtype", "subok"), ()
  struct Cell {
    nb::object array;  // of shape (), from which scalars are read; once used
    void* data = nullptr;
  } cell[static_cast<int>(DType::Count)];
  static NumPy& get();
};

// str(object), whatever it is.
std::string text_of(nb::handle object);
// The dtype object of `d`; imports ml_dtypes for bfloat16 if no array has brought it yet.
nb::object dtype_object(DType d);
// The type of that name, or Other.
ElementType element_named(std::string_view name);
// The DType that a dtype-like Python object names, or Unsupported.
DType dtype_from(nb::handle object);

}  // namespace bcelogits::python
