// See report.hpp.
#include "report.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "per_process.hpp"

namespace bcelogits::runtime {

namespace {

// A callback on its way to the subscribed thread.
struct Pending {
  const Stream* stream;
  std::function<void()> callback;
  Gate done;
  std::atomic<bool> dropped{false};
};

struct Mailbox {
  std::vector<const Stream*> streams;
  std::deque<std::shared_ptr<Pending>> pending;
};

struct Reports {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Mailbox> boxes;

  std::atomic<int> running{0};  // callbacks

  std::map<std::uint64_t, Mailbox>::iterator box_of(const Stream* stream) {
    return std::find_if(boxes.begin(), boxes.end(), [&](const auto& box) {
      const auto& all = box.second.streams;
      return std::find(all.begin(), all.end(), stream) != all.end();
    });
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
  if (reports().box_of(stream.get()) != reports().boxes.end())
    return fail(kStreamSubscribed, "stream: subscribed already, expected one without a thread");
  reports().boxes[thread].streams.push_back(stream.get());
  reports().changed.notify_all();
  return {};
}

Result unsubscribe_report(std::uint64_t thread, const std::shared_ptr<Stream>& stream) {
  {
    const std::lock_guard lock(reports().mutex);
    const auto box = reports().box_of(stream.get());
    if (box == reports().boxes.end() || box->first != thread)
      return fail(kThreadNotSubscribed, "threadId: not subscribed to this stream");
  }
  end_reports(*stream);
  stream->callbacks = Stream::Callbacks::Unused;
  return {};
}

void end_reports(const Stream& stream) {
  std::vector<std::shared_ptr<Pending>> dropped;
  {
    const std::lock_guard lock(reports().mutex);
    const auto box = reports().box_of(&stream);
    if (box == reports().boxes.end()) return;
    Mailbox& mail = box->second;
    mail.streams.erase(std::find(mail.streams.begin(), mail.streams.end(), &stream));
    const auto gone = std::stable_partition(mail.pending.begin(), mail.pending.end(),
                                            [&](const auto& p) { return p->stream != &stream; });
    dropped.assign(gone, mail.pending.end());
    mail.pending.erase(gone, mail.pending.end());
    if (mail.streams.empty()) reports().boxes.erase(box);
  }
  reports().changed.notify_all();
  for (const std::shared_ptr<Pending>& p : dropped) {
    p->dropped = true;
    p->done.open();
  }
}

bool callback_runs() { return reports().running > 0; }

Result launch_callback(const std::shared_ptr<Stream>& stream, std::function<void()> callback, bool block) {
  const auto nobody = [](const char* when) {
    return fail(kNoCallback, std::string("stream: no thread is subscribed to it") + when);
  };
  {
    const std::lock_guard lock(reports().mutex);
    if (reports().box_of(stream.get()) == reports().boxes.end())
      return nobody(", expected aclrtSubscribeReport before");
  }
  Stream* self = stream.get();  // which outlives its tasks
  return stream->enqueue([self, nobody, callback = std::move(callback), block]() -> Result {
    const auto mine = std::make_shared<Pending>();
    mine->stream = self;
    mine->callback = callback;
    {
      const std::lock_guard lock(reports().mutex);
      const auto box = reports().box_of(self);
      if (box == reports().boxes.end()) return nobody(" any more");
      box->second.pending.push_back(mine);
    }
    reports().changed.notify_all();
    if (!block) return {};
    Result r = self->wait(mine->done, kForever);
    return mine->dropped ? nobody(" any more") : r;
  });
}

Result process_report(int milliseconds) {
  const auto thread = static_cast<std::uint64_t>(pthread_self());
  std::shared_ptr<Pending> next;
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
    ++reports().running;
  }
  struct Over {
    Pending& callback;
    ~Over() {
      callback.done.open();
      --reports().running;
    }
  } over{*next};
  next->callback();
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
