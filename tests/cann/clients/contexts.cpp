// Contexts and the rules for threads.
#include "device.hpp"

TEST(without_a_device_functions_that_need_a_context_return_107002) {
  OK(aclInit(nullptr));
  std::int32_t device = -7;
  aclrtContext context = nullptr;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;
  void* memory = nullptr;
  std::size_t free_bytes = 0, total = 0;
  FAILS(107002, aclrtGetDevice(&device));
  CHECK_EQ(device, -7);
  FAILS(107002, aclrtGetCurrentContext(&context));
  FAILS(107002, aclrtCreateStream(&stream));
  FAILS(107002, aclrtCreateEvent(&event));
  FAILS(107002, aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  FAILS(107002, aclrtSynchronizeStream(nullptr));
  FAILS(107002, aclrtSynchronizeDevice());
  FAILS(107002, aclrtGetMemInfo(ACL_HBM_MEM, &free_bytes, &total));
  FAILS(107002, aclrtCtxGetCurrentDefaultStream(&stream));
  CHECK(context == nullptr && stream == nullptr && event == nullptr && memory == nullptr);
  OK(aclFinalize());
}

TEST(set_device_makes_the_default_context_current) {
  Device device;
  std::int32_t id = -1;
  aclrtContext context = nullptr;
  OK(aclrtGetDevice(&id));
  CHECK_EQ(id, 0);
  OK(aclrtGetCurrentContext(&context));
  CHECK(context != nullptr);
}

TEST(a_thread_that_never_set_a_device_has_no_context) {
  Device device;
  std::thread([] {
    aclrtContext context = nullptr;
    std::int32_t id = 0;
    FAILS(107002, aclrtGetCurrentContext(&context));
    FAILS(107002, aclrtGetDevice(&id));
  }).join();
}

TEST(threads_that_set_the_same_device_share_its_default_context) {
  Device device;
  aclrtContext mine = nullptr, theirs = nullptr;
  OK(aclrtGetCurrentContext(&mine));
  std::thread([&] {
    OK(aclrtSetDevice(0));
    OK(aclrtGetCurrentContext(&theirs));
    OK(aclrtResetDevice(0));
  }).join();
  CHECK_EQ(theirs, mine);
}

TEST(a_new_context_becomes_current_and_set_device_goes_back_to_the_default_one) {
  Device device;
  aclrtContext standard = nullptr, created = nullptr, current = nullptr;
  OK(aclrtGetCurrentContext(&standard));
  OK(aclrtCreateContext(&created, 0));
  OK(aclrtGetCurrentContext(&current));
  CHECK_EQ(current, created);
  CHECK(created != standard);
  OK(aclrtSetDevice(0));
  OK(aclrtGetCurrentContext(&current));
  CHECK_EQ(current, standard);
  OK(aclrtSetCurrentContext(created));
  OK(aclrtGetCurrentContext(&current));
  CHECK_EQ(current, created);
  OK(aclrtSetCurrentContext(standard));
  OK(aclrtDestroyContext(created));
  FAILS(107017, aclrtSetCurrentContext(created));
  OK(aclrtGetCurrentContext(&current));
  CHECK_EQ(current, standard);
  OK(aclrtResetDevice(0));
}

TEST(set_current_context_of_null_fails_and_keeps_the_current_one) {
  Device device;
  aclrtContext before = nullptr, after = nullptr;
  OK(aclrtGetCurrentContext(&before));
  REFUSED(aclrtSetCurrentContext(nullptr));
  OK(aclrtGetCurrentContext(&after));
  CHECK_EQ(after, before);
}

TEST(a_context_can_be_used_by_several_threads) {
  Device device;
  aclrtContext context = nullptr;
  OK(aclrtGetCurrentContext(&context));
  Stream stream;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      OK(aclrtSetCurrentContext(context));
      Loss loss(100);
      OK(loss.phase_one());
      OK(loss.phase_two(stream));
      OK(aclrtSynchronizeStream(stream));
      CHECK(loss.done());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(the_default_context_and_the_default_stream_cannot_be_destroyed) {
  Device device;
  aclrtContext context = nullptr;
  aclrtStream stream = nullptr;
  OK(aclrtGetCurrentContext(&context));
  OK(aclrtCtxGetCurrentDefaultStream(&stream));
  CHECK(stream != nullptr);
  REFUSED(aclrtDestroyContext(context));
  REFUSED(aclrtDestroyStream(stream));
  REFUSED(aclrtDestroyStream(nullptr));
  OK(aclrtSynchronizeStream(stream));
  OK(aclrtSynchronizeStream(nullptr));
}

TEST(a_thread_whose_context_was_destroyed_gets_errors) {
  Device device;
  aclrtContext context = nullptr;
  aclrtStream stream = nullptr;
  OK(aclrtCreateContext(&context, 0));
  OK(aclrtCreateStream(&stream));
  std::thread([&] { OK(aclrtDestroyContext(context)); }).join();
  aclrtStream other = nullptr;
  REFUSED(aclrtCreateStream(&other));
  REFUSED(aclrtSynchronizeStream(nullptr));
  REFUSED(aclrtSynchronizeStream(stream));
  OK(aclrtSetDevice(0));
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtResetDevice(0));
}

TEST(a_stream_of_another_context_is_107003) {
  Device device;
  Stream stream;
  aclrtContext standard = nullptr, created = nullptr;
  OK(aclrtGetCurrentContext(&standard));
  OK(aclrtCreateContext(&created, 0));
  FAILS(107003, aclrtDestroyStream(stream));
  CHECK_SAYS("aclrtDestroyStream");
  OK(aclrtSetCurrentContext(standard));
  OK(aclrtDestroyContext(created));
  OK(aclrtSynchronizeStream(stream));
}
