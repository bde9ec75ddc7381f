// Address space that is reserved at once and made usable part by part. It stays reserved for as long as the process
// lives: no address in it is ever anything else's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bcelogits::runtime {

// How large a part becomes usable at a time, and what the bounds of the parts are multiples of.
inline constexpr std::size_t kCommitStep = std::size_t{2} << 20;

class AddressRange {
 public:
  AddressRange() = default;
  AddressRange(std::uintptr_t base, std::size_t capacity) : base_(base), capacity_(capacity) {}

  // Reserves `wanted` bytes, or as many halvings of it as the system demands; an empty range if it gives next to
  // nothing. No memory is used or promised by that.
  static AddressRange reserve(std::size_t wanted);

  std::uintptr_t base() const { return base_; }
  std::size_t capacity() const { return capacity_; }
  std::uintptr_t end() const { return base_ + capacity_; }
  bool contains(std::uintptr_t address) const { return address - base_ < capacity_; }

  // Readable and writable from base() on.
  std::size_t committed() const { return committed_; }
  // At least so many bytes more, in steps. The system's errno if it refuses: under a limit of address space or of
  // committed memory.
  int commit(std::size_t bytes);

 private:
  std::uintptr_t base_ = 0;
  std::size_t capacity_ = 0, committed_ = 0;
};

// Returns the pages that lie in [begin, end) to the system. They stay usable, and read as zeros: work that is in
// flight on memory that its program has freed must not crash.
void discard_pages(std::uintptr_t begin, std::uintptr_t end);

}  // namespace bcelogits::runtime
