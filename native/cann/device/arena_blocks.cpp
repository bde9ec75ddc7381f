// See arena_blocks.hpp.
#include "arena_blocks.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace bcelogits::runtime {

BlockMap::Position BlockMap::add_free(std::uintptr_t address, std::size_t bytes) {
  const auto entry = by_size_.emplace(bytes, address).first;
  try {
    const Position segment = segments_.try_emplace(address).first;
    segment->second.bytes = bytes;
    return segment;
  } catch (...) {
    by_size_.erase(entry);
    throw;
  }
}

// Makes the last segment a free one of at least so many bytes. The system's errno if that cannot be.
int BlockMap::grow(std::size_t bytes) {
  if (!segments_.empty())
    if (const Segment& last = std::prev(segments_.end())->second; last.on_offer()) bytes -= last.bytes;
  // Committed memory that no segment covers is left over from an exception.
  if (const std::size_t ready = range_.base() + range_.committed() - covered_; bytes > ready)
    if (const int error = range_.commit(bytes - ready); error != 0) return error;
  const std::uintptr_t end = range_.base() + range_.committed();
  const Position added = add_free(covered_, end - covered_);
  covered_ = end;
  added->second.entry = by_size_.extract({added->second.bytes, added->first});
  offer(join(added));
  return 0;
}

BlockMap::Position BlockMap::take(std::size_t bytes, std::size_t size, std::size_t usable, int device) {
  auto best = by_size_.lower_bound({bytes, 0});
  if (best == by_size_.end()) {
    if (const int error = grow(bytes); error != 0) {
      errno = error;
      return end();
    }
    best = by_size_.lower_bound({bytes, 0});
  }
  const Position block = segments_.find(best->second);
  Segment& s = block->second;
  if (s.bytes > bytes) {
    const Position rest = add_free(block->first + bytes, s.bytes - bytes);
    rest->second.resident = s.resident - std::min(s.resident, bytes);
  }
  s.entry = by_size_.extract(best);
  s.bytes = bytes;
  s.size = size;
  s.usable = usable;
  s.device = device;
  highest_ = std::max(highest_, block->first + bytes);
  return block;
}

BlockMap::Position BlockMap::close(Position block) {
  Segment& s = block->second;
  s.size = s.usable = 0;
  s.resident = s.bytes;
  return join(block);
}

BlockMap::Position BlockMap::join(Position segment) {
  const auto absorb = [this](Position kept, Position gone) {
    kept->second.bytes += gone->second.bytes;
    kept->second.resident += gone->second.resident;
    segments_.erase(gone);
  };
  if (const Position next = std::next(segment); next != segments_.end() && next->second.on_offer()) {
    by_size_.erase({next->second.bytes, next->first});
    absorb(segment, next);
  }
  if (segment == segments_.begin()) return segment;
  const Position previous = std::prev(segment);
  if (!previous->second.on_offer()) return segment;
  previous->second.entry = by_size_.extract({previous->second.bytes, previous->first});
  absorb(previous, segment);
  return previous;
}

void BlockMap::offer(Position segment) {
  Segment& s = segment->second;
  s.entry.value() = {s.bytes, segment->first};
  by_size_.insert(std::move(s.entry));
}

BlockMap::Position BlockMap::find(std::uintptr_t address) {
  if (address - range_.base() >= range_.committed()) return end();
  return std::prev(segments_.upper_bound(address));
}

}  // namespace bcelogits::runtime
