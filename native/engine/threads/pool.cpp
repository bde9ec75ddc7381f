// See pool.hpp.
#include "pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "machine.hpp"
#include "placement.hpp"

namespace bcelogits {

namespace {

using Clock = std::chrono::steady_clock;

// How long a thread that has nothing to do looks for work before it sleeps. Waking a sleeping one takes 30 to 80 us on
// a virtual machine, handing work to one that looks for it under 1 us; and a core that spins for this long after a
// call is not worth mentioning.
constexpr auto kPatience = std::chrono::microseconds(100);

// Most helpers that are kept off the caller's processor when they are woken, which takes two calls of the system each:
// up to 20 us after a pause. Where there are more, so are the processors that the system may choose from.
constexpr int kFew = 7;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Until done() or the end of patience. Gives way to other threads that want this processor.
template <class Done>
bool spin(Done done) {
  const auto end = Clock::now() + kPatience;
  do {
    for (int i = 0; i < 64; ++i) {
      if (done()) return true;
      pause();
    }
    std::this_thread::yield();
  } while (Clock::now() < end);
  return false;
}

class Pool {
 public:
  // `eager`: there is a processor for each thread, so that spinning takes nothing from another.
  void run(int workers, const std::function<void(int)>& work, bool eager) {
    const int helpers = grow(workers - 1);
    const auto begin = Clock::now();
    int asleep;
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      wanted_ = helpers;
      eager_.store(eager, std::memory_order_relaxed);
      generation_.fetch_add(1, std::memory_order_release);
      asleep = asleep_;
      if (eager) spread_out(helpers);
    }
    for (int i = std::min(helpers, asleep); i > 0; --i) wake_.notify_one();
    work(0);
    {
      const std::lock_guard lock(mutex_);
      if (eager && wanted_ > 0 && Clock::now() - begin > 2 * kPatience) move_late();
      wanted_ = 0;  // those that have not begun yet need not
    }
    if (eager) spin([&] { return running_.load(std::memory_order_acquire) == 0; });
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return running_.load(std::memory_order_relaxed) == 0; });
    work_ = nullptr;
  }

  bool awake() const { return spinning_.load(std::memory_order_relaxed) > 0; }

 private:
  struct Helper {
    CpuPlacement placement;
    std::uint64_t seen = 0;  // the last call that it had a part in
    bool asleep = false;     // with the lock held
  };

  int grow(int helpers) {
    while (threads() < helpers) {
      try {
        auto helper = std::make_unique<Helper>();
        const std::lock_guard lock(mutex_);
        helpers_.reserve(helpers_.size() + 1);
        std::thread([this, &h = *helper] { serve(h); }).detach();
        helpers_.push_back(std::move(helper));
      } catch (const std::exception&) {
        break;  // no more threads or memory to be had: the caller's thread does the work
      }
    }
    return std::min(helpers, threads());
  }
  int threads() const { return static_cast<int>(helpers_.size()); }

  // With the lock held: each helper on a processor that neither the caller nor another one has. One that sleeps may be
  // woken on any.
  void spread_out(int helpers) {
    const Processors caller(Processors::current());
    Processors taken = caller;
    for (int i = 0; i < helpers; ++i) {
      Helper& helper = *helpers_[static_cast<std::size_t>(i)];
      if (taken.taken(helper.placement.processor()))
        helper.placement.keep_off(taken);
      else if (helper.asleep && helpers <= kFew)
        helper.placement.keep_off(caller);
      taken.take(helper.placement.processor());
    }
  }

  // With the lock held: those that were called long ago and have not begun wait behind the caller.
  void move_late() {
    const Processors taken(Processors::current());
    for (const auto& h : helpers_)
      if (h->seen != generation_.load(std::memory_order_relaxed)) h->placement.keep_off(taken);
  }

  void serve(Helper& me) {
    me.placement.bind();
    std::uint64_t& seen = me.seen;
    std::unique_lock lock(mutex_);
    for (;;) {
      me.placement.record_cpu();
      const auto called = [&] { return wanted_ > 0 && generation_.load(std::memory_order_relaxed) != seen; };
      if (!called() && eager_.load(std::memory_order_relaxed)) {
        const std::uint64_t now = generation_.load(std::memory_order_relaxed);
        lock.unlock();
        spinning_.fetch_add(1, std::memory_order_relaxed);
        spin([&] { return generation_.load(std::memory_order_acquire) != now; });
        spinning_.fetch_sub(1, std::memory_order_relaxed);
        lock.lock();
        me.placement.record_cpu();
      }
      ++asleep_;
      me.asleep = true;
      wake_.wait(lock, called);
      me.asleep = false;
      --asleep_;
      seen = generation_.load(std::memory_order_relaxed);
      const int index = wanted_--;
      running_.fetch_add(1, std::memory_order_relaxed);
      const std::function<void(int)>* work = work_;
      const bool moved = me.placement.moved();
      lock.unlock();
      if (moved) me.placement.restore();
      (*work)(index);
      lock.lock();
      if (running_.fetch_sub(1, std::memory_order_release) == 1) idle_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  const std::function<void(int)>* work_ = nullptr;
  std::vector<std::unique_ptr<Helper>> helpers_;  // only run() adds to it
  int wanted_ = 0, asleep_ = 0;
  std::atomic<int> running_{0}, spinning_{0};
  std::atomic<bool> eager_{false};
  std::atomic<std::uint64_t> generation_{0};
};

// Never destroyed: its threads may outlive static destruction. A forked child has none of the threads, and
// gets a new pool (the old one is left as it was: its locks may be in any state).
std::atomic<Pool*> pool{nullptr};
std::atomic_flag in_use = ATOMIC_FLAG_INIT;
std::atomic<Clock::rep> last_small_call{0};

Pool& the_pool() {  // called with in_use held
  Pool* p = pool.load(std::memory_order_acquire);
  if (!p) {
#if defined(__unix__) || defined(__APPLE__)
    static std::once_flag once;
    std::call_once(once, [] {
      pthread_atfork(nullptr, nullptr, [] {
        pool.store(nullptr, std::memory_order_release);
        in_use.clear();
      });
    });
#endif
    p = new Pool;
    pool.store(p, std::memory_order_release);
  }
  return *p;
}

}  // namespace

void run_on_pool(int workers, const std::function<void(int)>& work) {
  if (workers <= 1 || in_use.test_and_set(std::memory_order_acquire)) {
    work(0);
    return;
  }
  const struct Borrowed {
    ~Borrowed() { in_use.clear(std::memory_order_release); }
  } borrowed;
  static const int processors = available_processors();
  the_pool().run(workers, work, workers <= processors);
}

bool hand_out_is_cheap() {
  const Pool* p = pool.load(std::memory_order_acquire);
  if (p && p->awake()) return true;
  // Asleep; but if such calls follow each other closely, waking it now pays from the next one on.
  const auto now = Clock::now().time_since_epoch().count();
  const auto before = last_small_call.exchange(now, std::memory_order_relaxed);
  return now - before < std::chrono::duration_cast<Clock::duration>(2 * kPatience).count();
}

std::string default_threads(int& threads) {
  if (const char* text = std::getenv("BCELOGITS_NUM_THREADS"); text && *text) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end != '\0' || n < 1 || n > kMaxThreads)
      return "BCELOGITS_NUM_THREADS: '" + std::string(text) + "', expected 1 to " + std::to_string(kMaxThreads);
    threads = static_cast<int>(n);
    return {};
  }
  threads = available_processors();
  return {};
}

}  // namespace bcelogits
