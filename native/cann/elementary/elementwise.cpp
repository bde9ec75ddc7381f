// See elementwise.hpp. A block of each operand is gathered, converted to the type of the calculation, calculated,
// converted and scattered; what lies well already is left where it is.
#include "elementwise.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

namespace {

constexpr std::size_t kBlock = 1024;  // elements; what a thread needs stays in its cache
constexpr std::int64_t kGrain = 16 * static_cast<std::int64_t>(kBlock);
constexpr std::int64_t kParallelFrom = 1 << 17;
constexpr int kMostDims = 8;  // as the documents of the operators have it

struct Workspace {
  alignas(64) char raw[kMostOperands][kBlock * 16];   // gathered elements; 16 bytes are the largest
  alignas(64) char value[kMostOperands][kBlock * 8];  // in the type of the calculation
  alignas(64) char result[kBlock * 8], stored[kBlock * 8];
};

Workspace* workspace() {
  static thread_local std::unique_ptr<Workspace> mine;
  if (!mine) mine.reset(new (std::nothrow) Workspace);
  return mine.get();
}

std::string named(const Named& t) { return std::string(t.name) + ": "; }

// Elements [first, first + n) without a gap.
const char* contiguous(const Operand& o, std::int64_t first, std::size_t n, char* room) {
  if (o.kind == Operand::Kind::Contiguous) return o.base + first * item_size(o);
  gather(o, first, n, room);
  return room;
}

void write(const Operand& o, std::int64_t first, std::size_t n, const char* from) {
  if (o.kind == Operand::Kind::Contiguous)
    std::memcpy(o.base + first * item_size(o), from, n * static_cast<std::size_t>(item_size(o)));
  else
    scatter(from, o, first, n);
}

class Runner {
 public:
  Runner(const ElementwisePlan& plan, Workspace& ws) : plan_(plan), ws_(ws), info_(info(plan.kernel)) {
    for (int i = 0; i < plan.inputs; ++i) values_[i] = ws.value[i];
    if (!plan.number_is_operand) return;
    const int last = plan.inputs;
    values_[last] = ws.value[last];
    Parameters p;
    p.factor = plan.number;
    info(Kernel::Fill).function[static_cast<int>(plan.calc)](nullptr, ws.value[last], kBlock, p);
  }

  void run(std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += static_cast<std::int64_t>(kBlock)) {
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(kBlock), end - i));
      if (plan_.as_bits)
        write(plan_.out, i, n, contiguous(plan_.operand[0], i, n, ws_.raw[0]));
      else
        block(i, n);
    }
  }

 private:
  void block(std::int64_t first, std::size_t n) {
    for (int i = 0; i < plan_.inputs; ++i) {
      const char* raw = contiguous(plan_.operand[i], first, n, ws_.raw[i]);
      widen(plan_.in[i], plan_.calc, raw, ws_.value[i], n);
    }
    info_.function[static_cast<int>(plan_.calc)](values_, ws_.result, n, plan_.parameters);
    narrow(info_.kind == Kind::Test ? Calc::I64 : plan_.calc, plan_.to, ws_.result, ws_.stored, n);
    write(plan_.out, first, n, ws_.stored);
  }

  const ElementwisePlan& plan_;
  Workspace& ws_;
  const KernelInfo& info_;
  const void* values_[kMostOperands] = {};
};

// The type of the calculation: that of the widest tensor; a number counts where no tensor is of floating point.
Calc calc_of(const ElementwiseCall& r, const ElementwisePlan& plan, Kind kind) {
  bool real = kind == Kind::Real, wide = false;
  for (int i = 0; i < plan.inputs; ++i) {
    real = real || is_float(plan.in[i]);
    wide = wide || plan.in[i] == Elem::F64;
  }
  if (r.number_is_operand && r.number.real) real = true;
  if (kind == Kind::Any && r.parameters.factor.real) real = true;
  if (r.kernel == Kernel::Fill) wide = real;  // the number is a double
  if (kind == Kind::Real) wide = wide || plan.to == Elem::F64;
  return wide ? Calc::F64 : real ? Calc::F32 : Calc::I64;
}

Status broadcast_shape(const ElementwiseCall& r) {
  const ArrayView& out = *r.out.view;
  for (int i = 0; i < r.inputs; ++i)
    if (!broadcasts_to(*r.input[i].view, out))
      return Status::value(named(r.input[i]) + "shape " + shape_text(*r.input[i].view) +
                           ", expected one that broadcasts to " + shape_text(out) + ", the shape of " + r.out.name);
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

Elem elem_of(const ArrayView& v) {
  if (v.dtype < DType::Count) return static_cast<Elem>(v.dtype);
  static constexpr struct {
    const char* name;
    Elem elem;
  } kNames[] = {{"dtype bool", Elem::Bool}, {"dtype uint8", Elem::U8},  {"dtype int8", Elem::I8},
                {"dtype int16", Elem::I16}, {"dtype int32", Elem::I32}, {"dtype int64", Elem::I64}};
  for (const auto& n : kNames)
    if (v.type_name == n.name) return n.elem;
  return Elem::Count;
}

Status check_tensor(const Named& t, bool bfloat16, bool any_dtype) {
  if (!t.view->present) return {Fault::Null, named(t) + "null pointer, expected a tensor"};
  const Elem e = elem_of(*t.view);
  if (e == Elem::BF16 && !bfloat16) return Status::type(named(t) + "dtype bfloat16, which this product does not have");
  if (e == Elem::Count && !(any_dtype && t.view->item > 0))
    return Status::type(named(t) + t.view->type_name +
                        ", expected float32, float16, bfloat16, float64, bool, uint8, int8, int16, int32 or int64");
  if (Status s = check_format(t.name, *t.view); !s.ok()) return s;
  return check_dims(t.name, *t.view, kMostDims);
}

Status check_output(const Named& out, const Named* inputs, int count, bool in_place_allowed) {
  if (overlaps_itself(*out.view))
    return Status::value(named(out) + "several elements share memory, expected a tensor without overlap");
  for (int i = 0; i < count; ++i) {
    if (in_place_allowed && exactly_in_place(*out.view, *inputs[i].view)) continue;
    if (may_overlap(*out.view, *inputs[i].view))
      return Status::value(named(out) + "overlaps " + inputs[i].name + ", expected separate memory" +
                           (in_place_allowed ? " or exactly the same elements" : ""));
  }
  return {};
}

Status plan(const ElementwiseCall& r, ElementwisePlan& made) {
  const Kind kind = info(r.kernel).kind;
  const bool copies = r.kernel == Kernel::Same;
  for (int i = 0; i < r.inputs; ++i)
    if (Status s = check_tensor(r.input[i], r.bfloat16, copies); !s.ok()) return s;
  if (Status s = check_tensor(r.out, r.bfloat16, copies); !s.ok()) return s;
  if (Status s = broadcast_shape(r); !s.ok()) return s;
  if (Status s = count_elements(r.out.name, *r.out.view, made.count); !s.ok()) return s;
  if (Status s = check_output(r.out, r.input, r.inputs, true); !s.ok()) return s;

  const bool logical = r.kernel == Kernel::BitwiseNot && elem_of(*r.input[0].view) == Elem::Bool;  // it has one bit
  made.kernel = logical ? Kernel::LogicalNot : r.kernel;
  made.inputs = r.inputs;
  made.number_is_operand = r.number_is_operand;
  made.number = r.number;
  made.parameters = r.parameters;
  made.to = elem_of(*r.out.view);
  for (int i = 0; i < r.inputs; ++i) made.in[i] = elem_of(*r.input[i].view);
  if (copies) {
    const ArrayView &from = *r.input[0].view, &to = *r.out.view;
    made.as_bits = from.dtype == to.dtype && from.type_name == to.type_name;
    for (const Named& t : {r.input[0], r.out})
      if (!made.as_bits)  // only a plain copy takes any dtype
        if (Status s = check_tensor(t, r.bfloat16, false); !s.ok()) return s;
  }
  if (kind == Kind::Whole && r.number_is_operand && r.number.real)
    return Status::type(named(r.out) + "a floating-point number among the operands, expected bool or an integer");
  if (kind == Kind::Whole)
    for (int i = 0; i <= r.inputs; ++i) {
      const Named& t = i < r.inputs ? r.input[i] : r.out;
      if (is_float(elem_of(*t.view)))
        return Status::type(named(t) + "dtype " + bcelogits::info(dtype_of(elem_of(*t.view))).name +
                            ", expected bool or an integer");
    }
  made.calc = calc_of(r, made, kind);
  const Layout layout = make_layout(*r.out.view);
  place(layout, *r.out.view, made.out);
  for (int i = 0; i < r.inputs; ++i) place(layout, *r.input[i].view, made.operand[i]);
  return {};
}

Status execute(const ElementwisePlan& plan, int threads) {
  if (plan.count == 0) return {};
  const std::int64_t chunks = (plan.count + kGrain - 1) / kGrain;
  const int workers = plan.count < kParallelFrom ? 1 : static_cast<int>(std::min<std::int64_t>(threads, chunks));
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> out_of_memory{false};
  const auto work = [&](int) {
    Workspace* ws = workspace();
    if (!ws) {
      out_of_memory = true;
      return;
    }
    const std::uint64_t fp = kernel_table().enter_fp();
    {
      Runner runner(plan, *ws);
      for (std::int64_t c; (c = next.fetch_add(1, std::memory_order_relaxed)) < chunks;)
        runner.run(c * kGrain, std::min(plan.count, (c + 1) * kGrain));
    }
    kernel_table().leave_fp(fp);
  };
  if (workers == 1)
    work(0);
  else
    run_on_pool(workers, work);
  if (out_of_memory) return {Fault::Runtime, "out of memory: the scratch of a thread could not be allocated"};
  return {};
}

}  // namespace bcelogits::elementary
