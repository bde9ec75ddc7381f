// Which part of an address range belongs to which block. Knows nothing of threads, limits or what the memory is for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "arena_range.hpp"

namespace bcelogits::runtime {

class BlockMap {
  using Sizes = std::set<std::pair<std::size_t, std::uintptr_t>>;  // (bytes, address)

 public:
  // Addresses and lengths of segments are multiples of it. Documented are 64; clients count on more (llama.cpp on 128,
  // PyTorch's allocator gives 512).
  static constexpr std::size_t kGranule = 512;

  // Segments cover all committed memory without a gap: each is a block or free.
  struct Segment {
    std::size_t bytes = 0;     // up to the next segment
    std::size_t size = 0;      // of the block, as asked for; 0: this segment is free
    std::size_t usable = 0;    // of the block; the guard bytes lie behind them
    std::size_t resident = 0;  // of a free segment: how many bytes may occupy physical memory
    int device = 0;
    Sizes::node_type entry{};  // its place in by_size_ while it is not in there: freeing a block allocates nothing

    bool live() const { return size != 0; }
    bool on_offer() const { return !live() && entry.empty(); }
  };
  using Segments = std::map<std::uintptr_t, Segment>;
  using Position = Segments::iterator;

  // Blocks are carved from this range; to be called once.
  void manage(AddressRange range) {
    range_ = range;
    covered_ = range.base();
  }
  const AddressRange& range() const { return range_; }

  // The smallest free segment that holds `bytes`, the one with the lowest address among equals; becomes a block of
  // `size` bytes. end() and errno if the range or the system has no more. May throw std::bad_alloc; then nothing
  // changed.
  Position take(std::size_t bytes, std::size_t size, std::size_t usable, int device);

  // Freeing has two steps, so that a caller may do something with the memory in between, and let go of its lock
  // meanwhile: nobody else can get or join a segment that is not on offer.
  Position close(Position block);   // it is no block any more; joined with the free segments beside it
  Position join(Position segment);  // joined with those that came on offer since
  void offer(Position segment);     // from now on others can take it

  // The segment that holds the address; end() if it is outside what was ever committed.
  Position find(std::uintptr_t address);
  // Whether a block has covered the address at some time.
  bool was_taken(std::uintptr_t address) const { return address < highest_; }

  Position begin() { return segments_.begin(); }
  Position end() { return segments_.end(); }
  std::size_t segments() const { return segments_.size(); }

 private:
  int grow(std::size_t bytes);
  Position add_free(std::uintptr_t address, std::size_t bytes);

  AddressRange range_;
  std::uintptr_t covered_ = 0;  // end of the last segment
  Segments segments_;
  Sizes by_size_;               // free segments on offer
  std::uintptr_t highest_ = 0;  // end of the highest block so far
};

}  // namespace bcelogits::runtime
