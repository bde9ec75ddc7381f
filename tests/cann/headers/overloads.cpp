// Which C function each C++ overload calls, and with what. The C functions here only record that they were called.
#include <cstdio>
#include <cstring>

#include "acl/acl_rt_api.h"

namespace {

const char* called = "";
void* allocated = nullptr;
int failures = 0;

aclError note(const char* name) {
  called = name;
  return ACL_SUCCESS;
}

void expect(aclError error, const char* name) {
  if (error == ACL_SUCCESS && std::strcmp(called, name) == 0) return;
  std::printf("expected a call of %s, got %s\n", name, called);
  ++failures;
}

}  // namespace

extern "C" {
aclError aclrtSynchronizeDevice(void) { return note("device"); }
aclError aclrtSynchronizeDeviceWithTimeout(int32_t ms) { return ms == 7 ? note("device, 7") : 1; }
aclError aclrtSynchronizeStreamWithTimeout(aclrtStream, int32_t ms) { return ms == 7 ? note("stream, 7") : 1; }
aclError aclrtSynchronizeEventWithTimeout(aclrtEvent, int32_t ms) { return ms == 7 ? note("event, 7") : 1; }
aclError aclrtStreamWaitEventWithTimeout(aclrtStream, aclrtEvent, int32_t s) { return s == 7 ? note("wait, 7") : 1; }
aclError aclrtCreateStreamWithConfig(aclrtStream*, uint32_t p, uint32_t f) { return p + f == 3 ? note("stream") : 1; }
aclError aclrtCreateEventWithFlag(aclrtEvent*, uint32_t flag) { return flag == 1 ? note("event") : 1; }
aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy) {
  if (devPtr == nullptr || size != 12) return ACL_ERROR_RT_PARAM_INVALID;
  *devPtr = allocated;
  return note("malloc");
}
aclError aclrtMallocHost(void** hostPtr, size_t size) {
  if (hostPtr == nullptr || size != 12) return ACL_ERROR_RT_PARAM_INVALID;
  *hostPtr = allocated;
  return note("malloc host");
}
aclError aclrtMemcpy(void*, size_t, const void*, size_t, aclrtMemcpyKind) { return note("copy"); }
aclError aclrtMemcpyAsync(void*, size_t, const void*, size_t, aclrtMemcpyKind, aclrtStream) { return note("async"); }
aclError aclrtMemcpy2d(void*, size_t, const void*, size_t, size_t, size_t, aclrtMemcpyKind) { return note("2d"); }
aclError aclrtMemcpy2dAsync(void*, size_t, const void*, size_t, size_t, size_t, aclrtMemcpyKind, aclrtStream) {
  return note("2d async");
}
}

int main() {
  float memory[3] = {};
  const float source[3] = {};
  allocated = memory;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;

  expect(aclrtSynchronizeDevice(), "device");
  expect(aclrtSynchronizeDevice(7), "device, 7");
  expect(aclrtSynchronizeStream(stream, 7), "stream, 7");
  expect(aclrtSynchronizeEvent(event, 7), "event, 7");
  expect(aclrtStreamWaitEvent(stream, event, 7), "wait, 7");
  expect(aclrtCreateStream(&stream, 1, 2), "stream");
  expect(aclrtCreateEvent(&event, ACL_EVENT_SYNC), "event");

  float* typed = nullptr;
  void* untyped = nullptr;
  expect(aclrtMalloc(&typed, sizeof(memory)), "malloc");
  expect(aclrtMalloc(&untyped, sizeof(memory)), "malloc");
  expect(aclrtMalloc(&untyped, sizeof(memory), ACL_MEM_MALLOC_NORMAL_ONLY), "malloc");
  if (typed != memory || untyped != memory) ++failures;
  typed = nullptr;
  expect(aclrtMallocHost(&typed, sizeof(memory)), "malloc host");
  if (typed != memory) ++failures;
  if (aclrtMalloc(static_cast<float**>(nullptr), sizeof(memory)) == ACL_SUCCESS) ++failures;
  float* untouched = memory + 1;
  if (aclrtMalloc(&untouched, 0) == ACL_SUCCESS || untouched != memory + 1) ++failures;

  const aclrtMemcpyKind kind = ACL_MEMCPY_HOST_TO_DEVICE;
  expect(aclrtMemcpy(memory, sizeof(memory), source, sizeof(source), kind), "copy");
  expect(aclrtMemcpy(untyped, sizeof(memory), source, sizeof(source), kind), "copy");
  expect(aclrtMemcpyAsync(memory, sizeof(memory), source, sizeof(source), kind, stream), "async");
  expect(aclrtMemcpy2d(memory, 4, source, 4, 4, 3, kind), "2d");
  expect(aclrtMemcpy2dAsync(memory, 4, source, 4, 4, 3, kind, stream), "2d async");
  return failures;
}
