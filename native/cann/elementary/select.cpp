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

constexpr std::size_t kBlock = 1024;

struct Workspace {
  alignas(64) char elements[kBlock * 16], flags[kBlock * 8];
  std::int64_t flag[kBlock];
};

}  // namespace

Status plan_selection(const Named& in, const Named& mask, const Named& out, bool bfloat16, Selection& made) {
  for (const Named& t : {in, mask, out})
    if (Status s = check_tensor(t, bfloat16, false); !s.ok()) return s;
  made.mask_elem = mask.view->element;
  if (made.mask_elem != ElementType::Bool && made.mask_elem != ElementType::U8)
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
  for (const Named& t : {in, mask})
    if (Status s = check_broadcast(t, "both", both); !s.ok()) return s;
  if (Status s = count_elements(in.name, both, made.count); !s.ok()) return s;
  std::int64_t step = 1;
  for (int d = both.ndim; d-- > 0;) {
    dense[d] = step;
    step *= std::max<std::int64_t>(shape[d], 1);
  }
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

Status execute(const Selection& plan, std::int64_t& found) {
  found = 0;
  const std::unique_ptr<Workspace> ws(new (std::nothrow) Workspace);
  if (!ws) return {Fault::Runtime, "out of memory: the scratch could not be allocated"};
  const auto size = static_cast<std::size_t>(plan.operand.item);
  const auto read = [](const Operand& o, std::int64_t first, std::size_t n, char* room) -> const char* {
    if (o.kind == Operand::Kind::Contiguous) return o.base + first * o.item;
    gather(o, first, n, room, kernel_table());
    return room;
  };
  for (std::int64_t i = 0; i < plan.count; i += static_cast<std::int64_t>(kBlock)) {
    const auto n = static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(kBlock), plan.count - i));
    widen(plan.mask_elem, Calc::I64, read(plan.mask, i, n, ws->flags), ws->flag, n);
    const char* elements = read(plan.operand, i, n, ws->elements);
    for (std::size_t k = 0; k < n; ++k)
      if (ws->flag[k] != 0) std::memcpy(plan.out + static_cast<std::size_t>(found++) * size, elements + k * size, size);
  }
  return {};
}

Status plan_equal(const Named& a, const Named& b, const Named& out, bool bfloat16, Elementwise& compare,
                  Reduction& all) {
  for (const Named& t : {a, b, out})
    if (Status s = check_tensor(t, bfloat16, false); !s.ok()) return s;
  if (a.view->element != b.view->element)
    return Status::type(std::string(b.name) + ": expected the dtype of " + a.name);
  if (!same_shape(*a.view, *b.view))
    return Status::value(std::string(b.name) + ": shape " + shape_text(*b.view) + ", expected " + shape_text(*a.view) +
                         ", the shape of " + a.name);
  std::int64_t dense[kMaxDims], step = 1;
  for (int d = a.view->ndim; d-- > 0;) {
    dense[d] = step;
    step *= std::max<std::int64_t>(a.view->shape[d], 1);
  }
  ArrayView flags = *a.view;  // one byte for each element, wherever the base will be
  flags.element = ElementType::Bool;
  flags.strides = dense;
  flags.data = nullptr;
  flags.placeholder = true;
  Request r;
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
