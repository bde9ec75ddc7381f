// The parameters of the elementary operators before workspaceSize and executor, and what phase one was given for them.
#pragma once

#include <array>
#include <optional>
#include <type_traits>

#include "executor.hpp"

namespace bcelogits::capi {

// A scalar, and what the operator calls it; without a name it is none of the operator's parameters.
struct NamedScalar {
  const char* name = nullptr;
  const aclScalar* handle = nullptr;
};

struct Arguments {
  std::array<const aclTensor*, kMostTensors> tensor{};
  std::array<const aclTensorList*, kMostTensors> list{};
  std::size_t tensors = 0, lists = 0;
  NamedScalar operand, factor;  // in the place of the last tensor; alpha, value or weight
  double rtol = 0, atol = 0;
  bool equal_nan = false, keep = false;
  std::int64_t dim = 0;
  std::optional<const aclIntArray*> dims;
  std::optional<aclDataType> dtype;  // which the output must have
  std::uint64_t* workspace_size = nullptr;
  aclOpExecutor** executor = nullptr;
};

// A kind of parameter has its C type and says where in the arguments its value goes.
namespace parameter {

enum class Use { Input, InPlace, Output };
struct OfTensor {
  using Type = const aclTensor*;
  const char* name;
  Use use = Use::Input;
  void give(Arguments& a, Type value) const { a.tensor[a.tensors++] = value; }
};

struct OfList {
  using Type = const aclTensorList*;
  const char* name;
  void give(Arguments& a, Type value) const { a.list[a.lists++] = value; }
};

struct OfScalar {
  using Type = const aclScalar*;
  const char* name;
  NamedScalar Arguments::* field;
  void give(Arguments& a, Type value) const { a.*field = {name, value}; }
};

template <class Argument, class Field = Argument>
struct Plain {
  using Type = Argument;
  const char* name;
  Field Arguments::* field;
  void give(Arguments& a, Type value) const { a.*field = value; }
};

inline constexpr OfTensor Self{"self"}, Other{"other"}, End{"end"}, Tensor1{"tensor1"}, Tensor2{"tensor2"},
    Mask{"mask"}, SelfRef{"selfRef", Use::InPlace}, Out{"out", Use::Output};
inline constexpr OfList Tensors{"tensors"}, ListX{"x"}, ListX1{"x1"}, ListX2{"x2"}, ListOut{"out"};
inline constexpr OfScalar OtherNumber{"other", &Arguments::operand}, Number{"scalar", &Arguments::operand},
    Alpha{"alpha", &Arguments::factor}, Value{"value", &Arguments::factor}, Weight{"weight", &Arguments::factor};
inline constexpr Plain<double> Rtol{"rtol", &Arguments::rtol}, Atol{"atol", &Arguments::atol};
inline constexpr Plain<bool> EqualNan{"equal_nan", &Arguments::equal_nan}, KeepDim{"keepdim", &Arguments::keep};
inline constexpr Plain<std::int64_t> Dim{"dim", &Arguments::dim};
inline constexpr Plain<const aclIntArray*, std::optional<const aclIntArray*>> Dims{"dim", &Arguments::dims};
inline constexpr Plain<aclDataType, std::optional<aclDataType>> Dtype{"dtype", &Arguments::dtype};

template <const auto& p>
using Type = typename std::remove_cvref_t<decltype(p)>::Type;

}  // namespace parameter

// What an executor knows of an operator with these parameters: its tensors, of which an operator on lists has none.
template <const auto&... p>
constexpr Signature signature_of(const char* name) {
  Signature g{name, 0, 0, {}};
  std::size_t tensors = 0;
  const auto add = [&](const auto& one) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(one)>, parameter::OfTensor>) {
      g.parameter[tensors++] = one.name;
      if (one.use != parameter::Use::Output) ++g.inputs;
      if (one.use != parameter::Use::Input) g.output = tensors - 1;
    }
  };
  (add(p), ...);
  constexpr bool lists = (... || std::is_same_v<std::remove_cvref_t<decltype(p)>, parameter::OfList>);
  return lists ? Signature{name, 0, 0, {}} : g;
}

}  // namespace bcelogits::capi
