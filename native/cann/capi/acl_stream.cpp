// Streams of the runtime API, and the callbacks that they run.
#include "../device/device.hpp"
#include "../device/report.hpp"
#include "api.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

namespace {

// `use(stream)` for a stream of the current context; null is its default stream.
template <class Use>
aclError on(const char* function, aclrtStream handle, Use&& use) {
  return guarded(function, [&]() -> Result {
    std::shared_ptr<Stream> stream;
    if (Result r = resolve_stream(handle, stream); !r.ok()) return r;
    return use(stream);
  });
}

}  // namespace

aclError aclrtCreateStream(aclrtStream* stream) {
  return guarded("aclrtCreateStream", [&] { return stream ? create_stream(stream) : null_argument("stream"); });
}

aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t, uint32_t) {
  // Priorities and flags say how a device schedules; there is nothing here that they could change.
  return guarded("aclrtCreateStreamWithConfig",
                 [&] { return stream ? create_stream(stream) : null_argument("stream"); });
}

aclError aclrtDestroyStream(aclrtStream stream) {
  return guarded("aclrtDestroyStream", [&] { return destroy_stream(stream, false); });
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
  return guarded("aclrtDestroyStreamForce", [&] { return destroy_stream(stream, true); });
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
  return on("aclrtSynchronizeStream", stream, [](const auto& s) { return s->synchronize(kForever); });
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  return on("aclrtSynchronizeStreamWithTimeout", stream,
            [&](const auto& s) { return timeout < -1 ? bad_timeout(timeout) : s->synchronize(timeout); });
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status) {
  return on("aclrtStreamQuery", stream, [&](const auto& s) -> Result {
    if (!status) return null_argument("status");
    *status = s->idle() ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtStreamAbort(aclrtStream stream) {
  return on("aclrtStreamAbort", stream, [&](const auto& s) { return stream ? s->abort() : null_argument("stream"); });
}

aclError aclrtStreamGetId(aclrtStream stream, int32_t* streamId) {
  return on("aclrtStreamGetId", stream, [&](const auto& s) -> Result {
    if (!streamId) return null_argument("streamId");
    *streamId = s->id;
    return {};
  });
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
  return on("aclrtSetStreamFailureMode", stream, [&](const auto& s) -> Result {
    if (!stream) return fail(kBadValue, "stream: null pointer, expected a stream that is no default stream");
    if (mode > 1) return fail(kBadValue, "mode: " + std::to_string(mode) + ", expected 0 (continue) or 1 (stop)");
    s->stop_on_failure = mode == 1;
    return {};
  });
}

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream) {
  return on("aclrtSubscribeReport", stream, [&](const auto& s) { return subscribe_report(threadId, s); });
}

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream) {
  return on("aclrtUnSubscribeReport", stream, [&](const auto& s) { return unsubscribe_report(threadId, s); });
}

aclError aclrtLaunchCallback(aclrtCallback fn, void* userData, aclrtCallbackBlockType blockType, aclrtStream stream) {
  return on("aclrtLaunchCallback", stream, [&](const auto& s) -> Result {
    if (!fn) return null_argument("fn");
    if (blockType != ACL_CALLBACK_NO_BLOCK && blockType != ACL_CALLBACK_BLOCK)
      return fail(kBadValue, "blockType: " + std::to_string(static_cast<int>(blockType)) +
                                 ", expected ACL_CALLBACK_NO_BLOCK (0) or ACL_CALLBACK_BLOCK (1)");
    return launch_callback(s, [fn, userData] { fn(userData); }, blockType == ACL_CALLBACK_BLOCK);
  });
}

aclError aclrtProcessReport(int32_t timeout) {
  return guarded("aclrtProcessReport",
                 [&] { return timeout < -1 || timeout == 0 ? bad_timeout(timeout) : process_report(timeout); });
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void* args) {
  return on("aclrtLaunchHostFunc", stream, [&](const auto& s) -> Result {
    if (!fn) return null_argument("fn");
    return launch_host_function(s, [fn, args] { fn(args); });
  });
}
