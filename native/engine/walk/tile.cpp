// See tile.hpp.
#include "tile.hpp"

#include <algorithm>
#include <cstdlib>

#include "../check/layout.hpp"

namespace bcelogits {

namespace {

constexpr std::int64_t kLine = 64;            // bytes of a cache line
constexpr std::int64_t kTileRows = 64;        // along the transposed operand's memory: a few lines of every column
constexpr std::int64_t kTileFrom = 1 << 14;   // elements; below, everything stays in cache anyway
constexpr std::int64_t kAlignFrom = 1 << 20;  // elements; below, the parts at the edges cost more than lines do

Operand Plan::* const kOperands[] = {&Plan::logits,      &Plan::targets,  &Plan::weight,  &Plan::pos_weight,
                                     &Plan::grad_output, &Plan::loss_out, &Plan::grad_out};

std::int64_t power_of_two_up_to(std::int64_t n) {
  std::int64_t p = 1;
  while (p * 2 <= n) p *= 2;
  return p;
}

// A part of a dimension, which tiles divide by `side`.
struct Span {
  std::int64_t first, count, side;
};

// What lies before the first boundary, as many sides as fit, and the rest.
std::vector<Span> divide(std::int64_t extent, std::int64_t before, std::int64_t side) {
  if (extent - before < side) before = 0;
  const std::int64_t middle = (extent - before) / side * side, after = extent - before - middle;
  std::vector<Span> spans = {{before, middle, side}};
  if (before != 0) spans.push_back({0, before, before});
  if (after != 0) spans.push_back({before + middle, after, after});
  return spans;
}

// Elements along dimension `along` before the operand's first cache line; 0 if its other lines do not begin alike.
std::int64_t before_line(const Operand& o, int along, int other) {
  const std::int64_t item = o.item;
  if (o.step[along] != item || o.step[other] % kLine != 0) return 0;
  const auto bytes = static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(o.base) % kLine);
  return bytes % item == 0 ? bytes / item : 0;
}

// The plan over the part of the space that `down` and `right` leave of dimensions `across` and `inner`, in tiles.
Plan part(const Plan& plan, int across, int inner, const Span& down, const Span& right) {
  Plan p = plan;
  p.tile = down.side * right.side;
  std::int64_t dim[kMaxDims + 2];
  std::copy_n(plan.dim, plan.ndim, dim);
  dim[across] = down.count / down.side;
  dim[inner] = right.count / right.side;
  dim[plan.ndim] = down.side;
  dim[plan.ndim + 1] = right.side;
  p.count = 1;
  for (int i = 0; i < plan.ndim + 2; ++i) p.count *= dim[i];
  for (Operand Plan::* member : kOperands) {
    Operand& o = p.*member;
    if (o.kind == Operand::Kind::Absent) continue;
    std::int64_t stride[kMaxDims + 2];
    std::copy_n(o.step, plan.ndim, stride);
    o.base += down.first * o.step[across] + right.first * o.step[inner];
    stride[across] *= down.side;
    stride[inner] *= right.side;
    stride[plan.ndim] = o.step[across];
    stride[plan.ndim + 1] = o.step[inner];
    coalesce(o, plan.ndim + 2, dim, stride);
    // columns of a tile must not run on into the next one, where they could be one dimension
    if (o.kind == Operand::Kind::Strided) coalesce(o, plan.ndim + 2, dim, stride, plan.ndim);
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
    // A tile that begins within a line takes one more line of every row and column.
    std::int64_t above = 0, left = 0;
    if (plan.count >= kAlignFrom) {
      above = before_line(o, across, inner);
      for (Operand Plan::* row_wise : kOperands)
        if (left == 0 && (plan.*row_wise).kind != Operand::Kind::Absent)
          left = before_line(plan.*row_wise, inner, across);
    }
    for (const Span& down : divide(plan.dim[across], above, rows))
      for (const Span& right : divide(plan.dim[inner], left, cols))
        parts.push_back(part(plan, across, inner, down, right));
    return parts;
  }
  return parts;
}

}  // namespace bcelogits
