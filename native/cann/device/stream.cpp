// See stream.hpp.
#include "stream.hpp"

#include <system_error>
#include <thread>
#include <utility>

#include "per_process.hpp"

namespace bcelogits::runtime {

namespace {

thread_local const Stream* serving = nullptr;  // the stream whose task this thread runs

}  // namespace

// Threads that serve streams with work; one per stream that has some, kept for the next.
class Workers {
 public:
  // Whether a thread will come.
  bool call(std::shared_ptr<Stream> stream) {
    std::unique_lock lock(mutex_);
    waiting_.push_back(std::move(stream));
    if (idle_ >= waiting_.size()) {
      lock.unlock();
      wake_.notify_one();
      return true;
    }
    try {
      std::thread([this] { work(); }).detach();
      ++threads_;
    } catch (...) {
      if (threads_ == 0) waiting_.pop_back();
    }
    return threads_ > 0;  // one that is busy takes it next
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      const bool called = wake_.wait_for(lock, std::chrono::seconds(10), [&] { return !waiting_.empty(); });
      --idle_;
      if (!called) {
        --threads_;
        return;
      }
      const std::shared_ptr<Stream> stream = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      {
        std::unique_lock stream_lock(stream->mutex_);
        stream->called_ = false;
        if (!stream->running_) stream->serve(stream_lock, ~std::uint64_t{0});
      }
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Stream>> waiting_;
  std::size_t idle_ = 0, threads_ = 0;
};

// With the lock. The next who queues or synchronizes tries again if nobody will come.
void Stream::call_worker() {
  if (called_) return;
  try {
    called_ = per_process<Workers>().call(shared_from_this());
  } catch (...) {  // std::bad_alloc
  }
}

void Stream::run(Task& task, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const Stream* outer = serving;
  serving = this;
  Result result;
  try {
    result = task();
  } catch (const std::exception& e) {  // std::bad_alloc
    result = fail(kTaskFailed, e.what());
  } catch (...) {
    result = fail(kTaskFailed, "a callback threw an exception");
  }
  task = nullptr;  // what it holds is let go of without the lock
  serving = outer;
  lock.lock();
  if (!result.ok() && failure_.ok()) failure_ = std::move(result);
}

void Stream::serve(std::unique_lock<std::mutex>& lock, std::uint64_t until) {
  running_ = true;
  while (!queue_.empty() && begun_ < until) {
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++begun_;
    if (stop_on_failure && !failure_.ok()) {
      lock.unlock();
      task = nullptr;
      lock.lock();
      done_ = begun_;
      continue;
    }
    run(task, lock);
    done_ = begun_;
    if (waiting_ > 0) changed_.notify_all();
  }
  running_ = false;
  if (!queue_.empty()) call_worker();
  changed_.notify_all();
}

Result Stream::enqueue(Task task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(kInvalidHandle, "stream: destroyed, expected a stream that exists");
  queue_.push_back(std::move(task));
  if (!running_) call_worker();
  if (running_ || called_) return {};
  queue_.pop_back();
  return fail(kNoResource, "stream: no thread can be started to do its work");
}

Result Stream::run_or_enqueue(Task task) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) return fail(kInvalidHandle, "stream: destroyed, expected a stream that exists");
    if (!running_ && queue_.empty()) {
      if (stop_on_failure && !failure_.ok()) return {};
      running_ = true;
      ++begun_;
      run(task, lock);
      running_ = false;
      done_ = begun_;
      if (!queue_.empty()) call_worker();
      changed_.notify_all();
      return {};
    }
  }
  return enqueue(std::move(task));
}

Result Stream::synchronize(int milliseconds) {
  if (serving == this)
    return fail(kBadValue, "stream: synchronized by a task of its own, which would wait for itself for ever");
  std::unique_lock lock(mutex_);
  const std::uint64_t until = begun_ + queue_.size();  // what others queue meanwhile is theirs to wait for
  const auto over = [&] { return done_ >= until; };
  if (milliseconds < 0) {
    while (!over()) {
      if (!running_) {
        serve(lock, until);  // rather than wait for a thread to wake up for it
        continue;
      }
      ++waiting_;
      changed_.wait(lock, [&] { return !running_ || over(); });
      --waiting_;
    }
  } else if (!over()) {
    ++waiting_;
    const bool in_time = changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), over);
    --waiting_;
    if (!in_time) return fail(kStreamTimeout, "stream: not complete after " + std::to_string(milliseconds) + " ms");
  }
  return std::exchange(failure_, Result{});
}

bool Stream::idle() const {
  const std::lock_guard lock(mutex_);
  return queue_.empty() && !running_;
}

bool Stream::waits() const {
  const std::lock_guard lock(mutex_);
  return gate_ != nullptr;
}

Result Stream::abort() {
  std::deque<Task> dropped;
  std::unique_lock lock(mutex_);
  dropped.swap(queue_);
  begun_ += dropped.size();
  if (!running_) done_ = begun_;
  if (serving != this) {
    cancelled_ = true;
    if (gate_) gate_->poke();
    changed_.wait(lock, [&] { return !running_; });
    cancelled_ = false;
  }
  failure_ = fail(kStreamAborted, "stream: aborted, what was queued is dropped");
  lock.unlock();
  return {};
}

void Stream::refuse() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void Stream::close(bool drop) {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (drop) {
      dropped.swap(queue_);
      begun_ += dropped.size();
      if (!running_) done_ = begun_;
    }
    changed_.notify_all();
  }
  if (drop)
    cancel();
  else if (serving != this)
    (void)synchronize(kForever);
}

void Stream::cancel() {
  cancelled_ = true;
  const std::lock_guard lock(mutex_);
  if (gate_) gate_->poke();
}

bool in_stream_task() { return serving != nullptr; }

Result Stream::wait(Gate& gate, int milliseconds) {
  {
    const std::lock_guard lock(mutex_);
    gate_ = &gate;
  }
  std::optional<Clock::time_point> deadline;
  if (milliseconds >= 0) deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  const bool open = gate.wait(deadline, [this] { return cancelled_.load(); });
  {
    const std::lock_guard lock(mutex_);
    gate_ = nullptr;
  }
  if (open) return {};
  if (cancelled_) return fail(kTaskFailed, "stream: destroyed while a task waited for an event or a callback");
  return fail(kEventTimeout, "event: not recorded within " + std::to_string(milliseconds) + " ms");
}

}  // namespace bcelogits::runtime
