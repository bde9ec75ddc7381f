// Runs a plan: blocks of elements through the kernels of the ISA in use, on one or several threads.
#pragma once

#include <cstddef>

#include "../check/plan.hpp"
#include "exact_sum.hpp"

namespace bcelogits {

// Elementwise outputs are written; the losses of a reducing plan are added to `sum` (may be null otherwise).
// `scratch`: scratch_bytes(plan, threads) bytes, or null: then each thread keeps memory of its own.
Status execute(const Plan& plan, ExactSum* sum, int threads, void* scratch = nullptr);

// What `execute` needs besides its operands with so many threads, any alignment; 0 where the kernels read and write all
// operands in place.
std::size_t scratch_bytes(const Plan& plan, int threads);

// Adds the elements of an array to `sum`.
Status execute(const SumPlan& plan, ExactSum& sum, int threads);

// Adds up to kernels::kBlock numbers, doubles if `wide`, else floats. In the IEEE default floating-point state.
// `next`: as much memory as they take that will be read next, to be prefetched.
void add_block(const void* values, bool wide, std::size_t n, ExactSum& sum, const void* next = nullptr);

// ExactSum::read, and a number into memory of `dtype`, whatever rounding or flushing mode the caller has set.
double read_out(const ExactSum& sum, DType dtype, std::uint64_t divisor);
void write_number(double value, DType dtype, void* out);

// The reduced result of a plan, rounded once to `dtype`.
double reduced(const Plan& plan, const ExactSum& sum, DType dtype);

}  // namespace bcelogits
