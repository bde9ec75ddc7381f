// The elementary operators: moving, filling, casting, comparing and adding tensors around the loss. Both phases of each
// are made from its row in elementary.def; a form here is a signature and how it becomes a plan.
#include <cstring>
#include <functional>

#include "../core/execute.hpp"
#include "../elementary/reduce.hpp"
#include "../elementary/select.hpp"
#include "../runtime/settings.hpp"
#include "executor.hpp"

namespace bcelogits::capi {

namespace {

using elementary::Elem;
using elementary::Elementwise;
using elementary::Fold;
using elementary::Kernel;
using elementary::Named;
using elementary::Number;
using runtime::Result;
using Views = std::array<ArrayView, kMostTensors>;

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
  std::shared_ptr<const Tensor> tensor;
  Result run(void*) const override {
    std::int64_t found = 0;
    if (Result r = finish(execute(plan, found)); !r.ok()) return r;
    auto smaller = std::make_shared<Tensor>();
    smaller->shape = {found};
    smaller->strides = tensor->strides;
    smaller->byte_strides = tensor->byte_strides;
    smaller->storage = tensor->storage;
    smaller->offset = tensor->offset;
    smaller->dtype = tensor->dtype;
    smaller->format = tensor->format;
    smaller->storage_address = tensor->storage_address.load();
    smaller->extent = static_cast<std::uint64_t>(found) * bytes_of(tensor->dtype);
    handles().tensors.replace(out, std::move(smaller));  // unless it was destroyed meanwhile
    return {};
  }
};

using Planner = std::function<Result(const Views&, std::shared_ptr<Job>&, std::uint64_t&)>;

struct Elementary : Executor {
  Elementary(const Signature& signature, Planner planner) : Executor(signature), planner(std::move(planner)) {}
  const Planner planner;

 protected:
  Result plan(const Views& views, std::shared_ptr<Job>& made, std::uint64_t& scratch) const override {
    scratch = 0;
    return planner(views, made, scratch);
  }
};

// What a function was given besides tensors.
struct Given {
  const aclScalar* operand = nullptr;  // a number in the place of the last operand
  const aclScalar* factor = nullptr;   // alpha, value or weight
  const char* operand_name = nullptr;
  const char* factor_name = nullptr;
  double rtol = 0, atol = 0;
  bool equal_nan = false, spread = false;
};

Elem elem_of(aclDataType dtype) {
  ArrayView v;
  Tensor t;
  t.dtype = dtype;
  return elementary::elem_of(t.view(nullptr));
}

Result number_of(const char* name, const aclScalar* handle, Number& number) {
  const std::shared_ptr<Scalar> s = handles().scalars.find(handle);
  if (!s)
    return bad_handle(handles().scalars, handle, name, "an aclScalar", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  const Elem e = elem_of(s->dtype);
  if (e == Elem::Count)
    return {ACLNN_ERR_PARAM_INVALID, std::string(name) + ": dtype " + name_of(s->dtype) + ", expected a real number"};
  number.real = elementary::is_float(e);
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

// Phase one of an elementwise operator, once its tensors are there.
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

Result begin_fill(const Signature& g, Number number, const aclTensor* self, std::uint64_t* workspace_size,
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

Result begin_reduction(const Signature& g, Fold fold, const aclTensor* self, std::vector<std::int64_t> dims,
                       bool keep_dims, const aclTensor* out, std::uint64_t* workspace_size, aclOpExecutor** executor) {
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

// The dtype of a result, which its tensor has as well.
Result check_dtype(const aclTensor* out, aclDataType dtype) {
  const std::shared_ptr<Tensor> t = handles().tensors.find(out);
  if (!t || t->dtype == dtype) return {};
  const char* name = name_of(dtype);
  return {ACLNN_ERR_PARAM_INVALID, std::string("dtype: ") + (name ? name : std::to_string(static_cast<int>(dtype))) +
                                       ", expected " + name_of(t->dtype) + ", the dtype of out"};
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
  auto planner = [&g, out, tensor = handles().tensors.find(out)](const Views& views, std::shared_ptr<Job>& made,
                                                                 std::uint64_t&) -> Result {
    const Named from{g.parameter[0], &views[0]}, by{g.parameter[1], &views[1]}, to{g.parameter[2], &views[2]};
    auto job = std::make_shared<SelectJob>();
    Status s = elementary::plan_selection(from, by, to, has_bfloat16(), job->plan);
    job->out = out;
    job->tensor = tensor;
    const std::int64_t count = job->plan.count;
    return keep(std::move(s), std::move(job), count, made);
  };
  return begin(std::make_shared<Elementary>(g, std::move(planner)), {self, mask, out}, workspace_size, executor);
}

// ---- Lists ----

struct ListJob : Job {
  Result run(void* scratch) const override {
    for (const std::shared_ptr<const Job>& part : parts)
      if (Result r = part->run(scratch); !r.ok()) return r;
    return {};
  }
};

struct ListExecutor : Executor {
  using Executor::Executor;
  std::vector<std::shared_ptr<Executor>> parts;

 protected:
  Result plan(const Views&, std::shared_ptr<Job>& made, std::uint64_t& scratch) const override {
    scratch = 0;
    auto job = std::make_shared<ListJob>();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (Result r = parts[i]->prepare(); !r.ok())
        return {r.code, "tensor " + std::to_string(i) + " of the lists: " + r.text};
      if (!parts[i]->job) return {ACLNN_ERR_PARAM_NULLPTR, "tensor " + std::to_string(i) + " of the lists: no address"};
      job->count += parts[i]->job->count;
      job->parts.push_back(parts[i]->job);
    }
    made = std::move(job);
    return {};
  }
};

using Members = std::vector<std::shared_ptr<const Tensor>>;

Result members_of(const char* name, const aclTensorList* handle, Members& members) {
  const std::shared_ptr<List> list = handles().tensor_lists.find(handle);
  if (!list)
    return bad_handle(handles().tensor_lists, handle, name, "an aclTensorList", ACLNN_ERR_PARAM_NULLPTR,
                      ACLNN_ERR_PARAM_INVALID);
  for (const void* member : list->members) {
    members.push_back(handles().tensors.find(member));
    if (!members.back())
      return {ACLNN_ERR_PARAM_INVALID, std::string(name) + "[" + std::to_string(members.size() - 1) +
                                           "]: null or destroyed, expected an aclTensor"};
  }
  return {};
}

// One tensor of each list makes one part.
Result add_part(ListExecutor& all, const Signature& g, Kernel kernel, const Given& given,
                std::initializer_list<std::shared_ptr<const Tensor>> tensors) {
  Planner planner;
  if (Result r = elementwise_planner(g, kernel, given, planner); !r.ok()) return r;
  const auto part = std::make_shared<Elementary>(g, std::move(planner));
  std::copy(tensors.begin(), tensors.end(), part->tensor.begin());
  for (std::size_t i = 0; i < tensors.size(); ++i) part->address[i] = part->tensor[i]->storage_address;
  all.parts.push_back(part);
  return {};
}

Result begin_each(const Signature& whole, const Signature& each, Kernel kernel,
                  std::initializer_list<const aclTensorList*> lists, const Given& given, std::uint64_t* workspace_size,
                  aclOpExecutor** executor) {
  Members members[3];
  std::size_t n = 0;
  for (const aclTensorList* list : lists) {
    if (Result r = members_of(each.parameter[n], list, members[n]); !r.ok()) return r;
    if (members[n].size() != members[0].size())
      return {ACLNN_ERR_PARAM_INVALID, std::string(each.parameter[n]) + ": " + std::to_string(members[n].size()) +
                                           " tensors, expected " + std::to_string(members[0].size()) + ", as " +
                                           each.parameter[0] + " has"};
    ++n;
  }
  auto all = std::make_shared<ListExecutor>(whole);
  for (std::size_t i = 0; i < members[0].size(); ++i) {
    Result r = n == 2 ? add_part(*all, each, kernel, given, {members[0][i], members[1][i]})
                      : add_part(*all, each, kernel, given, {members[0][i], members[1][i], members[2][i]});
    if (!r.ok()) return r;
  }
  return begin(all, {}, workspace_size, executor);
}

// The part of a tensor that begins at `start` along a dimension and has this shape; `drop`: without that dimension.
std::shared_ptr<Tensor> slice_of(const Tensor& t, std::size_t dim, std::int64_t start, std::int64_t count, bool drop) {
  auto part = std::make_shared<Tensor>();
  part->shape = t.shape;
  part->strides = t.strides;
  part->byte_strides = t.byte_strides;
  part->storage = t.storage;
  part->offset = t.offset + start * t.strides[dim];
  part->dtype = t.dtype;
  part->format = t.format;
  part->storage_address = t.storage_address.load();
  part->shape[dim] = count;
  if (drop)
    for (auto* list : {&part->shape, &part->strides, &part->byte_strides})
      list->erase(list->begin() + static_cast<std::ptrdiff_t>(dim));
  std::int64_t last = static_cast<std::int64_t>(bytes_of(t.dtype));
  for (std::size_t d = 0; d < part->shape.size(); ++d) {
    if (part->shape[d] == 0) return part;  // extent 0
    last += part->byte_strides[d] * (part->shape[d] - 1);
  }
  part->extent = static_cast<std::uint64_t>(last);
  return part;
}

Result begin_join(const Signature& g, const aclTensorList* tensors, std::int64_t dim, bool stack, const aclTensor* out,
                  std::uint64_t* workspace_size, aclOpExecutor** executor) {
  static constexpr Signature kPart{"", 2, 0, {"out", "tensors"}};
  Members members;
  if (Result r = members_of("tensors", tensors, members); !r.ok()) return r;
  const std::shared_ptr<Tensor> to = handles().tensors.find(out);
  if (!to)
    return bad_handle(handles().tensors, out, "out", "an aclTensor", ACLNN_ERR_PARAM_NULLPTR, ACLNN_ERR_PARAM_INVALID);
  const auto rank = static_cast<std::int64_t>(to->shape.size());
  const std::int64_t at = dim < 0 ? dim + rank : dim;
  if (at < 0 || at >= rank)
    return {ACLNN_ERR_PARAM_INVALID,
            "dim: " + std::to_string(dim) + ", expected " + std::to_string(-rank) + " to " + std::to_string(rank - 1)};
  const auto axis = static_cast<std::size_t>(at);
  auto all = std::make_shared<ListExecutor>(g);
  std::int64_t start = 0;
  for (const std::shared_ptr<const Tensor>& member : members) {
    // As in PyTorch, an empty tensor of one dimension joins with anything.
    if (!stack && member->shape.size() == 1 && member->shape[0] == 0) continue;
    std::vector<std::int64_t> expected = to->shape;
    const std::int64_t count = stack ? 1 : axis < member->shape.size() ? member->shape[axis] : 0;
    if (stack)
      expected.erase(expected.begin() + at);
    else
      expected[axis] = count;
    if (member->shape != expected || count > to->shape[axis] - start)
      return {ACLNN_ERR_PARAM_INVALID, "tensors[" + std::to_string(&member - members.data()) +
                                           "]: its shape does not fit into out at " + std::to_string(start) +
                                           " along dimension " + std::to_string(at)};
    if (Result r = add_part(*all, kPart, Kernel::Same, {}, {slice_of(*to, axis, start, count, stack), member}); !r.ok())
      return r;
    start += count;
  }
  if (start != to->shape[axis])
    return {ACLNN_ERR_PARAM_INVALID, "out: " + std::to_string(to->shape[axis]) + " along dimension " +
                                         std::to_string(at) + ", expected " + std::to_string(start)};
  return begin(all, {}, workspace_size, executor);
}

}  // namespace

}  // namespace bcelogits::capi

using namespace bcelogits::capi;
using bcelogits::elementary::Kernel;

// Two functions: `parameters` and the two outputs, and how phase one begins; the signature's numbers and names follow.
#define OPERATOR(name, parameters, begin_with, ...)                                                               \
  static constexpr Signature k##name{"aclnn" #name, __VA_ARGS__};                                                 \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##name##GetWorkspaceSize parameters asm(     \
      "bcelogits_aclnn" #name "GetWorkspaceSize");                                                                \
  aclnnStatus aclnn##name##GetWorkspaceSize parameters {                                                          \
    return guarded("aclnn" #name "GetWorkspaceSize", [&]() -> bcelogits::runtime::Result { return begin_with; }); \
  }                                                                                                               \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##name(                                      \
      void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,                                           \
      aclrtStream stream) asm("bcelogits_aclnn" #name);                                                           \
  aclnnStatus aclnn##name(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor, aclrtStream stream) { \
    return run_executor(k##name, workspace, workspaceSize, executor, stream);                                     \
  }

#define P(...) (__VA_ARGS__, uint64_t* workspaceSize, aclOpExecutor** executor)
#define ELEMENTWISE(name, kernel, given, ...) \
  begin_elementwise(k##name, Kernel::kernel, {__VA_ARGS__}, given, workspaceSize, executor)
#define GIVEN(...) (Given{__VA_ARGS__})

#define IN_PLACE_CONSTANT(name, value)                                                                               \
  OPERATOR(name, P(aclTensor* selfRef), begin_fill(k##name, {false, 1, value}, selfRef, workspaceSize, executor), 1, \
           0, {"selfRef"})
#define IN_PLACE_FILL(name, kernel)                             \
  OPERATOR(name, P(aclTensor* selfRef, const aclScalar* value), \
           fill_with(k##name, value, selfRef, workspaceSize, executor), 1, 0, {"selfRef"})
#define IN_PLACE_TENSOR(name, kernel)                           \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* other), \
           ELEMENTWISE(name, kernel, GIVEN(.spread = true), selfRef, other), 2, 0, {"selfRef", "other"})
#define IN_PLACE_NUMBER(name, kernel)                           \
  OPERATOR(name, P(aclTensor* selfRef, const aclScalar* other), \
           ELEMENTWISE(name, kernel, GIVEN(.operand = other, .operand_name = "other"), selfRef), 1, 0, {"selfRef"})
#define IN_PLACE_TENSOR_SCALED(name, kernel)                                                                \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* other, const aclScalar* alpha),                     \
           ELEMENTWISE(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), selfRef, other), 2, 0, \
           {"selfRef", "other"})
#define IN_PLACE_NUMBER_SCALED(name, kernel)                                                                           \
  OPERATOR(                                                                                                            \
      name, P(aclTensor* selfRef, const aclScalar* other, const aclScalar* alpha),                                     \
      ELEMENTWISE(name, kernel,                                                                                        \
                  GIVEN(.operand = other, .factor = alpha, .operand_name = "other", .factor_name = "alpha"), selfRef), \
      1, 0, {"selfRef"})
#define IN_PLACE_NUMBER_WEIGHT(name, kernel)                                                                \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* end, const aclScalar* weight),                      \
           ELEMENTWISE(name, kernel, GIVEN(.factor = weight, .factor_name = "weight"), selfRef, end), 2, 0, \
           {"selfRef", "end"})
#define IN_PLACE_TWO_SCALED(name, kernel)                                                                              \
  OPERATOR(name, P(aclTensor* selfRef, const aclTensor* tensor1, const aclTensor* tensor2, const aclScalar* value),    \
           ELEMENTWISE(name, kernel, GIVEN(.factor = value, .factor_name = "value"), selfRef, tensor1, tensor2), 3, 0, \
           {"selfRef", "tensor1", "tensor2"})
#define CAST(name, kernel)                                                          \
  OPERATOR(name, P(const aclTensor* self, const aclDataType dtype, aclTensor* out), \
           cast_to(k##name, self, dtype, out, workspaceSize, executor), 1, 1, {"self", "out"})
#define ONE(name, kernel)                                                                                       \
  OPERATOR(name, P(const aclTensor* self, aclTensor* out), ELEMENTWISE(name, kernel, Given{}, self, out), 1, 1, \
           {"self", "out"})
#define TENSORS(name, kernel)                                                      \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, aclTensor* out), \
           ELEMENTWISE(name, kernel, Given{}, self, other, out), 2, 2, {"self", "other", "out"})
#define NUMBER(name, kernel)                                                                             \
  OPERATOR(name, P(const aclTensor* self, const aclScalar* other, aclTensor* out),                       \
           ELEMENTWISE(name, kernel, GIVEN(.operand = other, .operand_name = "other"), self, out), 1, 1, \
           {"self", "out"})
#define TENSORS_SCALED(name, kernel)                                                                          \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, const aclScalar* alpha, aclTensor* out),    \
           ELEMENTWISE(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), self, other, out), 2, 2, \
           {"self", "other", "out"})
#define NUMBER_SCALED(name, kernel)                                                                               \
  OPERATOR(name, P(const aclTensor* self, const aclScalar* other, const aclScalar* alpha, aclTensor* out),        \
           ELEMENTWISE(name, kernel,                                                                              \
                       GIVEN(.operand = other, .factor = alpha, .operand_name = "other", .factor_name = "alpha"), \
                       self, out),                                                                                \
           1, 1, {"self", "out"})
#define TENSORS_CLOSE(name, kernel)                                                                                    \
  OPERATOR(name,                                                                                                       \
           P(const aclTensor* self, const aclTensor* other, double rtol, double atol, bool equal_nan, aclTensor* out), \
           ELEMENTWISE(name, kernel, GIVEN(.rtol = rtol, .atol = atol, .equal_nan = equal_nan), self, other, out), 2,  \
           2, {"self", "other", "out"})
#define TENSORS_EQUAL(name, kernel)                                                \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* other, aclTensor* out), \
           begin_equal(k##name, self, other, out, workspaceSize, executor), 2, 2, {"self", "other", "out"})
#define TENSORS_SELECT(name, kernel)                                              \
  OPERATOR(name, P(const aclTensor* self, const aclTensor* mask, aclTensor* out), \
           begin_select(k##name, self, mask, out, workspaceSize, executor), 2, 2, {"self", "mask", "out"})
#define EACH(name, kernel, given, count, ...) \
  begin_each(k##name, kEach##count, Kernel::kernel, {__VA_ARGS__}, given, workspaceSize, executor)
#define LIST_JOIN(name, kernel)                                                \
  OPERATOR(name, P(const aclTensorList* tensors, int64_t dim, aclTensor* out), \
           begin_join(k##name, tensors, dim, false, out, workspaceSize, executor), 0, 0, {"tensors"})
#define LIST_STACK(name, kernel)                                               \
  OPERATOR(name, P(const aclTensorList* tensors, int64_t dim, aclTensor* out), \
           begin_join(k##name, tensors, dim, true, out, workspaceSize, executor), 0, 0, {"tensors"})
#define LIST_ONE(name, kernel)                                                                                      \
  OPERATOR(name, P(const aclTensorList* x, const aclTensorList* out), EACH(name, kernel, Given{}, 1, x, out), 0, 0, \
           {"x"})
#define LIST_TWO(name, kernel)                                                                  \
  OPERATOR(name, P(const aclTensorList* x1, const aclTensorList* x2, const aclTensorList* out), \
           EACH(name, kernel, Given{}, 2, x1, x2, out), 0, 0, {"x1"})
#define LIST_TWO_SCALED(name, kernel)                                                                             \
  OPERATOR(name,                                                                                                  \
           P(const aclTensorList* x1, const aclTensorList* x2, const aclScalar* alpha, const aclTensorList* out), \
           EACH(name, kernel, GIVEN(.factor = alpha, .factor_name = "alpha"), 2, x1, x2, out), 0, 0, {"x1"})
#define LIST_NUMBER(name, kernel)                                                              \
  OPERATOR(name, P(const aclTensorList* x, const aclScalar* scalar, const aclTensorList* out), \
           EACH(name, kernel, GIVEN(.operand = scalar, .operand_name = "scalar"), 1, x, out), 0, 0, {"x"})
#define REDUCE(name, fold)                                                                                           \
  OPERATOR(                                                                                                          \
      name, P(const aclTensor* self, const aclIntArray* dim, bool keepdim, aclTensor* out),                          \
      reduce(k##name, bcelogits::elementary::Fold::fold, self, dim, keepdim, out, nullptr, workspaceSize, executor), \
      1, 1, {"self", "out"})
#define REDUCE_TYPED(name, fold)                                                                                       \
  OPERATOR(                                                                                                            \
      name, P(const aclTensor* self, const aclIntArray* dim, bool keepDim, aclDataType dtype, aclTensor* out),         \
      reduce(k##name, bcelogits::elementary::Fold::fold, self, dim, keepDim, out, &dtype, workspaceSize, executor), 1, \
      1, {"self", "out"})
#define REDUCE_ALL(name, fold)                                                                                         \
  OPERATOR(name, P(const aclTensor* self, aclTensor* out),                                                             \
           begin_reduction(k##name, bcelogits::elementary::Fold::fold, self, {}, false, out, workspaceSize, executor), \
           1, 1, {"self", "out"})

namespace {

// Of one tensor of each list.
constexpr Signature kEach1{"", 1, 1, {"x", "out"}}, kEach2{"", 2, 2, {"x1", "x2", "out"}};

bcelogits::runtime::Result fill_with(const Signature& g, const aclScalar* value, const aclTensor* self,
                                     std::uint64_t* workspace_size, aclOpExecutor** executor) {
  bcelogits::elementary::Number number;
  if (auto r = number_of("value", value, number); !r.ok()) return r;
  return begin_fill(g, number, self, workspace_size, executor);
}

bcelogits::runtime::Result cast_to(const Signature& g, const aclTensor* self, aclDataType dtype, const aclTensor* out,
                                   std::uint64_t* workspace_size, aclOpExecutor** executor) {
  if (auto r = check_dtype(out, dtype); !r.ok()) return r;
  return begin_elementwise(g, Kernel::Same, {self, out}, {}, workspace_size, executor);
}

bcelogits::runtime::Result reduce(const Signature& g, bcelogits::elementary::Fold fold, const aclTensor* self,
                                  const aclIntArray* dim, bool keep, const aclTensor* out, const aclDataType* dtype,
                                  std::uint64_t* workspace_size, aclOpExecutor** executor) {
  std::vector<std::int64_t> dims;
  if (auto r = array_of("dim", dim, dims); !r.ok()) return r;
  if (dtype)
    if (auto r = check_dtype(out, *dtype); !r.ok()) return r;
  return begin_reduction(g, fold, self, std::move(dims), keep, out, workspace_size, executor);
}

}  // namespace

#include "elementary.def"
