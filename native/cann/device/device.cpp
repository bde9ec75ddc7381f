// See device.hpp.
#include "device.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "memory.hpp"
#include "per_process.hpp"
#include "report.hpp"
#include "settings.hpp"

namespace bcelogits::runtime {

namespace {

struct Device {
  int users = 0;  // set_device() less reset_device()
  std::shared_ptr<Context> default_context;
};

struct State {
  std::mutex mutex;  // of `devices`, and of making and ending contexts
  std::vector<Device> devices{static_cast<std::size_t>(std::max(settings().devices, 1))};
  Contexts contexts;
  Streams streams;
  Events events;
  std::atomic<int> next_stream_id{0};
  std::atomic<int> wait_timeout{kForever};
};

State& state() { return per_process<State>(); }

thread_local void* current = nullptr;  // handle of a context; what it names may have ended since

Result check_device(int device) {
  if (!settings().problem.empty()) return fail(kInvalidDevice, settings().problem);
  if (device >= 0 && device < settings().devices) return {};
  return fail(kInvalidDevice,
              "deviceId: " + std::to_string(device) + ", expected 0 to " + std::to_string(settings().devices - 1));
}

Result new_stream(const void* context, int device, void** handle, std::shared_ptr<Stream>& stream) {
  stream = std::make_shared<Stream>(context, device, state().next_stream_id++);
  *handle = streams().insert(stream);
  if (*handle) return {};
  return fail(kNoStreams, "stream: no more can be made");
}

Result new_context(int device, bool is_default, std::shared_ptr<Context>& context) {
  context = std::make_shared<Context>();
  context->device = device;
  context->is_default = is_default;
  context->handle = contexts().insert(context);
  if (!context->handle) return fail(kInternal, "context: no more can be made");
  return new_stream(context->handle, device, &context->default_stream_handle, context->default_stream);
}

// Waits for what the stream has queued, or drops it.
void end_stream(Stream& stream, bool drop) {
  if (drop) end_reports(stream);
  stream.close(drop);
  end_reports(stream);
}

// Waits for the context's streams, or drops what they have queued, and ends it.
void end_context(Context& context, bool drop) {
  contexts().remove(context.handle);
  for (const std::shared_ptr<Stream>& s : streams().all())
    if (s->context == context.handle) end_stream(*s, drop);
  streams().remove_if([&](const Stream& s) { return s.context == context.handle; });
}

int stream_limit() {
  switch (settings().product) {
    case Product::Training:
      return 2048;
    case Product::Inference310P:
      return 1024;
    case Product::Edge310B:
      return 512;
    default:
      return 1984;
  }
}

}  // namespace

Contexts& contexts() { return state().contexts; }
Streams& streams() { return state().streams; }
Events& events() { return state().events; }

Result set_device(int device) {
  if (Result r = check_device(device); !r.ok()) return r;
  const std::lock_guard lock(state().mutex);
  Device& d = state().devices[static_cast<std::size_t>(device)];
  if (!d.default_context) {
    std::shared_ptr<Context> made;
    if (Result r = new_context(device, true, made); !r.ok()) return r;
    d.default_context = std::move(made);
  }
  ++d.users;
  current = d.default_context->handle;
  return {};
}

Result reset_device(int device, bool force) {
  if (Result r = check_device(device); !r.ok()) return r;
  std::shared_ptr<Context> context;
  {
    const std::lock_guard lock(state().mutex);
    Device& d = state().devices[static_cast<std::size_t>(device)];
    if (!d.default_context)
      return fail(kInvalidDevice, "deviceId: " + std::to_string(device) +
                                      " is not in use, expected one that aclrtSetDevice was called with");
    d.users = force ? 0 : d.users - 1;
    if (d.users > 0) return {};
    context = std::move(d.default_context);
    d.default_context = nullptr;
  }
  end_context(*context, force);
  const std::lock_guard lock(state().mutex);  // so that nobody begins to use the device meanwhile
  bool in_use = state().devices[static_cast<std::size_t>(device)].default_context != nullptr;
  for (const std::shared_ptr<Context>& c : contexts().all()) in_use = in_use || c->device == device;
  if (!in_use) memory::release_all(device);
  return {};
}

Result current_context(std::shared_ptr<Context>& context) {
  if (current) context = contexts().find(current);
  if (context) return {};
  return fail(kNoContext, current ? "context: the calling thread's context was destroyed, expected aclrtSetDevice or "
                                    "aclrtSetCurrentContext before"
                                  : "context: the calling thread has none, expected aclrtSetDevice or "
                                    "aclrtSetCurrentContext before");
}

Result current_device(int& device) {
  std::shared_ptr<Context> context;
  if (Result r = current_context(context); !r.ok()) return r;
  device = context->device;
  return {};
}

Result device_in_use(int device, bool& in_use) {
  if (Result r = check_device(device); !r.ok()) return r;
  const std::lock_guard lock(state().mutex);
  in_use = state().devices[static_cast<std::size_t>(device)].default_context != nullptr;
  return {};
}

Result create_context(int device, void** handle) {
  if (Result r = check_device(device); !r.ok()) return r;
  std::shared_ptr<Context> context;
  const std::lock_guard lock(state().mutex);
  if (Result r = new_context(device, false, context); !r.ok()) return r;
  *handle = current = context->handle;
  return {};
}

Result destroy_context(void* handle) {
  const std::shared_ptr<Context> context = contexts().find(handle);
  if (!context)
    return fail(kInvalidHandle, contexts().was_alive(handle) ? "context: destroyed already, expected one that exists"
                                                             : "context: not a context");
  if (context->is_default)
    return fail(kBadValue,
                "context: the device's default context, expected one that aclrtCreateContext made "
                "(aclrtResetDevice ends the default one)");
  end_context(*context, false);
  if (current == handle) current = nullptr;
  return {};
}

Result set_current_context(void* handle) {
  if (!contexts().find(handle))
    return fail(kInvalidHandle, contexts().was_alive(handle) ? "context: destroyed, expected one that exists"
                                                             : "context: not a context");
  current = handle;
  return {};
}

Result create_stream(void** handle) {
  std::shared_ptr<Context> context;
  if (Result r = current_context(context); !r.ok()) return r;
  if (streams().alive() >= static_cast<std::size_t>(stream_limit()))
    return fail(kNoStreams, "stream: " + std::to_string(stream_limit()) + " exist, which is as many as the device has");
  std::shared_ptr<Stream> stream;
  return new_stream(context->handle, context->device, handle, stream);
}

Result resolve_stream(const void* handle, std::shared_ptr<Stream>& stream) {
  std::shared_ptr<Context> context;
  if (Result r = current_context(context); !r.ok()) return r;
  if (!handle) {
    stream = context->default_stream;
    return {};
  }
  stream = streams().find(handle);
  if (!stream)
    return fail(kInvalidHandle, streams().was_alive(handle) ? "stream: destroyed, expected a stream that exists"
                                                            : "stream: not a stream");
  if (stream->context != context->handle)
    return fail(kStreamContext, "stream: belongs to another context than the calling thread's current one");
  return {};
}

Result destroy_stream(void* handle, bool force) {
  if (!handle) return fail(kBadValue, "stream: null pointer, expected a stream (a default stream cannot be destroyed)");
  std::shared_ptr<Stream> stream;
  if (Result r = resolve_stream(handle, stream); !r.ok()) return r;
  std::shared_ptr<Context> context;
  if (Result r = current_context(context); !r.ok()) return r;
  if (handle == context->default_stream_handle)
    return fail(kBadValue, "stream: the context's default stream, expected one that aclrtCreateStream made");
  if (!streams().remove(handle)) return fail(kInvalidHandle, "stream: destroyed, expected a stream that exists");
  end_stream(*stream, force);
  return {};
}

Result resolve_event(const void* handle, std::shared_ptr<Event>& event) {
  event = events().find(handle);
  if (event) return {};
  if (!handle) return fail(kBadValue, "event: null pointer, expected an event");
  return fail(kInvalidHandle,
              events().was_alive(handle) ? "event: destroyed, expected an event that exists" : "event: not an event");
}

Result synchronize_device(int milliseconds) {
  int device = 0;
  if (Result r = current_device(device); !r.ok()) return r;
  const auto deadline = Clock::now() + std::chrono::milliseconds(std::max(milliseconds, 0));
  Result first;
  for (const std::shared_ptr<Stream>& s : streams().all()) {
    if (s->device != device) continue;
    int left = kForever;
    if (milliseconds >= 0)
      left = static_cast<int>(std::max<std::int64_t>(
          0, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count()));
    Result r = s->synchronize(left);
    if (!r.ok() && first.ok()) first = std::move(r);
  }
  return first;
}

void set_wait_timeout(int milliseconds) { state().wait_timeout = milliseconds; }
int wait_timeout() { return state().wait_timeout; }

Result shut_down() {
  if (in_stream_task())
    return fail(kBadValue, "called by a callback of a stream, which would wait for itself for ever");
  State& s = state();
  const std::vector<std::shared_ptr<Stream>> all = s.streams.all();
  for (const std::shared_ptr<Stream>& stream : all) stream->refuse();
  // As long as something runs, wait. When all that is left waits for events or callbacks that nobody brings about any
  // more (half a second without change), cancel it.
  int still = 0;
  for (;;) {
    const bool idle = std::all_of(all.begin(), all.end(), [](const auto& stream) { return stream->idle(); });
    if (idle) break;
    const bool stuck = !callback_runs() && std::all_of(all.begin(), all.end(), [](const auto& stream) {
      return stream->idle() || stream->waits();
    });
    still = stuck ? still + 1 : 0;
    if (still == 500)
      for (const std::shared_ptr<Stream>& stream : all) stream->cancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (const std::shared_ptr<Stream>& stream : all) end_reports(*stream);
  s.streams.remove_if([](const Stream&) { return true; });
  s.events.remove_if([](const Event&) { return true; });
  s.contexts.remove_if([](const Context&) { return true; });
  {
    const std::lock_guard lock(s.mutex);
    for (Device& d : s.devices) d = Device{};
  }
  current = nullptr;
  memory::release_all(-1);
  return {};
}

}  // namespace bcelogits::runtime
