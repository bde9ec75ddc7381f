// The mean loss of batch after batch in C: checked and planned once, run many times with new addresses.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

enum { kSamples = 6, kClasses = 3, kCount = kSamples * kClasses, kBatches = 4 };

// Ends the program if a call failed.
static void check(int status, const char* call) {
  if (status == ACL_SUCCESS) return;
  const char* why = aclGetRecentErrMsg();
  fprintf(stderr, "%s\n  returned %d: %s\n", call, status, why ? why : "no text");
  exit(1);
}
#define CHECK(call) check((call), #call)

// Device memory with these values.
static void* upload(const float* values, size_t count) {
  const size_t bytes = count * sizeof(float);
  void* memory = NULL;
  CHECK(aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMemcpy(memory, bytes, values, bytes, ACL_MEMCPY_HOST_TO_DEVICE));
  return memory;
}

static aclTensor* describe(const int64_t* shape, uint64_t rank, void* memory) {
  // NULL strides: contiguous.
  aclTensor* tensor = aclCreateTensor(shape, rank, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, shape, rank, memory);
  check(tensor != NULL ? ACL_SUCCESS : ACL_ERROR_FAILURE, "aclCreateTensor");
  return tensor;
}

int main(void) {
  CHECK(aclInit(NULL));
  CHECK(aclrtSetDevice(0));
  aclrtStream stream = NULL;
  CHECK(aclrtCreateStream(&stream));

  // Every batch lies in memory of its own; logits and labels follow a simple rule, so that the output can be checked.
  void *logits[kBatches], *labels[kBatches];
  for (int batch = 0; batch < kBatches; ++batch) {
    float x[kCount], t[kCount];
    for (int i = 0; i < kCount; ++i) {
      x[i] = (float)((i + batch) % 7 - 3);
      t[i] = (float)((i * (batch + 1)) % 2);
    }
    logits[batch] = upload(x, kCount);
    labels[batch] = upload(t, kCount);
  }
  const float zero = 0;
  void* mean = upload(&zero, 1);

  // The mean has shape [1].
  const int64_t shape[] = {kSamples, kClasses}, one[] = {1};
  aclTensor* self = describe(shape, 2, logits[0]);
  aclTensor* target = describe(shape, 2, labels[0]);
  aclTensor* out = describe(one, 1, mean);

  uint64_t workspace_size = 0;
  aclOpExecutor* executor = NULL;
  CHECK(
      aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, target, NULL, NULL, 1, out, &workspace_size, &executor));
  // Right after phase one: phase two does not use this executor up, and we must destroy it.
  CHECK(aclSetAclOpExecutorRepeatable(executor));
  void* workspace = NULL;
  if (workspace_size > 0) CHECK(aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST));

  for (int batch = 0; batch < kBatches; ++batch) {
    // Shapes, strides and types are fixed; only addresses change. Inputs are counted from 0: self, target, weight,
    // posWeight. An input that was NULL in phase one keeps its number.
    CHECK(aclSetInputTensorAddr(executor, 0, self, logits[batch]));
    CHECK(aclSetInputTensorAddr(executor, 1, target, labels[batch]));
    CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, workspace_size, executor, stream));
    CHECK(aclrtSynchronizeStream(stream));
    float value = -1;
    CHECK(aclrtMemcpy(&value, sizeof value, mean, sizeof value, ACL_MEMCPY_DEVICE_TO_HOST));
    printf("batch %d: mean loss %.7f\n", batch, value);
  }

  CHECK(aclDestroyAclOpExecutor(executor));
  CHECK(aclDestroyTensor(self));
  CHECK(aclDestroyTensor(target));
  CHECK(aclDestroyTensor(out));
  for (int batch = 0; batch < kBatches; ++batch) {
    CHECK(aclrtFree(logits[batch]));
    CHECK(aclrtFree(labels[batch]));
  }
  CHECK(aclrtFree(mean));
  if (workspace != NULL) CHECK(aclrtFree(workspace));
  CHECK(aclrtDestroyStream(stream));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
