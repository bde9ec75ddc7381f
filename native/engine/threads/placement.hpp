// The processor that a thread of the pool runs on.
//
// Linux may wake a thread on its caller's processor: because the thread last ran there, because few processors share a
// cache and it does not look for an idle one while they are busy on average, or because a virtual processor that sleeps
// does not count as idle. Then both take turns on one for milliseconds, and the other one is idle. So the caller moves
// a thread away before it wakes it: it forbids it the processors that are taken, until the thread has begun and allows
// itself all of its own again.
#pragma once

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>

#include <atomic>
#endif

namespace bcelogits {

#if defined(__linux__)

class Processors {
 public:
  Processors() { CPU_ZERO(&set_); }
  explicit Processors(int cpu) : Processors() { take(cpu); }
  static int current() { return sched_getcpu(); }
  void take(int cpu) {
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set_);
  }
  bool taken(int cpu) const { return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set_); }
  const cpu_set_t& set() const { return set_; }

 private:
  cpu_set_t set_;
};

class CpuPlacement {
 public:
  // Of the thread itself.
  void bind() { thread_.store(gettid(), std::memory_order_relaxed); }
  void record_cpu() { processor_.store(Processors::current(), std::memory_order_relaxed); }
  bool moved() {  // whether to call restore(), with the pool's lock held
    const bool was = moved_;
    moved_ = false;
    return was;
  }
  void restore() const {
    cpu_set_t now;  // unless someone else has moved the thread since
    if (sched_getaffinity(0, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &given_))
      sched_setaffinity(0, sizeof(allowed_), &allowed_);
  }

  // Of the caller, with the pool's lock held, while the thread has no work.
  int processor() const { return processor_.load(std::memory_order_relaxed); }
  void keep_off(const Processors& taken) {
    const int thread = thread_.load(std::memory_order_relaxed);
    if (thread == 0) return;  // it has not begun yet, and the system places new threads well
    cpu_set_t now, others;
    if (sched_getaffinity(thread, sizeof(now), &now) != 0) return;
    if (!moved_ || !CPU_EQUAL(&now, &given_)) allowed_ = now;
    CPU_AND(&others, &allowed_, &taken.set());
    CPU_XOR(&others, &allowed_, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(thread, sizeof(others), &others) != 0) return;
    given_ = others;
    moved_ = true;
  }

 private:
  std::atomic<int> thread_{0}, processor_{-1};
  bool moved_ = false;
  cpu_set_t allowed_, given_;  // if moved_: where it may run, and where it was sent
};

#else

class Processors {
 public:
  explicit Processors(int) {}
  static int current() { return -1; }
  void take(int) {}
  bool taken(int) const { return false; }
};

class CpuPlacement {
 public:
  void bind() {}
  void record_cpu() {}
  bool moved() { return false; }
  void restore() const {}
  int processor() const { return -1; }
  void keep_off(const Processors&) {}
};

#endif

}  // namespace bcelogits
