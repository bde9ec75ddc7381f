// The loss of each element of a 4 x 2 matrix: the two-phase call from begin to end, as CANN's documents show it.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

// Says which call failed and why, and leaves the function with the status.
#define CHECK_ACL(call)                                                                         \
  do {                                                                                          \
    const int status_ = (call);                                                                 \
    if (status_ != ACL_SUCCESS) {                                                               \
      const char* why_ = aclGetRecentErrMsg();                                                  \
      std::fprintf(stderr, "%s\n  returned %d: %s\n", #call, status_, why_ ? why_ : "no text"); \
      return status_;                                                                           \
    }                                                                                           \
  } while (false)

// For calls that give back a pointer.
#define CHECK_MADE(pointer)                                                             \
  do {                                                                                  \
    if ((pointer) == nullptr) {                                                         \
      const char* why_ = aclGetRecentErrMsg();                                          \
      std::fprintf(stderr, "%s was not made: %s\n", #pointer, why_ ? why_ : "no text"); \
      return ACL_ERROR_FAILURE;                                                         \
    }                                                                                   \
  } while (false)

namespace {

constexpr std::int64_t kRows = 4, kColumns = 2, kCount = kRows * kColumns;

// A tensor together with the device memory that holds its elements.
struct DeviceTensor {
  void* memory = nullptr;
  aclTensor* tensor = nullptr;
};

// Copies the values to the device and describes them as a contiguous float matrix.
int upload(const std::vector<float>& values, DeviceTensor& made) {
  const std::size_t bytes = values.size() * sizeof(float);
  CHECK_ACL(aclrtMalloc(&made.memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK_ACL(aclrtMemcpy(made.memory, bytes, values.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE));
  // Strides are counted in elements. The storage is the whole matrix, and the view is all of the storage.
  const std::int64_t shape[] = {kRows, kColumns}, strides[] = {kColumns, 1};
  made.tensor = aclCreateTensor(shape, 2, ACL_FLOAT, strides, 0, ACL_FORMAT_ND, shape, 2, made.memory);
  CHECK_MADE(made.tensor);
  return ACL_SUCCESS;
}

int compute_losses(aclrtStream stream) {
  DeviceTensor self, target, weight, pos_weight, out;
  CHECK_ACL(upload({0.1F, 0.1F, 0.2F, 0.2F, 0.3F, 0.3F, 0.4F, 0.4F}, self));
  CHECK_ACL(upload({0.2F, 0.2F, 0.1F, 0.1F, 0.2F, 0.2F, 0.1F, 0.1F}, target));
  CHECK_ACL(upload(std::vector<float>(kCount, 0.5F), weight));
  CHECK_ACL(upload(std::vector<float>(kCount, 0.5F), pos_weight));
  CHECK_ACL(upload(std::vector<float>(kCount, 0.0F), out));

  // Phase one checks the arguments, says how much scratch memory is needed, and makes the executor.
  const std::int64_t reduction = 0;  // 0: none, 1: mean, 2: sum
  std::uint64_t workspace_size = 0;
  aclOpExecutor* executor = nullptr;
  CHECK_ACL(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(
      self.tensor, target.tensor, weight.tensor, pos_weight.tensor, reduction, out.tensor, &workspace_size, &executor));
  void* workspace = nullptr;
  if (workspace_size > 0) CHECK_ACL(aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST));

  // Phase two enqueues the work and returns; the executor is used up.
  CHECK_ACL(aclnnBinaryCrossEntropyWithLogits(workspace, workspace_size, executor, stream));

  // Results are there once the stream has been synchronised.
  CHECK_ACL(aclrtSynchronizeStream(stream));
  std::vector<float> losses(kCount);
  const std::size_t bytes = losses.size() * sizeof(float);
  CHECK_ACL(aclrtMemcpy(losses.data(), bytes, out.memory, bytes, ACL_MEMCPY_DEVICE_TO_HOST));
  for (std::size_t i = 0; i < losses.size(); ++i) std::printf("loss[%zu] = %.7f\n", i, losses[i]);

  for (const DeviceTensor& each : {self, target, weight, pos_weight, out}) {
    CHECK_ACL(aclDestroyTensor(each.tensor));
    CHECK_ACL(aclrtFree(each.memory));
  }
  if (workspace != nullptr) CHECK_ACL(aclrtFree(workspace));
  return ACL_SUCCESS;
}

}  // namespace

int main() {
  const std::int32_t device = 0;
  CHECK_ACL(aclInit(nullptr));
  CHECK_ACL(aclrtSetDevice(device));
  aclrtStream stream = nullptr;
  CHECK_ACL(aclrtCreateStream(&stream));

  const int status = compute_losses(stream);

  CHECK_ACL(aclrtDestroyStream(stream));
  CHECK_ACL(aclrtResetDevice(device));
  CHECK_ACL(aclFinalize());
  return status == ACL_SUCCESS ? 0 : 1;
}
