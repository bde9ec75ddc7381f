// See layout.hpp.
#include "layout.hpp"

namespace bcelogits {

namespace {
// Also of the least integer, which a dimension that is never stepped along may have for its stride.
std::uint64_t magnitude_of(std::int64_t stride) {
  const auto bits = static_cast<std::uint64_t>(stride);
  return stride < 0 ? 0 - bits : bits;
}
}  // namespace

Layout make_layout(const ArrayView& v) {
  Layout l;
  l.ndim = v.ndim;
  for (int i = 0; i < v.ndim; ++i) {
    const std::uint64_t magnitude = magnitude_of(v.strides[i]);
    int at = i;  // insertion sort, stable; broadcast axes (stride 0) and single elements keep their place outside
    while (at > 0) {
      const int before = l.axis[at - 1];
      const std::uint64_t other = magnitude_of(v.strides[before]);
      if (other == 0 || magnitude == 0 || v.shape[before] == 1 || v.shape[i] == 1 || other >= magnitude) break;
      l.axis[at] = before;
      --at;
    }
    l.axis[at] = i;
  }
  for (int i = 0; i < l.ndim; ++i) {
    l.dim[i] = v.shape[l.axis[i]];
    l.flip[i] = v.strides[l.axis[i]] < 0 && l.dim[i] > 1;
  }
  return l;
}

void place(const Layout& l, const ArrayView& v, Operand& o) {
  o.kind = Operand::Kind::Absent;
  if (!v.present) return;
  o.element = v.element;
  o.item = v.item();
  o.base = static_cast<char*>(v.data);
  const int lead = l.ndim - v.ndim;
  for (int i = 0; i < l.ndim; ++i) {
    const int axis = l.axis[i] - lead;
    // What is never stepped along may have any stride.
    std::int64_t stride = axis < 0 || v.shape[axis] <= 1 ? 0 : v.strides[axis];
    if (l.flip[i]) {
      o.base += stride * (l.dim[i] - 1);
      stride = -stride;
    }
    o.step[i] = stride;
  }
  coalesce(o, l.ndim, l.dim, o.step);
}

void coalesce(Operand& o, int ndim, const std::int64_t* dim, const std::int64_t* stride, int apart) {
  int n = 0;
  for (int i = 0; i < ndim; ++i) {
    if (dim[i] == 1) continue;
    if (n > 0 && i != apart && o.stride[n - 1] == stride[i] * dim[i]) {  // merges with the dimension outside it
      o.dim[n - 1] *= dim[i];
      o.stride[n - 1] = stride[i];
    } else {
      o.dim[n] = dim[i];
      o.stride[n] = stride[i];
      ++n;
    }
  }
  o.ndim = n;
  const int size = o.item;
  if (n == 0 || (n == 1 && o.stride[0] == 0)) {
    o.kind = Operand::Kind::Splat;
  } else if (n == 1 && o.stride[0] == size) {
    o.kind = Operand::Kind::Contiguous;
  } else if (n == 2 && o.stride[0] == 0 && o.stride[1] == size) {
    o.kind = Operand::Kind::Periodic;
    o.period = o.dim[1];
  } else {
    o.kind = Operand::Kind::Strided;
  }
}

}  // namespace bcelogits
