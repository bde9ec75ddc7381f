// Both gradients of the loss: with respect to the logits and with respect to the labels.
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_target_backward.h"

namespace {

// Turns a status into an exception with the text of the error.
void check(int status, const char* what) {
  if (status == ACL_SUCCESS) return;
  const char* why = aclGetRecentErrMsg();
  throw std::runtime_error(std::string(what) + ": " + std::to_string(status) + ": " + (why ? why : "no text"));
}

// A 2 x 2 float tensor with device memory of its own, both given back at the end of the scope.
class Matrix {
 public:
  explicit Matrix(const std::vector<float>& values) {
    const std::size_t bytes = values.size() * sizeof(float);
    check(aclrtMalloc(&memory_, bytes, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
    check(aclrtMemcpy(memory_, bytes, values.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE), "aclrtMemcpy");
    const std::int64_t shape[] = {2, 2}, strides[] = {2, 1};
    tensor_ = aclCreateTensor(shape, 2, ACL_FLOAT, strides, 0, ACL_FORMAT_ND, shape, 2, memory_);
    check(tensor_ != nullptr ? ACL_SUCCESS : ACL_ERROR_FAILURE, "aclCreateTensor");
  }
  ~Matrix() {
    aclDestroyTensor(tensor_);
    aclrtFree(memory_);
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  aclTensor* tensor() const { return tensor_; }

  void print(const char* name) const {
    float values[4];
    check(aclrtMemcpy(values, sizeof values, memory_, sizeof values, ACL_MEMCPY_DEVICE_TO_HOST), "aclrtMemcpy");
    for (int i = 0; i < 4; ++i) std::printf("%s[%d] = %.7f\n", name, i, values[i]);
  }

 private:
  void* memory_ = nullptr;
  aclTensor* tensor_ = nullptr;
};

// All aclnn operators have the same second phase.
using PhaseTwo = aclnnStatus (*)(void*, std::uint64_t, aclOpExecutor*, aclrtStream);

void run(PhaseTwo phase_two, std::uint64_t workspace_size, aclOpExecutor* executor, aclrtStream stream) {
  void* workspace = nullptr;
  if (workspace_size > 0) check(aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
  check(phase_two(workspace, workspace_size, executor, stream), "phase two");
  check(aclrtSynchronizeStream(stream), "aclrtSynchronizeStream");
  if (workspace != nullptr) check(aclrtFree(workspace), "aclrtFree");
}

void gradients(aclrtStream stream) {
  const std::vector<float> ramp = {0, 1, 2, 3};
  // With reduction 0, gradOutput is the gradient of every loss; for a mean or a sum it has one element.
  const Matrix grad_output(ramp), self(ramp), target({0.1F, 0.1F, 0.1F, 0.1F}), weight(ramp), pos_weight(ramp);
  const Matrix grad_self({0, 0, 0, 0}), grad_target({0, 0, 0, 0});
  const std::int64_t reduction = 0;
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;

  check(aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(grad_output.tensor(), self.tensor(), target.tensor(),
                                                                  weight.tensor(), pos_weight.tensor(), reduction,
                                                                  grad_self.tensor(), &size, &executor),
        "aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize");
  run(aclnnBinaryCrossEntropyWithLogitsBackward, size, executor, stream);
  grad_self.print("grad_self");

  check(aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize(
            grad_output.tensor(), self.tensor(), target.tensor(), weight.tensor(), pos_weight.tensor(), reduction,
            grad_target.tensor(), &size, &executor),
        "aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize");
  run(aclnnBinaryCrossEntropyWithLogitsTargetBackward, size, executor, stream);
  grad_target.print("grad_target");
}

}  // namespace

int main() {
  try {
    check(aclInit(nullptr), "aclInit");
    check(aclrtSetDevice(0), "aclrtSetDevice");
    aclrtStream stream = nullptr;
    check(aclrtCreateStream(&stream), "aclrtCreateStream");
    gradients(stream);
    check(aclrtDestroyStream(stream), "aclrtDestroyStream");
    check(aclrtResetDevice(0), "aclrtResetDevice");
    check(aclFinalize(), "aclFinalize");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
