// aclOpExecutor: one planned call, from its phase one until it has run (or, if repeatable, until it is destroyed).
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "../core/plan.hpp"
#include "handles.hpp"

namespace bcelogits::capi {

// One of the operators. Parameters are in the order of the prototype: inputs, then the output.
struct Operator {
  const char* name;  // "aclnnBinaryCrossEntropyWithLogits"
  Op op;
  const char* output;  // its parameter's name
  int inputs;          // 4 or 5

  const char* parameter(std::size_t index) const;  // its name; inputs first, then the output
  const Dialect& dialect() const;                  // what the product allows
  runtime::Result available() const;               // whether the product has it
};

extern const Operator kForward, kBackward, kTargetBackward;

// Everything that running needs, fixed: a repeated executor may be queued again with other addresses meanwhile.
struct Job {
  Plan plan;
  std::array<const void*, 6> data{};  // of each parameter's view, null if absent or empty
  std::array<std::uint64_t, 6> extent{};
  std::array<const char*, 6> name{};
  char* out = nullptr;  // where a reduced result goes
  DType out_dtype = DType::F32;
  int threads = 1;
};

struct Executor {
  const Operator* op = nullptr;
  std::int64_t reduction = 0;
  std::array<std::shared_ptr<const Tensor>, 6> tensor;  // inputs, then the output at index op->inputs
  std::array<void*, 6> address{};                       // storage addresses
  std::uint64_t workspace = 0;                          // bytes that phase one reported

  std::mutex mutex;  // of what follows, and of `address` once phase one is over
  bool repeatable = false;
  std::shared_ptr<const Job> job;  // null: to be planned again, an address has changed or was missing

  // Checks everything and plans; what is wrong, with the code of phase one. Sets `workspace`.
  runtime::Result prepare();
  // Phase two: queues the work.
  runtime::Result launch(void* workspace_address, std::uint64_t workspace_size, const void* stream);
};

// What is wrong with this handle, which names no living executor.
runtime::Result bad_executor(const void* handle);

}  // namespace bcelogits::capi
