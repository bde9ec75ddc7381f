// See execute.hpp.
#include "execute.hpp"

#include <mutex>
#include <span>
#include <vector>

#include "../walk/tile.hpp"
#include "chunks.hpp"
#include "runner.hpp"

namespace bcelogits {

namespace {

constexpr std::size_t kAlign = alignof(Workspace);

// Memory for the threads of one call, `each` bytes apart; null: each thread uses its own.
struct Given {
  char* base = nullptr;
  std::size_t each = 0;
  Workspace* of(int index) const {
    return base ? reinterpret_cast<Workspace*>(base + each * static_cast<std::size_t>(index))
                : thread_workspace<Workspace>();
  }
};

// Adds the elements of one operand, as they are.
class Summer {
 public:
  Summer(const SumPlan& plan, Workspace& ws) : plan_(plan), wide_(plan.values.element == ElementType::F64) {
    values_.prepare(plan.values, wide_ ? DType::F64 : DType::F32, plan.count, ws.x, kernel_table());
    in_place_ = plan.values.kind == Operand::Kind::Contiguous && (wide_ || plan.values.element == ElementType::F32);
  }

  void run_all(ExactSum* sum) { run(0, plan_.count, sum); }
  void run_chunk(std::int64_t c, ExactSum* sum) { run(c * kGrain, std::min(plan_.count, (c + 1) * kGrain), sum); }

 private:
  void run(std::int64_t begin, std::int64_t end, ExactSum* sum) {
    // This block and the next fit in L1.
    const std::int64_t step = static_cast<std::int64_t>(kernels::kBlock) / (wide_ ? 2 : 1);
    for (std::int64_t i = begin; i < end; i += step) {
      const std::int64_t n = std::min(step, end - i);
      const void* block = values_.block(i, static_cast<std::size_t>(n));
      const bool more = in_place_ && i + 2 * step <= end;
      const auto* next = static_cast<const char*>(block) + (more ? n * plan_.values.item : 0);
      add_block(block, wide_, static_cast<std::size_t>(n), *sum, next);
    }
  }

  const SumPlan& plan_;
  Loader values_;
  bool wide_, in_place_;
};

// `make` gives each thread a runner, which is handed some of the chunks, and whose sums are merged.
template <class Make>
Status spread(std::int64_t chunks, int workers, ExactSum* sum, const Given& given, Make make) {
  std::mutex merging;
  return on_threads(chunks, workers, [&](int index, Chunks* shared) {
    Workspace* ws = given.of(index);
    if (!ws) return false;
    auto runner = make(*ws);
    if (!shared) {
      runner.run_all(sum);
      return true;
    }
    ExactSum mine;
    for (std::int64_t c; (c = shared->take(index)) < chunks;) runner.run_chunk(c, sum ? &mine : nullptr);
    if (sum) {
      const std::lock_guard lock(merging);
      sum->merge(mine);
    }
    return true;
  });
}

}  // namespace

Status execute(const Plan& plan, ExactSum* sum, int threads, void* scratch) {
  if (plan.count == 0) return {};
  Given given;
  if (scratch) {
    const auto address = (reinterpret_cast<std::uintptr_t>(scratch) + kAlign - 1) / kAlign * kAlign;
    given = {reinterpret_cast<char*>(address), workspace_bytes(plan)};
  }
  const LookupTables lookups(plan);
  if (!lookups.complete) return {Fault::Runtime, "out of memory: what is looked up for 16 bits could not be allocated"};
  const std::vector<Plan> in_tiles = tiles(plan);
  const std::span<const Plan> parts = in_tiles.empty() ? std::span(&plan, 1) : std::span(in_tiles);
  return spread(PartsRunner::chunks(parts), workers_for(plan.count, chunks_of(plan.count), threads), sum, given,
                [&](Workspace& ws) { return PartsRunner(parts, lookups, ws); });
}

Status execute(const SumPlan& plan, ExactSum& sum, int threads) {
  if (plan.count == 0) return {};
  const std::int64_t chunks = chunks_of(plan.count);
  return spread(chunks, workers_for(plan.count, chunks, threads), &sum, {},
                [&](Workspace& ws) { return Summer(plan, ws); });
}

std::size_t scratch_bytes(const Plan& plan, int threads) {
  const std::size_t each = plan.count == 0 ? 0 : workspace_bytes(plan);
  if (each == 0) return 0;
  return each * static_cast<std::size_t>(most_workers(plan.count, chunks_of(plan.count), threads)) + kAlign - 1;
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
  const DefaultFloatState state;
  return sum.read(dtype, divisor);
}

void write_number(double value, DType dtype, void* out) {
  const DefaultFloatState state;
  kernel_table().store[1][static_cast<int>(dtype)](&value, out, 1);
}

double reduced(const Plan& plan, const ExactSum& sum, DType dtype) {
  return read_out(sum, dtype, plan.reduction == Reduction::Mean ? plan.mean_over : 1);
}

}  // namespace bcelogits
