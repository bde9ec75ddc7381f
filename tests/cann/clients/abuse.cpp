// What no program should do, and what must not bring the process down when one does.
#include "device.hpp"

namespace {

// Things that are no handles: addresses of every kind, small numbers, handles of another kind, and noise.
std::vector<void*> garbage(void* other_kind) {
  static int on_heap[64];
  int on_stack = 0;
  std::vector<void*> all{nullptr, other_kind, on_heap, &on_stack, reinterpret_cast<void*>(&garbage)};
  for (std::uintptr_t bits : {1UL, 2UL, 7UL, 8UL, 64UL, 0x1000UL, 0xDEADBEEFUL, ~0UL, ~0UL << 1, 1UL << 63}) {
    all.push_back(reinterpret_cast<void*>(bits));
  }
  std::uint64_t state = 88172645463325252ULL;
  for (int i = 0; i < 2000; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    all.push_back(reinterpret_cast<void*>(i % 2 ? state : state & 0xFFFF));
  }
  // Near misses of a handle that is good.
  for (std::uintptr_t i = 1; i < 64; ++i) {
    all.push_back(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(other_kind) ^ (1ULL << i)));
  }
  return all;
}

template <class T>
T* as(void* p) {
  return static_cast<T*>(p);
}

}  // namespace

TEST(garbage_as_a_runtime_handle_is_refused) {
  Device device;
  Loss loss(8);
  Stream stream;
  Event event;
  aclrtEventRecordedStatus recorded;
  aclrtEventStatus old;
  aclrtStreamStatus status;
  float ms;
  for (void* p : garbage(loss.self_tensor)) {
    if (p) {  // NULL is the default stream
      REFUSED(aclrtSynchronizeStream(p));
      REFUSED(aclrtStreamQuery(p, &status));
      REFUSED(aclrtRecordEvent(event, p));
      REFUSED(aclrtStreamWaitEvent(p, event));
      REFUSED(aclrtMemsetAsync(loss.self.data, 4, 0, 4, p));
    }
    REFUSED(aclrtDestroyStream(p));
    REFUSED(aclrtDestroyStreamForce(p));
    REFUSED(aclrtDestroyEvent(p));
    REFUSED(aclrtRecordEvent(p, stream));
    REFUSED(aclrtStreamWaitEvent(stream, p));
    REFUSED(aclrtQueryEventStatus(p, &recorded));
    REFUSED(aclrtQueryEvent(p, &old));
    REFUSED(aclrtSynchronizeEvent(p));
    REFUSED(aclrtEventElapsedTime(&ms, p, event));
    REFUSED(aclrtSetCurrentContext(p));
    REFUSED(aclrtDestroyContext(p));
    REFUSED(aclrtFree(p));
    if (p) REFUSED(aclrtFreeHost(p));
  }
  OK(aclrtRecordEvent(event, stream));
  OK(aclrtSynchronizeStream(stream));
}

TEST(garbage_as_a_tensor_or_executor_is_refused) {
  Device device;
  Loss loss(8);
  Stream stream;
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  std::int64_t *dims = nullptr, offset;
  for (void* p : garbage(stream)) {
    const aclTensor* t = as<aclTensor>(p);
    REFUSED(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(t, loss.target_tensor, nullptr, nullptr, 0,
                                                              loss.out_tensor, &size, &executor));
    REFUSED(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(loss.self_tensor, loss.target_tensor, nullptr, nullptr, 0,
                                                              as<aclTensor>(p), &size, &executor));
    if (p) {
      REFUSED(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(loss.self_tensor, loss.target_tensor, t, nullptr, 0,
                                                                loss.out_tensor, &size, &executor));
      REFUSED(aclDestroyTensor(t));
      REFUSED(aclDestroyScalar(as<aclScalar>(p)));
      REFUSED(aclDestroyIntArray(as<aclIntArray>(p)));
      REFUSED(aclDestroyFloatArray(as<aclFloatArray>(p)));
      REFUSED(aclDestroyBoolArray(as<aclBoolArray>(p)));
      REFUSED(aclDestroyTensorList(as<aclTensorList>(p)));
      REFUSED(aclDestroyScalarList(as<aclScalarList>(p)));
    }
    REFUSED(aclGetViewShape(t, &dims, &size));
    REFUSED(aclGetViewOffset(t, &offset));
    REFUSED(aclSetRawTensorAddr(as<aclTensor>(p), nullptr));
    REFUSED(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, as<aclOpExecutor>(p), nullptr));
    REFUSED(aclSetAclOpExecutorRepeatable(as<aclOpExecutor>(p)));
    REFUSED(aclDestroyAclOpExecutor(as<aclOpExecutor>(p)));
    REFUSED(aclSetInputTensorAddr(as<aclOpExecutor>(p), 0, loss.self_tensor, nullptr));
    CHECK(aclCreateTensorList(&t, 1) == nullptr || p == nullptr);
  }
  OK(loss.phase_one());
  OK(loss.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
}

TEST(everything_destroyed_twice_is_an_error_and_nothing_else) {
  Device device;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;
  aclrtContext standard = nullptr, context = nullptr;
  OK(aclrtGetCurrentContext(&standard));
  OK(aclrtCreateStream(&stream));
  OK(aclrtCreateEvent(&event));
  OK(aclrtCreateContext(&context, 0));
  OK(aclrtSetCurrentContext(standard));
  const std::int64_t dim = 1;
  const float number = 1;
  const bool yes = true;
  float value = 1;
  aclTensor* t = tensor({1}, nullptr);
  aclScalar* s = aclCreateScalar(&value, ACL_FLOAT);
  aclIntArray* ints = aclCreateIntArray(&dim, 1);
  aclFloatArray* floats = aclCreateFloatArray(&number, 1);
  aclBoolArray* bools = aclCreateBoolArray(&yes, 1);
  aclTensorList* list = aclCreateTensorList(nullptr, 0);
  for (int i = 0; i < 3; ++i) {
    const auto check = [i](int code) { CHECK((code == 0) == (i == 0)); };
    check(aclrtDestroyStream(stream));
    check(aclrtDestroyEvent(event));
    check(aclrtDestroyContext(context));
    check(aclDestroyTensor(t));
    check(aclDestroyScalar(s));
    check(aclDestroyIntArray(ints));
    check(aclDestroyFloatArray(floats));
    check(aclDestroyBoolArray(bools));
    if (list) check(aclDestroyTensorList(list));
  }
}

TEST(a_handle_that_was_destroyed_is_not_taken_for_a_newer_one) {
  Device device;
  aclTensor* old = tensor({1}, nullptr);
  aclrtStream old_stream = nullptr;
  OK(aclDestroyTensor(old));
  OK(aclrtCreateStream(&old_stream));
  OK(aclrtDestroyStream(old_stream));
  for (int i = 0; i < 3000; ++i) {
    aclTensor* next = tensor({1}, nullptr);
    CHECK(next != old);
    OK(aclDestroyTensor(next));
  }
  for (int i = 0; i < 300; ++i) {
    Stream next;
    CHECK(next.handle != old_stream);
    REFUSED(aclrtSynchronizeStream(old_stream));
  }
  REFUSED(aclDestroyTensor(old));
}

TEST(memory_freed_before_phase_two_or_while_queued_is_an_error_not_a_crash) {
  Device device;
  Stream stream;
  for (bool queued : {false, true}) {
    for (int which = 0; which < 3; ++which) {
      Loss loss(5000);
      void* extra = nullptr;
      OK(aclrtMalloc(&extra, 20000, ACL_MEM_MALLOC_HUGE_FIRST));
      aclTensor* t = tensor({5000}, extra);
      aclTensor** place[] = {&loss.self_tensor, &loss.target_tensor, &loss.out_tensor};
      std::swap(t, *place[which]);
      Gate gate;
      gate.hold(stream);
      OK(loss.phase_one());
      if (!queued) OK(aclrtFree(extra));
      int code = loss.phase_two(stream);
      if (queued) {
        OK(code);
        OK(aclrtFree(extra));
      }
      gate.open();
      const int later = aclrtSynchronizeStream(stream);
      CHECK(code != 0 || later == 507015);
      CHECK(contains(recent(), "freed"));
      OK(aclDestroyTensor(t));
    }
  }
}
