// A pool of threads that one call at a time can borrow. They look for the next call for a moment, then sleep.
#pragma once

#include <functional>
#include <string>

namespace bcelogits {

// Calls work(0) on the calling thread and work(1) .. work(workers-1) on the pool's; returns when all have ended.
// If another call has the pool, or after a thread could not be started, fewer run: `work` must hand itself out.
void run_on_pool(int workers, const std::function<void(int)>& work);

// Whether handing out work costs little now: the threads are awake, or small calls follow each other so closely that
// waking them pays. To be asked once before each small call.
bool hand_out_is_cheap();

// BCELOGITS_NUM_THREADS, or the processors that this process may use. An error text if the variable is no number of
// threads, else empty.
std::string default_threads(int& threads);
inline constexpr int kMaxThreads = 4096;

}  // namespace bcelogits
