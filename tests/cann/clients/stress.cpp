// Many objects: no growth.
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "device.hpp"

namespace {

// Instrumented programs run the same code fewer times.
const int kScale = std::getenv("FEWER") ? 100 : 1;

// Resident memory in bytes.
std::size_t resident() {
  std::size_t pages = 0, total = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Runs `work` n times. Memory must not grow by a megabyte meanwhile; what really leaks does so in every round, while
// the allocator takes a new arena for a thread only now and then.
template <class Work>
void repeat_without_growth(int n, Work work) {
  n /= kScale;
  for (int i = 0; i < n / 10; ++i) work();
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = resident();
    for (int i = 0; i < n; ++i) work();
    const std::size_t after = resident();
    if (kScale != 1 || after < before + (1 << 20)) return;
    std::fprintf(stderr, "%zu KiB, then %zu KiB\n", before >> 10, after >> 10);
  }
  CHECK(!"memory grows");
}

}  // namespace

TEST(tensors_and_executors_come_and_go_without_growth) {
  Device device;
  Array<float> data(64, 0.0F), out(64, -1.0F);
  repeat_without_growth(100000, [&] {
    aclTensor *x = tensor({64}, data.data), *o = tensor({64}, out.data);
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, x, nullptr, nullptr, 0, o, &size, &executor));
    OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, nullptr));
    OK(aclDestroyTensor(x));
    OK(aclDestroyTensor(o));
  });
  OK(aclrtSynchronizeStream(nullptr));
  for (float value : out.read()) CHECK_EQ(value, kLog2);
}

TEST(streams_come_and_go_without_growth) {
  Device device;
  repeat_without_growth(10000, [] { Stream stream; });
}

TEST(streams_that_did_work_come_and_go_without_growth) {
  Device device;
  std::atomic<int> count{0};
  int launched = 0;
  repeat_without_growth(5000, [&] {
    Stream stream;
    OK(aclrtLaunchHostFunc(stream, count_up, &count));
    ++launched;
  });
  CHECK_EQ(count.load(), launched);
}

TEST(events_come_and_go_without_growth) {
  Device device;
  Stream stream;
  repeat_without_growth(50000, [&stream] {
    Event event;
    OK(aclrtRecordEvent(event, stream));
    OK(aclrtStreamWaitEvent(nullptr, event));
  });
  OK(aclrtSynchronizeDevice());
}

TEST(memory_comes_and_goes_without_growth) {
  Device device;
  std::size_t size = 1;
  repeat_without_growth(100000, [&size] {
    void *d = nullptr, *h = nullptr;
    size = (size * 7 + 13) % 30000 + 1;
    OK(aclrtMalloc(&d, size, ACL_MEM_MALLOC_HUGE_FIRST));
    OK(aclrtMallocHost(&h, size));
    OK(aclrtFree(d));
    OK(aclrtFreeHost(h));
  });
}

TEST(large_memory_comes_and_goes_without_growth) {
  Device device;
  repeat_without_growth(200, [] {
    void* d = nullptr;
    OK(aclrtMalloc(&d, std::size_t{64} << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    OK(aclrtMemset(d, 1 << 20, 1, 1 << 20));
    OK(aclrtFree(d));
  });
}

TEST(contexts_come_and_go_without_growth) {
  Device device;
  aclrtContext standard = nullptr;
  OK(aclrtGetCurrentContext(&standard));
  repeat_without_growth(2000, [standard] {
    aclrtContext context = nullptr;
    OK(aclrtCreateContext(&context, 0));
    OK(aclrtSetCurrentContext(standard));
    OK(aclrtDestroyContext(context));
  });
}

TEST(messages_that_nobody_reads_do_not_pile_up) {
  Device device;
  Loss loss(4);
  repeat_without_growth(100000, [&loss] {
    REFUSED(aclrtFree(nullptr));
    FAILS(161001, aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(nullptr, loss.target_tensor, nullptr, nullptr, 0,
                                                                    loss.out_tensor, &loss.size, &loss.executor));
  });
  CHECK(!recent().empty());
}

TEST(executors_that_are_never_used_and_destroyed_do_not_pile_up) {
  Device device;
  Loss loss(4);
  repeat_without_growth(100000, [&loss] {
    OK(loss.phase_one());
    OK(aclDestroyAclOpExecutor(loss.executor));
  });
}
