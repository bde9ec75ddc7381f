// See executor.hpp; and the functions that act on executors.
#include "executor.hpp"

#include "../device/device.hpp"
#include "../device/memory.hpp"
#include "../device/settings.hpp"

namespace bcelogits::capi {

namespace {

using runtime::Result;

// Work up to this size is over sooner than another thread has woken up to do it.
constexpr std::int64_t kAtOnce = 1 << 13;

Result check_memory(const Job& job, const void* workspace, std::uint64_t bytes) {
  for (const std::shared_ptr<const Job>& part : job.parts)
    if (Result r = check_memory(*part, nullptr, 0); !r.ok()) return r;
  runtime::Access accesses[kMostTensors + 1];
  std::size_t n = 0;
  for (std::size_t i = 0; i < job.data.size(); ++i)
    if (job.data[i]) accesses[n++] = {job.name[i], job.data[i], job.extent[i], job.storage[i]};
  if (bytes > 0) accesses[n++] = {"workspace", workspace, bytes};
  return runtime::memory::check(accesses, n, runtime::settings().strict_memory);
}

// The parameter whose memory the workspace would write into; null if none.
const char* overlapping(const Job& job, const void* workspace, std::uint64_t bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(workspace);
  for (std::size_t i = 0; i < job.data.size() && bytes > 0; ++i) {
    const auto data = reinterpret_cast<std::uintptr_t>(job.data[i]);
    if (data && data < first + bytes && first < data + job.extent[i]) return job.name[i];
  }
  return nullptr;
}

Result run(const Job& job, void* workspace, std::uint64_t bytes) {
  if (Result r = check_memory(job, workspace, bytes); !r.ok()) return {runtime::kTaskFailed, std::move(r.text)};
  return job.run(bytes > 0 ? workspace : nullptr);
}

Result runtime_failure(Result r) {
  return {ACLNN_ERR_RUNTIME_ERROR, "runtime error " + std::to_string(r.code) + ": " + r.text};
}

// What is wrong with this handle, which names no living executor.
Result bad_executor(const void* handle) {
  const char* what = !handle                                 ? "null pointer"
                     : handles().executors.was_alive(handle) ? "used up or destroyed"
                                                             : "not an executor";
  return {ACLNN_ERR_INNER_NULLPTR,
          std::string("executor: ") + what + ", expected one that the first phase gave and that has not run yet"};
}

}  // namespace

Result to_result(const Status& s) {
  switch (s.fault) {
    case Fault::None:
      return {};
    case Fault::Null:
      return {ACLNN_ERR_PARAM_NULLPTR, s.text};
    case Fault::Type:
    case Fault::Value:
    case Fault::Broadcast:
      return {ACLNN_ERR_PARAM_INVALID, s.text};
    case Fault::Runtime:
      break;
  }
  return {ACLNN_ERR_INNER, s.text};
}

Result Executor::prepare() {
  std::array<ArrayView, kMostTensors> views;
  bool complete = true;
  for (std::size_t i = 0; i < signature.tensors(); ++i) {
    if (!tensor[i]) continue;
    void* at = address[i];
    const bool later = !at && tensor[i]->extent > 0;
    views[i] = tensor[i]->view(at);
    views[i].placeholder = later;
    complete = complete && !later;
  }
  std::shared_ptr<Job> made;
  if (Result r = plan(views, made, workspace); !r.ok()) return r;
  for (std::size_t i = 0; i < signature.tensors(); ++i) {
    made->name[i] = signature.parameter[i];
    if (!tensor[i] || tensor[i]->extent == 0) continue;
    made->data[i] = views[i].data;
    made->storage[i] = address[i];
    made->extent[i] = tensor[i]->extent;
  }
  job = complete ? std::move(made) : nullptr;
  return {};
}

Result Executor::launch(void* at, std::uint64_t size, const void* stream_handle) {
  std::shared_ptr<const Job> mine;
  std::uint64_t needed = 0;
  {
    const std::lock_guard lock(mutex);
    if (!job) {
      for (std::size_t i = 0; i < signature.tensors(); ++i)
        if (tensor[i] && !address[i] && tensor[i]->extent > 0)
          return {ACLNN_ERR_PARAM_NULLPTR, std::string(signature.parameter[i]) +
                                               ": no address, expected one from aclCreateTensor or aclSetTensorAddr"};
      if (Result r = prepare(); !r.ok()) return r;
    }
    mine = job;
    needed = workspace;
  }
  if (needed > 0 && !at)
    return {ACLNN_ERR_PARAM_NULLPTR, "workspace: null pointer, expected " + std::to_string(needed) + " bytes"};
  if (size < needed)
    return {ACLNN_ERR_PARAM_INVALID, "workspaceSize: " + std::to_string(size) + ", expected at least " +
                                         std::to_string(needed) + ", as the first phase said"};
  if (Result r = check_memory(*mine, at, needed); !r.ok()) return {ACLNN_ERR_PARAM_INVALID, std::move(r.text)};
  if (const char* name = overlapping(*mine, at, needed))
    return {ACLNN_ERR_PARAM_INVALID, std::string("workspace: overlaps ") + name + ", expected separate memory"};
  std::shared_ptr<runtime::Stream> stream;
  if (Result r = runtime::resolve_stream(stream_handle, stream); !r.ok()) return runtime_failure(std::move(r));
  const bool at_once = mine->count <= kAtOnce;
  runtime::Stream::Task task = [mine = std::move(mine), at, needed] { return run(*mine, at, needed); };
  Result queued = at_once ? stream->run_or_enqueue(std::move(task)) : stream->enqueue(std::move(task));
  return queued.ok() ? Result{} : runtime_failure(std::move(queued));
}

Result begin(const std::shared_ptr<Executor>& made, std::span<const aclTensor* const> tensors,
             std::uint64_t* workspace_size, aclOpExecutor** executor) {
  if (!runtime::settings().problem.empty()) return {ACLNN_ERR_RUNTIME_ERROR, runtime::settings().problem};
  if (!workspace_size) return {ACLNN_ERR_PARAM_NULLPTR, "workspaceSize: null pointer, expected where to write it"};
  if (!executor) return {ACLNN_ERR_PARAM_NULLPTR, "executor: null pointer, expected where to write it"};
  std::shared_ptr<Tensor> found[kMostTensors];
  const void* given[kMostTensors] = {};
  std::copy(tensors.begin(), tensors.end(), given);
  handles().tensors.find_each(given, tensors.size(), found);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (given[i] && !found[i])
      return bad_handle(handles().tensors, given[i], made->signature.parameter[i], "an aclTensor",
                        ACLNN_ERR_PARAM_NULLPTR, ACLNN_ERR_PARAM_INVALID);
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
}

aclnnStatus run_executor(const Signature& signature, void* workspace, std::uint64_t workspace_size,
                         aclOpExecutor* handle, const void* stream) {
  return guarded(signature.name, [&]() -> Result {
    std::shared_ptr<Executor> e = handles().executors.find(handle);
    bool repeatable = false;
    if (e) {
      const std::lock_guard lock(e->mutex);
      repeatable = e->repeatable;
    }
    // One use: whatever comes of it, and of two threads that try only one gets it.
    if (e && !repeatable) e = handles().executors.remove(handle);
    if (!e) return bad_executor(handle);
    if (&e->signature != &signature)
      return {ACLNN_ERR_PARAM_INVALID, std::string("executor: one of ") + e->signature.name +
                                           "GetWorkspaceSize, expected one of " + signature.name + "GetWorkspaceSize"};
    return e->launch(workspace, workspace_size, stream);
  });
}

namespace {

Result executor_of(const void* handle, std::shared_ptr<Executor>& executor) {
  executor = handles().executors.find(handle);
  if (executor) return {};
  return bad_executor(handle);
}

enum class Which { Inputs, Outputs, All };

aclnnStatus set_address(const char* function, const aclOpExecutor* handle, std::size_t index, const aclTensor* tensor,
                        void* address, Which which) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Executor> e;
    if (Result r = executor_of(handle, e); !r.ok()) return r;
    const std::shared_ptr<Tensor> t = handles().tensors.find(tensor);
    if (!t)
      return bad_handle(handles().tensors, tensor, "tensor", "an aclTensor", ACLNN_ERR_INNER_NULLPTR,
                        ACLNN_ERR_PARAM_INVALID);
    const Signature& g = e->signature;
    const std::size_t count = which == Which::Inputs ? g.inputs : which == Which::Outputs ? 1 : g.tensors();
    if (index >= count)
      return {ACLNN_ERR_PARAM_INVALID,
              "index: " + std::to_string(index) + ", expected " +
                  (count > 0 ? "0 to " + std::to_string(count - 1) : "no such call: the operator takes lists")};
    const std::size_t at = which == Which::Outputs ? g.output : index;
    if (!e->tensor[at])
      return {ACLNN_ERR_PARAM_INVALID,
              "index: " + std::to_string(index) + ", expected one whose tensor was not null in the first phase"};
    const std::lock_guard lock(e->mutex);
    e->address[at] = address;
    e->job = nullptr;
    t->storage_address = address;
    return {};
  });
}

// The operators here have no lists of tensors.
aclnnStatus no_lists(const char* function, const aclOpExecutor* handle, std::size_t index) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Executor> e;
    if (Result r = executor_of(handle, e); !r.ok()) return r;
    return {ACLNN_ERR_PARAM_INVALID, "irIndex: " + std::to_string(index) + ", expected a parameter that is a list; " +
                                         e->signature.name + " has none"};
  });
}

}  // namespace

}  // namespace bcelogits::capi

using namespace bcelogits::capi;
using bcelogits::runtime::Result;

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor* executor) {
  return guarded("aclSetAclOpExecutorRepeatable", [&]() -> Result {
    std::shared_ptr<Executor> e;
    if (Result r = executor_of(executor, e); !r.ok()) return r;
    const std::lock_guard lock(e->mutex);
    e->repeatable = true;
    return {};
  });
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor* executor) {
  return guarded("aclDestroyAclOpExecutor", [&]() -> Result {
    std::shared_ptr<Executor> e;
    if (handles().executors.remove(executor)) return {};
    return executor_of(executor, e);
  });
}

#define SET_ADDRESS(name, which)                                                                 \
  aclnnStatus name(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) { \
    return set_address(#name, executor, index, tensor, addr, Which::which);                      \
  }
SET_ADDRESS(aclSetInputTensorAddr, Inputs)
SET_ADDRESS(aclSetOutputTensorAddr, Outputs)
SET_ADDRESS(aclSetTensorAddr, All)
SET_ADDRESS(AclSetInputTensorAddr, Inputs)
SET_ADDRESS(AclSetOutputTensorAddr, Outputs)
SET_ADDRESS(AclSetTensorAddr, All)
#undef SET_ADDRESS

#define NO_LISTS(name)                                                                             \
  aclnnStatus name(aclOpExecutor* executor, size_t irIndex, const size_t, aclTensorList*, void*) { \
    return no_lists(#name, executor, irIndex);                                                     \
  }
NO_LISTS(aclSetDynamicInputTensorAddr)
NO_LISTS(aclSetDynamicOutputTensorAddr)
NO_LISTS(aclSetDynamicTensorAddr)
NO_LISTS(AclSetDynamicInputTensorAddr)
NO_LISTS(AclSetDynamicOutputTensorAddr)
NO_LISTS(AclSetDynamicTensorAddr)
#undef NO_LISTS
