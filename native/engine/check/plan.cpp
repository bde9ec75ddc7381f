// See plan.hpp.
#include "plan.hpp"

#include <algorithm>

#include "../types/shape.hpp"
#include "../walk/layout.hpp"
#include "overlap.hpp"

namespace bcelogits {

namespace {

// What may be added up.
constexpr Dialect kNumbersDialect = [] {
  Dialect d;
  d.operand = "an array of float32, float16, bfloat16 or float64, or a Python number";
  return d;
}();

Status check_kind(const Dialect& dialect, const char* name, const ArrayView& v) {
  if (v.out_of_range)
    return Status::value(std::string(name) + ": " + v.type_name + ", expected a number within the range of float64");
  if (!dialect.allows(v.dtype))
    return Status::type(std::string(name) + ": " +
                        (v.dtype < DType::Count ? std::string("dtype ") + info(v.dtype).name : v.type_name) +
                        ", expected " + dialect.operand);
  if (Status s = check_format(name, v); !s.ok()) return s;
  if (v.byte_swapped)
    return Status::type(
        std::string(name) + ": " + info(v.dtype).name +
        " of foreign byte order, expected native byte order (convert with .astype(a.dtype.newbyteorder('=')))");
  return check_dims(name, v, dialect.max_dims);
}

// The gradient of a reduced result has the result's shape, which may be (1,) also where logits have no dimension.
bool is_reduced_gradient(const Request& r) {
  return r.reduction != 0 && r.grad_output.present && r.grad_output.ndim == 1 && r.grad_output.shape[0] == 1;
}

Status check_broadcast(const char* name, const ArrayView& v, const char* whose, const ArrayView& to) {
  if (broadcasts_to(v, to)) return {};
  return Status::value(std::string(name) + ": shape " + shape_text(v) + ", expected one that broadcasts to " +
                       shape_text(to) + ", the shape of " + whose);
}

// The dtype of an output, where the door's documents tie it to an input's.
Status check_result(const Dialect& d, const char* name, const ArrayView& out, const Request& r) {
  const bool as_targets = out.dtype == r.targets.dtype;
  if (d.result == Dialect::Result::Any || as_targets) return {};
  const std::string given = std::string(name) + ": dtype " + info(out.dtype).name + ", expected ";
  if (d.result == Dialect::Result::AsTargets)
    return Status::type(given + info(r.targets.dtype).name + ", the dtype of " + d.targets);
  if (out.dtype == r.logits.dtype) return {};
  std::string expected = std::string(info(r.logits.dtype).name) + ", the dtype of " + d.logits;
  if (r.logits.dtype != r.targets.dtype)
    expected += std::string(", or ") + info(r.targets.dtype).name + ", that of " + d.targets;
  return Status::type(given + expected);
}

}  // namespace

std::int64_t parse_reduction(std::string_view text) {
  if (text == "none") return 0;
  if (text == "mean") return 1;
  if (text == "sum") return 2;
  return -1;
}

Status plan_inputs(const Request& r, Plan& plan) {
  struct Named {
    const char* name;
    const ArrayView& view;
    bool required;
  };
  static constexpr bool has_grad[] = {
#define X(name, kernel, has_grad_output, reads_targets) has_grad_output != 0,
#include "../types/op.def"
#undef X
  };
  static constexpr bool reads[] = {
#define X(name, kernel, has_grad_output, reads_targets) reads_targets != 0,
#include "../types/op.def"
#undef X
  };
  const int op = static_cast<int>(r.op);
  const Dialect& d = *r.dialect;
  const Named all[] = {{d.grad_output, r.grad_output, has_grad[op]},
                       {d.logits, r.logits, true},
                       {d.targets, r.targets, true},
                       {d.weight, r.weight, false},
                       {d.pos_weight, r.pos_weight, false}};
  for (const Named& a : all) {
    if (!a.view.present) {
      if (a.required) return {Fault::Null, std::string(a.name) + ": " + d.absent + ", expected " + d.operand};
      continue;
    }
    if (Status s = check_kind(d, a.name, a.view); !s.ok()) return s;
  }
  if (r.reduction < 0 || r.reduction > 2)
    return Status::value("reduction: " + std::to_string(r.reduction) + ", expected " + d.reductions);
  if (!same_shape(r.logits, r.targets))
    return Status::value(std::string(d.targets) + ": shape " + shape_text(r.targets) + ", expected " +
                         shape_text(r.logits) + ", the shape of " + d.logits);
  for (const Named& a : {all[0], all[3], all[4]})
    if (a.view.present && !(&a.view == &r.grad_output && is_reduced_gradient(r)))
      if (Status s = check_broadcast(a.name, a.view, a.name == all[0].name ? d.logits : d.targets, r.targets); !s.ok())
        return s;

  std::int64_t count = 0;
  if (Status s = count_elements(d.logits, r.logits, count); !s.ok()) return s;

  plan.op = r.op;
  plan.reduction = static_cast<Reduction>(r.reduction);
  plan.result = promote(r.logits.dtype, r.targets.dtype);
  plan.count = count;
  plan.wide = false;
  for (const Named& a : all)
    if (a.view.present && !a.view.weak && a.view.dtype == DType::F64) plan.wide = true;

  const Layout layout = make_layout(r.logits);
  plan.ndim = layout.ndim;
  std::copy_n(layout.dim, layout.ndim, plan.dim);
  place(layout, r.logits, plan.logits);
  place(layout, r.targets, plan.targets);
  place(layout, r.weight, plan.weight);
  place(layout, r.pos_weight, plan.pos_weight);
  place(layout, has_grad[op] ? r.grad_output : kNoArray, plan.grad_output);

  // The row whose kernels read logits and targets as they lie; otherwise the loader converts both.
  const DType x = r.logits.dtype, t = reads[op] ? r.targets.dtype : x;
  plan.row = plan.wide ? kernels::kF64 : x == t ? static_cast<kernels::Row>(x) : kernels::kF32;
  return {};
}

Status plan_output(const Request& r, const char* name, const ArrayView& out, bool elementwise, Operand& target) {
  const Dialect& d = *r.dialect;
  if (!out.present) return {Fault::Null, std::string(name) + ": " + d.absent + ", expected " + d.operand};
  if (Status s = check_kind(d, name, out); !s.ok()) return s;
  if (Status s = check_result(d, name, out, r); !s.ok()) return s;
  if (elementwise) {
    if (!same_shape(out, r.logits))
      return Status::value(std::string(name) + ": shape " + shape_text(out) + ", expected " + shape_text(r.logits) +
                           ", the shape of " + d.logits);
  } else if (!(out.ndim == 0 || (out.ndim == 1 && out.shape[0] == 1))) {
    return Status::value(std::string(name) + ": shape " + shape_text(out) +
                         ", expected () or (1,) for a reduced result");
  }
  if (!out.writable) return Status::value(std::string(name) + ": read-only, expected a writable array");
  if (overlaps_itself(out))
    return Status::value(std::string(name) + ": several elements share memory, expected an array without overlap");
  const struct {
    const char* name;
    const ArrayView& view;
  } inputs[] = {{d.grad_output, r.grad_output},
                {d.logits, r.logits},
                {d.targets, r.targets},
                {d.weight, r.weight},
                {d.pos_weight, r.pos_weight}};
  for (const auto& in : inputs) {
    if (!in.view.present || in.view.weak) continue;
    if (elementwise && exactly_in_place(out, in.view)) continue;  // every element is read before it is written
    if (may_overlap(out, in.view))
      return Status::value(
          std::string(name) + ": overlaps " + in.name +
          (elementwise ? ", expected separate memory or exactly the same elements" : ", expected separate memory"));
  }
  place(elementwise ? make_layout(r.logits) : make_layout(out), out, target);
  return {};
}

Status plan_sum(const char* name, const ArrayView& values, SumPlan& plan) {
  if (!values.present)
    return {Fault::Null, std::string(name) + ": " + kNumbersDialect.absent + ", expected " + kNumbersDialect.operand};
  if (Status s = check_kind(kNumbersDialect, name, values); !s.ok()) return s;
  if (Status s = count_elements(name, values, plan.count); !s.ok()) return s;
  place(make_layout(values), values, plan.values);
  return {};
}

}  // namespace bcelogits
