// Two streams at work at the same time: one brings the next batch in while the other computes the loss of this one.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

namespace {

constexpr int kBatches = 6, kBuffers = 2;
constexpr std::int64_t kCount = 100000;
constexpr std::size_t kBytes = kCount * sizeof(float);

void check(int status, const char* call) {
  if (status == ACL_SUCCESS) return;
  const char* why = aclGetRecentErrMsg();
  std::fprintf(stderr, "%s\n  returned %d: %s\n", call, status, why ? why : "no text");
  std::exit(1);
}
#define CHECK(call) check((call), #call)

template <class T>
T* device_memory(std::size_t bytes) {
  void* memory = nullptr;
  CHECK(aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
  return static_cast<T*>(memory);
}

aclTensor* describe(std::int64_t count, void* memory) {
  aclTensor* tensor = aclCreateTensor(&count, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &count, 1, memory);
  check(tensor != nullptr ? ACL_SUCCESS : ACL_ERROR_FAILURE, "aclCreateTensor");
  return tensor;
}

// Called by the stream when the work before it is done. It must not call the runtime.
void count_batch(void* done) { ++*static_cast<int*>(done); }

}  // namespace

int main() {
  CHECK(aclInit(nullptr));
  CHECK(aclrtSetDevice(0));
  aclrtStream copies = nullptr, compute = nullptr;
  CHECK(aclrtCreateStream(&copies));
  CHECK(aclrtCreateStream(&compute));

  // Copies from pinned host memory are asynchronous; those from ordinary memory would make the call wait.
  float *host[kBatches], *means = nullptr;
  for (int batch = 0; batch < kBatches; ++batch) {
    void* memory = nullptr;
    CHECK(aclrtMallocHost(&memory, kBytes));
    host[batch] = static_cast<float*>(memory);
    for (std::int64_t i = 0; i < kCount; ++i) host[batch][i] = static_cast<float>(batch);
  }
  void* memory = nullptr;
  CHECK(aclrtMallocHost(&memory, kBatches * sizeof(float)));
  means = static_cast<float*>(memory);

  // Two buffers of logits in turn; all labels are 1, so that the loss of a batch of logits x is log(1 + exp(-x)).
  float* logits[kBuffers] = {device_memory<float>(kBytes), device_memory<float>(kBytes)};
  float* labels = device_memory<float>(kBytes);
  float* results = device_memory<float>(kBatches * sizeof(float));
  for (std::int64_t i = 0; i < kCount; ++i) host[0][i] = 1;
  CHECK(aclrtMemcpy(labels, kBytes, host[0], kBytes, ACL_MEMCPY_HOST_TO_DEVICE));
  for (std::int64_t i = 0; i < kCount; ++i) host[0][i] = 0;
  aclTensor* target = describe(kCount, labels);

  aclrtEvent filled[kBuffers], used[kBuffers], start = nullptr, end = nullptr;
  for (int buffer = 0; buffer < kBuffers; ++buffer) {
    CHECK(aclrtCreateEvent(&filled[buffer]));
    CHECK(aclrtCreateEvent(&used[buffer]));
  }
  CHECK(aclrtCreateEvent(&start));
  CHECK(aclrtCreateEvent(&end));

  int done = 0;
  void* workspaces[kBatches] = {};
  CHECK(aclrtRecordEvent(start, compute));
  for (int batch = 0; batch < kBatches; ++batch) {
    const int buffer = batch % kBuffers;
    // A buffer is filled again when the loss of the batch before in it has been computed.
    if (batch >= kBuffers) CHECK(aclrtStreamWaitEvent(copies, used[buffer]));
    CHECK(aclrtMemcpyAsync(logits[buffer], kBytes, host[batch], kBytes, ACL_MEMCPY_HOST_TO_DEVICE, copies));
    CHECK(aclrtRecordEvent(filled[buffer], copies));

    CHECK(aclrtStreamWaitEvent(compute, filled[buffer]));
    aclTensor* self = describe(kCount, logits[buffer]);
    aclTensor* out = describe(1, results + batch);
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    CHECK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, target, nullptr, nullptr, 1, out, &size, &executor));
    if (size > 0) workspaces[batch] = device_memory<void>(size);
    CHECK(aclnnBinaryCrossEntropyWithLogits(workspaces[batch], size, executor, compute));
    CHECK(aclrtRecordEvent(used[buffer], compute));
    CHECK(aclrtLaunchHostFunc(compute, count_batch, &done));
    CHECK(aclDestroyTensor(self));
    CHECK(aclDestroyTensor(out));
  }
  CHECK(aclrtMemcpyAsync(means, kBatches * sizeof(float), results, kBatches * sizeof(float), ACL_MEMCPY_DEVICE_TO_HOST,
                         compute));
  CHECK(aclrtRecordEvent(end, compute));
  // Up to here nothing had to wait.
  CHECK(aclrtSynchronizeEvent(end));

  float milliseconds = 0;
  CHECK(aclrtEventElapsedTime(&milliseconds, start, end));
  for (int batch = 0; batch < kBatches; ++batch) std::printf("batch %d: mean loss %.7f\n", batch, means[batch]);
  std::printf("%d batches in %.3f ms\n", done, milliseconds);

  for (aclrtEvent event : {filled[0], filled[1], used[0], used[1], start, end}) CHECK(aclrtDestroyEvent(event));
  for (int batch = 0; batch < kBatches; ++batch) {
    CHECK(aclrtFreeHost(host[batch]));
    if (workspaces[batch] != nullptr) CHECK(aclrtFree(workspaces[batch]));
  }
  for (float* each : {logits[0], logits[1], labels, results}) CHECK(aclrtFree(each));
  CHECK(aclrtFreeHost(means));
  CHECK(aclDestroyTensor(target));
  CHECK(aclrtDestroyStream(copies));
  CHECK(aclrtDestroyStream(compute));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
