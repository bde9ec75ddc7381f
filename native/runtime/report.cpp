// See report.hpp.
#include "report.hpp"

#include <pthread.h>

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "per_process.hpp"

namespace bcelogits::runtime {

namespace {

struct Pending {
  std::function<void()> callback;
  std::shared_ptr<Gate> done;
};

struct Mailbox {
  std::vector<std::weak_ptr<Stream>> streams;
  std::deque<Pending> pending;
};

struct Reports {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Mailbox> boxes;

  Mailbox* box_of(const Stream* stream, std::uint64_t* thread = nullptr) {
    for (auto& [id, box] : boxes)
      for (const std::weak_ptr<Stream>& s : box.streams)
        if (s.lock().get() == stream) {
          if (thread) *thread = id;
          return &box;
        }
    return nullptr;
  }
};

Reports& reports() { return per_process<Reports>(); }

Result claim(const std::shared_ptr<Stream>& stream, Stream::Callbacks way) {
  auto before = Stream::Callbacks::Unused;
  if (stream->callbacks.compare_exchange_strong(before, way) || before == way) return {};
  return fail(kBadValue,
              "stream: has callbacks of the other kind (aclrtLaunchHostFunc and aclrtSubscribeReport exclude "
              "each other on one stream)");
}

}  // namespace

Result subscribe_report(std::uint64_t thread, const std::shared_ptr<Stream>& stream) {
  if (Result r = claim(stream, Stream::Callbacks::Subscribed); !r.ok()) return r;
  const std::lock_guard lock(reports().mutex);
  if (reports().box_of(stream.get()))
    return fail(kStreamSubscribed, "stream: subscribed already, expected one without a thread");
  reports().boxes[thread].streams.push_back(stream);
  reports().changed.notify_all();
  return {};
}

Result unsubscribe_report(std::uint64_t thread, const std::shared_ptr<Stream>& stream) {
  std::deque<Pending> dropped;
  {
    const std::lock_guard lock(reports().mutex);
    std::uint64_t owner = 0;
    Mailbox* box = reports().box_of(stream.get(), &owner);
    if (!box || owner != thread) return fail(kThreadNotSubscribed, "threadId: not subscribed to this stream");
    auto& all = box->streams;
    all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& s) { return s.expired() || s.lock() == stream; }),
              all.end());
    if (all.empty()) {
      dropped.swap(box->pending);
      reports().boxes.erase(thread);
    }
  }
  reports().changed.notify_all();
  for (const Pending& p : dropped) p.done->open();
  stream->callbacks = Stream::Callbacks::Unused;
  return {};
}

Result launch_callback(const std::shared_ptr<Stream>& stream, std::function<void()> callback, bool block) {
  {
    const std::lock_guard lock(reports().mutex);
    if (!reports().box_of(stream.get()))
      return fail(kNoCallback, "stream: no thread is subscribed to it, expected aclrtSubscribeReport before");
  }
  Stream* self = stream.get();  // which outlives its tasks
  return stream->enqueue([self, callback = std::move(callback), block]() -> Result {
    auto done = std::make_shared<Gate>();
    {
      const std::lock_guard lock(reports().mutex);
      Mailbox* box = reports().box_of(self);
      if (!box) return fail(kNoCallback, "stream: its thread was unsubscribed before a callback could run");
      box->pending.push_back({callback, done});
    }
    reports().changed.notify_all();
    return block ? self->wait(*done, kForever) : Result{};
  });
}

Result process_report(int milliseconds) {
  const auto thread = static_cast<std::uint64_t>(pthread_self());
  Pending next;
  {
    std::unique_lock lock(reports().mutex);
    auto& boxes = reports().boxes;
    // A thread may wait before it is subscribed: who creates it can subscribe it only afterwards.
    bool subscribed = false;
    const auto done = [&] {
      const auto box = boxes.find(thread);
      const bool gone = subscribed && box == boxes.end();
      subscribed = subscribed || box != boxes.end();
      return gone || (box != boxes.end() && !box->second.pending.empty());
    };
    bool in_time = true;
    if (milliseconds < 0)
      reports().changed.wait(lock, done);
    else
      in_time = reports().changed.wait_for(lock, std::chrono::milliseconds(milliseconds), done);
    if (boxes.find(thread) == boxes.end())
      return fail(kThreadNotSubscribed, "the calling thread is subscribed to no stream");
    if (!in_time) return fail(kReportTimeout, "timeout: no callback within " + std::to_string(milliseconds) + " ms");
    auto& pending = boxes[thread].pending;
    next = std::move(pending.front());
    pending.pop_front();
  }
  next.callback();
  next.done->open();
  return {};
}

Result launch_host_function(const std::shared_ptr<Stream>& stream, std::function<void()> function) {
  if (Result r = claim(stream, Stream::Callbacks::HostFunctions); !r.ok()) return r;
  return stream->enqueue([function = std::move(function)]() -> Result {
    function();
    return {};
  });
}

}  // namespace bcelogits::runtime
