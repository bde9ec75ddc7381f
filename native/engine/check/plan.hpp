// From untrusted operands to a plan: every check of every binding is here, and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../types/dialect.hpp"
#include "../types/op.hpp"
#include "../types/operand.hpp"
#include "../types/status.hpp"
#include "../types/view.hpp"

namespace bcelogits {

struct Request {
  Op op = Op::Loss;
  std::int64_t reduction = 1;
  const ArrayView &logits, &targets, &weight, &pos_weight, &grad_output;  // kNoArray: not given
  const Dialect* dialect = &kPythonDialect;
  std::uint64_t mean_over = 0;  // what a mean divides by; 0: the number of elements. Data in chunks have the whole's.
};

struct Plan {
  Op op = Op::Loss;
  Reduction reduction = Reduction::Mean;
  DType result = DType::F32;  // of a new output
  bool wide = false;          // arithmetic in double
  DType row = DType::F32;     // in which kernels read logits and targets
  std::int64_t count = 0;
  int ndim = 0;  // the iteration space, outermost first
  std::int64_t dim[kMaxDims];
  std::int64_t tile = 0;        // elements of a tile (walk/tile.hpp), which then come one after the other; 0: no tiles
  std::uint64_t mean_over = 1;  // what a mean divides by
  Operand logits, targets, weight, pos_weight, grad_output;
  Operand loss_out, grad_out;  // elementwise outputs
  bool elementwise_loss() const { return (op == Op::Loss || op == Op::ValueAndGrad) && reduction == Reduction::None; }
};

// Check the inputs and fill all of the plan but its outputs.
Status plan_inputs(const Request& request, Plan& plan);

// Check an output array (named `name` in messages) and attach it. `elementwise` says whether it has the shape
// of logits; otherwise it is one number: 0-d or of shape [1].
Status plan_output(const Request& request, const char* name, const ArrayView& out, bool elementwise, Operand& target);

// The elements of one array, to be added up.
struct SumPlan {
  std::int64_t count = 0;
  Operand values;
};

// Check the array, named `name` in messages.
Status plan_sum(const char* name, const ArrayView& values, SumPlan& plan);

// "none", "mean", "sum" to 0, 1, 2; -1 if it is none of them.
std::int64_t parse_reduction(std::string_view text);

// The verdict on what is no reduction, as the caller wrote it.
Status unknown_reduction(const std::string& given, const Dialect& dialect);

}  // namespace bcelogits
