// From untrusted operands to a plan: every check of every door is here, and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../kernels/table.hpp"
#include "../types/dialect.hpp"
#include "../types/status.hpp"
#include "../types/view.hpp"

namespace bcelogits {

enum class Op : int {
#define X(name, kernel, has_grad_output, reads_targets) name,
#include "../types/op.def"
#undef X
};
enum class Reduction : int { None = 0, Mean = 1, Sum = 2 };

// Where an operand's elements are, in the flat order of the plan's iteration space.
struct Operand {
  enum class Kind {
    Absent,
    Contiguous,  // base + i * size
    Splat,       // one element
    Periodic,    // base + (i % period) * size
    Strided,     // dims and strides below
  };
  Kind kind = Kind::Absent;
  DType dtype = DType::F32;
  int item = 0;  // as in ArrayView
  char* base = nullptr;
  std::int64_t period = 0;
  int ndim = 0;  // coalesced, outermost first; strides in bytes
  std::int64_t dim[kMaxDims], stride[kMaxDims];
  std::int64_t step[kMaxDims];  // stride along each dimension of the plan's space, before merging
};

inline int item_size(const Operand& o) { return o.item ? o.item : size_of(o.dtype); }

struct Request {
  Op op = Op::Loss;
  std::int64_t reduction = 1;
  const ArrayView &logits, &targets, &weight, &pos_weight, &grad_output;  // kNoArray: not given
  const Dialect* dialect = &kPythonDialect;
};

struct Plan {
  Op op = Op::Loss;
  Reduction reduction = Reduction::Mean;
  DType result = DType::F32;  // of a new output
  bool wide = false;          // arithmetic in double
  kernels::Row row = kernels::kF32;
  std::int64_t count = 0;
  int ndim = 0;  // the iteration space, outermost first
  std::int64_t dim[kMaxDims];
  std::int64_t tile = 0;        // elements of a tile (tile.hpp), which then come one after the other; 0: no tiles
  double scale = 1.0;           // of a gradient: grad_output if it is one number, over count if mean
  std::uint64_t mean_over = 0;  // 0: count. A caller that feeds pieces gives the whole count here.
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

}  // namespace bcelogits
