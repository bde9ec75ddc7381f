// See lookup_table.hpp.
#include "lookup_table.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "dispatch.hpp"
#include "runner.hpp"

namespace bcelogits {

namespace {

constexpr std::size_t kAtATime = 256;  // any thread's stack has place for this

struct alignas(64) Line {
  float number[16];
};

// Losses and gradients of confident answers (targets 1, logits 0 and above) are L and -S themselves: the kernels for
// doubles, right to a last bit that floats have no place for, need no sibling.
void fill(kernels::Op op, kernels::Row row, bool weighted, std::size_t width, float* entries) {
  const kernels::KernelTable& table = kernel_table();
  double x[kAtATime], one[kAtATime], loss[kAtATime], sigmoid[kAtATime];
  std::uint16_t bits[kAtATime];
  std::fill_n(one, kAtATime, 1.0);
  const DefaultFloatState state;
  const std::size_t count = std::size_t{kernels::kLookupLast[row]} + 1;
  for (std::size_t first = 0; first < count; first += kAtATime) {
    kernels::BlockArgs a{};
    a.n = std::min(kAtATime, count - first);
    for (std::size_t i = 0; i < a.n; ++i) bits[i] = static_cast<std::uint16_t>(first + i);
    table.load[row][1](bits, x, a.n);
    a.x = x;
    a.t = one;
    a.loss = loss;
    a.grad = sigmoid;
    a.scale_hi = -1;
    table.op[kernels::kLoss][kernels::kF64][0][0](a);
    table.op[kernels::kGrad][kernels::kF64][0][0](a);
    for (std::size_t i = 0; i < a.n; ++i) {
      const auto L = static_cast<float>(loss[i]), lost = static_cast<float>(loss[i] - static_cast<double>(L));
      float* entry = entries + (first + i) * width;
      if (op != kernels::kGrad) *entry++ = L;
      if (op != kernels::kGrad && weighted) *entry++ = lost;
      if (op != kernels::kLoss) *entry = static_cast<float>(sigmoid[i]);
    }
  }
}

// The entries of one kernel; null if there is no memory.
const float* lookup_table(kernels::Op op, kernels::Row row, bool weighted) {
  // No lock, which a forked process might find taken for ever. Threads that come at the same time do the same work, and
  // all but one of them throw theirs away.
  static std::atomic<Line*> ready[kernels::kOps][kernels::kRows][2];
  if (op == kernels::kGrad) weighted = false;  // the same entries
  std::atomic<Line*>& mine = ready[op][row][weighted ? 1 : 0];
  Line* have = mine.load(std::memory_order_acquire);
  if (!have) {
    const std::size_t width = op == kernels::kValueAndGrad ? (weighted ? 4 : 2) : (weighted ? 2 : 1);
    const std::size_t numbers = (std::size_t{kernels::kLookupLast[row]} + 1) * width;
    std::unique_ptr<Line[]> made(new (std::nothrow) Line[(numbers + 15) / 16]());
    if (!made) return nullptr;
    fill(op, row, weighted, width, made[0].number);
    if (mine.compare_exchange_strong(have, made.get(), std::memory_order_acq_rel)) have = made.release();
  }
  return have->number;
}

}  // namespace

LookupTables::LookupTables(const Plan& plan) {
  const auto find = [&](kernels::Op op) {
    const float* found = lookup_table(op, row_of(plan.row), has_weight(plan) || has_pos_weight(plan));
    complete = complete && found;
    return found;
  };
  if (plan.row != DType::F16 && plan.row != DType::BF16) return;
  const bool narrow = plan.op != Op::Loss && plan.grad_out.dtype() == plan.row;
  if (in_two_kernels(plan)) {
    loss = find(kernels::kLoss);
    if (narrow) result = find(kernels::kGrad);
  } else if (plan.op == Op::Loss || (plan.op == Op::ValueAndGrad && !narrow)) {
    result = find(kernels::kLoss);
  } else if (plan.op != Op::TargetBackward && narrow) {
    result = find(kernel_of(plan.op));
  }
}

}  // namespace bcelogits
