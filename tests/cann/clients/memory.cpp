// Device and host memory: alignment, what may be freed, what was written where nothing may be, the figures.

#include "device.hpp"

namespace {

constexpr aclrtMemMallocPolicy kPolicy = ACL_MEM_MALLOC_HUGE_FIRST;

void* allocate(std::size_t bytes) {
  void* p = nullptr;
  OK(aclrtMalloc(&p, bytes, kPolicy));
  return p;
}

}  // namespace

TEST(device_and_host_memory_is_aligned_to_64_bytes) {
  Device device;
  for (std::size_t size : {1U, 31U, 64U, 1000U, 1U << 20, 100000000U}) {
    void *d = allocate(size), *h = nullptr, *c = nullptr, *a = nullptr;
    OK(aclrtMallocHost(&h, size));
    OK(aclrtMallocCached(&c, size, kPolicy));
    OK(aclrtMallocAlign32(&a, size, kPolicy));
    for (void* p : {d, h, c, a}) CHECK_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0U);
    OK(aclrtFree(d));
    OK(aclrtFreeHost(h));
    OK(aclrtFree(c));
    OK(aclrtFree(a));
  }
}

TEST(size_zero_and_null_outputs_are_107000) {
  Device device;
  void* p = &device;
  FAILS(107000, aclrtMalloc(&p, 0, kPolicy));
  CHECK_SAYS("size");
  FAILS(107000, aclrtMallocHost(&p, 0));
  FAILS(107000, aclrtMalloc(nullptr, 64, kPolicy));
  FAILS(107000, aclrtMallocHost(nullptr, 64));
  CHECK_EQ(p, static_cast<void*>(&device));
}

TEST(every_policy_is_accepted_even_one_outside_the_enum) {
  Device device;
  for (int policy : {0, 1, 2, 3, 4, 5, 6, 7, 0x100, 0x1000, 12345}) {
    void* p = nullptr;
    OK(aclrtMalloc(&p, 100, static_cast<aclrtMemMallocPolicy>(policy)));
    OK(aclrtFree(p));
  }
}

TEST(freeing_null_twice_or_an_unknown_pointer_is_107000) {
  Device device;
  void* p = allocate(100);
  std::vector<char> mine(100);
  FAILS(107000, aclrtFree(nullptr));
  FAILS(107000, aclrtFree(static_cast<char*>(p) + 64));
  FAILS(107000, aclrtFree(mine.data()));
  OK(aclrtFree(p));
  FAILS(107000, aclrtFree(p));
  CHECK_SAYS("aclrtFree");
  void* h = nullptr;
  OK(aclrtMallocHost(&h, 100));
  REFUSED(aclrtFree(h));
  OK(aclrtFreeHost(nullptr));  // unlike aclrtFree: not documented as an error
  REFUSED(aclrtFreeHost(static_cast<char*>(h) + 32));
  OK(aclrtFreeHost(h));
  REFUSED(aclrtFreeHost(h));
  p = allocate(100);
  REFUSED(aclrtFreeHost(p));
  OK(aclrtFree(p));
}

TEST(writing_behind_a_block_is_reported_when_it_is_freed) {
  Device device;
  for (int round = 0; round < 2; ++round) {
    // The device's memory is the host's here, which a program may (wrongly) make use of.
    volatile char* p = static_cast<volatile char*>(allocate(256));
    p[255] = 1;
    p[256 + 32] = 1;  // beyond the 32 bytes that are added by aclrtMalloc
    FAILS(207002, aclrtFree(const_cast<char*>(p)));
    CHECK_SAYS("aclrtFree");
    FAILS(107000, aclrtFree(const_cast<char*>(p)));  // it was freed all the same
  }
}

TEST(out_of_memory_is_207001_and_the_figures_follow) {
  setenv("BCELOGITS_DEVICE_MEMORY", "64M", 1);
  Device device;
  std::size_t free_before = 0, free_now = 0, total = 0;
  OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_before, &total));
  CHECK_EQ(total, std::size_t{64} << 20);
  CHECK(free_before <= total);
  void *p = nullptr, *q = nullptr;
  FAILS(207001, aclrtMalloc(&p, std::size_t{65} << 20, kPolicy));
  CHECK_SAYS("aclrtMalloc");
  CHECK(p == nullptr);
  FAILS(207001, aclrtMalloc(&p, SIZE_MAX, kPolicy));
  FAILS(207001, aclrtMalloc(&p, SIZE_MAX - 100, kPolicy));
  p = allocate(std::size_t{40} << 20);
  OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_now, &total));
  CHECK(free_now <= free_before - (std::size_t{40} << 20));
  FAILS(207001, aclrtMalloc(&q, std::size_t{40} << 20, kPolicy));
  OK(aclrtFree(p));
  OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_now, &total));
  CHECK_EQ(free_now, free_before);
  q = allocate(std::size_t{40} << 20);
  OK(aclrtFree(q));
}

TEST(memory_info_is_given_for_hbm_and_zero_for_what_is_not_there) {
  Device device;
  std::size_t free_bytes = 1, total = 1;
  OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_bytes, &total));
  CHECK(total > 0 && free_bytes <= total);
  free_bytes = total = 1;
  OK(aclrtGetMemInfo(ACL_HBM_MEM_P2P_HUGE1G, &free_bytes, &total));
  CHECK(free_bytes == 0 && total == 0);
  REFUSED(aclrtGetMemInfo(ACL_HBM_MEM, nullptr, &total));
  REFUSED(aclrtGetMemInfo(ACL_HBM_MEM, &free_bytes, nullptr));
}

TEST(memory_is_used_and_freed_by_another_thread) {
  Device device;
  int* p = static_cast<int*>(allocate(400));
  std::thread([p] {
    OK(aclrtSetDevice(0));
    std::vector<int> host(100, 6);
    OK(aclrtMemcpy(p, 400, host.data(), 400, ACL_MEMCPY_HOST_TO_DEVICE));
    OK(aclrtFree(p));
    OK(aclrtResetDevice(0));
  }).join();
}

TEST(strict_memory_refuses_host_memory_as_tensor_data) {
  setenv("BCELOGITS_STRICT_MEMORY", "1", 1);
  Device device;
  Loss loss(8);
  std::vector<float> host(8, -1.0F);
  aclTensor* out = tensor({8}, host.data());
  aclTensor* good = loss.out_tensor;
  loss.out_tensor = out;
  int code = loss.phase_one();
  if (code == 0) code = loss.phase_two();
  CHECK(code != 0);
  CHECK_SAYS("out");
  CHECK_EQ(host[0], -1.0F);
  loss.out_tensor = good;
  OK(loss.phase_one());
  OK(loss.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
  OK(aclDestroyTensor(out));
}

TEST(host_memory_is_accepted_as_tensor_data_by_default) {
  Device device;
  std::vector<float> self(8, 0.0F), target(8, 1.0F), out(8, -1.0F);
  aclTensor *x = tensor({8}, self.data()), *t = tensor({8}, target.data()), *o = tensor({8}, out.data());
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, t, nullptr, nullptr, 0, o, &size, &executor));
  OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, nullptr));
  OK(aclrtSynchronizeStream(nullptr));
  for (float value : out) CHECK_EQ(value, kLog2);
  for (aclTensor* each : {x, t, o}) OK(aclDestroyTensor(each));
}

// What clients count on beyond the documents.
TEST(blocks_are_aligned_to_512_bytes_and_freeing_null_host_memory_is_harmless) {
  Device device;
  void* blocks[8];
  for (void*& block : blocks) {
    OK(aclrtMalloc(&block, 840064, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(reinterpret_cast<uintptr_t>(block) % 512 == 0);
  }
  for (void* block : blocks) OK(aclrtFree(block));
  OK(aclrtFreeHost(nullptr));
  aclrtEvent event = nullptr;
  OK(aclrtCreateEventExWithFlag(&event, 0));
  OK(aclrtDestroyEvent(event));
  int32_t can = 1;
  OK(aclrtDeviceCanAccessPeer(&can, 0, 0));
  CHECK(can == 0);
}
