// See arena_range.hpp.
#include "arena_range.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bcelogits::runtime {

namespace {

constexpr std::uintptr_t round_up(std::uintptr_t n, std::size_t step) { return (n + step - 1) / step * step; }
constexpr std::uintptr_t round_down(std::uintptr_t n, std::size_t step) { return n / step * step; }

void* address(std::uintptr_t n) { return reinterpret_cast<void*>(n); }

// Under `ulimit -v` the reservation counts in full: leave the rest of the process as much.
std::size_t address_space_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return static_cast<std::size_t>(limit.rlim_cur) / 2;
}

}  // namespace

AddressRange AddressRange::reserve(std::size_t wanted) {
  constexpr std::size_t kLeast = 2 * kCommitStep;
  std::size_t bytes = round_down(std::min(wanted, address_space_limit()), kCommitStep);
  for (; bytes >= kLeast; bytes = round_down(bytes / 2, kCommitStep)) {
    // One step more than needed, to align the base; what is left over at either end goes back.
    const std::size_t taken = bytes + kCommitStep;
    void* const p = mmap(nullptr, taken, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) continue;
    const auto begin = reinterpret_cast<std::uintptr_t>(p), base = round_up(begin, kCommitStep);
    if (base > begin) munmap(p, base - begin);
    if (begin + taken > base + bytes) munmap(address(base + bytes), begin + taken - base - bytes);
    return AddressRange(base, bytes);
  }
  return {};
}

int AddressRange::commit(std::size_t bytes) {
  if (bytes > capacity_ - committed_) return ENOMEM;
  const std::size_t whole = std::min(round_up(bytes, kCommitStep), capacity_ - committed_);
  if (mprotect(address(base_ + committed_), whole, PROT_READ | PROT_WRITE) != 0) return errno;
  // Large pages: a fifth of the time to fill fresh memory. Not for the first step: clearing one takes a quarter of a
  // millisecond, and most small programs need no more than that step.
  const std::uintptr_t large = base_ + std::max(committed_, kCommitStep), end = base_ + committed_ + whole;
  if (large < end) madvise(address(large), end - large, MADV_HUGEPAGE);
  committed_ += whole;
  return 0;
}

void discard_pages(std::uintptr_t begin, std::uintptr_t end) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  begin = round_up(begin, page);
  end = round_down(end, page);
  if (begin < end) madvise(address(begin), end - begin, MADV_DONTNEED);
}

}  // namespace bcelogits::runtime
