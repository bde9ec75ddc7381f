// Which kernels are used: the best that the processor has and BCELOGITS_MAX_ISA allows.
#pragma once

#include <cstdint>
#include <string>

#include "../kernels/table.hpp"
#include "../types/dtype.hpp"
#include "../types/op.hpp"

namespace bcelogits {

const kernels::KernelTable& kernel_table();

// Chooses them. An error text if BCELOGITS_MAX_ISA names no ISA of this build, else empty. Call once, first.
std::string select_isa();

// The ISAs of this build that this processor has, weakest first, comma-separated.
std::string available_isas();

// While it lives, this thread's floating-point environment is in the IEEE default state, whatever the caller has set.
class DefaultFloatState {
 public:
  DefaultFloatState() : saved_(kernel_table().enter_fp()) {}
  ~DefaultFloatState() { kernel_table().leave_fp(saved_); }
  DefaultFloatState(const DefaultFloatState&) = delete;
  DefaultFloatState& operator=(const DefaultFloatState&) = delete;

 private:
  std::uint64_t saved_;
};

// What the kernels' tables call an operation and a float type. Kernels include nothing of the engine, so they number
// both anew.
#define X(name, kernel, has_grad_output, reads_targets) \
  static_assert(static_cast<int>(Op::name) == static_cast<int>(kernels::kernel));
#include "../types/op.def"
#undef X
static_assert(static_cast<int>(Op::Count) == static_cast<int>(kernels::kOps));
#define X(name, text, bytes, mantissa, least_exponent) \
  static_assert(static_cast<int>(DType::name) == static_cast<int>(kernels::k##name));
#include "../types/dtype.def"
#undef X
static_assert(static_cast<int>(DType::Count) == static_cast<int>(kernels::kRows));

inline constexpr kernels::Op kernel_of(Op op) { return static_cast<kernels::Op>(op); }
inline constexpr kernels::Row row_of(DType d) { return static_cast<kernels::Row>(d); }

}  // namespace bcelogits
