// Functions that few programs use: abort, failure modes, waits with a limit, settings, properties, C++ overloads.
#include "acl/acl_rt_api.h"
#include "device.hpp"

TEST(an_aborted_stream_drops_its_work_and_says_so_with_107023) {
  Device device;
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  Gate gate;
  std::atomic<int> count{0};
  gate.hold(stream);
  gate.wait_until_entered();
  for (int i = 0; i < 5; ++i) OK(aclrtLaunchHostFunc(stream, count_up, &count));
  std::thread opener([&gate] {
    pause(300);  // by then the stream is being aborted
    gate.open();
  });
  OK(aclrtStreamAbort(stream));
  FAILS(107023, aclrtSynchronizeStream(stream));
  opener.join();
  CHECK_EQ(count.load(), 0);
  aclrtDestroyStream(stream);
  REFUSED(aclrtStreamAbort(nullptr));
}

TEST(streams_have_numbers_of_their_own) {
  Device device;
  Stream a, b;
  std::int32_t first = -1, second = -1, standard = -1;
  OK(aclrtStreamGetId(a, &first));
  OK(aclrtStreamGetId(b, &second));
  OK(aclrtStreamGetId(nullptr, &standard));
  CHECK(first >= 0 && second >= 0 && standard >= 0);
  CHECK(first != second && first != standard && second != standard);
  REFUSED(aclrtStreamGetId(a, nullptr));
}

TEST(after_a_failure_a_stream_goes_on_or_stops_as_it_was_told) {
  Device device;
  for (std::uint64_t mode : {ACL_CONTINUE_ON_FAILURE, ACL_STOP_ON_FAILURE}) {
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtSetStreamFailureMode(stream, mode));
    void* p = nullptr;
    Pinned<char> host(64);
    std::atomic<int> later{0};
    OK(aclrtMalloc(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    Gate gate;
    gate.hold(stream);
    OK(aclrtMemcpyAsync(host.data, 64, p, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    OK(aclrtLaunchHostFunc(stream, count_up, &later));
    OK(aclrtFree(p));
    gate.open();
    REFUSED(aclrtSynchronizeStream(stream));
    CHECK_EQ(later.load(), mode == ACL_CONTINUE_ON_FAILURE ? 1 : 0);
    aclrtDestroyStream(stream);
  }
  REFUSED(aclrtSetStreamFailureMode(nullptr, ACL_STOP_ON_FAILURE));
  Stream stream;
  REFUSED(aclrtSetStreamFailureMode(stream, 7));
}

TEST(a_wait_of_a_stream_may_have_a_limit) {
  Device device;
  Stream a, b;
  Event event;
  Gate gate;
  gate.hold(a);
  OK(aclrtRecordEvent(event, a));
  OK(aclrtStreamWaitEventWithTimeout(b, event, 1));  // seconds
  REFUSED(aclrtSynchronizeStream(b));
  gate.open();
  OK(aclrtSynchronizeStream(a));
  OK(aclrtStreamWaitEventWithTimeout(b, event, 0));
  OK(aclrtSynchronizeStream(b));
  REFUSED(aclrtStreamWaitEventWithTimeout(b, event, -1));
  OK(aclrtSetOpWaitTimeout(0));
}

TEST(options_of_process_and_context_are_kept) {
  Device device;
  std::int64_t value = -1;
  FAILS(107021, aclrtGetSysParamOpt(ACL_OPT_STRONG_CONSISTENCY, &value));
  OK(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
  CHECK_EQ(value, 0);
  OK(aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
  OK(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
  CHECK_EQ(value, 1);
  OK(aclrtCtxSetSysParamOpt(ACL_OPT_STRONG_CONSISTENCY, 1));
  OK(aclrtCtxGetSysParamOpt(ACL_OPT_STRONG_CONSISTENCY, &value));
  CHECK_EQ(value, 1);
  REFUSED(aclrtSetSysParamOpt(static_cast<aclSysParamOpt>(3), 1));
  REFUSED(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, nullptr));
}

TEST(properties_of_a_device_are_positive) {
  Device device;
  std::int64_t value = 0;
  for (aclrtDevAttr attr : {ACL_DEV_ATTR_AICPU_CORE_NUM, ACL_DEV_ATTR_AICORE_CORE_NUM, ACL_DEV_ATTR_VECTOR_CORE_NUM,
                            ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE, ACL_DEV_ATTR_L2_CACHE_SIZE}) {
    value = 0;
    OK(aclrtGetDeviceInfo(0, attr, &value));
    CHECK(value > 0);
  }
  for (aclDeviceInfo info : {ACL_DEVICE_INFO_AI_CORE_NUM, ACL_DEVICE_INFO_VECTOR_CORE_NUM, ACL_DEVICE_INFO_L2_SIZE}) {
    value = 0;
    OK(aclGetDeviceCapability(0, info, &value));
    CHECK(value > 0);
  }
  REFUSED(aclrtGetDeviceInfo(99, ACL_DEV_ATTR_AICORE_CORE_NUM, &value));
  REFUSED(aclrtGetDeviceInfo(0, static_cast<aclrtDevAttr>(1023), &value));
  REFUSED(aclrtGetDeviceInfo(0, ACL_DEV_ATTR_AICORE_CORE_NUM, nullptr));
  REFUSED(aclGetDeviceCapability(0, ACL_DEVICE_INFO_UNDEFINED, &value));
}

TEST(the_state_of_the_default_context_can_be_asked_for) {
  OK(aclInit(nullptr));
  std::uint32_t flags = 9;
  std::int32_t active = -1, can = -1;
  OK(aclrtGetPrimaryCtxState(0, &flags, &active));
  CHECK_EQ(active, 0);
  OK(aclrtSetDevice(0));
  OK(aclrtGetPrimaryCtxState(0, &flags, &active));
  CHECK_EQ(active, 1);
  REFUSED(aclrtGetPrimaryCtxState(55, &flags, &active));
  REFUSED(aclrtDeviceCanAccessPeer(&can, 0, 55));
  OK(aclrtResetDevice(0));
  OK(aclFinalize());
}

TEST(versions_of_the_software_are_texts_and_numbers) {
  aclCANNPackageVersion version = {};
  OK(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version));
  CHECK(version.version[0] >= '0' && version.version[0] <= '9');
  CHECK(std::strncmp(version.version, version.majorVersion, std::strlen(version.majorVersion)) == 0);
  REFUSED(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, nullptr));
  REFUSED(aclsysGetCANNVersion(static_cast<aclCANNPackageName>(15), &version));
  const aclCannAttr* list = nullptr;
  std::size_t count = 0;
  OK(aclGetCannAttributeList(&list, &count));
  CHECK(count > 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t value = -1;
    OK(aclGetCannAttribute(list[i], &value));
    CHECK(value == 0 || value == 1);
  }
  std::int32_t value = -1;
  REFUSED(aclGetCannAttribute(ACL_CANN_ATTR_UNDEFINED, &value));
}

TEST(the_overloads_for_cpp_do_what_the_c_functions_do) {
  Device device;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;
  float *data = nullptr, *host = nullptr;
  OK(aclrtCreateStream(&stream, 0, ACL_STREAM_FAST_LAUNCH));
  OK(aclrtCreateEvent(&event, ACL_EVENT_SYNC));
  OK(aclrtMalloc(&data, 64));
  OK(aclrtMallocHost(&host, 64));
  for (int i = 0; i < 16; ++i) host[i] = 2;
  OK(aclrtMemcpyAsync(data, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
  OK(aclrtRecordEvent(event, stream));
  OK(aclrtStreamWaitEvent(nullptr, event, 0));
  OK(aclrtSynchronizeEvent(event, 1000));
  OK(aclrtSynchronizeStream(stream, 1000));
  OK(aclrtSynchronizeDevice(1000));
  host[15] = 0;
  OK(aclrtMemcpy(host, 64, data, 64, ACL_MEMCPY_DEVICE_TO_HOST));
  CHECK_EQ(host[15], 2.0F);
  OK(aclrtFree(data));
  OK(aclrtFreeHost(host));
  OK(aclrtDestroyEvent(event));
  OK(aclrtDestroyStream(stream));
}
