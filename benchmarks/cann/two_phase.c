/* Times the two-phase call as a C program makes it; prints `name nanoseconds` lines. Built by benchmarks/cann. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

#define CHECK(call)                                                       \
  do {                                                                    \
    int status_ = (call);                                                 \
    if (status_ != 0) {                                                   \
      const char* text_ = aclGetRecentErrMsg();                           \
      fprintf(stderr, "%s: %d %s\n", #call, status_, text_ ? text_ : ""); \
      exit(1);                                                            \
    }                                                                     \
  } while (0)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static aclTensor* tensor(int64_t n, void* data) {
  return aclCreateTensor(&n, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, &n, 1, data);
}

int main(int argc, char** argv) {
  const int64_t n = argc > 1 ? atoll(argv[1]) : 64;
  const int repeats = argc > 2 ? atoi(argv[2]) : 100000;
  const int64_t reduction = argc > 3 ? atoll(argv[3]) : 1;
  CHECK(aclInit(NULL));
  CHECK(aclrtSetDevice(0));
  aclrtStream stream;
  CHECK(aclrtCreateStream(&stream));
  void *x, *t, *y, *workspace = NULL;
  CHECK(aclrtMalloc(&x, (size_t)n * 4, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMalloc(&t, (size_t)n * 4, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMalloc(&y, (size_t)n * 4, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMemset(x, (size_t)n * 4, 0, (size_t)n * 4));
  CHECK(aclrtMemset(t, (size_t)n * 4, 0, (size_t)n * 4));
  aclTensor *logits = tensor(n, x), *targets = tensor(n, t), *out = tensor(reduction ? 1 : n, y);
  uint64_t size = 0;
  aclOpExecutor* executor;
  CHECK(
      aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(logits, targets, NULL, NULL, reduction, out, &size, &executor));
  if (size > 0) CHECK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
  CHECK(aclrtSynchronizeStream(stream));

  double first = 0, second = 0, start = now();
  for (int i = 0; i < repeats; ++i) {
    const double a = now();
    CHECK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(logits, targets, NULL, NULL, reduction, out, &size,
                                                            &executor));
    const double b = now();
    CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
    first += b - a;
    second += now() - b;
  }
  CHECK(aclrtSynchronizeStream(stream));
  printf("phase_one %.1f\nphase_two %.1f\nfresh %.1f\n", first / repeats, second / repeats, (now() - start) / repeats);

  CHECK(
      aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(logits, targets, NULL, NULL, reduction, out, &size, &executor));
  CHECK(aclSetAclOpExecutorRepeatable(executor));
  start = now();
  for (int i = 0; i < repeats; ++i) CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
  CHECK(aclrtSynchronizeStream(stream));
  printf("repeatable %.1f\n", (now() - start) / repeats);

  start = now();
  for (int i = 0; i < repeats; ++i) {
    CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
    CHECK(aclrtSynchronizeStream(stream));
  }
  printf("repeatable_synchronized %.1f\n", (now() - start) / repeats);

  start = now();
  for (int i = 0; i < repeats; ++i) {
    CHECK(aclSetInputTensorAddr(executor, 0, logits, x));
    CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
  }
  CHECK(aclrtSynchronizeStream(stream));
  printf("repeatable_new_address %.1f\n", (now() - start) / repeats);

  start = now();
  for (int i = 0; i < repeats; ++i) {
    aclTensor* one = tensor(n, x);
    CHECK(aclDestroyTensor(one));
  }
  printf("tensor_create_destroy %.1f\n", (now() - start) / repeats);

  start = now();
  for (int i = 0; i < repeats; ++i) {
    void* p;
    CHECK(aclrtMalloc(&p, (size_t)n * 4, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclrtFree(p));
  }
  printf("malloc_free %.1f\n", (now() - start) / repeats);

  CHECK(aclDestroyAclOpExecutor(executor));
  CHECK(aclDestroyTensor(logits));
  CHECK(aclDestroyTensor(targets));
  CHECK(aclDestroyTensor(out));
  CHECK(aclrtFree(x));
  CHECK(aclrtFree(t));
  CHECK(aclrtFree(y));
  if (workspace) CHECK(aclrtFree(workspace));
  CHECK(aclrtDestroyStream(stream));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
