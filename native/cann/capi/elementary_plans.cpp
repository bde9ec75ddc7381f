// See elementary.hpp: plans over native/cann/elementary, and the jobs that run them.
#include "elementary.hpp"

#include "../device/settings.hpp"
#include "../elementary/select.hpp"

namespace bcelogits::capi {

namespace {

using elementary::Elementwise;
using elementary::Fold;
using elementary::Kernel;
using bcelogits::Named;
using elementary::Number;
using runtime::Result;

Result finish(const Status& s) { return s.ok() ? Result{} : Result{runtime::kTaskFailed, s.text}; }

struct ElementwiseJob : Job {
  Elementwise plan;
  Result run(void*) const override { return finish(execute(plan, runtime::settings().threads)); }
};

struct ReductionJob : Job {
  elementary::Reduction plan;
  Result run(void*) const override { return finish(execute(plan)); }
};

// Whether two tensors are equal: where they are goes into the scratch memory, then all of that is asked.
struct EqualJob : Job {
  Elementwise compare;
  elementary::Reduction all;
  Result run(void* scratch) const override {
    Elementwise first = compare;
    elementary::Reduction second = all;
    first.out.base = second.operand.base = static_cast<char*>(scratch);
    if (Result r = finish(execute(first, runtime::settings().threads)); !r.ok()) return r;
    return finish(execute(second));
  }
};

// Of the output, only as much as was selected has a meaning: the tensor's view shrinks to it.
struct SelectJob : Job {
  elementary::Selection plan;
  const void* out = nullptr;  // the handle
  Result run(void*) const override {
    std::int64_t found = 0;
    if (Result r = finish(execute(plan, found)); !r.ok()) return r;
    const std::shared_ptr<Tensor> tensor = handles().tensors.find(out);
    if (!tensor) return {};  // destroyed meanwhile
    const std::shared_ptr<Tensor> smaller = copy_of(*tensor);
    smaller->shape = {found};
    smaller->extent = static_cast<std::uint64_t>(found) * bytes_of(tensor->dtype);
    handles().tensors.replace(out, smaller);
    return {};
  }
};

Result number_of(const char* name, const aclScalar* handle, Number& number) {
  const std::shared_ptr<Scalar> s = handles().scalars.find(handle);
  if (!s)
    return bad_handle(handles().scalars, handle, name, "an aclScalar", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  const ElementType e = element_of(s->dtype);
  if (e == ElementType::Other)
    return {ACLNN_ERR_PARAM_INVALID, std::string(name) + ": dtype " + name_of(s->dtype) + ", expected a real number"};
  number.real = is_float(e);
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

template <class MadeJob>
Result keep(Status s, std::shared_ptr<MadeJob> job, std::int64_t count, std::shared_ptr<Job>& made) {
  if (!s.ok()) return to_result(s);
  job->count = count;
  made = std::move(job);
  return {};
}

Result fill_with(const Signature& g, const Number& number, const aclTensor* self, std::uint64_t* workspace_size,
                 aclOpExecutor** executor) {
  auto planner = [&g, number](const Views& views, std::shared_ptr<Job>& made, std::uint64_t&) {
    elementary::Request r;
    r.kernel = Kernel::Fill;
    r.parameters.factor = number;
    r.bfloat16 = has_bfloat16();
    r.out = {g.parameter[0], &views[0]};
    auto job = std::make_shared<ElementwiseJob>();
    Status s = elementary::plan(r, job->plan);
    const std::int64_t count = job->plan.count;
    return keep(std::move(s), std::move(job), count, made);
  };
  return begin(std::make_shared<Elementary>(g, std::move(planner)), {self}, workspace_size, executor);
}

Result reduce(const Signature& g, Fold fold, const aclTensor* self, std::vector<std::int64_t> dims, bool keep_dims,
              const aclTensor* out, std::uint64_t* workspace_size, aclOpExecutor** executor) {
  auto planner = [&g, fold, dims = std::move(dims), keep_dims](const Views& views, std::shared_ptr<Job>& made,
                                                               std::uint64_t&) {
    auto job = std::make_shared<ReductionJob>();
    Status s = plan_reduction(fold, {g.parameter[0], &views[0]}, dims, keep_dims, {g.parameter[1], &views[1]},
                              has_bfloat16(), job->plan);
    const std::int64_t count = job->plan.outer * job->plan.inner;
    return keep(std::move(s), std::move(job), count, made);
  };
  return begin(std::make_shared<Elementary>(g, std::move(planner)), {self, out}, workspace_size, executor);
}

Result check_dtype(const aclTensor* out, aclDataType dtype) {
  const std::shared_ptr<Tensor> t = handles().tensors.find(out);
  if (!t || t->dtype == dtype) return {};
  const char* name = name_of(dtype);
  return {ACLNN_ERR_PARAM_INVALID, std::string("dtype: ") + (name ? name : std::to_string(static_cast<int>(dtype))) +
                                       ", expected " + name_of(t->dtype) + ", the dtype of out"};
}

}  // namespace

Result elementwise_planner(const Signature& g, Kernel kernel, const Given& given, Planner& planner) {
  elementary::Request request;
  request.kernel = kernel;
  request.spread = given.spread;
  request.parameters.rtol = given.rtol;
  request.parameters.atol = given.atol;
  request.parameters.equal_nan = given.equal_nan;
  if (given.operand_name) {
    request.number_is_operand = true;
    if (Result r = number_of(given.operand_name, given.operand, request.number); !r.ok()) return r;
  }
  if (given.factor_name)
    if (Result r = number_of(given.factor_name, given.factor, request.parameters.factor); !r.ok()) return r;
  // In place, the first tensor is the output, and an operand unless the kernel has no place for it.
  const bool in_place = g.output < g.inputs;
  const auto operands = static_cast<std::size_t>(info(kernel).operands - (given.operand_name ? 1 : 0));
  const std::size_t first = in_place && g.inputs > operands ? 1 : 0;
  planner = [&g, request, first](const Views& views, std::shared_ptr<Job>& made, std::uint64_t&) {
    elementary::Request r = request;
    r.bfloat16 = has_bfloat16();
    for (std::size_t i = first; i < g.inputs; ++i) r.input[r.inputs++] = {g.parameter[i], &views[i]};
    r.out = {g.parameter[g.output], &views[g.output]};
    auto job = std::make_shared<ElementwiseJob>();
    Status s = elementary::plan(r, job->plan);
    const std::int64_t count = job->plan.count;
    return keep(std::move(s), std::move(job), count, made);
  };
  return {};
}

Result begin_elementwise(const Signature& g, Kernel kernel, std::initializer_list<const aclTensor*> tensors,
                         const Given& given, std::uint64_t* workspace_size, aclOpExecutor** executor) {
  Planner planner;
  if (Result r = elementwise_planner(g, kernel, given, planner); !r.ok()) return r;
  return begin(std::make_shared<Elementary>(g, std::move(planner)), tensors, workspace_size, executor);
}

Result begin_equal(const Signature& g, const aclTensor* self, const aclTensor* other, const aclTensor* out,
                   std::uint64_t* workspace_size, aclOpExecutor** executor) {
  auto planner = [&g](const Views& views, std::shared_ptr<Job>& made, std::uint64_t& scratch) -> Result {
    const Named a{g.parameter[0], &views[0]}, b{g.parameter[1], &views[1]}, to{g.parameter[2], &views[2]};
    auto job = std::make_shared<EqualJob>();
    if (Status s = elementary::plan_equal(a, b, to, has_bfloat16(), job->compare, job->all); !s.ok())
      return to_result(s);
    scratch = static_cast<std::uint64_t>(job->compare.count);
    const std::int64_t count = job->compare.count;
    return keep({}, std::move(job), count, made);
  };
  return begin(std::make_shared<Elementary>(g, std::move(planner)), {self, other, out}, workspace_size, executor);
}

Result begin_select(const Signature& g, const aclTensor* self, const aclTensor* mask, const aclTensor* out,
                    std::uint64_t* workspace_size, aclOpExecutor** executor) {
  auto planner = [&g, out](const Views& views, std::shared_ptr<Job>& made, std::uint64_t&) -> Result {
    const Named from{g.parameter[0], &views[0]}, by{g.parameter[1], &views[1]}, to{g.parameter[2], &views[2]};
    auto job = std::make_shared<SelectJob>();
    Status s = elementary::plan_selection(from, by, to, has_bfloat16(), job->plan);
    job->out = out;
    const std::int64_t count = job->plan.count;
    return keep(std::move(s), std::move(job), count, made);
  };
  return begin(std::make_shared<Elementary>(g, std::move(planner)), {self, mask, out}, workspace_size, executor);
}

Result begin_constant(const Signature& g, std::int64_t value, const aclTensor* self, std::uint64_t* workspace_size,
                      aclOpExecutor** executor) {
  return fill_with(g, {false, 1, value}, self, workspace_size, executor);
}

Result begin_fill(const Signature& g, const aclScalar* value, const aclTensor* self, std::uint64_t* workspace_size,
                  aclOpExecutor** executor) {
  Number number;
  if (Result r = number_of("value", value, number); !r.ok()) return r;
  return fill_with(g, number, self, workspace_size, executor);
}

Result begin_cast(const Signature& g, const aclTensor* self, aclDataType dtype, const aclTensor* out,
                  std::uint64_t* workspace_size, aclOpExecutor** executor) {
  if (Result r = check_dtype(out, dtype); !r.ok()) return r;
  return begin_elementwise(g, Kernel::Same, {self, out}, {}, workspace_size, executor);
}

Result begin_reduction(const Signature& g, Fold fold, const aclTensor* self, const aclIntArray* dims, bool keep_dims,
                       const aclTensor* out, const aclDataType* dtype, std::uint64_t* workspace_size,
                       aclOpExecutor** executor) {
  std::vector<std::int64_t> values;
  if (Result r = array_of("dim", dims, values); !r.ok()) return r;
  if (dtype)
    if (Result r = check_dtype(out, *dtype); !r.ok()) return r;
  return reduce(g, fold, self, std::move(values), keep_dims, out, workspace_size, executor);
}

Result begin_reduction_of_all(const Signature& g, Fold fold, const aclTensor* self, const aclTensor* out,
                              std::uint64_t* workspace_size, aclOpExecutor** executor) {
  return reduce(g, fold, self, {}, false, out, workspace_size, executor);
}

}  // namespace bcelogits::capi
