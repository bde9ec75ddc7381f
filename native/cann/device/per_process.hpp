// State that belongs to one process: a forked child, which has none of the parent's threads and may find its locks
// held, starts with a new one (the old one is left as it was).
#pragma once

#include <pthread.h>

#include <atomic>
#include <mutex>

namespace bcelogits::runtime {

template <class T>
T& per_process() {
  static std::atomic<T*> current{nullptr};
  static std::atomic_flag making = ATOMIC_FLAG_INIT;
  if (T* p = current.load(std::memory_order_acquire)) return *p;
  while (making.test_and_set(std::memory_order_acquire)) {
  }
  T* p = current.load(std::memory_order_acquire);
  if (!p) {
    static bool handled = false;
    if (!handled) {
      handled = true;
      pthread_atfork(nullptr, nullptr, [] {
        current.store(nullptr, std::memory_order_release);
        making.clear();
      });
    }
    try {
      p = new T;  // never destroyed: threads may outlive static destruction
    } catch (...) {
      making.clear(std::memory_order_release);
      throw;
    }
    current.store(p, std::memory_order_release);
  }
  making.clear(std::memory_order_release);
  return *p;
}

}  // namespace bcelogits::runtime
