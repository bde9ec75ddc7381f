// A queue of tasks that run one after another, in order, beside the thread that queues them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "gate.hpp"
#include "result.hpp"

namespace bcelogits::runtime {

inline constexpr int kForever = -1;

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  using Task = std::function<Result()>;  // a failure is kept for the next synchronize()

  Stream(const void* context, int device, int id) : context(context), device(device), id(id) {}

  const void* const context;  // handle of the context that it belongs to
  const int device;
  const int id;

  // Queues a task. An error once the stream is closed.
  Result enqueue(Task task);
  // Runs the task before returning if nothing is queued or running; otherwise queues it. For work that is over sooner
  // than another thread would have woken up.
  Result run_or_enqueue(Task task);
  // Until all that is queued has run, or `milliseconds` are over (kStreamTimeout). The first failure since the last
  // call, if there was one.
  Result synchronize(int milliseconds);
  bool idle() const;
  bool waits() const;  // for a gate

  // Drops what is queued; a task that has begun still ends. The next synchronize() says so (kStreamAborted), and the
  // stream can be used again.
  Result abort();
  // No more tasks from now on.
  void refuse();
  // No more tasks. Waits for what is queued, or drops it: then only a task that has begun still ends.
  void close(bool drop);
  // Lets a task that waits for a gate go on (it fails); used when nobody can open the gate any more.
  void cancel();

  // For a task of this stream: waits until the gate is open; fails when cancelled or late.
  Result wait(Gate& gate, int milliseconds);

  // After a failure all further tasks are dropped until synchronize() has reported it.
  std::atomic<bool> stop_on_failure{false};

  // How callbacks of this stream are run; an application uses one way or the other.
  enum class Callbacks { Unused, HostFunctions, Subscribed };
  std::atomic<Callbacks> callbacks{Callbacks::Unused};

 private:
  friend class Workers;
  void serve(std::unique_lock<std::mutex>& lock, std::uint64_t until);  // runs tasks until so many have begun
  void run(Task& task, std::unique_lock<std::mutex>& lock);
  void call_worker();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> queue_;
  std::uint64_t begun_ = 0, done_ = 0;  // tasks taken from the queue, and those that are over
  bool running_ = false, closed_ = false, called_ = false;
  int waiting_ = 0;  // threads in synchronize()
  Result failure_;
  std::atomic<bool> cancelled_{false};
  Gate* gate_ = nullptr;  // what the running task waits for
};

// Whether the calling thread runs a task of a stream (a callback of the application's, say).
bool in_stream_task();

}  // namespace bcelogits::runtime
