// A PyTorch tensor on the CPU as an ArrayView, without a copy and without PyTorch's headers: through the C exchange
// interface of DLPack that its type offers (https://dmlc.github.io/dlpack/latest/), or by its Python attributes where
// PyTorch is too old for that. Only converts; plan.cpp judges.
#pragma once

#include <nanobind/nanobind.h>

#include "../../engine/engine.hpp"
#include "array_view.hpp"
#include "call.hpp"

namespace bcelogits::python {

namespace nb = nanobind;

// PyTorch's names of the parameters.
inline constexpr Dialect kTensorDialect = [] {
  Dialect d;
  d.logits = "input";
  d.targets = "target";
  d.operand = "a tensor of float32, float16, bfloat16 or float64";
  return d;
}();

// `object` is a tensor or None; the front-end has made sure that it is dense and on the CPU.
struct HeldTensor {
  static constexpr const Dialect* kDialect = &kTensorDialect;
  static constexpr Errors kErrors = Errors::PyTorch;
  static constexpr bool kFreshOutputs = true;  // outputs are made by the caller, mostly of fresh memory

  ArrayView view;
  explicit HeldTensor(nb::handle object, Role role = Role::Input);
  HeldTensor(const HeldTensor&) = delete;

 protected:
  HeldTensor() = default;
  void describe(nb::handle tensor);  // all but where its data are

 private:
  void set(ElementType element, int ndim, nb::handle tensor);
  void set_data(void* data);

  std::int64_t shape_[kMaxDims], stride_[kMaxDims];
};

// A tensor of any kind (fake, distributed, on another device), of which shape and dtype are known: for checks alone.
struct DescribedTensor : HeldTensor {
  explicit DescribedTensor(nb::handle object, Role role = Role::Input);
};

// Whether the engine may be called with these tensors (or None) as they are: of exactly one of PyTorch's two plain
// types, dense, on the CPU, and their memory means what it says.
void set_plain_types(nb::handle tensor, nb::handle parameter);
bool is_plain(nb::handle object);

}  // namespace bcelogits::python
