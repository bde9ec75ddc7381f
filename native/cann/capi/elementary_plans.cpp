// See elementary.hpp: plans over native/cann/elementary, and the jobs that run them.
#include "elementary.hpp"

#include "../device/settings.hpp"
#include "../elementary/select.hpp"

namespace bcelogits::capi {

namespace {

using elementary::Fold;
using elementary::Kernel;
using elementary::Number;
using runtime::Result;

Result finish(const Status& s) { return s.ok() ? Result{} : Result{runtime::kTaskFailed, s.text}; }

struct ElementwiseJob : Job {
  elementary::ElementwisePlan plan;
  Result run(void*) const override { return finish(execute(plan, runtime::settings().threads)); }
};

struct ReductionJob : Job {
  elementary::ReductionPlan plan;
  Result run(void*) const override { return finish(execute(plan)); }
};

// Whether two tensors are equal: where they are goes into the scratch memory, then all of that is asked.
struct EqualJob : Job {
  elementary::ElementwisePlan compare;
  elementary::ReductionPlan all;
  Result run(void* scratch) const override {
    elementary::ElementwisePlan first = compare;
    elementary::ReductionPlan second = all;
    first.out.base = second.operand.base = static_cast<char*>(scratch);
    if (Result r = finish(execute(first, runtime::settings().threads)); !r.ok()) return r;
    return finish(execute(second));
  }
};

// The description of a selection's output. Only as much of it as was selected has a meaning: the tensor's view shrinks
// to that, unless somebody has described the tensor anew since, whose description then stays.
struct SelectedOutput {
  explicit SelectedOutput(const void* handle) : handle_(handle), present_(handles().tensors.find(handle)) {}

  void shrink(std::int64_t found) {
    const std::lock_guard lock(mutex_);
    if (!present_) return;
    const std::shared_ptr<Tensor> smaller = copy_of(*present_);
    smaller->shape = {found};
    smaller->extent = static_cast<std::uint64_t>(found) * bytes_of(smaller->dtype);
    if (handles().tensors.replace(handle_, present_, smaller)) present_ = smaller;
  }

 private:
  const void* const handle_;
  std::mutex mutex_;
  std::shared_ptr<Tensor> present_;  // as planned, or as it has shrunk to; one dimension without a gap
};

struct SelectJob : Job {
  elementary::SelectionPlan plan;
  std::shared_ptr<SelectedOutput> out;
  Result run(void*) const override {
    std::int64_t found = 0;
    if (Result r = finish(execute(plan, found)); !r.ok()) return r;
    out->shrink(found);
    return {};
  }
};

Result number_of(const NamedScalar& scalar, Number& number) {
  const std::shared_ptr<Scalar> s = handles().scalars.find(scalar.handle);
  if (!s)
    return bad_handle(handles().scalars, scalar.handle, scalar.name, "an aclScalar", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  const ElementType e = element_of(s->dtype);
  if (e == ElementType::Other)
    return {ACLNN_ERR_PARAM_INVALID,
            std::string(scalar.name) + ": dtype " + name_of(s->dtype) + ", expected a real number"};
  number.real = is_float(e);
  const DefaultFloatState state;  // a subnormal number stays what it is, whatever the caller has set
  if (number.real)
    elementary::widen(e, elementary::Calc::F64, s->value.data(), &number.as_real, 1);
  else
    elementary::widen(e, elementary::Calc::I64, s->value.data(), &number.as_whole, 1);
  return {};
}

Result array_of(const char* name, const aclIntArray* handle, std::vector<std::int64_t>& values) {
  const auto found = handles().int_arrays.find(handle);
  if (!found)
    return bad_handle(handles().int_arrays, handle, name, "an aclIntArray", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  values = found->values;
  return {};
}

// What an operator was told about the dtype of its output.
Result check_dtype(const Signature& g, const Arguments& a) {
  const std::shared_ptr<Tensor> out = a.dtype ? handles().tensors.find(a.tensor[g.output]) : nullptr;
  if (!out || out->dtype == *a.dtype) return {};
  const char* name = name_of(*a.dtype);
  return {ACLNN_ERR_PARAM_INVALID, std::string("dtype: ") + (name ? name : std::to_string(static_cast<int>(*a.dtype))) +
                                       ", expected " + name_of(out->dtype) + ", the dtype of out"};
}

Result begin_with(const Signature& g, Planner planner, const Arguments& a) {
  return begin(std::make_shared<ElementaryExecutor>(g, std::move(planner)), {a.tensor.data(), a.tensors},
               a.workspace_size, a.executor);
}

Result begin_equal(const Signature& g, const Arguments& a) {
  auto planner = [&g](const Views& views, std::shared_ptr<Job>& made, std::uint64_t& scratch) -> Result {
    auto job = std::make_shared<EqualJob>();
    if (Status s = elementary::plan_equal({g.parameter[0], &views[0]}, {g.parameter[1], &views[1]},
                                          {g.parameter[2], &views[2]}, has_bfloat16(), job->compare, job->all);
        !s.ok())
      return to_result(s);
    scratch = static_cast<std::uint64_t>(job->compare.count);
    job->count = job->compare.count;
    made = std::move(job);
    return {};
  };
  return begin_with(g, std::move(planner), a);
}

Result begin_select(const Signature& g, const Arguments& a) {
  auto planner = [&g, out = std::make_shared<SelectedOutput>(a.tensor[g.output])](
                     const Views& views, std::shared_ptr<Job>& made, std::uint64_t&) -> Result {
    auto job = std::make_shared<SelectJob>();
    if (Status s = elementary::plan_selection({g.parameter[0], &views[0]}, {g.parameter[1], &views[1]},
                                              {g.parameter[2], &views[2]}, has_bfloat16(), job->plan);
        !s.ok())
      return to_result(s);
    job->out = out;
    job->count = job->plan.count;
    made = std::move(job);
    return {};
  };
  return begin_with(g, std::move(planner), a);
}

}  // namespace

Result elementwise_planner(const Signature& g, Kernel kernel, const Arguments& a, Planner& planner) {
  elementary::ElementwiseCall call;
  call.kernel = kernel;
  call.parameters.rtol = a.rtol;
  call.parameters.atol = a.atol;
  call.parameters.equal_nan = a.equal_nan;
  call.number_is_operand = a.operand.name != nullptr;
  if (a.operand.name)
    if (Result r = number_of(a.operand, call.number); !r.ok()) return r;
  if (a.factor.name)
    if (Result r = number_of(a.factor, call.parameters.factor); !r.ok()) return r;
  call.bfloat16 = has_bfloat16();
  // In place, the first tensor is the output, and an operand unless the kernel has no place for it.
  const bool in_place = g.output < g.inputs;
  call.spread = in_place;
  const auto operands = static_cast<std::size_t>(info(kernel).operands - (a.operand.name ? 1 : 0));
  const std::size_t first = in_place && g.inputs > operands ? 1 : 0;
  planner = [&g, call, first](const Views& views, std::shared_ptr<Job>& made, std::uint64_t&) -> Result {
    elementary::ElementwiseCall c = call;
    for (std::size_t i = first; i < g.inputs; ++i) c.input[c.inputs++] = {g.parameter[i], &views[i]};
    c.out = {g.parameter[g.output], &views[g.output]};
    auto job = std::make_shared<ElementwiseJob>();
    if (Status s = elementary::plan(c, job->plan); !s.ok()) return to_result(s);
    job->count = job->plan.count;
    made = std::move(job);
    return {};
  };
  return {};
}

Result begin_operator(const Signature& g, Kernel kernel, const Arguments& a) {
  if (a.lists > 0) return begin_each(g, kernel, a);
  if (Result r = check_dtype(g, a); !r.ok()) return r;
  Planner planner;
  if (Result r = elementwise_planner(g, kernel, a, planner); !r.ok()) return r;
  return begin_with(g, std::move(planner), a);
}

Result begin_operator(const Signature& g, Fold fold, const Arguments& a) {
  std::vector<std::int64_t> dims;
  if (a.dims)
    if (Result r = array_of("dim", *a.dims, dims); !r.ok()) return r;
  if (Result r = check_dtype(g, a); !r.ok()) return r;
  auto planner = [&g, fold, dims = std::move(dims), keep = a.keep](const Views& views, std::shared_ptr<Job>& made,
                                                                   std::uint64_t&) -> Result {
    auto job = std::make_shared<ReductionJob>();
    if (Status s = plan_reduction(fold, {g.parameter[0], &views[0]}, dims, keep, {g.parameter[1], &views[1]},
                                  has_bfloat16(), job->plan);
        !s.ok())
      return to_result(s);
    job->count = job->plan.outer * job->plan.inner;
    made = std::move(job);
    return {};
  };
  return begin_with(g, std::move(planner), a);
}

Result begin_operator(const Signature& g, Routine routine, const Arguments& a) {
  switch (routine) {
    case Routine::Equal:
      return begin_equal(g, a);
    case Routine::Select:
      return begin_select(g, a);
    case Routine::Join:
    case Routine::Stack:
      break;
  }
  return begin_join(g, a, routine == Routine::Stack);
}

std::shared_ptr<Tensor> copy_of(const Tensor& t) {
  auto copy = std::make_shared<Tensor>();
  copy->shape = t.shape;
  copy->strides = t.strides;
  copy->byte_strides = t.byte_strides;
  copy->storage = t.storage;
  copy->offset = t.offset;
  copy->dtype = t.dtype;
  copy->format = t.format;
  copy->storage_address = t.storage_address.load();
  copy->extent = t.extent;
  return copy;
}

}  // namespace bcelogits::capi
