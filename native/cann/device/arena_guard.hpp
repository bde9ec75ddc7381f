// A pattern behind each block, by which writes beyond its end are noticed later.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bcelogits::runtime {

// [begin, end), both multiples of 8.
inline std::uint64_t guard_word(std::uintptr_t address) {
  // Depends on the address, so that a copy of other guard bytes is noticed too.
  return (address ^ 0x5bd1e995a5c3f10dull) * 0x9e3779b97f4a7c15ull;
}

inline void write_guard(std::uintptr_t begin, std::uintptr_t end) {
  for (std::uintptr_t at = begin; at < end; at += sizeof(std::uint64_t))
    *reinterpret_cast<std::uint64_t*>(at) = guard_word(at);
}

// The first byte that is not as it was written, or `end`.
inline std::uintptr_t damaged_guard(std::uintptr_t begin, std::uintptr_t end) {
  for (std::uintptr_t at = begin; at < end; at += sizeof(std::uint64_t)) {
    const std::uint64_t found = *reinterpret_cast<const std::uint64_t*>(at), expected = guard_word(at);
    if (found == expected) continue;
    std::size_t same = 0;
    while (reinterpret_cast<const char*>(&found)[same] == reinterpret_cast<const char*>(&expected)[same]) ++same;
    return at + same;
  }
  return end;
}

}  // namespace bcelogits::runtime
