// See plan.hpp.
#include "plan.hpp"

#include <algorithm>
#include <array>

#include "layout.hpp"
#include "overlap.hpp"
#include "shape.hpp"

namespace bcelogits {

namespace {

// What may be added up.
constexpr Dialect kNumbersDialect = [] {
  Dialect d;
  d.operand = "an array of float32, float16, bfloat16 or float64, or a Python number";
  return d;
}();

std::array<Named, 5> operands_of(const Request& r) {
  const Dialect& d = *r.dialect;
  return {{{d.grad_output, &r.grad_output},
           {d.logits, &r.logits},
           {d.targets, &r.targets},
           {d.weight, &r.weight},
           {d.pos_weight, &r.pos_weight}}};
}

Status check_kind(const Dialect& dialect, const char* name, const ArrayView& v) {
  if (v.out_of_range)
    return Status::value(std::string(name) + ": " + v.type_name + ", expected a number within the range of float64");
  if (!dialect.allows(v.element))
    return Status::type(std::string(name) + ": " + v.type_text() + ", expected " + dialect.operand);
  if (Status s = check_format(name, v); !s.ok()) return s;
  if (v.byte_swapped)
    return Status::type(
        std::string(name) + ": " + info(v.element).name +
        " of foreign byte order, expected native byte order (convert with .astype(a.dtype.newbyteorder('=')))");
  return check_dims(name, v, dialect.max_dims);
}

// The gradient of a reduced result has the result's shape, which may be (1,) also where logits have no dimension.
bool is_reduced_gradient(const Request& r) {
  return r.reduction != 0 && r.grad_output.present && r.grad_output.ndim == 1 && r.grad_output.shape[0] == 1;
}

// The dtype of an output, where the binding's documents tie it to an input's.
Status check_result(const Dialect& d, const char* name, const ArrayView& out, const Request& r) {
  const bool as_targets = out.element == r.targets.element;
  if (d.result == Dialect::Result::Any || as_targets) return {};
  const std::string given = std::string(name) + ": dtype " + info(out.element).name + ", expected ";
  if (d.result == Dialect::Result::AsTargets)
    return Status::type(given + info(r.targets.element).name + ", the dtype of " + d.targets);
  if (out.element == r.logits.element) return {};
  std::string expected = std::string(info(r.logits.element).name) + ", the dtype of " + d.logits;
  if (r.logits.element != r.targets.element)
    expected += std::string(", or ") + info(r.targets.element).name + ", that of " + d.targets;
  return Status::type(given + expected);
}

}  // namespace

std::int64_t parse_reduction(std::string_view text) {
  if (text == "none") return 0;
  if (text == "mean") return 1;
  if (text == "sum") return 2;
  return -1;
}

Status unknown_reduction(const std::string& given, const Dialect& dialect) {
  return Status::value("reduction: " + given + ", expected " + dialect.reductions);
}

Status plan_inputs(const Request& r, Plan& plan) {
  const Dialect& d = *r.dialect;
  const OpInfo& op = info(r.op);
  const auto all = operands_of(r);
  const bool required[] = {op.has_grad_output, true, true, false, false};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Named& a = all[i];
    if (!a.view->present) {
      if (required[i]) return {Fault::Null, std::string(a.name) + ": " + d.absent + ", expected " + d.operand};
      continue;
    }
    if (Status s = check_kind(d, a.name, *a.view); !s.ok()) return s;
  }
  if (r.reduction < 0 || r.reduction > 2) return unknown_reduction(std::to_string(r.reduction), d);
  if (!same_shape(r.logits, r.targets))
    return Status::value(std::string(d.targets) + ": shape " + shape_text(r.targets) + ", expected " +
                         shape_text(r.logits) + ", the shape of " + d.logits);
  for (const Named& a : {all[0], all[3], all[4]})
    if (a.view->present && !(a.view == &r.grad_output && is_reduced_gradient(r)))
      if (Status s = check_broadcast(a, a.view == &r.grad_output ? d.logits : d.targets, r.targets); !s.ok()) return s;

  std::int64_t count = 0;
  if (Status s = count_elements(d.logits, r.logits, count); !s.ok()) return s;

  plan.op = r.op;
  plan.reduction = static_cast<Reduction>(r.reduction);
  plan.result = promote(r.logits.dtype(), r.targets.dtype());
  plan.count = count;
  plan.mean_over = r.mean_over ? r.mean_over : static_cast<std::uint64_t>(count);
  plan.wide = false;
  for (const Named& a : all)
    if (a.view->present && !a.view->weak && a.view->element == ElementType::F64) plan.wide = true;

  const Layout layout = make_layout(r.logits);
  plan.ndim = layout.ndim;
  std::copy_n(layout.dim, layout.ndim, plan.dim);
  place(layout, r.logits, plan.logits);
  place(layout, r.targets, plan.targets);
  place(layout, r.weight, plan.weight);
  place(layout, r.pos_weight, plan.pos_weight);
  place(layout, op.has_grad_output ? r.grad_output : kNoArray, plan.grad_output);

  // The type in which kernels read logits and targets as they lie; otherwise the loader converts both.
  const DType x = r.logits.dtype(), t = op.reads_targets ? r.targets.dtype() : x;
  plan.row = plan.wide ? DType::F64 : x == t ? x : DType::F32;
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
  const Named named{name, &out};
  if (Status s = check_no_overlap(named); !s.ok()) return s;
  for (const Named& in : operands_of(r))
    if (in.view->present && !in.view->weak)
      if (Status s = check_separate(named, in, elementwise); !s.ok()) return s;
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
