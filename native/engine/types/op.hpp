// The operations and their properties, made from op.def, and what is done with the losses.
#pragma once

namespace bcelogits {

enum class Op : int {
#define X(name, kernel, has_grad_output, reads_targets) name,
#include "op.def"
#undef X
  Count,
};

struct OpInfo {
  bool has_grad_output;  // takes it as an operand
  bool reads_targets;
};

inline constexpr OpInfo kOps[] = {
#define X(name, kernel, has_grad_output, reads_targets) {has_grad_output != 0, reads_targets != 0},
#include "op.def"
#undef X
};

inline constexpr const OpInfo& info(Op op) { return kOps[static_cast<int>(op)]; }

enum class Reduction : int { None = 0, Mean = 1, Sum = 2 };

}  // namespace bcelogits
