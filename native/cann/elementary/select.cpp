// See select.hpp.
#include "select.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

namespace {

struct SelectionBuffers {
  alignas(64) char elements[kBlock * kMostBytes], flags[kBlock];
  std::int64_t flag[kBlock];
};

// The strides in elements of a contiguous array of this shape.
void dense_strides(const ArrayView& v, std::int64_t* strides) {
  std::int64_t step = 1;
  for (int d = v.ndim; d-- > 0;) {
    strides[d] = step;
    step *= std::max<std::int64_t>(v.shape[d], 1);
  }
}

}  // namespace

Status plan_selection(const Named& in, const Named& mask, const Named& out, bool bfloat16, SelectionPlan& made) {
  for (const Named& t : {in, mask, out})
    if (Status s = check_tensor(t, bfloat16, false); !s.ok()) return s;
  made.mask_type = mask.view->element;
  if (made.mask_type != ElementType::Bool && made.mask_type != ElementType::U8)
    return Status::type(std::string(mask.name) + ": expected dtype bool or uint8");
  if (in.view->element != out.view->element)
    return Status::type(std::string(out.name) + ": expected the dtype of " + in.name);
  // The shape to which both broadcast.
  std::int64_t shape[kMaxDims], dense[kMaxDims];
  ArrayView both;
  both.ndim = std::max(in.view->ndim, mask.view->ndim);
  both.shape = shape;
  both.strides = dense;
  for (int d = 1; d <= both.ndim; ++d) {
    std::int64_t& n = shape[both.ndim - d];
    n = 1;
    for (const ArrayView* v : {in.view, mask.view})
      if (d <= v->ndim && v->shape[v->ndim - d] != 1) n = v->shape[v->ndim - d];
  }
  const std::string together = std::string(in.name) + " and " + mask.name + " together";
  for (const Named& t : {in, mask})
    if (Status s = check_broadcast(t, together.c_str(), both); !s.ok()) return s;
  if (Status s = count_elements(in.name, both, made.count); !s.ok()) return s;
  dense_strides(both, dense);
  const ArrayView& o = *out.view;
  made.capacity = o.ndim == 1 ? o.shape[0] : -1;
  if (made.capacity < made.count || (o.shape[0] > 1 && o.strides[0] != o.item()))
    return Status::value(std::string(out.name) + ": shape " + shape_text(o) +
                         ", expected one contiguous dimension of " + std::to_string(made.count));
  if (Status s = check_no_overlap(out); !s.ok()) return s;
  for (const Named& t : {in, mask})
    if (Status s = check_separate(out, t, false); !s.ok()) return s;
  const Layout layout = make_layout(both);
  place(layout, *in.view, made.operand);
  place(layout, *mask.view, made.mask);
  made.out = static_cast<char*>(o.data);
  return {};
}

Status execute(const SelectionPlan& plan, std::int64_t& found) {
  found = 0;
  const auto buffers = std::unique_ptr<SelectionBuffers>(new (std::nothrow) SelectionBuffers);
  if (!buffers) return {Fault::Runtime, "out of memory: the scratch could not be allocated"};
  const auto size = static_cast<std::size_t>(plan.operand.item);
  for (std::int64_t i = 0; i < plan.count; i += kBlock) {
    const std::size_t n = block_size(i, plan.count);
    widen(plan.mask_type, Calc::I64, contiguous(plan.mask, i, n, buffers->flags), buffers->flag, n);
    const char* elements = contiguous(plan.operand, i, n, buffers->elements);
    for (std::size_t k = 0; k < n; ++k)
      if (buffers->flag[k] != 0)
        std::memcpy(plan.out + static_cast<std::size_t>(found++) * size, elements + k * size, size);
  }
  return {};
}

Status plan_equal(const Named& a, const Named& b, const Named& out, bool bfloat16, ElementwisePlan& compare,
                  ReductionPlan& all) {
  for (const Named& t : {a, b, out})
    if (Status s = check_tensor(t, bfloat16, false); !s.ok()) return s;
  if (a.view->element != b.view->element)
    return Status::type(std::string(b.name) + ": expected the dtype of " + a.name);
  if (!same_shape(*a.view, *b.view))
    return Status::value(std::string(b.name) + ": shape " + shape_text(*b.view) + ", expected " + shape_text(*a.view) +
                         ", the shape of " + a.name);
  std::int64_t dense[kMaxDims];
  dense_strides(*a.view, dense);
  ArrayView flags = *a.view;  // one byte for each element, wherever the base will be
  flags.element = ElementType::Bool;
  flags.strides = dense;
  flags.data = nullptr;
  flags.placeholder = true;
  ElementwiseCall r;
  r.kernel = Kernel::Eq;
  r.inputs = 2;
  r.input[0] = a;
  r.input[1] = b;
  r.out = {"workspace", &flags};
  r.bfloat16 = bfloat16;
  if (Status s = plan(r, compare); !s.ok()) return s;
  return plan_reduction(Fold::All, {"workspace", &flags}, {}, false, out, bfloat16, all);
}

}  // namespace bcelogits::elementary
