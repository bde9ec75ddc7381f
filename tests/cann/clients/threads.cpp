// Many threads at once: no lost work, and errors at worst.
#include <atomic>

#include "device.hpp"

namespace {

// Instrumented programs run the same code fewer times.
bool few() { return std::getenv("FEWER") != nullptr; }

}  // namespace

TEST(eight_threads_use_everything_at_once) {
  Device device;
  Stream shared;
  Event shared_event;
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  std::atomic<int> callbacks{0};
  const int rounds = few() ? 20 : 300;
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; ++id) {
    threads.emplace_back([&, id] {
      if (id % 2) {
        OK(aclrtSetDevice(0));
      } else {
        OK(aclrtSetCurrentContext(context));
      }
      for (int i = 0; i < rounds; ++i) {
        Stream own;
        Event event;
        Loss loss(static_cast<std::size_t>(i % 3 == 0 ? 20000 : 100));
        OK(loss.phase_one());
        OK(loss.phase_two(i % 2 ? shared : own));
        OK(aclrtRecordEvent(event, i % 2 ? shared : own));
        OK(aclrtStreamWaitEvent(nullptr, event));
        OK(aclrtRecordEvent(shared_event, own));
        OK(aclrtLaunchHostFunc(own, count_up, &callbacks));
        REFUSED(aclrtFree(&loss));
        CHECK_SAYS("aclrtFree");
        OK(aclrtSynchronizeEvent(event));
        CHECK(loss.done());
        if (i % 50 == 0) OK(aclrtSynchronizeDevice());
      }
      if (id % 2) OK(aclrtResetDevice(0));
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(aclrtSynchronizeDevice());
  CHECK_EQ(callbacks.load(), 8 * rounds);
}

TEST(threads_that_set_and_reset_the_device_do_not_disturb_each_other) {
  OK(aclInit(nullptr));
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; ++id) {
    threads.emplace_back([] {
      for (int i = 0; i < (few() ? 10 : 200); ++i) {
        OK(aclrtSetDevice(0));
        {
          Stream stream;
          Loss loss(100), large(20000);
          OK(loss.phase_one());
          OK(loss.phase_two());  // the default stream, which may be new in every round
          OK(large.phase_one());
          OK(large.phase_two(stream));
          OK(aclrtSynchronizeStream(nullptr));
          OK(aclrtSynchronizeStream(stream));
          CHECK(loss.done() && large.done());
        }
        OK(aclrtResetDevice(0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(aclFinalize());
}

TEST(memory_that_is_freed_while_work_runs_on_it_does_no_harm) {
  Device device;
  Stream stream;
  const std::size_t n = 1 << 20, bytes = n * sizeof(float);
  for (int round = 0; round < (few() ? 5 : 60); ++round) {
    void* memory = nullptr;
    OK(aclrtMalloc(&memory, 3 * bytes, ACL_MEM_MALLOC_HUGE_FIRST));
    OK(aclrtMemset(memory, 3 * bytes, 0, 3 * bytes));
    char* base = static_cast<char*>(memory);
    const std::int64_t count = n;
    aclTensor *x = tensor({count}, base), *t = tensor({count}, base + bytes), *o = tensor({count}, base + 2 * bytes);
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, t, nullptr, nullptr, 0, o, &size, &executor));
    OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream));
    OK(aclrtMemcpyAsync(base, bytes, base + bytes, bytes, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
    OK(aclrtFree(memory));
    void* next = nullptr;  // may get the same addresses
    OK(aclrtMalloc(&next, 3 * bytes, ACL_MEM_MALLOC_HUGE_FIRST));
    const int code = aclrtSynchronizeStream(stream);
    CHECK(code == 0 || code == 507015);
    OK(aclrtFree(next));
    for (aclTensor* each : {x, t, o}) OK(aclDestroyTensor(each));
  }
}

TEST(threads_that_work_while_another_finalizes_get_errors_at_worst) {
  for (int round = 0; round < (few() ? 3 : 10); ++round) {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
      threads.emplace_back([&stop] {
        std::vector<float> self(3000, 0.0F), out(3000);
        aclrtSetDevice(0);
        while (!stop) {
          aclTensor *x = tensor({3000}, self.data()), *o = tensor({3000}, out.data());
          aclrtStream stream = nullptr;
          std::uint64_t size = 0;
          aclOpExecutor* executor = nullptr;
          if (aclrtCreateStream(&stream) == 0) {
            if (aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, x, nullptr, nullptr, 0, o, &size, &executor) ==
                0) {
              aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream);
            }
            aclrtSynchronizeStream(stream);
            aclrtDestroyStream(stream);
          }
          aclDestroyTensor(x);
          aclDestroyTensor(o);
        }
      });
    }
    pause(10);
    OK(aclFinalize());
    pause(10);
    stop = true;
    for (std::thread& thread : threads) thread.join();
  }
}
