// aclOpExecutor: one planned call, from its phase one until it has run (or, if repeatable, until it is destroyed).
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <span>

#include "../../engine/engine.hpp"
#include "handles.hpp"

namespace bcelogits::capi {

inline constexpr std::size_t kMostTensors = 6;

// What an operator is called and which tensors it takes: inputs first, then the output unless it is one of them.
struct Signature {
  const char* name;  // "aclnnBinaryCrossEntropyWithLogits"
  std::size_t inputs;
  std::size_t output;  // its index; less than `inputs` for an operator that works in place
  std::array<const char*, kMostTensors> parameter;

  std::size_t tensors() const { return output < inputs ? inputs : inputs + 1; }
};

// Everything that running needs, fixed: a repeated executor may be queued again with other addresses meanwhile.
struct Job {
  std::array<const void*, kMostTensors> data{};     // of each parameter's view, null if absent or empty
  std::array<const void*, kMostTensors> storage{};  // of each parameter's tensor, as the program named it
  std::array<std::uint64_t, kMostTensors> extent{};
  std::array<const char*, kMostTensors> name{};
  std::int64_t count = 0;                         // elements to go through
  std::vector<std::shared_ptr<const Job>> parts;  // what it consists of, each with memory of its own; run() runs them

  virtual ~Job() = default;
  virtual runtime::Result run(void* scratch) const = 0;
};

struct Executor {
  explicit Executor(const Signature& signature) : signature(signature) {}
  virtual ~Executor() = default;

  const Signature& signature;
  std::array<std::shared_ptr<const Tensor>, kMostTensors> tensor;
  std::array<void*, kMostTensors> address{};  // storage addresses
  std::uint64_t workspace = 0;                // bytes that phase one reported

  std::mutex mutex;  // of what follows, and of `address` once phase one is over
  bool repeatable = false;
  std::shared_ptr<const Job> job;  // null: to be planned again, an address has changed or was missing

  // Checks everything and plans; what is wrong, with the code of phase one. Sets `workspace`.
  runtime::Result prepare();
  // Phase two: queues the work.
  runtime::Result launch(void* workspace_address, std::uint64_t workspace_size, const void* stream);

 protected:
  // What prepare() leaves to the operator: all checks of these operands, the job without its memory, the scratch bytes.
  virtual runtime::Result plan(const std::array<ArrayView, kMostTensors>& views, std::shared_ptr<Job>& made,
                               std::uint64_t& scratch) const = 0;
};

// Phase one: the product has the operator, the tensors exist (null is the operator's affair), `executor` accepts them.
runtime::Result begin(const std::shared_ptr<Executor>& executor, std::span<const aclTensor* const> tensors,
                      std::uint64_t* workspace_size, aclOpExecutor** handle);
// Phase two of any operator.
aclnnStatus run_executor(const Signature& signature, void* workspace, std::uint64_t workspace_size,
                         aclOpExecutor* executor, const void* stream);

// The code of the C API for what a plan refused.
runtime::Result to_result(const Status& status);

// Whether the product that is looked like has bfloat16.
bool has_bfloat16();

}  // namespace bcelogits::capi
