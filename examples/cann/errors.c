// What happens when something is wrong: each documented error, its code, and the text that says what to change.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"

// For calls that must succeed.
static void check(int status, const char* call) {
  if (status == ACL_SUCCESS) return;
  const char* why = aclGetRecentErrMsg();
  fprintf(stderr, "%s\n  returned %d: %s\n", call, status, why ? why : "no text");
  exit(1);
}
#define CHECK(call) check((call), #call)

// Prints the code of a call that is wrong, and the text. Reading the text clears it.
static void show(const char* what, int status) {
  const char* text = aclGetRecentErrMsg();
  printf("%s\n  code %d\n  %s\n", what, status, text ? text : "no text");
}

static void* memory;  // device memory that all tensors share; nothing is computed here

static aclTensor* tensor(int64_t rows, int64_t columns, aclDataType type, aclFormat format) {
  const int64_t shape[] = {rows, columns};
  aclTensor* made = aclCreateTensor(shape, 2, type, NULL, 0, format, shape, 2, memory);
  check(made != NULL ? ACL_SUCCESS : ACL_ERROR_FAILURE, "aclCreateTensor");
  return made;
}

static aclOpExecutor* executor;
static uint64_t size;

static int phase_one(const aclTensor* self, const aclTensor* target, const aclTensor* weight, int64_t reduction,
                     aclTensor* out) {
  return aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, target, weight, NULL, reduction, out, &size,
                                                           &executor);
}

// Errors of the operators: phase one finds nearly all of them, before anything is written.
static void operator_errors(void) {
  aclTensor* self = tensor(4, 2, ACL_FLOAT, ACL_FORMAT_ND);
  aclTensor* target = tensor(4, 2, ACL_FLOAT, ACL_FORMAT_ND);
  aclTensor* wide = tensor(4, 3, ACL_FLOAT, ACL_FORMAT_ND);
  aclTensor* whole_numbers = tensor(4, 2, ACL_INT32, ACL_FORMAT_ND);
  aclTensor* blocked = tensor(4, 2, ACL_FLOAT, ACL_FORMAT_FRACTAL_NZ);
  void* result = NULL;
  CHECK(aclrtMalloc(&result, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  const int64_t shape[] = {4, 2};
  aclTensor* out = aclCreateTensor(shape, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, shape, 2, result);
  aclTensor* half = aclCreateTensor(shape, 2, ACL_FLOAT16, NULL, 0, ACL_FORMAT_ND, shape, 2, result);

  show("a tensor that is required is NULL", phase_one(self, NULL, NULL, 0, out));
  show("shapes that differ", phase_one(self, wide, NULL, 0, out));
  show("a weight that does not broadcast", phase_one(self, target, wide, 0, out));
  show("a type that is not supported", phase_one(whole_numbers, target, NULL, 0, out));
  show("a format with blocks", phase_one(blocked, target, NULL, 0, out));
  show("a reduction that does not exist", phase_one(self, target, NULL, 3, out));
  show("an output of another type than target", phase_one(self, target, NULL, 0, half));
  show("an output that is not one element for a mean", phase_one(self, target, NULL, 1, out));

  CHECK(phase_one(self, target, NULL, 0, out));
  show("the executor of another operator", aclnnBinaryCrossEntropyWithLogitsBackward(NULL, size, executor, NULL));
  CHECK(phase_one(self, target, NULL, 0, out));
  CHECK(aclnnBinaryCrossEntropyWithLogits(NULL, size, executor, NULL));
  show("phase two again", aclnnBinaryCrossEntropyWithLogits(NULL, size, executor, NULL));
  CHECK(aclrtSynchronizeStream(NULL));

  aclrtStream stream = NULL;
  CHECK(aclrtCreateStream(&stream));
  CHECK(aclrtDestroyStream(stream));
  CHECK(phase_one(self, target, NULL, 0, out));
  show("phase two on a stream that was destroyed", aclnnBinaryCrossEntropyWithLogits(NULL, size, executor, stream));

  aclTensor* all[] = {self, target, wide, whole_numbers, blocked, out, half};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) CHECK(aclDestroyTensor(all[i]));
  show("a tensor that was destroyed", phase_one(self, target, NULL, 0, out));
  CHECK(aclrtFree(result));
}

// Errors of the runtime.
static void runtime_errors(void) {
  float host[16] = {0};
  void* block = NULL;
  show("a device that does not exist", aclrtSetDevice(1000));
  show("no bytes at all", aclrtMalloc(&block, 0, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMalloc(&block, sizeof host, ACL_MEM_MALLOC_HUGE_FIRST));
  show("more bytes than there is room for",
       aclrtMemcpy(block, sizeof host / 2, host, sizeof host, ACL_MEMCPY_HOST_TO_DEVICE));
  CHECK(aclrtFree(block));
  show("memory that was freed", aclrtMemcpy(host, sizeof host, block, sizeof host, ACL_MEMCPY_DEVICE_TO_HOST));
  show("a second free", aclrtFree(block));
  show("NULL freed", aclrtFree(NULL));

  aclrtEvent start = NULL, end = NULL;
  float ms = 0;
  CHECK(aclrtCreateEvent(&start));
  CHECK(aclrtCreateEvent(&end));
  show("the time between events that were not recorded", aclrtEventElapsedTime(&ms, start, end));
  CHECK(aclrtDestroyEvent(start));
  show("an event that was destroyed", aclrtRecordEvent(start, NULL));
  CHECK(aclrtDestroyEvent(end));
}

int main(void) {
  show("a configuration file that is not there", aclInit("no-such-file.json"));
  CHECK(aclInit(NULL));
  show("a second initialisation", aclInit(NULL));
  show("memory before a device was set", aclrtMalloc(&memory, 1024, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtSetDevice(0));
  CHECK(aclrtMalloc(&memory, 1024, ACL_MEM_MALLOC_HUGE_FIRST));
  operator_errors();
  runtime_errors();
  CHECK(aclrtFree(memory));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  show("a second end", aclFinalize());
  return 0;
}
