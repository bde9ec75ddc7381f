// See tile.hpp.
#include "tile.hpp"

#include <algorithm>
#include <cstdlib>

#include "layout.hpp"

namespace bcelogits {

namespace {

constexpr std::int64_t kLine = 64;           // bytes of a cache line
constexpr std::int64_t kTileRows = 64;       // along the crosswise operand's memory: a few lines of every column
constexpr std::int64_t kTileFrom = 1 << 14;  // elements; below, everything stays in cache anyway

Operand Plan::* const kOperands[] = {&Plan::logits,      &Plan::targets,  &Plan::weight,  &Plan::pos_weight,
                                     &Plan::grad_output, &Plan::loss_out, &Plan::grad_out};

std::int64_t power_of_two_up_to(std::int64_t n) {
  std::int64_t p = 1;
  while (p * 2 <= n) p *= 2;
  return p;
}

// The plan over the sub-box that `space` describes, starting at `offset` of dimensions `across` and `inner`.
struct Box {
  int across, inner;
  std::int64_t across_first, inner_first, across_count, inner_count, rows, cols;  // rows = 0: not tiled
};

Plan part(const Plan& plan, const Box& b) {
  Plan p = plan;
  // what reduced() and the gradient's scale divide by stays that of the whole
  p.mean_over = plan.mean_over ? plan.mean_over : static_cast<std::uint64_t>(plan.count);
  std::int64_t dim[kMaxDims + 2];
  int n = 0;
  p.count = 1;
  for (int i = 0; i < plan.ndim; ++i) {
    const std::int64_t extent = i == b.across ? b.across_count : i == b.inner ? b.inner_count : plan.dim[i];
    p.count *= extent;
    dim[n++] = b.rows == 0 ? extent : i == b.across ? extent / b.rows : i == b.inner ? extent / b.cols : extent;
  }
  if (b.rows != 0) {
    dim[n++] = b.rows;
    dim[n++] = b.cols;
  }
  for (Operand Plan::* member : kOperands) {
    Operand& o = p.*member;
    if (o.kind == Operand::Kind::Absent) continue;
    std::int64_t stride[kMaxDims + 2];
    std::copy_n(o.step, plan.ndim, stride);
    o.base += b.across_first * o.step[b.across] + b.inner_first * o.step[b.inner];
    if (b.rows != 0) {
      stride[b.across] *= b.rows;
      stride[b.inner] *= b.cols;
      stride[plan.ndim] = o.step[b.across];
      stride[plan.ndim + 1] = o.step[b.inner];
    }
    coalesce(o, n, dim, stride);
  }
  return p;
}

}  // namespace

std::vector<Plan> tiles(const Plan& plan) {
  std::vector<Plan> parts;
  if (plan.count < kTileFrom || plan.ndim > kMaxDims - 2) return parts;
  int inner = plan.ndim - 1;
  while (inner > 0 && plan.dim[inner] == 1) --inner;
  for (Operand Plan::* member : kOperands) {
    const Operand& o = plan.*member;
    if (o.kind != Operand::Kind::Strided) continue;
    const std::int64_t along = std::abs(o.step[inner]);
    int across = -1;
    for (int i = 0; i < inner; ++i)
      if (o.step[i] != 0 && plan.dim[i] >= 8 && std::abs(o.step[i]) < along &&
          (across < 0 || std::abs(o.step[i]) < std::abs(o.step[across])))
        across = i;
    if (across < 0 || along < kLine || plan.dim[inner] < 8) continue;

    std::int64_t rows = std::min(power_of_two_up_to(plan.dim[across]), kTileRows);
    const std::int64_t cols = std::min(power_of_two_up_to(plan.dim[inner]), kTile / rows);
    rows = std::min(power_of_two_up_to(plan.dim[across]), kTile / cols);
    const std::int64_t down = plan.dim[across] / rows * rows, right = plan.dim[inner] / cols * cols;
    parts.push_back(part(plan, {across, inner, 0, 0, down, right, rows, cols}));
    if (down < plan.dim[across])
      parts.push_back(part(plan, {across, inner, down, 0, plan.dim[across] - down, plan.dim[inner], 0, 0}));
    if (right < plan.dim[inner])
      parts.push_back(part(plan, {across, inner, 0, right, down, plan.dim[inner] - right, 0, 0}));
    return parts;
  }
  return parts;
}

}  // namespace bcelogits
