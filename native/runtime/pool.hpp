// A pool of sleeping threads that one call at a time can borrow.
#pragma once

#include <functional>

namespace bcelogits {

// Calls work(0) on the calling thread and work(1) .. work(workers-1) on the pool's; returns when all have ended.
// If another call has the pool, or after a thread could not be started, fewer run: `work` must hand itself out.
void run_on_pool(int workers, const std::function<void(int)>& work);

int default_threads();  // BCELOGITS_NUM_THREADS, or the processors that this process may use

}  // namespace bcelogits
