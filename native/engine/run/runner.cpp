// See runner.hpp.
#include "runner.hpp"

#include <cmath>

#include "../threads/machine.hpp"
#include "dispatch.hpp"
#include "execute.hpp"

namespace bcelogits {

namespace {

constexpr std::int64_t kAlignedFrom = 1 << 15;  // elements; from here on, blocks begin where cache lines do

// Elements of a chunk: whole tiles.
std::int64_t grain(const Plan& part) { return part.tile == 0 ? kGrain : kGrain / part.tile * part.tile; }

}  // namespace

std::size_t workspace_bytes(const Plan& plan) {
  const DType row = plan.row, compute = plan.wide ? DType::F64 : DType::F32;
  const bool reads = info(plan.op).reads_targets;
  const auto read = [](const Operand& o, DType d) {
    return o.kind == Operand::Kind::Absent || (o.kind == Operand::Kind::Contiguous && o.dtype() == d);
  };
  const auto written = [&](const Operand& o) { return read(o, row) || read(o, compute); };
  const bool weighted = plan.weight.kind != Operand::Kind::Absent;
  const bool graded = has_elementwise_grad_output(plan);
  const bool in_place = read(plan.logits, row) && (!reads || read(plan.targets, row)) && weighted == graded &&
                        read(plan.weight, compute) && (!graded || read(plan.grad_output, compute)) &&
                        read(plan.pos_weight, compute) && written(plan.loss_out) && written(plan.grad_out);
  if (!in_place) return sizeof(Workspace);
  const bool sums = !plan.elementwise_loss() && (plan.op == Op::Loss || plan.op == Op::ValueAndGrad);
  return sums ? Scratch::kBytes : 0;
}

Runner::Runner(const Plan& plan, const LookupTables& lookups, Workspace& ws)
    : plan_(plan), lookups_(lookups), ws_(ws), table_(kernel_table()) {
  compute_ = plan.wide ? DType::F64 : DType::F32;
  x_.prepare(plan.logits, plan.row, plan.count, ws.x, table_, plan.tile);
  if (info(plan.op).reads_targets) t_.prepare(plan.targets, plan.row, plan.count, ws.t, table_, plan.tile);
  has_w_ = has_weight(plan);
  has_p_ = has_pos_weight(plan);
  if (has_w_) {
    load_or_one(w_, plan.weight, plan.weight.kind != Operand::Kind::Absent, ws.w);
    load_or_one(g_, plan.grad_output, has_elementwise_grad_output(plan), ws.g);
  }
  if (has_p_) p_.prepare(plan.pos_weight, compute_, plan.count, ws.p, table_, plan.tile);

  set_scale();
  has_grad_ = plan.op != Op::Loss;
  if (has_grad_) grad_.prepare(plan.grad_out, plan.row, compute_, plan.tile);
  if (plan.elementwise_loss()) loss_.prepare(plan.loss_out, plan.row, compute_, plan.tile);
  // Lines that would leave the last cache before anyone reads them need not be fetched into it to be written.
  const std::size_t written =
      static_cast<std::size_t>(plan.count) * ((grad_.out ? grad_.out->item : 0) + (loss_.out ? loss_.out->item : 0));
  stream_ = written > last_cache_bytes();
  lead_ = lead();
  const int weights = (has_w_ ? kernels::kHasWeight : 0) | (has_p_ ? kernels::kHasPosWeight : 0);
  const auto kernel = [&](kernels::Op which, bool row_store) {
    return table_.op[which][row_of(plan.row)][row_store ? 0 : 1][weights];
  };
  if (in_two_kernels(plan)) {
    fn_ = kernel(kernels::kGrad, grad_.as_row);
    loss_fn_ = kernel(kernels::kLoss, loss_.as_row);
  } else {
    fn_ = kernel(kernel_of(plan.op), has_grad_ ? grad_.as_row : loss_.out && loss_.as_row);
  }
}

void Runner::run(std::int64_t begin, std::int64_t end, ExactSum* sum) {
  const bool reads_targets = info(plan_.op).reads_targets;
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

// How many elements the block that begins with element i has at most: of a tile, or whole tiles.
std::int64_t Runner::most_at(std::int64_t i) const {
  constexpr auto block = static_cast<std::int64_t>(kernels::kBlock);
  if (plan_.tile == 0) return i == 0 && lead_ != 0 ? lead_ : block;
  return plan_.tile > block ? std::min(block, plan_.tile - i % plan_.tile) : block / plan_.tile * plan_.tile;
}

// How many elements lie before the first cache line that the results, or else the logits, begin. Arrays of NumPy
// mostly begin 16 bytes into a line, and vectors that cross lines cost twice the accesses.
std::int64_t Runner::lead() const {
  if (plan_.count < kAlignedFrom || plan_.tile != 0) return 0;
  for (const Operand* o : {&plan_.logits, &plan_.targets, &plan_.weight, &plan_.pos_weight, &plan_.grad_output})
    if (o->kind != Operand::Kind::Contiguous && o->kind != Operand::Kind::Splat && o->kind != Operand::Kind::Absent)
      return 0;
  const Operand& first = grad_.direct ? *grad_.out : loss_.direct ? *loss_.out : plan_.logits;
  if (first.kind != Operand::Kind::Contiguous) return 0;
  const auto size = static_cast<std::uintptr_t>(first.item);
  const auto before = -reinterpret_cast<std::uintptr_t>(first.base) % kernels::kStreamAlign;
  return before % size == 0 ? static_cast<std::int64_t>(before / size) : 0;
}

void Runner::load_or_one(Loader& l, const Operand& o, bool present, Scratch& s) {
  if (present)
    l.prepare(o, compute_, plan_.count, s, table_, plan_.tile);
  else
    l.prepare_constant(1.0, compute_, plan_.count, s, table_);
}

// The factor of gradients: a grad_output that is one number, over the count of a mean, as an unevaluated sum.
void Runner::set_scale() {
  double scale = 1.0;
  if (plan_.grad_output.kind == Operand::Kind::Splat && plan_.op != Op::Loss) {
    double g;
    table_.load[static_cast<int>(plan_.grad_output.dtype())][1](plan_.grad_output.base, &g, 1);
    scale = plan_.wide ? g : static_cast<double>(static_cast<float>(g));  // a Python number is read in the compute type
  }
  const double n = static_cast<double>(plan_.mean_over);
  const bool mean = plan_.reduction == Reduction::Mean;
  const double c = mean ? scale / n : scale;
  scale_hi_ = c;
  scale_lo_ = plan_.wide && mean ? std::fma(-c, n, scale) / n : 0.0;
  if (!std::isfinite(scale_lo_)) scale_lo_ = 0.0;
}

std::int64_t PartsRunner::chunks(std::span<const Plan> parts) {
  std::int64_t sum = 0;
  for (const Plan& part : parts) sum += chunks_of(part.count, grain(part));
  return sum;
}

void PartsRunner::run_all(ExactSum* sum) {
  for (const Plan& part : parts_) enter(part).run(0, part.count, sum);
}

void PartsRunner::run_chunk(std::int64_t c, ExactSum* sum) {
  const Plan* part = parts_.data();
  for (std::int64_t here; c >= (here = chunks_of(part->count, grain(*part))); ++part) c -= here;
  const std::int64_t begin = c * grain(*part);
  enter(*part).run(begin, std::min(part->count, begin + grain(*part)), sum);
}

Runner& PartsRunner::enter(const Plan& part) {
  if (in_ != &part) runner_.emplace(part, lookups_, ws_);
  in_ = &part;
  return *runner_;
}

}  // namespace bcelogits
