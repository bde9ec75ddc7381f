// The operators: both phases of each, and what each product allows.
#include "../runtime/settings.hpp"
#include "executor.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Product;
using runtime::Result;

bool has_bfloat16() {
  const Product p = runtime::settings().product;
  return p == Product::A2 || p == Product::A3 || p == Product::A950;
}

Dialect dialect_for(Op op) {
  // Never freed: a program may call as late as in its static destructors.
  static const std::string& without_bfloat16 =
      *new std::string("a tensor of float32 or float16 (" + runtime::settings().soc_name + " has no bfloat16)");
  Dialect d;
  d.grad_output = "gradOutput";
  d.logits = "self";
  d.targets = "target";
  d.weight = "weightOptional";
  d.pos_weight = "posWeightOptional";
  d.absent = "null pointer";
  d.operand = has_bfloat16() ? "a tensor of float32, float16 or bfloat16" : without_bfloat16.c_str();
  const auto bit = [](DType t) { return 1u << static_cast<unsigned>(t); };
  d.dtypes = bit(DType::F32) | bit(DType::F16) | (has_bfloat16() ? bit(DType::BF16) : 0);
  d.max_dims = 8;
  d.result = op == Op::Loss       ? Dialect::Result::AsTargets
             : op == Op::Backward ? Dialect::Result::AsLogitsOrTargets
                                  : Dialect::Result::Any;
  return d;
}

aclnnStatus phase_one(const char* function, const Operator& op, std::initializer_list<const aclTensor*> tensors,
                      std::int64_t reduction, std::uint64_t* workspace_size, aclOpExecutor** executor) {
  return guarded(function, [&]() -> Result {
    if (!runtime::settings().problem.empty()) return {ACLNN_ERR_RUNTIME_ERROR, runtime::settings().problem};
    if (!workspace_size) return {ACLNN_ERR_PARAM_NULLPTR, "workspaceSize: null pointer, expected where to write it"};
    if (!executor) return {ACLNN_ERR_PARAM_NULLPTR, "executor: null pointer, expected where to write it"};
    if (Result r = op.available(); !r.ok()) return r;
    const auto made = std::make_shared<Executor>();
    made->op = &op;
    made->reduction = reduction;
    std::shared_ptr<Tensor> found[6];
    const void* given[6] = {};
    std::copy(tensors.begin(), tensors.end(), given);
    handles().tensors.find_each(given, tensors.size(), found);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (given[i] && !found[i]) {
        return bad_handle(handles().tensors, given[i], op.parameter(i), "an aclTensor", ACLNN_ERR_PARAM_NULLPTR,
                          ACLNN_ERR_PARAM_INVALID);
      }
      if (found[i]) made->address[i] = found[i]->storage_address;
      made->tensor[i] = std::move(found[i]);
    }
    if (Result r = made->prepare(); !r.ok()) return r;
    const std::uint64_t bytes = made->workspace;
    void* handle = handles().executors.insert(made);
    if (!handle) return {ACLNN_ERR_INNER_CREATE_EXECUTOR, "2^20 executors exist, no more can be made"};
    *workspace_size = bytes;
    *executor = static_cast<aclOpExecutor*>(handle);
    return {};
  });
}

aclnnStatus phase_two(const Operator& op, void* workspace, std::uint64_t workspace_size, aclOpExecutor* handle,
                      const void* stream) {
  return guarded(op.name, [&]() -> Result {
    std::shared_ptr<Executor> e = handles().executors.find(handle);
    bool repeatable = false;
    if (e) {
      const std::lock_guard lock(e->mutex);
      repeatable = e->repeatable;
    }
    // One use: whatever comes of it, and of two threads that try only one gets it.
    if (e && !repeatable) e = handles().executors.remove(handle);
    if (!e) return bad_executor(handle);
    if (e->op != &op)
      return {ACLNN_ERR_PARAM_INVALID, std::string("executor: one of ") + e->op->name +
                                           "GetWorkspaceSize, expected one of " + op.name + "GetWorkspaceSize"};
    return e->launch(workspace, workspace_size, stream);
  });
}

}  // namespace

const Operator kForward{"aclnnBinaryCrossEntropyWithLogits", Op::Loss, "out", 4};
const Operator kBackward{"aclnnBinaryCrossEntropyWithLogitsBackward", Op::Backward, "out", 5};
const Operator kTargetBackward{"aclnnBinaryCrossEntropyWithLogitsTargetBackward", Op::TargetBackward, "gradTarget", 5};

const char* Operator::parameter(std::size_t index) const {
  if (index == static_cast<std::size_t>(inputs)) return output;
  const Dialect& d = dialect();
  const char* const names[] = {d.grad_output, d.logits, d.targets, d.weight, d.pos_weight};
  return names[index + 5 - static_cast<std::size_t>(inputs)];
}

const Dialect& Operator::dialect() const {
  static const Dialect forward = dialect_for(Op::Loss), backward = dialect_for(Op::Backward),
                       target = dialect_for(Op::TargetBackward);
  return op == Op::Loss ? forward : op == Op::Backward ? backward : target;
}

Result Operator::available() const {
  const Product p = runtime::settings().product;
  const bool has = op == Op::Loss       ? true
                   : op == Op::Backward ? p != Product::Edge310B
                                        : p == Product::A2 || p == Product::A3;
  if (has) return {};
  return {ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
          std::string("not supported on ") + runtime::settings().soc_name + ", expected " +
              (op == Op::Backward ? "any product but the 200I/500 A2" : "an A2 or A3 product") +
              " (BCELOGITS_SOC_NAME chooses it)"};
}

}  // namespace bcelogits::capi

using namespace bcelogits::capi;

aclnnStatus aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(const aclTensor* self, const aclTensor* target,
                                                              const aclTensor* weightOptional,
                                                              const aclTensor* posWeightOptional, int64_t reduction,
                                                              aclTensor* out, uint64_t* workspaceSize,
                                                              aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize", kForward,
                   {self, target, weightOptional, posWeightOptional, out}, reduction, workspaceSize, executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogits(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                              const aclrtStream stream) {
  return phase_two(kForward, workspace, workspaceSize, executor, stream);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(
    const aclTensor* gradOutput, const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional,
    const aclTensor* posWeightOptional, int64_t reduction, aclTensor* out, uint64_t* workspaceSize,
    aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize", kBackward,
                   {gradOutput, self, target, weightOptional, posWeightOptional, out}, reduction, workspaceSize,
                   executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackward(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                                      const aclrtStream stream) {
  return phase_two(kBackward, workspace, workspaceSize, executor, stream);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize(
    const aclTensor* gradOutput, const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional,
    const aclTensor* posWeightOptional, int64_t reduction, aclTensor* gradTarget, uint64_t* workspaceSize,
    aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize", kTargetBackward,
                   {gradOutput, self, target, weightOptional, posWeightOptional, gradTarget}, reduction, workspaceSize,
                   executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsTargetBackward(void* workspace, uint64_t workspaceSize,
                                                            aclOpExecutor* executor, const aclrtStream stream) {
  return phase_two(kTargetBackward, workspace, workspaceSize, executor, stream);
}
