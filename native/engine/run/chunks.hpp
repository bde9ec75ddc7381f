// How the chunks of one call are shared among threads: each walks through a range of its own, then helps with the
// others'.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

#include "../threads/pool.hpp"
#include "../types/status.hpp"
#include "dispatch.hpp"

namespace bcelogits {

inline constexpr std::int64_t kParallelFrom = 1 << 17;  // elements; below, waking a thread costs more than it gives
inline constexpr std::int64_t kShareFrom = 1 << 15;     // from here on, one that is awake helps

// How many threads a call on `count` elements in so many chunks has at most, and how many it is worth waking now.
inline int most_workers(std::int64_t count, std::int64_t chunks, int threads) {
  return count < kShareFrom ? 1 : static_cast<int>(std::min<std::int64_t>(threads, chunks));
}
inline int workers_for(std::int64_t count, std::int64_t chunks, int threads) {
  const int most = most_workers(count, chunks, threads);
  return most > 1 && count < kParallelFrom && !hand_out_is_cheap() ? 1 : most;
}

// Memory of the thread that asks, which it keeps; null if there is none.
template <class Workspace>
Workspace* thread_workspace() {
  static thread_local std::unique_ptr<Workspace> mine;
  if (!mine) mine.reset(new (std::nothrow) Workspace);
  return mine.get();
}

// The chunks of a call, in one range for each thread: memory is walked without jumps, and two threads do not meet in
// one large page of new memory, which the system would clear for both of them. A thread that finishes its range takes
// chunks from the others.
class Chunks {
 public:
  Chunks(std::int64_t chunks, int workers) : chunks_(chunks), count_(std::min(workers, kMost)) {
    for (int r = 0; r < count_; ++r) range_[r].next = begin(r);
  }
  // A chunk for this thread, `chunks` when none is left.
  std::int64_t take(int index) {
    for (int i = 0; i < count_; ++i) {
      const int r = (index + i) % count_;
      if (range_[r].next.load(std::memory_order_relaxed) >= begin(r + 1)) continue;
      const std::int64_t c = range_[r].next.fetch_add(1, std::memory_order_relaxed);
      if (c < begin(r + 1)) return c;
    }
    return chunks_;
  }

 private:
  static constexpr int kMost = 32;
  std::int64_t begin(int r) const { return chunks_ * r / count_; }
  struct alignas(64) Range {
    std::atomic<std::int64_t> next{0};
  };
  std::int64_t chunks_;
  int count_;
  Range range_[kMost];
};

// Calls `work(index, chunks)` on so many threads, each in the IEEE default floating-point state; `chunks` is null on
// the only one, which then does all. `work` says whether it had its memory; if not, what it took is not done.
template <class Work>
Status on_threads(std::int64_t count, int workers, Work work) {
  std::optional<Chunks> chunks;  // left alone in calls on few elements
  if (workers > 1) chunks.emplace(count, workers);
  std::atomic<bool> out_of_memory{false};
  const auto one = [&](int index) {
    const DefaultFloatState state;
    try {  // nothing may be thrown on a thread of the pool, nor past the caller while others work for it
      if (!work(index, chunks ? &*chunks : nullptr)) out_of_memory = true;
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  };
  if (workers == 1)
    one(0);
  else
    run_on_pool(workers, one);
  if (out_of_memory) return {Fault::Runtime, "out of memory: the scratch of a thread could not be allocated"};
  return {};
}

// Calls `make(workspace)` on each thread, and its result's run(begin, end) for chunks of `grain` of `count` elements.
template <class Workspace, class Make>
Status for_chunks(std::int64_t count, std::int64_t grain, int threads, Make make) {
  const std::int64_t chunks = (count + grain - 1) / grain;
  return on_threads(chunks, workers_for(count, chunks, threads), [&](int index, Chunks* shared) {
    Workspace* ws = thread_workspace<Workspace>();
    if (!ws) return false;
    auto runner = make(*ws);
    if (!shared) {
      runner.run(0, count);
    } else {
      for (std::int64_t c; (c = shared->take(index)) < chunks;) runner.run(c * grain, std::min(count, (c + 1) * grain));
    }
    return true;
  });
}

}  // namespace bcelogits
