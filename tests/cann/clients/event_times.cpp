// Events: time between them, time-outs, recording again, and handles that are no more.
#include "device.hpp"

namespace {

void sleep_20_ms(void*) { pause(20); }

bool complete(aclrtEvent event) {
  aclrtEventRecordedStatus recorded;
  OK(aclrtQueryEventStatus(event, &recorded));
  return recorded == ACL_EVENT_RECORDED_STATUS_COMPLETE;
}

}  // namespace

TEST(elapsed_time_is_in_milliseconds) {
  Device device;
  Stream stream;
  Event start, end;
  OK(aclrtRecordEvent(start, stream));
  OK(aclrtLaunchHostFunc(stream, sleep_20_ms, nullptr));
  OK(aclrtRecordEvent(end, stream));
  OK(aclrtSynchronizeStream(stream));
  float ms = -1;
  OK(aclrtEventElapsedTime(&ms, start, end));
  CHECK(ms >= 19.5F && ms < 5000.0F);
  std::uint64_t first = 0, last = 0;
  OK(aclrtEventGetTimestamp(start, &first));
  OK(aclrtEventGetTimestamp(end, &last));
  const double microseconds = static_cast<double>(last - first);
  CHECK(microseconds / 1000 > ms - 1.0 && microseconds / 1000 < ms + 1.0);
  FAILS(107007, aclrtEventElapsedTime(&ms, end, start));
  float zero = -1;
  OK(aclrtEventElapsedTime(&zero, start, start));
  CHECK_EQ(zero, 0.0F);
}

TEST(elapsed_time_needs_two_events_that_are_recorded_and_reached) {
  Device device;
  Stream stream;
  Event start, end;
  float ms = -1;
  FAILS(107006, aclrtEventElapsedTime(&ms, start, end));
  OK(aclrtRecordEvent(start, stream));
  FAILS(107006, aclrtEventElapsedTime(&ms, start, end));
  Gate gate;
  gate.hold(stream);
  OK(aclrtRecordEvent(end, stream));
  REFUSED(aclrtEventElapsedTime(&ms, start, end));
  CHECK_EQ(ms, -1.0F);
  REFUSED(aclrtEventElapsedTime(nullptr, start, end));
  gate.open();
  OK(aclrtSynchronizeStream(stream));
  OK(aclrtEventElapsedTime(&ms, start, end));
}

TEST(an_event_that_is_not_reached_in_time_is_507047) {
  Device device;
  Stream stream;
  Event event;
  Gate gate;
  gate.hold(stream);
  OK(aclrtRecordEvent(event, stream));
  FAILS(507047, aclrtSynchronizeEventWithTimeout(event, 10));
  CHECK_SAYS("aclrtSynchronizeEventWithTimeout");
  REFUSED(aclrtSynchronizeEventWithTimeout(event, -2));
  gate.open();
  OK(aclrtSynchronizeEventWithTimeout(event, -1));
  OK(aclrtSynchronizeEventWithTimeout(event, 1000));
}

TEST(recording_again_overwrites) {
  Device device;
  Stream stream;
  Event event;
  OK(aclrtRecordEvent(event, stream));
  OK(aclrtSynchronizeEvent(event));
  CHECK(complete(event));
  Gate gate;
  gate.hold(stream);
  OK(aclrtRecordEvent(event, stream));
  CHECK(!complete(event));
  FAILS(507047, aclrtSynchronizeEventWithTimeout(event, 10));
  gate.open();
  OK(aclrtSynchronizeEvent(event));
  CHECK(complete(event));
}

TEST(a_destroyed_event_is_107017_everywhere) {
  Device device;
  Stream stream;
  Event good;
  aclrtEvent event = nullptr;
  OK(aclrtCreateEvent(&event));
  OK(aclrtDestroyEvent(event));
  aclrtEventRecordedStatus recorded;
  aclrtEventStatus old;
  aclrtEventWaitStatus wait;
  float ms;
  FAILS(107017, aclrtDestroyEvent(event));
  FAILS(107017, aclrtRecordEvent(event, stream));
  FAILS(107017, aclrtStreamWaitEvent(stream, event));
  FAILS(107017, aclrtSynchronizeEvent(event));
  FAILS(107017, aclrtSynchronizeEventWithTimeout(event, 1));
  FAILS(107017, aclrtQueryEventStatus(event, &recorded));
  FAILS(107017, aclrtQueryEvent(event, &old));
  FAILS(107017, aclrtQueryEventWaitStatus(event, &wait));
  FAILS(107017, aclrtEventElapsedTime(&ms, event, good));
  FAILS(107017, aclrtResetEvent(event, stream));
  CHECK_SAYS("event");
  REFUSED(aclrtCreateEvent(nullptr));
  REFUSED(aclrtQueryEventStatus(good, nullptr));
  REFUSED(aclrtRecordEvent(nullptr, stream));
}
