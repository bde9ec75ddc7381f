// A program that can start no thread, as under a limit on processes: streams say so, and all else works.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "../device.hpp"

static std::atomic<bool> denied{false};

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) noexcept {
  static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return denied ? EAGAIN : real(thread, attributes, start, argument);
}

TEST(work_that_gets_no_thread_is_refused_with_207005_and_holds_nobody) {
  denied = true;
  {
    Device device;
    Stream stream, other;
    Event event;
    std::atomic<int> count{0};
    aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
    FAILS(207005, aclrtLaunchHostFunc(stream, count_up, &count));
    CHECK_SAYS("thread");
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtSynchronizeStreamWithTimeout(stream, 1000));
    OK(aclrtSynchronizeDevice());
    OK(aclrtStreamQuery(stream, &status));
    CHECK_EQ(status, ACL_STREAM_STATUS_COMPLETE);
    CHECK_EQ(count.load(), 0);
    denied = false;  // from now on there are threads
    OK(aclrtRecordEvent(event, stream));
    OK(aclrtStreamWaitEvent(other, event));
    OK(aclrtLaunchHostFunc(other, count_up, &count));
    OK(aclrtSynchronizeEvent(event));
    OK(aclrtSynchronizeStream(other));
    CHECK_EQ(count.load(), 1);
  }
}

TEST(what_is_done_at_once_needs_no_thread) {
  denied = true;
  {
    Device device;
    Stream stream;
    Loss loss(100);
    const std::vector<float> ordinary(100, 0.0F);
    OK(aclrtMemcpyAsync(loss.self.data, 400, ordinary.data(), 400, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    OK(loss.phase_one());
    OK(loss.phase_two(stream));
    OK(aclrtSynchronizeStream(stream));
    CHECK(loss.done());
  }
  denied = false;
}

TEST(an_operator_needs_no_thread_but_that_of_its_stream) {
  Device device;
  Stream stream;
  std::atomic<int> count{0};
  OK(aclrtLaunchHostFunc(stream, count_up, &count));
  OK(aclrtSynchronizeStream(stream));
  denied = true;
  Loss loss(1000000);
  OK(loss.phase_one());
  OK(loss.phase_two(stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(loss.done());
  denied = false;
}

TEST(finalize_needs_no_thread) {
  denied = true;
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  REFUSED(aclrtLaunchHostFunc(nullptr, count_up, nullptr));
  OK(aclFinalize());
  denied = false;
}
