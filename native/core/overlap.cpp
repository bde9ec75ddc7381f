// See overlap.hpp.
#include "overlap.hpp"

#include <algorithm>
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
    (a.strides[i] < 0 ? low : high) += a.strides[i] * (a.shape[i] - 1);
  }
  return {low, high + size_of(a.dtype)};
}

std::int64_t stride_gcd(const ArrayView& a, std::int64_t g) {
  for (int i = 0; i < a.ndim; ++i)
    if (a.shape[i] > 1) g = std::gcd(g, a.strides[i]);
  return g;
}

}  // namespace

bool exactly_in_place(const ArrayView& a, const ArrayView& b) {
  if (a.data != b.data || a.ndim != b.ndim || size_of(a.dtype) != size_of(b.dtype)) return false;
  for (int i = 0; i < a.ndim; ++i)
    if (a.shape[i] != b.shape[i] || (a.shape[i] > 1 && a.strides[i] != b.strides[i])) return false;
  return true;
}

bool may_overlap(const ArrayView& a, const ArrayView& b) {
  const Extent x = extent(a), y = extent(b);
  if (x.low == x.high || y.low == y.high || x.high <= y.low || y.high <= x.low) return false;
  // All elements of either start at its base modulo the gcd of all strides: two interleaved columns do not meet.
  const std::int64_t g = stride_gcd(b, stride_gcd(a, 0));
  if (g == 0) return true;
  std::int64_t d = (reinterpret_cast<std::intptr_t>(b.data) - reinterpret_cast<std::intptr_t>(a.data)) % g;
  if (d < 0) d += g;
  return !(d >= size_of(a.dtype) && g - d >= size_of(b.dtype));
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
  std::int64_t covered = size_of(a.dtype);
  for (int i = 0; i < n; ++i) {
    if (stride[order[i]] < covered) return true;
    covered += reach[order[i]];
  }
  return false;
}

}  // namespace bcelogits
