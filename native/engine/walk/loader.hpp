// Brings a block of an operand to contiguous memory in the dtype that the kernel wants, copying only where it must.
#pragma once

#include "../kernels/table.hpp"
#include "../types/operand.hpp"
#include "tile.hpp"

namespace bcelogits {

// Storage of one operand of one thread. Allocated once a thread, never zeroed.
struct Scratch {
  static constexpr std::size_t kBytes = kernels::kBlock * 8;
  alignas(64) char gathered[kTile * 8];
  alignas(64) char converted[kBytes];
  alignas(64) char pattern[2 * kBytes];  // a splat, or a period repeated over one block
};

class Loader {
 public:
  // `wanted` is a dtype that kernels read, `count` how many elements the call has: no block is longer; `tile` as in
  // Plan.
  void prepare(const Operand& operand, DType wanted, std::int64_t count, Scratch& scratch,
               const kernels::KernelTable& table, std::int64_t tile = 0);
  void prepare_constant(double value, DType wanted, std::int64_t count, Scratch& scratch,
                        const kernels::KernelTable& table);
  // Blocks are asked for in turn, from the beginning of a tile on where the operand is in tiles.
  const void* block(std::int64_t first, std::size_t n);
  // For the kernel that works on the block before `first`: what `block` will then copy, or of a tile half of the next
  // one; if that is worth fetching ahead.
  kernels::Next next(std::int64_t first) const;

 private:
  const Operand* operand_ = nullptr;
  Scratch* scratch_ = nullptr;
  const kernels::KernelTable* table_ = nullptr;
  void (*convert_)(const void*, void*, std::size_t) = nullptr;  // null: as it lies
  std::int64_t period_ = 0;                                     // of scratch_->pattern; 0: no pattern
  std::size_t wanted_size_ = 0;
  std::int64_t count_ = 0;
  std::int64_t tile_ = 0;  // of an operand in tiles, see in_tiles: the elements of one; else 0
};

}  // namespace bcelogits
