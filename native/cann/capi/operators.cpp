// The loss and its gradients: both phases of each, and what each product allows.
#include "../../engine/engine.hpp"
#include "../device/settings.hpp"
#include "executor.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Product;
using runtime::Result;

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

const Dialect& dialect_of(Op op) {
  static const Dialect forward = dialect_for(Op::Loss), backward = dialect_for(Op::Backward),
                       target = dialect_for(Op::TargetBackward);
  return op == Op::Loss ? forward : op == Op::Backward ? backward : target;
}

constexpr Signature kForward{
    "aclnnBinaryCrossEntropyWithLogits", 4, 4, {"self", "target", "weightOptional", "posWeightOptional", "out"}},
    kBackward{"aclnnBinaryCrossEntropyWithLogitsBackward",
              5,
              5,
              {"gradOutput", "self", "target", "weightOptional", "posWeightOptional", "out"}},
    kTargetBackward{"aclnnBinaryCrossEntropyWithLogitsTargetBackward",
                    5,
                    5,
                    {"gradOutput", "self", "target", "weightOptional", "posWeightOptional", "gradTarget"}};

Result available(Op op) {
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

struct LossJob : Job {
  Plan plan;
  char* out = nullptr;  // where a reduced result goes
  DType out_dtype = DType::F32;
  int threads = 1;

  Result run(void* scratch) const override {
    ExactSum sum;
    const Status s = execute(plan, out ? &sum : nullptr, threads, scratch);
    if (!s.ok()) return {runtime::kTaskFailed, s.text};
    if (out) write_number(reduced(plan, sum, out_dtype), out_dtype, out);
    return {};
  }
};

struct LossExecutor : Executor {
  LossExecutor(const Signature& signature, Op op, std::int64_t reduction)
      : Executor(signature), op(op), reduction(reduction) {}

  const Op op;
  const std::int64_t reduction;

 protected:
  Result plan(const std::array<ArrayView, kMostTensors>& views, std::shared_ptr<Job>& made,
              std::uint64_t& scratch) const override {
    const auto job = std::make_shared<LossJob>();
    const Dialect& d = dialect_of(op);
    const std::size_t first = signature.output - 4;  // of self; before it comes gradOutput, if at all
    const ArrayView& out = views[signature.output];
    const Request request{op,
                          reduction,
                          views[first],
                          views[first + 1],
                          views[first + 2],
                          views[first + 3],
                          first > 0 ? views[0] : kNoArray,
                          &d};
    Plan& plan = job->plan;
    if (Status s = plan_inputs(request, plan); !s.ok()) return to_result(s);
    const bool elementwise = op != Op::Loss || plan.reduction == Reduction::None;
    Operand unused;
    Operand& target = !elementwise ? unused : op == Op::Loss ? plan.loss_out : plan.grad_out;
    if (Status s = plan_output(request, signature.parameter[signature.output], out, elementwise, target); !s.ok())
      return to_result(s);
    if (!elementwise) job->out = static_cast<char*>(out.data);
    job->out_dtype = out.dtype();
    job->threads = runtime::settings().threads;
    job->count = plan.count;
    scratch = scratch_bytes(plan, job->threads);
    made = job;
    return {};
  }
};

aclnnStatus phase_one(const char* function, const Signature& signature, Op op,
                      std::initializer_list<const aclTensor*> tensors, std::int64_t reduction,
                      std::uint64_t* workspace_size, aclOpExecutor** executor) {
  return guarded(function, [&]() -> Result {
    if (runtime::settings().problem.empty() && workspace_size && executor)  // begin() names what is wrong with these
      if (Result r = available(op); !r.ok()) return r;
    return begin(std::make_shared<LossExecutor>(signature, op, reduction), {tensors.begin(), tensors.size()},
                 workspace_size, executor);
  });
}

}  // namespace

bool has_bfloat16() {
  const Product p = runtime::settings().product;
  return p == Product::A2 || p == Product::A3 || p == Product::A950;
}

}  // namespace bcelogits::capi

using namespace bcelogits::capi;
using bcelogits::Op;

aclnnStatus aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(const aclTensor* self, const aclTensor* target,
                                                              const aclTensor* weightOptional,
                                                              const aclTensor* posWeightOptional, int64_t reduction,
                                                              aclTensor* out, uint64_t* workspaceSize,
                                                              aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize", kForward, Op::Loss,
                   {self, target, weightOptional, posWeightOptional, out}, reduction, workspaceSize, executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogits(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                              const aclrtStream stream) {
  return run_executor(kForward, workspace, workspaceSize, executor, stream);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(
    const aclTensor* gradOutput, const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional,
    const aclTensor* posWeightOptional, int64_t reduction, aclTensor* out, uint64_t* workspaceSize,
    aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize", kBackward, Op::Backward,
                   {gradOutput, self, target, weightOptional, posWeightOptional, out}, reduction, workspaceSize,
                   executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsBackward(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                                      const aclrtStream stream) {
  return run_executor(kBackward, workspace, workspaceSize, executor, stream);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize(
    const aclTensor* gradOutput, const aclTensor* self, const aclTensor* target, const aclTensor* weightOptional,
    const aclTensor* posWeightOptional, int64_t reduction, aclTensor* gradTarget, uint64_t* workspaceSize,
    aclOpExecutor** executor) {
  return phase_one("aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize", kTargetBackward,
                   Op::TargetBackward, {gradOutput, self, target, weightOptional, posWeightOptional, gradTarget},
                   reduction, workspaceSize, executor);
}

aclnnStatus aclnnBinaryCrossEntropyWithLogitsTargetBackward(void* workspace, uint64_t workspaceSize,
                                                            aclOpExecutor* executor, const aclrtStream stream) {
  return run_executor(kTargetBackward, workspace, workspaceSize, executor, stream);
}
