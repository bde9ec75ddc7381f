// Callbacks that a stream hands to a thread which the application provides (subscribe, launch, process).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "stream.hpp"

namespace bcelogits::runtime {

// `thread`: pthread_self() of the thread that will call process_report().
Result subscribe_report(std::uint64_t thread, const std::shared_ptr<Stream>& stream);
Result unsubscribe_report(std::uint64_t thread, const std::shared_ptr<Stream>& stream);
// Queues `callback`; `block`: the stream's later tasks wait until it has run.
Result launch_callback(const std::shared_ptr<Stream>& stream, std::function<void()> callback, bool block);
// Runs one callback on the calling thread, waiting at most this long for it.
Result process_report(int milliseconds);

// Ends the stream's subscription, if it has one; callbacks of it that have not begun are dropped.
void end_reports(const Stream& stream);
// Whether some thread is in a callback.
bool callback_runs();

// Queues a call of `function` on the stream itself; needs no subscription.
Result launch_host_function(const std::shared_ptr<Stream>& stream, std::function<void()> function);

}  // namespace bcelogits::runtime
