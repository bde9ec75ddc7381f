// See execute.hpp.
#include "execute.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "../threads/pool.hpp"
#include "runner.hpp"

namespace bcelogits {

namespace {

constexpr std::int64_t kParallelFrom = 1 << 17;  // below, waking a thread costs more than it gives
constexpr std::int64_t kShareFrom = 1 << 15;     // from here on, one that is awake helps

constexpr std::size_t kAlign = alignof(Workspace);

Workspace* workspace() {
  static thread_local std::unique_ptr<Workspace> mine;
  if (!mine) mine.reset(new (std::nothrow) Workspace);
  return mine.get();
}

// Memory for the threads of one call, `each` bytes apart; null: each thread uses its own.
struct Given {
  char* base = nullptr;
  std::size_t each = 0;
  Workspace* of(int index) const {
    return base ? reinterpret_cast<Workspace*>(base + each * static_cast<std::size_t>(index)) : workspace();
  }
};

int most_workers(std::int64_t count, int threads) {
  return count < kShareFrom ? 1 : static_cast<int>(std::min<std::int64_t>(threads, chunks_of(count)));
}
int workers_for(std::int64_t count, int threads) {
  const int most = most_workers(count, threads);
  return most > 1 && count < kParallelFrom && !hand_out_is_cheap() ? 1 : most;
}

// The chunks of a call, in one range for each thread: memory is walked without jumps, and two threads do not meet in
// one large page of new memory, which the system would clear for both of them. Who has done its range helps with the
// others.
class Ranges {
 public:
  Ranges(std::int64_t chunks, int workers) : chunks_(chunks), count_(std::min(workers, kMost)) {
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

// `make` gives each thread a runner, which is handed some of the chunks.
template <class Make>
Status spread(std::int64_t chunks, int workers, ExactSum* sum, const Given& given, Make make) {
  std::optional<Ranges> ranges;  // left alone in calls on few elements
  if (workers > 1) ranges.emplace(chunks, workers);
  std::atomic<bool> out_of_memory{false};
  std::mutex merging;
  const auto work = [&](int index) {
    Workspace* ws = given.of(index);
    if (!ws) {
      out_of_memory = true;
      return;
    }
    const kernels::KernelTable& table = kernel_table();
    const std::uint64_t fp = table.enter_fp();
    {
      auto runner = make(*ws);
      if (workers == 1) {
        runner.run_all(sum);
      } else {
        ExactSum mine;
        for (std::int64_t c; (c = ranges->take(index)) < chunks;) runner.run_chunk(c, sum ? &mine : nullptr);
        if (sum) {
          const std::lock_guard lock(merging);
          sum->merge(mine);
        }
      }
    }
    table.leave_fp(fp);
  };
  if (workers == 1)
    work(0);
  else
    run_on_pool(workers, work);
  if (out_of_memory) return {Fault::Runtime, "out of memory: the scratch of a thread could not be allocated"};
  return {};
}

}  // namespace

Status execute(const Plan& plan, ExactSum* sum, int threads, void* scratch) {
  if (plan.count == 0) return {};
  Given given;
  if (scratch) {
    const auto address = (reinterpret_cast<std::uintptr_t>(scratch) + kAlign - 1) / kAlign * kAlign;
    given = {reinterpret_cast<char*>(address), share(plan)};
  }
  const LookupTables lookups(plan);
  if (!lookups.complete) return {Fault::Runtime, "out of memory: what is looked up for 16 bits could not be allocated"};
  const std::vector<Plan> in_tiles = tiles(plan);
  const std::span<const Plan> parts = in_tiles.empty() ? std::span(&plan, 1) : std::span(in_tiles);
  return spread(PartsRunner::chunks(parts), workers_for(plan.count, threads), sum, given,
                [&](Workspace& ws) { return PartsRunner(parts, lookups, ws); });
}

Status execute(const SumPlan& plan, ExactSum& sum, int threads) {
  if (plan.count == 0) return {};
  return spread(chunks_of(plan.count), workers_for(plan.count, threads), &sum, {},
                [&](Workspace& ws) { return Summer(plan, ws); });
}

std::size_t scratch_bytes(const Plan& plan, int threads) {
  const std::size_t each = plan.count == 0 ? 0 : share(plan);
  return each == 0 ? 0 : each * static_cast<std::size_t>(most_workers(plan.count, threads)) + kAlign - 1;
}

void add_block(const void* values, bool wide, std::size_t n, ExactSum& sum, const void* next) {
  const kernels::KernelTable& table = kernel_table();
  const auto* doubles = static_cast<const double*>(values);
  const auto* floats = static_cast<const float*>(values);
  if (!next) next = values;
  const kernels::BlockSum s = wide ? table.sum_f64(doubles, n, next) : table.sum_f32(floats, n, next);
  if (s.exact) {
    for (double part : s.part)
      if (part != 0.0) sum.add(part);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) sum.add(wide ? doubles[i] : static_cast<double>(floats[i]));
}

double read_out(const ExactSum& sum, DType dtype, std::uint64_t divisor) {
  const std::uint64_t fp = kernel_table().enter_fp();
  const double value = sum.read(dtype, divisor);
  kernel_table().leave_fp(fp);
  return value;
}

void write_number(double value, DType dtype, void* out) {
  const std::uint64_t fp = kernel_table().enter_fp();
  kernel_table().store[1][static_cast<int>(dtype)](&value, out, 1);
  kernel_table().leave_fp(fp);
}

double reduced(const Plan& plan, const ExactSum& sum, DType dtype) {
  return read_out(sum, dtype, plan.reduction == Reduction::Mean ? static_cast<std::uint64_t>(plan.count) : 1);
}

}  // namespace bcelogits
