// A pool of sleeping threads that one call at a time can borrow.
#pragma once

#include <functional>
#include <string>

namespace bcelogits {

// Calls work(0) on the calling thread and work(1) .. work(workers-1) on the pool's; returns when all have ended.
// If another call has the pool, or after a thread could not be started, fewer run: `work` must hand itself out.
void run_on_pool(int workers, const std::function<void(int)>& work);

// BCELOGITS_NUM_THREADS, or the processors that this process may use. An error text if the variable is no number of
// threads, else empty.
std::string default_threads(int& threads);
inline constexpr int kMaxThreads = 4096;

}  // namespace bcelogits
