// See overlap.hpp.
#include "overlap.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace bcelogits {

namespace {

struct Extent {
  std::intptr_t low, high;  // [low, high), empty if nothing is touched
};

Extent extent(const ArrayView& a) {
  auto low = reinterpret_cast<std::intptr_t>(a.data), high = low;
  for (int i = 0; i < a.ndim; ++i) {
    if (a.shape[i] == 0) return {0, 0};
    if (a.shape[i] == 1) continue;  // never stepped along: any stride
    (a.strides[i] < 0 ? low : high) += a.strides[i] * (a.shape[i] - 1);
  }
  return {low, high + a.item()};
}

// Bytes that one pass over the dimensions of stride below `limit` spans, and the gcd of the other strides.
struct Split {
  std::int64_t span, period;
};
Split split(const ArrayView& a, std::int64_t limit, std::int64_t period) {
  Split s{a.item(), period};
  for (int i = 0; i < a.ndim; ++i) {
    if (a.shape[i] <= 1) continue;
    const std::int64_t stride = std::abs(a.strides[i]);
    if (stride < limit)
      s.span += stride * (a.shape[i] - 1);
    else
      s.period = std::gcd(s.period, stride);
  }
  return s;
}

// All that a and b touch lies in [low + k*period, low + k*period + span): do these intervals meet, modulo the period?
bool meet(std::intptr_t low_a, const ArrayView& a, std::intptr_t low_b, const ArrayView& b, std::int64_t limit) {
  const Split x = split(a, limit, 0), y = split(b, limit, x.period);
  if (y.period == 0) return true;  // the extents overlap, and nothing repeats
  std::int64_t d = (low_b - low_a) % y.period;
  if (d < 0) d += y.period;
  return !(d >= x.span && y.period - d >= y.span);
}

}  // namespace

bool exactly_in_place(const ArrayView& a, const ArrayView& b) {
  if (a.data != b.data || a.ndim != b.ndim || a.item() != b.item()) return false;
  for (int i = 0; i < a.ndim; ++i)
    if (a.shape[i] != b.shape[i] || (a.shape[i] > 1 && a.strides[i] != b.strides[i])) return false;
  return true;
}

bool may_overlap(const ArrayView& a, const ArrayView& b) {
  if (a.placeholder || b.placeholder) return false;
  const Extent x = extent(a), y = extent(b);
  if (x.low == x.high || y.low == y.high || x.high <= y.low || y.high <= x.low) return false;
  // Interleaved rows, columns or halves of rows do not meet: try each stride as the border between what lies together
  // and what repeats.
  if (!meet(x.low, a, y.low, b, 0)) return false;
  for (const ArrayView* v : {&a, &b})
    for (int i = 0; i < v->ndim; ++i)
      if (v->shape[i] > 1 && !meet(x.low, a, y.low, b, std::abs(v->strides[i]))) return false;
  return true;
}

bool overlaps_itself(const ArrayView& a) {
  // Sorted by stride, each dimension must step over all that the smaller ones cover.
  std::int64_t stride[kMaxDims], reach[kMaxDims];
  int n = 0;
  for (int i = 0; i < a.ndim; ++i) {
    if (a.shape[i] == 0) return false;
    if (a.shape[i] == 1) continue;
    stride[n] = std::abs(a.strides[i]);
    reach[n] = stride[n] * (a.shape[i] - 1);
    ++n;
  }
  int order[kMaxDims];
  std::iota(order, order + n, 0);
  std::sort(order, order + n, [&](int p, int q) { return stride[p] < stride[q]; });
  std::int64_t covered = a.item();
  for (int i = 0; i < n; ++i) {
    if (stride[order[i]] < covered) return true;
    covered += reach[order[i]];
  }
  return false;
}

Status check_separate(const Named& out, const Named& input, bool in_place) {
  if ((in_place && exactly_in_place(*out.view, *input.view)) || !may_overlap(*out.view, *input.view)) return {};
  return Status::value(std::string(out.name) + ": overlaps " + input.name + ", expected separate memory" +
                       (in_place ? " or exactly the same elements" : ""));
}

Status check_no_overlap(const Named& out) {
  if (!overlaps_itself(*out.view)) return {};
  return Status::value(std::string(out.name) + ": several elements share memory, expected an array without overlap");
}

}  // namespace bcelogits
