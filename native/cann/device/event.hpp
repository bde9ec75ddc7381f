// A point in a stream's queue that can be waited for, asked about and timed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "stream.hpp"

namespace bcelogits::runtime {

class Event {
 public:
  struct Traits {
    bool waitable = true;              // streams may wait for it
    bool timed = true;                 // it keeps the time of its recording
    bool complete_unrecorded = false;  // asked about before any recording, it says complete
  };

  Event(Traits traits, int device) : device(device), traits_(traits) {}
  const int device;

  // Queues the recording. Later waits and questions are about this one.
  Result record(Stream& stream);
  // Queues a wait for the latest recording; if there is none, for the first.
  Result make_wait(Stream& stream, int milliseconds);
  // Queues a return to the state before any recording, for reuse after waits.
  Result reset(Stream& stream);

  Result synchronize(int milliseconds) const;
  bool complete() const;
  bool waits_complete() const;  // no wait for it is queued
  bool resettable() const { return !traits_.complete_unrecorded; }

  Result time(std::optional<Clock::time_point>& when) const;

 private:
  std::shared_ptr<Gate> latest() const;

  const Traits traits_;
  mutable std::mutex mutex_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  bool recorded_ = false;  // the gate has a recording that will open it
  std::shared_ptr<std::atomic<int>> waits_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace bcelogits::runtime
