// Devices and contexts, and which of them a thread uses. A context has a default stream; a device has a default
// context.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "event.hpp"
#include "registry.hpp"
#include "stream.hpp"

namespace bcelogits::runtime {

struct Context {
  void* handle = nullptr;
  int device = 0;
  bool is_default = false;
  void* default_stream_handle = nullptr;
  std::shared_ptr<Stream> default_stream;
};

using Contexts = Registry<Context, HandleKind::Context>;
using Streams = Registry<Stream, HandleKind::Stream>;
using Events = Registry<Event, HandleKind::Event>;

Contexts& contexts();
Streams& streams();
Events& events();

Result set_device(int device);
Result reset_device(int device, bool force);
Result current_device(int& device);
// Whether a thread has set it and not reset it.
Result device_in_use(int device, bool& in_use);

Result create_context(int device, void** handle);
Result destroy_context(void* handle);
Result set_current_context(void* handle);
// The calling thread's; kNoContext if it has none.
Result current_context(std::shared_ptr<Context>& context);

Result create_stream(void** handle);
Result destroy_stream(void* handle, bool force);
// A stream of the current context; null: its default stream.
Result resolve_stream(const void* handle, std::shared_ptr<Stream>& stream);
Result resolve_event(const void* handle, std::shared_ptr<Event>& event);

// Waits for all work of the current context's device.
Result synchronize_device(int milliseconds);
// How long a stream waits for an event before it fails; kForever at first.
void set_wait_timeout(int milliseconds);
int wait_timeout();

// Ends everything: waits for work in flight (work that can never end is cancelled), destroys streams, events and
// contexts, frees all memory. An error from within a task of a stream.
Result shut_down();

}  // namespace bcelogits::runtime
