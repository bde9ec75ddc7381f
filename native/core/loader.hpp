// Brings a block of an operand to contiguous memory in the dtype the kernel wants, copying only where it must;
// and takes a block of results back to a strided output.
#pragma once

#include "plan.hpp"

namespace bcelogits {

// Storage of one operand of one thread. Allocated once a thread, never zeroed.
struct Scratch {
  static constexpr std::size_t kBytes = kernels::kBlock * 8;
  alignas(64) char gathered[kBytes];
  alignas(64) char converted[kBytes];
  alignas(64) char pattern[2 * kBytes];  // a splat, or a period repeated over one block
};

class Loader {
 public:
  // `wanted` is a dtype that kernels read,
  // and `count` how many elements the call has: no block is longer.
  void prepare(const Operand& operand, DType wanted, std::int64_t count, Scratch& scratch,
               const kernels::KernelTable& table);
  void prepare_constant(double value, DType wanted, std::int64_t count, Scratch& scratch,
                        const kernels::KernelTable& table);
  const void* block(std::int64_t first, std::size_t n);
  // For the kernel that works on the block before `first`: what `block` will then copy, if that is worth fetching
  // ahead.
  kernels::Next next(std::int64_t first) const;

 private:
  const Operand* operand_ = nullptr;
  Scratch* scratch_ = nullptr;
  void (*convert_)(const void*, void*, std::size_t) = nullptr;  // null: as it lies
  std::int64_t period_ = 0;                                     // of scratch_->pattern; 0: no pattern
  std::size_t wanted_size_ = 0;
};

// Copy n elements between contiguous memory and a strided operand, from flat index `first`.
void gather(const Operand& from, std::int64_t first, std::size_t n, void* to);
void scatter(const void* from, const Operand& to, std::int64_t first, std::size_t n);

}  // namespace bcelogits
