// Hostile use of streams and devices: what is legal but unusual must work, all else is an error.
#include <atomic>

#include "device.hpp"

namespace {

// Instrumented programs run the same code fewer times.
bool few() { return std::getenv("FEWER") != nullptr; }

aclrtContext current() {
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  return context;
}

void wait_until_complete(aclrtStream stream) {
  for (aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY; status != ACL_STREAM_STATUS_COMPLETE; pause(1)) {
    OK(aclrtStreamQuery(stream, &status));
  }
}

}  // namespace

TEST(an_abort_returns_although_another_thread_was_copying_on_the_stream) {
  Device device;
  const aclrtContext context = current();
  const std::size_t n = std::size_t{64} << 20;
  const std::vector<char> from(n, 1);
  Array<char> to(n);
  for (int round = 0; round < 10; ++round) {
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    std::atomic<bool> begun{false};
    std::thread copier([&] {
      OK(aclrtSetCurrentContext(context));
      begun = true;
      aclrtMemcpyAsync(to.data, n, from.data(), n, ACL_MEMCPY_HOST_TO_DEVICE, stream);  // done when it returns
    });
    while (!begun) std::this_thread::yield();
    pause(round);
    OK(aclrtStreamAbort(stream));
    copier.join();
    aclrtDestroyStream(stream);
  }
}

TEST(synchronize_does_not_wait_for_what_others_queue_after_it) {
  Device device;
  const aclrtContext context = current();
  std::atomic<int> queued{0}, run{0};
  std::atomic<bool> stop{false};
  const int most = 4000;
  std::thread busy([&] {  // never lets the default stream become empty
    OK(aclrtSetCurrentContext(context));
    while (!stop && queued < most) {
      if (queued - run > 100) {
        std::this_thread::yield();
        continue;
      }
      ++queued;
      OK(aclrtLaunchHostFunc(
          nullptr,
          [](void* user) {
            std::this_thread::sleep_for(std::chrono::microseconds(300));
            ++*static_cast<std::atomic<int>*>(user);
          },
          &run));
    }
  });
  while (run == 0) pause(1);
  std::atomic<bool> mine{false};
  OK(aclrtLaunchHostFunc(nullptr, [](void* user) { *static_cast<std::atomic<bool>*>(user) = true; }, &mine));
  OK(aclrtSynchronizeStream(nullptr));
  const int others = queued;
  stop = true;
  busy.join();
  CHECK(mine);
  CHECK(others < most);
  OK(aclrtSynchronizeStream(nullptr));
}

TEST(a_stream_that_stops_on_failure_drops_even_what_could_be_done_at_once) {
  Device device;
  Stream stream;
  Loss loss(8);
  Array<char> filled(64, 1);
  const std::vector<char> ordinary(64, 2);
  void* gone = nullptr;
  OK(aclrtSetStreamFailureMode(stream, ACL_STOP_ON_FAILURE));
  OK(aclrtMalloc(&gone, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  Gate gate;
  gate.hold(stream);
  OK(aclrtMemsetAsync(gone, 64, 1, 64, stream));
  OK(aclrtFree(gone));
  gate.open();
  wait_until_complete(stream);
  OK(aclrtMemsetAsync(filled.data, 64, 7, 64, stream));
  OK(aclrtMemcpyAsync(filled.data, 64, ordinary.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
  OK(loss.phase_one());
  OK(loss.phase_two(stream));
  FAILS(507015, aclrtSynchronizeStream(stream));
  CHECK(filled.read() == std::vector<char>(64, 1));
  CHECK(loss.untouched());
  OK(loss.phase_one());  // the failure was reported, the stream goes on
  OK(loss.phase_two(stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(loss.done());
}

TEST(a_host_function_that_throws_is_a_failure_of_its_stream) {
  Device device;
  for (bool before : {false, true}) {  // served by the thread that synchronizes, or by one of the runtime
    Stream stream;
    OK(aclrtLaunchHostFunc(stream, [](void*) { throw 1; }, nullptr));
    if (before) wait_until_complete(stream);
    FAILS(507015, aclrtSynchronizeStream(stream));
    CHECK_SAYS("exception");
    Loss loss(8);
    OK(loss.phase_one());
    OK(loss.phase_two(stream));
    OK(aclrtSynchronizeStream(stream));
    CHECK(loss.done());
  }
}

TEST(a_thread_that_sets_the_device_while_another_resets_it_keeps_its_memory) {
  setenv("BCELOGITS_DEVICE_COUNT", "2", 1);
  OK(aclInit(nullptr));
  std::vector<aclrtContext> others(few() ? 10 : 4000);  // resetting a device looks at every context
  for (aclrtContext& each : others) OK(aclrtCreateContext(&each, 1));
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < 2; ++id) {
    threads.emplace_back([&ready, id] {
      for (++ready; ready < 2;) std::this_thread::yield();
      for (int i = 0; i < (few() ? 20 : 1000); ++i) {
        OK(aclrtSetDevice(0));
        void* p = nullptr;
        OK(aclrtMalloc(&p, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
        for (int k = 0; k < 30; ++k) OK(aclrtMemset(p, 4096, k, 4096));
        OK(aclrtFree(p));
        OK(aclrtResetDevice(0));
        std::this_thread::sleep_for(std::chrono::microseconds(i * (37 + id) % 200));  // the other may be the last
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(aclFinalize());
}

TEST(reset_device_force_drops_work_that_waits_for_ever) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  aclrtEvent never = nullptr;
  std::atomic<bool> ran{false};
  OK(aclrtCreateStream(&stream));
  OK(aclrtCreateEvent(&never));
  OK(aclrtStreamWaitEvent(stream, never));
  OK(aclrtLaunchHostFunc(stream, [](void* user) { *static_cast<std::atomic<bool>*>(user) = true; }, &ran));
  OK(aclrtResetDeviceForce(0));
  CHECK(!ran);
  OK(aclFinalize());
}
