// What the stub calls the types of Python objects. Only names: whether an object is what it should be is found out
// where it becomes a view, so that the message can say what was given.
#pragma once

#include <nanobind/nanobind.h>

namespace bcelogits::python {

namespace nb = nanobind;

namespace names {
using nb::detail::const_name;
struct Array : nb::handle {
  static constexpr auto Name = const_name("numpy.typing.NDArray[typing.Any]");
};
struct Factor : nb::handle {
  static constexpr auto Name = const_name("numpy.typing.NDArray[typing.Any] | float");
};
struct Scalar : nb::handle {
  static constexpr auto Name = const_name("numpy.floating[typing.Any]");
};
struct Loss : nb::handle {
  static constexpr auto Name = const_name("numpy.typing.NDArray[typing.Any] | numpy.floating[typing.Any]");
};
struct LossAndGradient : nb::handle {
  static constexpr auto Name = const_name("tuple[") + Loss::Name + const_name(", ") + Array::Name + const_name("]");
};
struct Reduction : nb::handle {
  static constexpr auto Name = const_name("str | int");
};
struct DType : nb::handle {
  static constexpr auto Name = const_name("numpy.dtype[typing.Any]");
};
struct DTypeLike : nb::handle {
  static constexpr auto Name = const_name("numpy.typing.DTypeLike");
};
struct Tensor : nb::handle {
  static constexpr auto Name = const_name("torch.Tensor");
};
struct TensorType : nb::handle {
  static constexpr auto Name = const_name("type[torch.Tensor]");
};
struct Int : nb::handle {
  static constexpr auto Name = const_name("int");
};
}  // namespace names

template <class Name>
using Arg = nb::typed<nb::handle, Name>;
template <class Name>
using Result = nb::typed<nb::object, Name>;

}  // namespace bcelogits::python
