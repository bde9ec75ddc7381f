// Devices: set, reset and counted; several of them; what they say of themselves.
#include <atomic>

#include "device.hpp"

TEST(set_device_is_counted_and_the_last_reset_frees_the_streams) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  OK(aclrtResetDevice(0));
  OK(aclrtSynchronizeStream(stream));
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtResetDevice(0));
  REFUSED(aclrtSynchronizeStream(stream));
  REFUSED(aclrtSynchronizeStream(nullptr));
  REFUSED(aclrtResetDevice(0));
  OK(aclrtSetDevice(0));
  OK(aclrtSynchronizeStream(nullptr));
  OK(aclrtResetDevice(0));
  OK(aclFinalize());
}

TEST(reset_device_waits_for_work_that_is_queued) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  Gate gate;
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  std::atomic<bool> ran{false};
  gate.hold(stream);
  OK(aclrtLaunchHostFunc(stream, [](void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; }, &ran));
  std::thread opener([&gate] {
    pause(30);
    gate.open();
  });
  OK(aclrtResetDevice(0));
  CHECK(ran);
  opener.join();
  OK(aclFinalize());
}

TEST(reset_device_force_releases_whatever_the_count) {
  OK(aclInit(nullptr));
  for (int i = 0; i < 3; ++i) OK(aclrtSetDevice(0));
  OK(aclrtResetDeviceForce(0));
  REFUSED(aclrtSynchronizeStream(nullptr));
  REFUSED(aclrtResetDeviceForce(0));
  REFUSED(aclrtResetDevice(0));
  OK(aclFinalize());
}

TEST(a_stream_of_another_device_is_107003) {
  setenv("BCELOGITS_DEVICE_COUNT", "2", 1);
  Device device;
  std::uint32_t count = 0;
  OK(aclrtGetDeviceCount(&count));
  CHECK_EQ(count, 2U);
  Stream stream;
  Event event;
  Array<float> array(4);
  Loss loss(8);
  aclrtContext first = nullptr;
  OK(aclrtGetCurrentContext(&first));
  OK(aclrtSetDevice(1));
  std::int32_t id = -1;
  OK(aclrtGetDevice(&id));
  CHECK_EQ(id, 1);
  FAILS(107003, aclrtMemsetAsync(array.data, 16, 0, 16, stream));
  FAILS(107003, aclrtLaunchHostFunc(stream, [](void*) {}, nullptr));
  REFUSED(aclrtRecordEvent(event, nullptr));  // the event is of device 0, the stream of device 1
  OK(loss.phase_one());
  FAILS(361001, loss.phase_two(stream));
  OK(aclrtSetCurrentContext(first));  // also switches the device
  OK(aclrtGetDevice(&id));
  CHECK_EQ(id, 0);
  OK(aclrtResetDevice(1));
}

TEST(print_devices) {  // a program for tests of environment variables
  std::uint32_t count = 0;
  const int init = aclInit(nullptr);
  const int status = aclrtGetDeviceCount(&count);
  const int set = aclrtSetDevice(0);
  const char* name = aclrtGetSocName();
  std::printf("%d %d %d %u %s\n", init, status, set, count, name ? name : "NULL");
  std::printf("%s\n", recent().c_str());
}

TEST(the_run_mode_is_host_and_the_product_is_an_a2_part) {
  Device device;
  aclrtRunMode mode = ACL_DEVICE;
  OK(aclrtGetRunMode(&mode));
  CHECK_EQ(mode, ACL_HOST);
  CHECK_EQ(std::string(aclrtGetSocName()), std::string("Ascend910B2"));
}

TEST(a_device_id_out_of_range_is_107001) {
  Device device;
  std::uint32_t count = 0;
  OK(aclrtGetDeviceCount(&count));
  CHECK(count >= 1);
  aclrtContext context = nullptr;
  for (std::int32_t id : {-1, static_cast<std::int32_t>(count), 2147483647, -2147483647 - 1}) {
    FAILS(107001, aclrtSetDevice(id));
    CHECK_SAYS("aclrtSetDevice");
    FAILS(107001, aclrtCreateContext(&context, id));
    REFUSED(aclrtResetDevice(id));
  }
  CHECK(context == nullptr);
  std::int32_t id = -1;
  OK(aclrtGetDevice(&id));
  CHECK_EQ(id, 0);
}
