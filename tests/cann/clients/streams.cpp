// Streams: asynchronous, in order, concurrent with each other; time-outs.
#include <atomic>

#include "device.hpp"

namespace {

aclrtStreamStatus query(aclrtStream stream) {
  aclrtStreamStatus status = ACL_STREAM_STATUS_RESERVED;
  OK(aclrtStreamQuery(stream, &status));
  return status;
}

}  // namespace

TEST(phase_two_and_copies_return_before_the_work_is_done) {
  Device device;
  Stream stream;
  Loss loss(1000);
  Pinned<float> result(1000, -2.0F);
  Gate gate;
  gate.hold(stream);
  OK(loss.phase_one());
  OK(loss.phase_two(stream));
  OK(aclrtMemcpyAsync(result.data, 4000, loss.out.data, 4000, ACL_MEMCPY_DEVICE_TO_HOST, stream));
  gate.wait_until_entered();
  CHECK_EQ(query(stream), ACL_STREAM_STATUS_NOT_READY);
  CHECK(loss.untouched());
  CHECK_EQ(result.data[999], -2.0F);
  gate.open();
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(query(stream), ACL_STREAM_STATUS_COMPLETE);
  CHECK(loss.done());
  CHECK_EQ(result.data[0], kLog2);
  CHECK_EQ(result.data[999], kLog2);
}

TEST(the_null_stream_is_the_default_stream) {
  Device device;
  aclrtStream stream = nullptr;
  OK(aclrtCtxGetCurrentDefaultStream(&stream));
  Loss loss(10);
  Gate gate;
  gate.hold(nullptr);
  OK(loss.phase_one());
  OK(loss.phase_two(nullptr));
  CHECK_EQ(query(stream), ACL_STREAM_STATUS_NOT_READY);
  CHECK_EQ(query(nullptr), ACL_STREAM_STATUS_NOT_READY);
  CHECK(loss.untouched());
  gate.open();
  OK(aclrtSynchronizeStream(stream));
  CHECK(loss.done());
}

TEST(tasks_of_a_stream_run_in_the_order_in_which_they_were_queued) {
  Device device;
  Stream stream;
  struct Log {
    std::vector<int> numbers;
    int next = 0;
  } log;
  for (int i = 0; i < 1000; ++i) {
    OK(aclrtLaunchHostFunc(
        stream,
        [](void* user) {
          Log& l = *static_cast<Log*>(user);
          l.numbers.push_back(l.next++);
        },
        &log));
  }
  OK(aclrtSynchronizeStream(stream));
  CHECK_EQ(log.numbers.size(), 1000U);
}

TEST(a_chain_of_operators_copies_and_fills_has_the_result_of_the_program_order) {
  Device device;
  Stream stream;
  const std::size_t n = 5000;
  Loss loss(n);
  Pinned<float> result(n);
  for (int round = 0; round < 50; ++round) {
    OK(aclrtMemsetAsync(loss.self.data, loss.self.bytes(), 0, loss.self.bytes(), stream));
    OK(loss.phase_one());
    OK(loss.phase_two(stream));  // log 2
    OK(aclrtMemcpyAsync(loss.self.data, n * 4, loss.out.data, n * 4, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    OK(loss.phase_one());
    OK(loss.phase_two(stream));  // softplus(-log 2) = log(3 / 2)
    OK(aclrtMemcpyAsync(result.data, n * 4, loss.out.data, n * 4, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    OK(aclrtMemsetAsync(loss.out.data, n * 4, 0xFF, n * 4, stream));
  }
  OK(aclrtSynchronizeStream(stream));
  for (std::size_t i = 0; i < n; ++i) CHECK(result.data[i] > 0.405464F && result.data[i] < 0.405466F);
}

TEST(a_result_is_the_same_whether_the_work_ran_at_once_or_was_queued) {
  Device device;
  Stream stream;
  for (std::size_t n : {1U, 64U, 5000U, 300000U}) {
    Loss at_once(n), queued(n);
    OK(at_once.phase_one());
    OK(at_once.phase_two(stream));
    OK(aclrtSynchronizeStream(stream));
    Gate gate;
    gate.hold(stream);
    OK(queued.phase_one());
    OK(queued.phase_two(stream));
    gate.open();
    OK(aclrtSynchronizeStream(stream));
    CHECK(at_once.done());
    CHECK(queued.done());
  }
}

TEST(two_streams_run_concurrently) {
  Device device;
  Stream a, b;
  Gate in_a, in_b, in_default;
  in_a.hold(a);
  in_b.hold(b);
  in_default.hold(nullptr);
  in_a.wait_until_entered();  // all three are being held at the same time
  in_b.wait_until_entered();
  in_default.wait_until_entered();
  Loss loss(100);
  Stream c;
  OK(loss.phase_one());
  OK(loss.phase_two(c));
  OK(aclrtSynchronizeStream(c));
  CHECK(loss.done());
  in_b.open();
  OK(aclrtSynchronizeStream(b));
  CHECK_EQ(query(a), ACL_STREAM_STATUS_NOT_READY);
  in_a.open();
  in_default.open();
  OK(aclrtSynchronizeDevice());
}

TEST(a_stream_that_is_not_done_in_time_is_507046_and_goes_on) {
  Device device;
  Stream stream;
  Gate gate;
  gate.hold(stream);
  FAILS(507046, aclrtSynchronizeStreamWithTimeout(stream, 10));
  CHECK_SAYS("aclrtSynchronizeStreamWithTimeout");
  FAILS(507046, aclrtSynchronizeStreamWithTimeout(stream, 0));  // 0: check once
  REFUSED(aclrtSynchronizeStreamWithTimeout(stream, -2));
  gate.open();
  OK(aclrtSynchronizeStreamWithTimeout(stream, -1));
  OK(aclrtSynchronizeStreamWithTimeout(stream, 0));
  OK(aclrtSynchronizeStreamWithTimeout(stream, 1000));
}

TEST(synchronize_device_waits_for_every_stream_and_can_time_out) {
  Device device;
  Stream a, b;
  Gate gate;
  std::atomic<int> count{0};
  gate.hold(b);
  OK(aclrtLaunchHostFunc(a, count_up, &count));
  OK(aclrtLaunchHostFunc(b, count_up, &count));
  REFUSED(aclrtSynchronizeDeviceWithTimeout(10));
  gate.open();
  OK(aclrtSynchronizeDeviceWithTimeout(-1));
  CHECK_EQ(count.load(), 2);
  OK(aclrtSynchronizeDevice());
}
