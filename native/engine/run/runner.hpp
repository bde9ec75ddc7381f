// Takes one thread through the blocks of a plan: operands in, kernels, results out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "../check/plan.hpp"
#include "../walk/loader.hpp"
#include "../walk/sink.hpp"
#include "exact_sum.hpp"
#include "lookup_table.hpp"

namespace bcelogits {

inline constexpr std::int64_t kGrain = 4 * static_cast<std::int64_t>(kernels::kBlock);  // most elements of a chunk

inline std::int64_t chunks_of(std::int64_t count, std::int64_t grain = kGrain) { return (count + grain - 1) / grain; }

// What the kernels of a plan are given: `w` and `g` come together.
inline bool has_elementwise_grad_output(const Plan& plan) {
  return plan.grad_output.kind != Operand::Kind::Absent && plan.grad_output.kind != Operand::Kind::Splat;
}
inline bool has_weight(const Plan& plan) {
  return plan.weight.kind != Operand::Kind::Absent || has_elementwise_grad_output(plan);
}
inline bool has_pos_weight(const Plan& plan) { return plan.pos_weight.kind != Operand::Kind::Absent; }
// Loss and gradient, each with its own rounding to its output: two kernels for each block, which is still read once
// from memory.
inline bool in_two_kernels(const Plan& plan) { return plan.op == Op::ValueAndGrad && plan.elementwise_loss(); }

// How much of a Workspace a thread needs for the plan; 0 where kernels read and write all operands in place.
std::size_t workspace_bytes(const Plan& plan);

class Runner {
 public:
  Runner(const Plan& plan, const LookupTables& lookups, Workspace& ws);
  // Elements [begin, end) of the plan, of which both are multiples of kGrain or the plan's ends.
  void run(std::int64_t begin, std::int64_t end, ExactSum* sum);

 private:
  std::int64_t most_at(std::int64_t i) const;
  std::int64_t lead() const;
  void load_or_one(Loader& l, const Operand& o, bool present, Scratch& s);
  void set_scale();

  const Plan& plan_;
  const LookupTables& lookups_;
  Workspace& ws_;
  const kernels::KernelTable& table_;
  DType compute_ = DType::F32;
  Loader x_, t_, w_, p_, g_;
  Sink loss_, grad_;
  bool has_w_ = false, has_p_ = false, has_grad_ = false, stream_ = false;
  double scale_hi_ = 1, scale_lo_ = 0;
  std::int64_t lead_ = 0;  // elements of the first block, so that the others begin cache lines; 0: all are whole
  kernels::BlockFn fn_ = nullptr, loss_fn_ = nullptr;
};

// The plans that a plan was divided into (walk/tile.hpp), for one thread.
class PartsRunner {
 public:
  PartsRunner(std::span<const Plan> parts, const LookupTables& lookups, Workspace& ws)
      : parts_(parts), lookups_(lookups), ws_(ws) {}

  static std::int64_t chunks(std::span<const Plan> parts);
  void run_all(ExactSum* sum);
  void run_chunk(std::int64_t c, ExactSum* sum);  // counted through all parts

 private:
  Runner& enter(const Plan& part);

  std::span<const Plan> parts_;
  const LookupTables& lookups_;
  Workspace& ws_;
  const Plan* in_ = nullptr;  // what the runner is for
  std::optional<Runner> runner_;
};

}  // namespace bcelogits
