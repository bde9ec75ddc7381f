// Takes one thread through the blocks of a plan: operands in, kernels, results out.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "../threads/machine.hpp"
#include "../walk/loader.hpp"
#include "../walk/sink.hpp"
#include "../walk/tile.hpp"
#include "execute.hpp"
#include "lookup_table.hpp"

namespace bcelogits {

using kernels::kBlock;

constexpr kernels::Op kKernel[] = {
#define X(name, kernel, has_grad_output, reads_targets) kernels::kernel,
#include "../types/op.def"
#undef X
};
constexpr bool kReadsTargets[] = {
#define X(name, kernel, has_grad_output, reads_targets) reads_targets != 0,
#include "../types/op.def"
#undef X
};

constexpr std::int64_t kGrain = 4 * static_cast<std::int64_t>(kBlock);  // most elements handed out at a time
constexpr std::int64_t kAlignedFrom = 1 << 15;  // from here on, blocks begin where cache lines do

inline std::int64_t chunks_of(std::int64_t count, std::int64_t grain = kGrain) { return (count + grain - 1) / grain; }

inline bool has_elementwise_grad_output(const Plan& plan) {
  return plan.grad_output.kind != Operand::Kind::Absent && plan.grad_output.kind != Operand::Kind::Splat;
}
inline bool has_weight(const Plan& plan) {  // as kernels have it
  return plan.weight.kind != Operand::Kind::Absent || has_elementwise_grad_output(plan);
}
inline bool has_pos_weight(const Plan& plan) { return plan.pos_weight.kind != Operand::Kind::Absent; }
inline bool in_two_kernels(const Plan& plan) { return plan.op == Op::ValueAndGrad && plan.elementwise_loss(); }

// What the kernels of a plan look up: nothing but for logits of 16 bits.
struct LookupTables {
  const float *loss = nullptr, *result = nullptr;  // `loss`: of the first of two kernels
  bool complete = true;                            // false: there was no memory for them

  explicit LookupTables(const Plan& plan) {
    if (plan.row != kernels::kF16 && plan.row != kernels::kBF16) return;
    const bool narrow = plan.op != Op::Loss && plan.grad_out.dtype == static_cast<DType>(plan.row);
    if (in_two_kernels(plan)) {
      loss = find(plan, kernels::kLoss);
      if (narrow) result = find(plan, kernels::kGrad);
    } else if (plan.op == Op::Loss || (plan.op == Op::ValueAndGrad && !narrow)) {
      result = find(plan, kernels::kLoss);
    } else if (plan.op != Op::TargetBackward && narrow) {
      result = find(plan, kKernel[static_cast<int>(plan.op)]);
    }
  }

 private:
  const float* find(const Plan& plan, kernels::Op op) {
    const float* found = lookup_table(op, plan.row, has_weight(plan) || has_pos_weight(plan));
    complete = complete && found;
    return found;
  }
};

class Runner {
 public:
  Runner(const Plan& plan, const LookupTables& lookups, Workspace& ws)
      : plan_(plan), lookups_(lookups), ws_(ws), table_(kernel_table()) {
    const int op = static_cast<int>(plan.op);
    const auto row = static_cast<DType>(plan.row);
    compute_ = plan.wide ? DType::F64 : DType::F32;
    x_.prepare(plan.logits, row, plan.count, ws.x, table_, plan.tile);
    if (kReadsTargets[op]) t_.prepare(plan.targets, row, plan.count, ws.t, table_, plan.tile);
    has_w_ = has_weight(plan);
    has_p_ = has_pos_weight(plan);
    if (has_w_) {
      load_or_one(w_, plan.weight, plan.weight.kind != Operand::Kind::Absent, ws.w);
      load_or_one(g_, plan.grad_output, has_elementwise_grad_output(plan), ws.g);
    }
    if (has_p_) p_.prepare(plan.pos_weight, compute_, plan.count, ws.p, table_, plan.tile);

    double scale = plan.scale;
    if (plan.grad_output.kind == Operand::Kind::Splat && plan.op != Op::Loss) {
      double g;
      table_.load[static_cast<int>(plan.grad_output.dtype)][1](plan.grad_output.base, &g, 1);
      scale *=
          plan.wide ? g : static_cast<double>(static_cast<float>(g));  // a Python number is read in the compute type
    }
    set_scale(scale);
    has_grad_ = plan.op != Op::Loss;
    if (has_grad_) grad_.prepare(plan.grad_out, row, compute_, plan.tile);
    if (plan.elementwise_loss()) loss_.prepare(plan.loss_out, row, compute_, plan.tile);
    // Lines that would leave the last cache before anyone reads them need not be fetched into it to be written.
    const std::size_t written = static_cast<std::size_t>(plan.count) * ((grad_.out ? size_of(grad_.out->dtype) : 0) +
                                                                        (loss_.out ? size_of(loss_.out->dtype) : 0));
    stream_ = written > last_cache_bytes();
    lead_ = lead();
    const int weights = (has_w_ ? kernels::kHasWeight : 0) | (has_p_ ? kernels::kHasPosWeight : 0);
    const auto kernel = [&](kernels::Op which, bool row_store) {
      return table_.op[which][plan.row][row_store ? 0 : 1][weights];
    };
    if (in_two_kernels(plan)) {
      // Each with its own rounding to the output: two kernels for each block, which is still read once from memory.
      fn_ = kernel(kernels::kGrad, grad_.as_row);
      loss_fn_ = kernel(kernels::kLoss, loss_.as_row);
    } else {
      fn_ = kernel(kKernel[op], has_grad_ ? grad_.as_row : loss_.out && loss_.as_row);
    }
  }

  void run(std::int64_t begin, std::int64_t end, ExactSum* sum) {
    const bool reads_targets = kReadsTargets[static_cast<int>(plan_.op)];
    kernels::BlockArgs a{};
    a.scale_hi = scale_hi_;
    a.scale_lo = scale_lo_;
    if (begin != 0) begin = std::min(plan_.count, begin + lead_);
    if (end != plan_.count) end = std::min(plan_.count, end + lead_);
    std::size_t n = 0;
    for (std::int64_t i = begin; i < end; i += static_cast<std::int64_t>(n)) {
      n = static_cast<std::size_t>(std::min(most_at(i), end - i));
      a.n = n;
      a.x = x_.block(i, n);
      a.t = reads_targets ? t_.block(i, n) : nullptr;
      const std::int64_t after = i + static_cast<std::int64_t>(n);
      a.next_x = after < plan_.count ? x_.next(after) : kernels::Next{};
      a.next_t = after < plan_.count && reads_targets ? t_.next(after) : kernels::Next{};
      a.w = has_w_ ? w_.block(i, n) : nullptr;
      a.g = has_w_ ? g_.block(i, n) : nullptr;
      a.p = has_p_ ? p_.block(i, n) : nullptr;
      a.loss = loss_.out ? loss_.target(i, ws_.loss) : ws_.loss;
      a.grad = has_grad_ ? grad_.target(i, ws_.grad) : nullptr;
      if (loss_fn_) {  // first: the gradient may be written over the logits
        a.lookup = lookups_.loss;
        a.stream = stream_ && loss_.direct;
        loss_fn_(a);
      }
      a.lookup = lookups_.result;
      a.stream = stream_ && (has_grad_ ? grad_ : loss_).direct;
      fn_(a);
      if (loss_.out) loss_.finish(i, n, ws_.loss, ws_, table_, stream_);
      if (has_grad_) grad_.finish(i, n, ws_.grad, ws_, table_, stream_);
      if (!loss_.out && sum) add_block(ws_.loss, plan_.wide, n, *sum);
    }
    if (stream_) table_.fence();
  }

 private:
  // How many elements the block that begins with element i has at most: of a tile, or whole tiles.
  std::int64_t most_at(std::int64_t i) const {
    constexpr auto block = static_cast<std::int64_t>(kBlock);
    if (plan_.tile == 0) return i == 0 && lead_ != 0 ? lead_ : block;
    return plan_.tile > block ? std::min(block, plan_.tile - i % plan_.tile) : block / plan_.tile * plan_.tile;
  }
  // How many elements lie before the first cache line that the results, or else the logits, begin. Arrays of NumPy
  // mostly begin 16 bytes into a line, and vectors that cross lines cost twice the accesses.
  std::int64_t lead() const {
    if (plan_.count < kAlignedFrom || plan_.tile != 0) return 0;
    for (const Operand* o : {&plan_.logits, &plan_.targets, &plan_.weight, &plan_.pos_weight, &plan_.grad_output})
      if (o->kind != Operand::Kind::Contiguous && o->kind != Operand::Kind::Splat && o->kind != Operand::Kind::Absent)
        return 0;
    const Operand& first = grad_.direct ? *grad_.out : loss_.direct ? *loss_.out : plan_.logits;
    if (first.kind != Operand::Kind::Contiguous) return 0;
    const auto size = static_cast<std::uintptr_t>(size_of(first.dtype));
    const auto before = -reinterpret_cast<std::uintptr_t>(first.base) % kernels::kStreamAlign;
    return before % size == 0 ? static_cast<std::int64_t>(before / size) : 0;
  }
  void load_or_one(Loader& l, const Operand& o, bool present, Scratch& s) {
    if (present)
      l.prepare(o, compute_, plan_.count, s, table_, plan_.tile);
    else
      l.prepare_constant(1.0, compute_, plan_.count, s, table_);
  }
  void set_scale(double scale) {
    // scale / N as an unevaluated sum
    const double n = static_cast<double>(plan_.mean_over ? plan_.mean_over : static_cast<std::uint64_t>(plan_.count));
    const bool mean = plan_.reduction == Reduction::Mean;
    const double c = mean ? scale / n : scale;
    scale_hi_ = c;
    scale_lo_ = plan_.wide && mean ? std::fma(-c, n, scale) / n : 0.0;
    if (!std::isfinite(scale_lo_)) scale_lo_ = 0.0;
  }
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

// The parts of a plan, for one thread.
class PartsRunner {
 public:
  PartsRunner(std::span<const Plan> parts, const LookupTables& lookups, Workspace& ws)
      : parts_(parts), lookups_(lookups), ws_(ws) {}

  static std::int64_t chunks(std::span<const Plan> parts) {
    std::int64_t sum = 0;
    for (const Plan& part : parts) sum += chunks_of(part.count, grain(part));
    return sum;
  }
  void run_all(ExactSum* sum) {
    for (const Plan& part : parts_) enter(part).run(0, part.count, sum);
  }
  // Chunks are counted through all parts.
  void run_chunk(std::int64_t c, ExactSum* sum) {
    const Plan* part = parts_.data();
    for (std::int64_t here; c >= (here = chunks_of(part->count, grain(*part))); ++part) c -= here;
    const std::int64_t begin = c * grain(*part);
    enter(*part).run(begin, std::min(part->count, begin + grain(*part)), sum);
  }

 private:
  // Elements handed out at a time: whole tiles.
  static std::int64_t grain(const Plan& part) { return part.tile == 0 ? kGrain : kGrain / part.tile * part.tile; }
  Runner& enter(const Plan& part) {
    if (in_ != &part) runner_.emplace(part, lookups_, ws_);
    in_ = &part;
    return *runner_;
  }
  std::span<const Plan> parts_;
  const LookupTables& lookups_;
  Workspace& ws_;
  const Plan* in_ = nullptr;  // what the runner is for
  std::optional<Runner> runner_;
};

// Adds the elements of one operand, as they are.
class Summer {
 public:
  Summer(const SumPlan& plan, Workspace& ws) : plan_(plan), wide_(plan.values.dtype == DType::F64) {
    values_.prepare(plan.values, wide_ ? DType::F64 : DType::F32, plan.count, ws.x, kernel_table());
    in_place_ = plan.values.kind == Operand::Kind::Contiguous && (wide_ || plan.values.dtype == DType::F32);
  }

  void run_all(ExactSum* sum) { run(0, plan_.count, sum); }
  void run_chunk(std::int64_t c, ExactSum* sum) { run(c * kGrain, std::min(plan_.count, (c + 1) * kGrain), sum); }

 private:
  void run(std::int64_t begin, std::int64_t end, ExactSum* sum) {
    const std::int64_t step = static_cast<std::int64_t>(kBlock) / (wide_ ? 2 : 1);  // this block and the next fit in L1
    for (std::int64_t i = begin; i < end; i += step) {
      const std::int64_t n = std::min(step, end - i);
      const void* block = values_.block(i, static_cast<std::size_t>(n));
      const bool more = in_place_ && i + 2 * step <= end;
      const auto* next = static_cast<const char*>(block) + (more ? n * size_of(plan_.values.dtype) : 0);
      add_block(block, wide_, static_cast<std::size_t>(n), *sum, next);
    }
  }

  const SumPlan& plan_;
  Loader values_;
  bool wide_, in_place_;
};

// How much of a Workspace each thread needs.
inline std::size_t share(const Plan& plan) {
  const auto row = static_cast<DType>(plan.row), compute = plan.wide ? DType::F64 : DType::F32;
  const bool reads = kReadsTargets[static_cast<int>(plan.op)];
  const auto read = [](const Operand& o, DType d) {
    return o.kind == Operand::Kind::Absent || (o.kind == Operand::Kind::Contiguous && o.dtype == d);
  };
  const auto written = [&](const Operand& o) { return read(o, row) || read(o, compute); };
  const bool weighted = plan.weight.kind != Operand::Kind::Absent;
  const bool graded = plan.grad_output.kind != Operand::Kind::Absent && plan.grad_output.kind != Operand::Kind::Splat;
  const bool in_place = read(plan.logits, row) && (!reads || read(plan.targets, row)) && weighted == graded &&
                        read(plan.weight, compute) && (!graded || read(plan.grad_output, compute)) &&
                        read(plan.pos_weight, compute) && written(plan.loss_out) && written(plan.grad_out);
  if (!in_place) return sizeof(Workspace);
  const bool sums = !plan.elementwise_loss() && (plan.op == Op::Loss || plan.op == Op::ValueAndGrad);
  return sums ? Scratch::kBytes : 0;
}

}  // namespace bcelogits
