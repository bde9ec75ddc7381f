// Streams: how they are made, how they end, and what they say when their work fails.
#include "device.hpp"

TEST(destroy_stream_waits_for_what_is_queued) {
  Device device;
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  Gate gate;
  std::atomic<int> count{0};
  gate.hold(stream);
  for (int i = 0; i < 10; ++i) OK(aclrtLaunchHostFunc(stream, count_up, &count));
  std::thread opener([&gate] {
    pause(30);
    gate.open();
  });
  OK(aclrtDestroyStream(stream));
  CHECK_EQ(count.load(), 10);
  opener.join();
}

TEST(destroy_stream_force_drops_what_is_queued) {
  Device device;
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  Gate gate;
  std::atomic<int> count{0};
  gate.hold(stream);
  gate.wait_until_entered();
  for (int i = 0; i < 10; ++i) OK(aclrtLaunchHostFunc(stream, count_up, &count));
  std::thread opener([&gate] {
    pause(300);  // by then the stream is being destroyed
    gate.open();
  });
  OK(aclrtDestroyStreamForce(stream));
  opener.join();
  pause(20);
  CHECK_EQ(count.load(), 0);
  FAILS(107017, aclrtSynchronizeStream(stream));
}

TEST(a_destroyed_stream_is_107017_everywhere_and_361001_in_phase_two) {
  Device device;
  Event event;
  Array<float> array(4);
  Pinned<float> host(4);
  Loss loss(8);
  aclrtStream stream = nullptr;
  aclrtStreamStatus status;
  OK(aclrtCreateStream(&stream));
  OK(aclrtDestroyStream(stream));
  FAILS(107017, aclrtSynchronizeStream(stream));
  CHECK_SAYS("stream");
  FAILS(107017, aclrtSynchronizeStreamWithTimeout(stream, 1));
  FAILS(107017, aclrtStreamQuery(stream, &status));
  FAILS(107017, aclrtDestroyStream(stream));
  FAILS(107017, aclrtDestroyStreamForce(stream));
  FAILS(107017, aclrtRecordEvent(event, stream));
  FAILS(107017, aclrtStreamWaitEvent(stream, event));
  FAILS(107017, aclrtMemsetAsync(array.data, 16, 0, 16, stream));
  FAILS(107017, aclrtMemcpyAsync(host.data, 16, array.data, 16, ACL_MEMCPY_DEVICE_TO_HOST, stream));
  FAILS(107017, aclrtLaunchHostFunc(stream, count_up, nullptr));
  OK(loss.phase_one());
  FAILS(361001, loss.phase_two(stream));
  CHECK_SAYS("stream");
  CHECK(loss.untouched());
}

TEST(streams_take_a_priority_and_flags) {
  Device device;
  for (std::uint32_t flag : {0U, 1U, 2U, 3U, 8U, 0x80000000U}) {  // unknown flags are no error
    for (std::uint32_t priority : {0U, 7U, 99U}) {
      aclrtStream stream = nullptr;
      OK(aclrtCreateStreamWithConfig(&stream, priority, flag));
      OK(aclrtSynchronizeStream(stream));
      OK(aclrtDestroyStream(stream));
    }
  }
  REFUSED(aclrtCreateStreamWithConfig(nullptr, 0, 0));
  REFUSED(aclrtCreateStream(nullptr));
  REFUSED(aclrtStreamQuery(nullptr, nullptr));
  REFUSED(aclrtLaunchHostFunc(nullptr, nullptr, nullptr));
}

TEST(one_stream_too_many_is_207008) {
  Device device;
  std::vector<aclrtStream> streams;
  aclrtStream stream = nullptr;
  int code = 0;
  while (streams.size() < 3000 && (code = aclrtCreateStream(&stream)) == 0) streams.push_back(stream);
  CHECK_EQ(code, 207008);
  CHECK(streams.size() > 1900 && streams.size() <= 1984);
  OK(aclrtDestroyStream(streams.back()));
  OK(aclrtCreateStream(&streams.back()));
  for (aclrtStream each : streams) OK(aclrtDestroyStream(each));
}

TEST(a_failure_of_queued_work_is_507015_at_the_next_synchronize) {
  Device device;
  Stream stream;
  Loss loss(5000);
  Gate gate;
  void* scratch = nullptr;
  OK(aclrtMalloc(&scratch, 20000, ACL_MEM_MALLOC_HUGE_FIRST));
  aclTensor* out = tensor({5000}, scratch);
  gate.hold(stream);
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(loss.self_tensor, loss.target_tensor, nullptr, nullptr, 0, out,
                                                       &size, &executor));
  CHECK_EQ(size, 0U);  // everything is read and written in place
  OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream));
  OK(aclrtFree(scratch));  // frees at once
  gate.open();
  FAILS(507015, aclrtSynchronizeStream(stream));
  const std::string text = recent();
  CHECK(contains(text, "freed") && contains(text, "out"));
  OK(aclDestroyTensor(out));
  // Another stream is not affected.
  Stream other;
  OK(loss.phase_one());
  OK(loss.phase_two(other));
  OK(aclrtSynchronizeStream(other));
  CHECK(loss.done());
}
