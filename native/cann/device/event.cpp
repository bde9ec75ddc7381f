// See event.hpp.
#include "event.hpp"

namespace bcelogits::runtime {

namespace {

// Opens its gate when the recording runs, and also when it is dropped with its stream: nobody waits for ever.
struct Recording {
  std::shared_ptr<Gate> gate;
  explicit Recording(std::shared_ptr<Gate> g) : gate(std::move(g)) {}
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { gate->open(); }
};

struct Waiting {
  std::shared_ptr<std::atomic<int>> count;
  explicit Waiting(std::shared_ptr<std::atomic<int>> c) : count(std::move(c)) { ++*count; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { --*count; }
};

}  // namespace

std::shared_ptr<Gate> Event::latest() const {
  const std::lock_guard lock(mutex_);
  return gate_;
}

Result Event::record(Stream& stream) {
  const std::lock_guard lock(mutex_);  // held while queueing: the latest record is the one queued last
  std::shared_ptr<Gate> gate = recorded_ ? std::make_shared<Gate>() : gate_;
  // On an idle stream at once: nobody can tell the difference, and no thread has to wake up.
  const Result queued = stream.run_or_enqueue([recording = std::make_shared<Recording>(gate)]() -> Result {
    recording->gate->open();
    return {};
  });
  if (!queued.ok()) {
    if (!recorded_) gate_ = std::make_shared<Gate>();  // the recording that never was has opened this one
    return queued;
  }
  gate_ = std::move(gate);
  recorded_ = true;
  return {};
}

Result Event::make_wait(Stream& stream, int milliseconds) {
  if (!traits_.waitable)
    return fail(kBadValue, "event: made without ACL_EVENT_SYNC, expected one that streams can wait for");
  std::shared_ptr<Gate> gate;
  {
    const std::lock_guard lock(mutex_);
    if (!recorded_ && traits_.complete_unrecorded) return {};
    gate = gate_;
  }
  if (gate->is_open()) return {};
  return stream.enqueue([&stream, gate, milliseconds, waiting = std::make_shared<Waiting>(waits_)] {
    return stream.wait(*gate, milliseconds);
  });
}

Result Event::reset(Stream& stream) {
  if (!resettable())
    return fail(kBadValue, "event: made by aclrtCreateEventExWithFlag, expected one that can be reset");
  // What was queued before keeps the old gate; what is queued after gets a new one.
  if (Result r = stream.enqueue([]() -> Result { return {}; }); !r.ok()) return r;
  const std::lock_guard lock(mutex_);
  gate_ = std::make_shared<Gate>();
  recorded_ = false;
  return {};
}

Result Event::synchronize(int milliseconds) const {
  {
    const std::lock_guard lock(mutex_);
    if (!recorded_) {
      if (traits_.complete_unrecorded) return {};
      return fail(kBadValue, "event: never recorded, expected one that aclrtRecordEvent was called with");
    }
  }
  const std::shared_ptr<Gate> gate = latest();
  std::optional<Clock::time_point> deadline;
  if (milliseconds >= 0) deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  if (gate->wait(deadline, [] { return false; })) return {};
  return fail(kEventTimeout, "event: not complete after " + std::to_string(milliseconds) + " ms");
}

bool Event::complete() const {
  const std::lock_guard lock(mutex_);
  return recorded_ ? gate_->is_open() : traits_.complete_unrecorded;
}

bool Event::waits_complete() const { return *waits_ == 0; }

Result Event::time(std::optional<Clock::time_point>& when) const {
  if (!traits_.timed)
    return fail(kEventTimestamp, "made without ACL_EVENT_TIME_LINE, expected one that keeps the time");
  const std::lock_guard lock(mutex_);
  if (!recorded_) return fail(kEventTimestamp, "never recorded, expected a recorded event");
  when = gate_->opened_at();
  if (!when)
    return fail(kEventTimestamp, "recorded but not complete, expected a complete event (synchronize it first)");
  return {};
}

}  // namespace bcelogits::runtime
