// Something that happens once and that others wait for: an event's recording, a callback's end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace bcelogits::runtime {

using Clock = std::chrono::steady_clock;

class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      if (opened_at_) return;
      opened_at_ = Clock::now();
    }
    changed_.notify_all();
  }
  // Those who wait look at their condition again.
  void poke() {
    {
      const std::lock_guard lock(mutex_);
    }
    changed_.notify_all();
  }

  bool is_open() const {
    const std::lock_guard lock(mutex_);
    return opened_at_.has_value();
  }
  std::optional<Clock::time_point> opened_at() const {
    const std::lock_guard lock(mutex_);
    return opened_at_;
  }

  // Until it is open or `give_up()` says so or the time is over; whether it is open then.
  template <class GiveUp>
  bool wait(std::optional<Clock::time_point> deadline, GiveUp&& give_up) {
    std::unique_lock lock(mutex_);
    const auto done = [&] { return opened_at_.has_value() || give_up(); };
    if (deadline)
      changed_.wait_until(lock, *deadline, done);
    else
      changed_.wait(lock, done);
    return opened_at_.has_value();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Clock::time_point> opened_at_;
};

}  // namespace bcelogits::runtime
