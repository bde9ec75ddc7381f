// See elementwise.hpp. A block of each operand is gathered, converted to the type of the calculation, calculated,
// converted and scattered; what lies well already is left where it is.
#include "elementwise.hpp"

#include <algorithm>
#include <cstring>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

namespace {

constexpr std::int64_t kGrain = 16 * kBlock;  // elements of a chunk
constexpr int kMostDims = 8;                  // as the documents of the operators have it

struct Buffers {
  alignas(64) char raw[kMostOperands][kBlock * kMostBytes];  // gathered elements
  alignas(64) char value[kMostOperands][kBlock * 8];         // in the type of the calculation
  alignas(64) char result[kBlock * 8], stored[kBlock * 8];
};

std::string named(const Named& t) { return std::string(t.name) + ": "; }

void write(const Operand& o, std::int64_t first, std::size_t n, const char* from) {
  if (o.kind == Operand::Kind::Contiguous)
    std::memcpy(o.base + first * o.item, from, n * static_cast<std::size_t>(o.item));
  else
    scatter(from, o, first, n, kernel_table());
}

// One thread's share of a plan.
class ElementwiseRunner {
 public:
  ElementwiseRunner(const ElementwisePlan& plan, Buffers& buffers)
      : plan_(plan), buffers_(buffers), info_(info(plan.kernel)) {
    for (int i = 0; i < plan.inputs; ++i) values_[i] = buffers.value[i];
    if (!plan.number_is_operand) return;
    const int last = plan.inputs;
    values_[last] = buffers.value[last];
    Parameters p;
    p.factor = plan.number;
    info(Kernel::Fill).function[static_cast<int>(plan.calc)](nullptr, buffers.value[last], kBlock, p);
  }

  void run(std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += kBlock) {
      const std::size_t n = block_size(i, end);
      if (plan_.as_bits)
        write(plan_.out, i, n, contiguous(plan_.operand[0], i, n, buffers_.raw[0]));
      else
        block(i, n);
    }
  }

 private:
  void block(std::int64_t first, std::size_t n) {
    for (int i = 0; i < plan_.inputs; ++i) {
      const char* raw = contiguous(plan_.operand[i], first, n, buffers_.raw[i]);
      widen(plan_.in[i], plan_.calc, raw, buffers_.value[i], n);
    }
    info_.function[static_cast<int>(plan_.calc)](values_, buffers_.result, n, plan_.parameters);
    narrow(info_.kind == Kind::Test ? Calc::I64 : plan_.calc, plan_.to, buffers_.result, buffers_.stored, n);
    write(plan_.out, first, n, buffers_.stored);
  }

  const ElementwisePlan& plan_;
  Buffers& buffers_;
  const KernelInfo& info_;
  const void* values_[kMostOperands] = {};
};

// The type of the calculation: that of the widest tensor; a number counts where no tensor is of floating point.
Calc calc_of(const ElementwiseCall& r, const ElementwisePlan& plan, Kind kind) {
  bool real = kind == Kind::Real, wide = false;
  for (int i = 0; i < plan.inputs; ++i) {
    real = real || is_float(plan.in[i]);
    wide = wide || plan.in[i] == ElementType::F64;
  }
  if (r.number_is_operand && r.number.real) real = true;
  if (kind == Kind::Any && r.parameters.factor.real) real = true;
  if (r.kernel == Kernel::Fill) wide = real;  // the number is a double
  if (kind == Kind::Real) wide = wide || plan.to == ElementType::F64;
  return wide ? Calc::F64 : real ? Calc::F32 : Calc::I64;
}

Status broadcast_shape(const ElementwiseCall& r) {
  const ArrayView& out = *r.out.view;
  for (int i = 0; i < r.inputs; ++i)
    if (Status s = check_broadcast(r.input[i], r.out.name, out); !s.ok()) return s;
  // Each dimension of the output comes from an input.
  for (int d = 1; r.inputs > 0 && d <= out.ndim; ++d) {
    bool found = false;
    for (int i = 0; i < r.inputs; ++i) {
      const ArrayView& v = *r.input[i].view;
      found = found || (d <= v.ndim && v.shape[v.ndim - d] == out.shape[out.ndim - d]);
      found = found || r.input[i].view == r.out.view;
    }
    if (!found && !r.spread)
      return Status::value(named(r.out) + "shape " + shape_text(out) + ", expected that to which the inputs broadcast");
  }
  return {};
}

}  // namespace

Status check_tensor(const Named& t, bool bfloat16, bool any_dtype) {
  if (!t.view->present) return {Fault::Null, named(t) + "null pointer, expected a tensor"};
  const ElementType e = t.view->element;
  if (e == ElementType::BF16 && !bfloat16)
    return Status::type(named(t) + "dtype bfloat16, which this product does not have");
  if (e == ElementType::Other && !(any_dtype && t.view->item() > 0))
    return Status::type(named(t) + t.view->type_text() +
                        ", expected float32, float16, bfloat16, float64, bool, uint8, int8, int16, int32 or int64");
  if (Status s = check_format(t.name, *t.view); !s.ok()) return s;
  return check_dims(t.name, *t.view, kMostDims);
}

Status plan(const ElementwiseCall& r, ElementwisePlan& made) {
  const Kind kind = info(r.kernel).kind;
  const bool copies = r.kernel == Kernel::Same;
  for (int i = 0; i < r.inputs; ++i)
    if (Status s = check_tensor(r.input[i], r.bfloat16, copies); !s.ok()) return s;
  if (Status s = check_tensor(r.out, r.bfloat16, copies); !s.ok()) return s;
  if (Status s = broadcast_shape(r); !s.ok()) return s;
  if (Status s = count_elements(r.out.name, *r.out.view, made.count); !s.ok()) return s;
  if (Status s = check_no_overlap(r.out); !s.ok()) return s;
  for (int i = 0; i < r.inputs; ++i)
    if (Status s = check_separate(r.out, r.input[i], true); !s.ok()) return s;

  const bool one_bit = r.kernel == Kernel::BitwiseNot && r.input[0].view->element == ElementType::Bool;
  made.kernel = one_bit ? Kernel::LogicalNot : r.kernel;
  made.inputs = r.inputs;
  made.number_is_operand = r.number_is_operand;
  made.number = r.number;
  made.parameters = r.parameters;
  made.to = r.out.view->element;
  for (int i = 0; i < r.inputs; ++i) made.in[i] = r.input[i].view->element;
  if (copies) {
    const ArrayView &from = *r.input[0].view, &to = *r.out.view;
    made.as_bits = from.same_type(to);
    for (const Named& t : {r.input[0], r.out})
      if (!made.as_bits)  // only a plain copy takes any dtype
        if (Status s = check_tensor(t, r.bfloat16, false); !s.ok()) return s;
  }
  if (kind == Kind::Whole && r.number_is_operand && r.number.real)
    return Status::type(named(r.out) + "a floating-point number among the operands, expected bool or an integer");
  if (kind == Kind::Whole)
    for (int i = 0; i <= r.inputs; ++i) {
      const Named& t = i < r.inputs ? r.input[i] : r.out;
      if (is_float(t.view->element))
        return Status::type(named(t) + t.view->type_text() + ", expected bool or an integer");
    }
  made.calc = calc_of(r, made, kind);
  const Layout layout = make_layout(*r.out.view);
  place(layout, *r.out.view, made.out);
  for (int i = 0; i < r.inputs; ++i) place(layout, *r.input[i].view, made.operand[i]);
  return {};
}

Status execute(const ElementwisePlan& plan, int threads) {
  return for_chunks<Buffers>(plan.count, kGrain, threads,
                             [&](Buffers& buffers) { return ElementwiseRunner(plan, buffers); });
}

}  // namespace bcelogits::elementary
