// Events: record, wait across streams, query in both polarities, flags, reuse.
#include <atomic>

#include "device.hpp"

namespace {

void raise_flag(void* flag) { static_cast<std::atomic<bool>*>(flag)->store(true); }

// COMPLETE is 1 for the one and 0 for the other: both functions must say the same.
bool complete(aclrtEvent event) {
  aclrtEventRecordedStatus recorded;
  aclrtEventStatus old = ACL_EVENT_STATUS_RESERVED;
  OK(aclrtQueryEventStatus(event, &recorded));
  OK(aclrtQueryEvent(event, &old));
  CHECK((recorded == ACL_EVENT_RECORDED_STATUS_COMPLETE) == (old == ACL_EVENT_STATUS_COMPLETE));
  CHECK((recorded == ACL_EVENT_RECORDED_STATUS_NOT_READY) == (old == ACL_EVENT_STATUS_NOT_READY));
  return recorded == ACL_EVENT_RECORDED_STATUS_COMPLETE;
}

}  // namespace

TEST(both_queries_tell_when_an_event_is_reached) {
  Device device;
  Stream stream;
  Event event;
  Gate gate;
  gate.hold(stream);
  OK(aclrtRecordEvent(event, stream));
  CHECK(!complete(event));
  gate.open();
  OK(aclrtSynchronizeEvent(event));
  CHECK(complete(event));
}

TEST(a_stream_waits_for_an_event_of_another_stream) {
  Device device;
  Stream a, b;
  Event event;
  Gate gate;
  std::atomic<bool> ran{false};
  gate.hold(a);
  OK(aclrtRecordEvent(event, a));
  OK(aclrtStreamWaitEvent(b, event));
  OK(aclrtLaunchHostFunc(b, raise_flag, &ran));
  pause(20);
  CHECK(!ran);
  aclrtStreamStatus status;
  OK(aclrtStreamQuery(b, &status));
  CHECK_EQ(status, ACL_STREAM_STATUS_NOT_READY);
  gate.open();
  OK(aclrtSynchronizeStream(b));
  CHECK(ran);
  CHECK(complete(event));
}

TEST(an_operator_reads_what_another_stream_wrote_before_the_event) {
  Device device;
  Stream a, b;
  Event ready;
  Loss first(70000), second(70000);
  OK(first.phase_one());
  for (int i = 0; i < 20; ++i) {
    Gate gate;
    first.self.write(std::vector<float>(70000, 1.0F));
    gate.hold(a);
    OK(aclrtMemsetAsync(first.self.data, first.self.bytes(), 0, first.self.bytes(), a));
    OK(aclrtRecordEvent(ready, a));
    OK(aclrtStreamWaitEvent(b, ready));
    if (i) OK(first.phase_one());
    OK(first.phase_two(b));
    gate.open();
    OK(aclrtSynchronizeStream(b));
    CHECK(first.done());
    OK(aclrtSynchronizeStream(a));
  }
}

TEST(a_stream_waits_for_the_first_recording_and_the_host_does_not) {
  Device device;
  Stream a, b;
  Event event;
  std::atomic<bool> ran{false};
  FAILS(107000, aclrtSynchronizeEvent(event));
  FAILS(107000, aclrtSynchronizeEventWithTimeout(event, 10));
  OK(aclrtStreamWaitEvent(b, event));
  OK(aclrtLaunchHostFunc(b, raise_flag, &ran));
  pause(20);
  CHECK(!ran);
  OK(aclrtRecordEvent(event, a));
  OK(aclrtSynchronizeStream(b));
  CHECK(ran);
}

TEST(the_null_stream_records_and_waits_too) {
  Device device;
  Stream stream;
  Event event, other;
  Gate gate;
  std::atomic<bool> ran{false};
  gate.hold(nullptr);
  OK(aclrtRecordEvent(event, nullptr));
  OK(aclrtStreamWaitEvent(stream, event));
  OK(aclrtRecordEvent(other, stream));
  OK(aclrtStreamWaitEvent(nullptr, other));
  OK(aclrtLaunchHostFunc(nullptr, raise_flag, &ran));
  CHECK(!complete(event) && !complete(other));
  gate.open();
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(ran);
}

TEST(an_event_without_the_sync_flag_cannot_be_waited_for_by_a_stream) {
  Device device;
  Stream stream;
  aclrtEvent timing = nullptr, sync = nullptr;
  OK(aclrtCreateEventWithFlag(&timing, ACL_EVENT_TIME_LINE));
  OK(aclrtCreateEventWithFlag(&sync, ACL_EVENT_SYNC));
  OK(aclrtRecordEvent(timing, stream));
  OK(aclrtRecordEvent(sync, stream));
  REFUSED(aclrtStreamWaitEvent(stream, timing));
  OK(aclrtStreamWaitEvent(stream, sync));
  OK(aclrtSynchronizeStream(stream));
  OK(aclrtDestroyEvent(timing));
  OK(aclrtDestroyEvent(sync));
}

TEST(an_ex_event_is_complete_before_it_is_recorded_and_refuses_the_legacy_functions) {
  Device device;
  Stream stream;
  aclrtEvent event = nullptr;
  OK(aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC));
  aclrtEventRecordedStatus recorded = ACL_EVENT_RECORDED_STATUS_NOT_READY;
  OK(aclrtQueryEventStatus(event, &recorded));
  CHECK_EQ(recorded, ACL_EVENT_RECORDED_STATUS_COMPLETE);
  Gate gate;
  gate.hold(stream);
  OK(aclrtRecordEvent(event, stream));
  OK(aclrtQueryEventStatus(event, &recorded));
  CHECK_EQ(recorded, ACL_EVENT_RECORDED_STATUS_NOT_READY);
  aclrtEventStatus old;
  aclrtEventWaitStatus wait;
  REFUSED(aclrtQueryEvent(event, &old));
  REFUSED(aclrtQueryEventWaitStatus(event, &wait));
  REFUSED(aclrtResetEvent(event, stream));
  gate.open();
  OK(aclrtSynchronizeEvent(event));
  OK(aclrtDestroyEvent(event));
}

TEST(an_event_may_be_destroyed_while_streams_still_need_it) {
  Device device;
  Stream a, b;
  aclrtEvent event = nullptr;
  OK(aclrtCreateEvent(&event));
  Gate gate;
  std::atomic<bool> ran{false};
  gate.hold(a);
  OK(aclrtRecordEvent(event, a));
  OK(aclrtStreamWaitEvent(b, event));
  OK(aclrtLaunchHostFunc(b, raise_flag, &ran));
  OK(aclrtDestroyEvent(event));  // does not block
  CHECK(!ran);
  gate.open();
  OK(aclrtSynchronizeStream(b));
  CHECK(ran);
}

TEST(an_event_is_used_again_after_waits_and_reset) {
  Device device;
  Stream a, b;
  Event event;
  for (int i = 0; i < 50; ++i) {
    OK(aclrtRecordEvent(event, a));
    OK(aclrtStreamWaitEvent(b, event));
    OK(aclrtResetEvent(event, b));
  }
  OK(aclrtSynchronizeStream(a));
  OK(aclrtSynchronizeStream(b));
}

TEST(the_wait_status_tells_whether_the_waits_are_over) {
  Device device;
  Stream a, b;
  Event event;
  Gate gate;
  gate.hold(a);
  OK(aclrtRecordEvent(event, a));
  OK(aclrtStreamWaitEvent(b, event));
  aclrtEventWaitStatus status = ACL_EVENT_WAIT_STATUS_RESERVED;
  OK(aclrtQueryEventWaitStatus(event, &status));
  CHECK_EQ(status, ACL_EVENT_WAIT_STATUS_NOT_READY);
  gate.open();
  OK(aclrtSynchronizeStream(b));
  OK(aclrtQueryEventWaitStatus(event, &status));
  CHECK_EQ(status, ACL_EVENT_WAIT_STATUS_COMPLETE);
}
