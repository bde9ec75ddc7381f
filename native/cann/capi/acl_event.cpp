// Events of the runtime API.
#include "../device/device.hpp"
#include "api.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

namespace {

constexpr std::size_t kMostEvents = 65536;

aclError create(const char* function, aclrtEvent* handle, Event::Traits traits) {
  return guarded(function, [&]() -> Result {
    if (!handle) return null_argument("event");
    int device = 0;
    if (Result r = current_device(device); !r.ok()) return r;
    void* made = events().alive() < kMostEvents ? events().insert(std::make_shared<Event>(traits, device)) : nullptr;
    if (!made) return fail(kNoEvents, "event: " + std::to_string(kMostEvents) + " exist, no more can be made");
    *handle = made;
    return {};
  });
}

aclError create_with_flag(const char* function, aclrtEvent* handle, uint32_t flag, bool extended) {
  constexpr uint32_t kAll = ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE |
                            ACL_EVENT_DEVICE_USE_ONLY | ACL_EVENT_EXTERNAL | ACL_EVENT_IPC;
  if ((flag & ~kAll) != 0)  // 0, which clients pass, makes an event without any of these abilities
    return guarded(function, [&] {
      return fail(kBadValue, "flag: " + std::to_string(flag) + ", expected a combination of ACL_EVENT_ flags");
    });
  if (flag & ACL_EVENT_IPC)
    return guarded(function, [] { return fail(kNotSupported, "flag: ACL_EVENT_IPC is not supported"); });
  return create(function, handle, {(flag & ACL_EVENT_SYNC) != 0, (flag & ACL_EVENT_TIME_LINE) != 0, extended});
}

// `use(event, stream)`, the stream of the current context; null is its default stream.
template <class Use>
aclError on(const char* function, aclrtEvent event_handle, aclrtStream stream_handle, Use&& use) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Event> event;
    std::shared_ptr<Stream> stream;
    if (Result r = resolve_event(event_handle, event); !r.ok()) return r;
    if (Result r = resolve_stream(stream_handle, stream); !r.ok()) return r;
    return use(*event, *stream);
  });
}

template <class Use>
aclError on(const char* function, aclrtEvent handle, Use&& use) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Event> event;
    if (Result r = resolve_event(handle, event); !r.ok()) return r;
    return use(*event);
  });
}

// Seconds as the documents have it, 0 being for ever, to milliseconds.
int seconds(std::int64_t timeout) {
  return timeout == 0 || timeout > 2'000'000 ? kForever : static_cast<int>(timeout) * 1000;
}

Result not_for_extended() {
  return fail(kBadValue,
              "event: made by aclrtCreateEventExWithFlag, expected one of aclrtCreateEvent or "
              "aclrtCreateEventWithFlag");
}

Result elapsed(const Event& start, const Event& end, float& ms) {
  std::optional<Clock::time_point> from, to;
  if (Result r = start.time(from); !r.ok()) return {r.code, "startEvent: " + r.text};
  if (Result r = end.time(to); !r.ok()) return {r.code, "endEvent: " + r.text};
  if (*to < *from) return fail(kEventReversal, "endEvent: recorded before startEvent, expected after it");
  ms = std::chrono::duration<float, std::milli>(*to - *from).count();
  return {};
}

}  // namespace

aclError aclrtCreateEvent(aclrtEvent* event) { return create("aclrtCreateEvent", event, {}); }

aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) {
  return create_with_flag("aclrtCreateEventWithFlag", event, flag, false);
}

aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) {
  return create_with_flag("aclrtCreateEventExWithFlag", event, flag, true);
}

aclError aclrtDestroyEvent(aclrtEvent event) {
  return on("aclrtDestroyEvent", event, [&](Event&) -> Result {
    events().remove(event);  // those who still wait for it keep it
    return {};
  });
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return on("aclrtRecordEvent", event, stream, [](Event& e, Stream& s) -> Result {
    if (e.device != s.device) return fail(kStreamContext, "event: belongs to another device than the stream");
    return e.record(s);
  });
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
  return on("aclrtResetEvent", event, stream, [](Event& e, Stream& s) { return e.reset(s); });
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return on("aclrtStreamWaitEvent", event, stream, [](Event& e, Stream& s) { return e.make_wait(s, wait_timeout()); });
}

aclError aclrtStreamWaitEventWithTimeout(aclrtStream stream, aclrtEvent event, int32_t timeout) {
  return on("aclrtStreamWaitEventWithTimeout", event, stream,
            [&](Event& e, Stream& s) { return timeout < 0 ? bad_timeout(timeout) : e.make_wait(s, seconds(timeout)); });
}

aclError aclrtSetOpWaitTimeout(uint32_t timeout) {
  return guarded("aclrtSetOpWaitTimeout", [&]() -> Result {
    set_wait_timeout(seconds(timeout));
    return {};
  });
}

aclError aclrtSetOpExecuteTimeOut(uint32_t) { return ACL_SUCCESS; }

aclError aclrtSynchronizeEvent(aclrtEvent event) {
  return on("aclrtSynchronizeEvent", event, [](Event& e) { return e.synchronize(kForever); });
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) {
  return on("aclrtSynchronizeEventWithTimeout", event,
            [&](Event& e) { return timeout < -1 ? bad_timeout(timeout) : e.synchronize(timeout); });
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status) {
  return on("aclrtQueryEventStatus", event, [&](Event& e) -> Result {
    if (!status) return null_argument("status");
    *status = e.complete() ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus* status) {
  return on("aclrtQueryEvent", event, [&](Event& e) -> Result {
    if (!status) return null_argument("status");
    if (!e.resettable()) return not_for_extended();
    *status = e.complete() ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status) {
  return on("aclrtQueryEventWaitStatus", event, [&](Event& e) -> Result {
    if (!status) return null_argument("status");
    if (!e.resettable()) return not_for_extended();
    *status = e.waits_complete() ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return guarded("aclrtEventElapsedTime", [&]() -> Result {
    if (!ms) return null_argument("ms");
    std::shared_ptr<Event> start, end;
    if (Result r = resolve_event(startEvent, start); !r.ok()) return r;
    if (Result r = resolve_event(endEvent, end); !r.ok()) return r;
    return elapsed(*start, *end, *ms);
  });
}

aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* timestamp) {
  return on("aclrtEventGetTimestamp", event, [&](Event& e) -> Result {
    if (!timestamp) return null_argument("timestamp");
    std::optional<Clock::time_point> when;
    if (Result r = e.time(when); !r.ok()) return {r.code, "event: " + r.text};
    *timestamp =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(when->time_since_epoch()).count());
    return {};
  });
}
