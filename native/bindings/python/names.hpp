// What the stub calls the types of Python objects. Only names: whether an object is what it should be is found out
// where it becomes a view, so that the message can say what was given.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstddef>

namespace bcelogits::python {

namespace nb = nanobind;

template <std::size_t n>
struct TypeText {
  char text[n];
  consteval TypeText(const char (&t)[n]) { std::copy_n(t, n, text); }
};
template <TypeText name>
struct Named : nb::handle {
  static constexpr auto Name = nb::detail::const_name(name.text);
};
template <TypeText name>
using Arg = nb::typed<nb::handle, Named<name>>;
template <TypeText name>
using Result = nb::typed<nb::object, Named<name>>;

using Array = Arg<"numpy.typing.NDArray[typing.Any]">;
using Factor = Arg<"numpy.typing.NDArray[typing.Any] | float">;
using AnyReduction = Arg<"str | int">;
using Tensor = Arg<"torch.Tensor">;
using TensorType = Arg<"type[torch.Tensor]">;

}  // namespace bcelogits::python
