// See pool.hpp.
#include "pool.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace bcelogits {

namespace {

class Pool {
 public:
  void run(int workers, const std::function<void(int)>& work) {
    const int helpers = grow(workers - 1);
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      wanted_ = helpers;
      running_ = 0;
      ++generation_;
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
    work(0);
    std::unique_lock lock(mutex_);
    wanted_ = 0;  // those that have not woken yet need not start
    idle_.wait(lock, [&] { return running_ == 0; });
    work_ = nullptr;
  }

 private:
  int grow(int helpers) {
    while (threads_ < helpers) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error&) {
        break;  // no more threads to be had: the caller's thread does the work
      }
      ++threads_;
    }
    return helpers < threads_ ? helpers : threads_;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    unsigned long seen = 0;
    for (;;) {
      wake_.wait(lock, [&] { return wanted_ > 0 && generation_ != seen; });
      seen = generation_;
      const int index = wanted_--;
      ++running_;
      const std::function<void(int)>* work = work_;
      lock.unlock();
      (*work)(index);
      lock.lock();
      if (--running_ == 0) idle_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  const std::function<void(int)>* work_ = nullptr;
  int wanted_ = 0, running_ = 0, threads_ = 0;
  unsigned long generation_ = 0;
};

// Never destroyed: its threads may outlive static destruction. A forked child has none of the threads, and
// gets a new pool (the old one is left as it was: its locks may be in any state).
std::atomic<Pool*> pool{nullptr};
std::atomic_flag in_use = ATOMIC_FLAG_INIT;

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
  the_pool().run(workers, work);
  in_use.clear(std::memory_order_release);
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
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
    threads = CPU_COUNT(&set);
    return {};
  }
#endif
  const unsigned n = std::thread::hardware_concurrency();
  threads = n ? static_cast<int>(n) : 1;
  return {};
}

}  // namespace bcelogits
