// The one way into the kernels: the types that cross it and the table of functions that each ISA exports.
// Included by kernels/ and by the rest of the engine; nothing else of either crosses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bcelogits::kernels {

struct f16 {
  std::uint16_t bits;
};
struct bf16 {
  std::uint16_t bits;
};

// Most elements that one call of a kernel handles. All scratch of a thread is a few blocks, and stays in L1.
inline constexpr std::size_t kBlock = 2048;

// Rows of the table, in the order of types/dtype.def.
enum Row : int { kF32 = 0, kF16 = 1, kBF16 = 2, kF64 = 3, kRows = 4 };
enum Op : int { kLoss = 0, kGrad = 1, kTargetGrad = 2, kValueAndGrad = 3, kOps = 4 };

// Rows of 16 bits: what is looked up for logits by the bits of their magnitude, up to this one (64). Entries are, each
// rounded to float, L = log1p(exp(-|x|)), what that rounding lost, and S = sigmoid(-|x|):
//   losses                             L      with w or p: L, lost
//   gradients, stored in 16 bits       S
//   both, gradients stored in 16 bits  L, S   with w or p: L, lost, S, 0
// (gradients stored in 32 bits are computed).
inline constexpr std::uint16_t kLookupLast[kRows] = {0, 0x5400, 0x4280, 0};

// Bits of the last index of KernelTable::op.
inline constexpr int kHasWeight = 1;     // w or g is an array
inline constexpr int kHasPosWeight = 2;  // p is an array

// What will be copied from memory soon, for as many elements as this block has: `step` bytes per element, in lines of
// 2^log2_length elements that lie `line` bytes apart. Null: nothing is copied, and what follows this block is wanted
// next.
struct Next {
  const char* at = nullptr;
  std::size_t step = 0;
  int log2_length = 63;  // one line
  std::ptrdiff_t line = 0;
};

// One block of contiguous operands. "Compute type" is double in row kF64 and float in the other rows.
struct BlockArgs {
  const void* x;        // logits, in the row's dtype
  const void* t;        // targets, in the row's dtype
  const void* w;        // weight, compute type, or null
  const void* p;        // pos_weight, compute type, or null
  const void* g;        // elementwise grad_output, compute type, or null
  const float* lookup;  // see kLookupLast; null in the other rows
  void* loss;           // kLoss: store type; kValueAndGrad: compute type
  void* grad;           // store type
  Next next_x, next_t;
  double scale_hi, scale_lo;  // gradients are multiplied by their (unevaluated) sum; lo counts in row kF64 alone
  std::size_t n;
  bool stream;  // results of a compute type go past the caches, where they are aligned to kStreamAlign; then call
                // `fence`
};
inline constexpr std::size_t kStreamAlign = 64;
using BlockFn = void (*)(const BlockArgs&);

// The sum of a block as up to four numbers, each of them exact; `exact` is 0 when that was not possible
// (infinities, NaN, or a dynamic range beyond what four numbers can hold): then the caller adds one by one.
struct BlockSum {
  double part[4];
  int exact;
};

struct KernelTable {
  const char* isa;
  // [op][row][store: 0 = the row's dtype, 1 = its compute type][kHasWeight | kHasPosWeight]
  BlockFn op[kOps][kRows][2][4];
  // from a row's dtype to a compute type (0 float, 1 double), and back, rounding once
  void (*load[kRows][2])(const void* src, void* dst, std::size_t n);
  void (*store[2][kRows])(const void* src, void* dst, std::size_t n);
  // `next`: as many bytes as the block has that will be wanted soon, or the block itself. They are only prefetched.
  BlockSum (*sum_f32)(const float* v, std::size_t n, const void* next);
  BlockSum (*sum_f64)(const double* v, std::size_t n, const void* next);
  // Moves of items of 1, 2, 4, 8 and 16 bytes, by the logarithm of the size; steps in bytes.
  // Item i of line l becomes item l of line i; the items of a line are adjacent.
  void (*transpose[5])(const char* from, std::ptrdiff_t from_line, std::size_t lines, char* to, std::ptrdiff_t to_line,
                       std::size_t length);
  // n items of which every other one is left out, the last of them too.
  void (*every_second[5])(const char* from, char* to, std::size_t n);
  // Past the caches, where all that is written is whole lines (kStreamAlign); then call `fence`. A copy, and a
  // transposition of items of up to 8 bytes.
  void (*stream)(const char* from, char* to, std::size_t bytes);
  void (*transpose_past[4])(const char* from, std::ptrdiff_t from_line, std::size_t lines, char* to,
                            std::ptrdiff_t to_line, std::size_t length);
  void (*fence)();  // after stores past the caches: before another thread may read them
  // Put the floating-point environment of this thread into the IEEE default state, and back.
  std::uint64_t (*enter_fp)();
  void (*leave_fp)(std::uint64_t saved);
};

// Each returns its table; which of them are linked is decided in cmake/isa.cmake.
const KernelTable* table_baseline();
const KernelTable* table_avx2();
const KernelTable* table_avx512();
const KernelTable* table_neon();

}  // namespace bcelogits::kernels
