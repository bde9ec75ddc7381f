// An exact, mergeable sum of floating-point numbers: one wide fixed-point number that covers all of binary64.
// Nothing is ever rounded until it is read out, so order, grouping and threads cannot change a bit
// (the small superaccumulator of R. M. Neal, "Fast exact summation using small and large superaccumulators",
// arXiv:1505.05571, here with 32 bits a limb).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../types/dtype.hpp"

namespace bcelogits {

class ExactSum {
 public:
  // Bit 0 of limb 0 weighs 2^-1074; 66 limbs reach 2^1037, two more hold the carries of 2^64 additions.
  static constexpr int kLimbs = 68;
  struct State {
    std::array<std::int64_t, kLimbs> limb{};
    std::uint32_t pending = 0;  // additions since carries were last resolved
    std::uint8_t nan = 0, plus_inf = 0, minus_inf = 0;
  };

  void add(double v);
  void merge(const ExactSum& other);
  // The sum divided by `divisor` (1: the sum itself), rounded once to `dtype`, to nearest even.
  double read(DType dtype, std::uint64_t divisor) const;

  const State& state() const { return s_; }
  void set_state(const State& s) { s_ = s; }

 private:
  void resolve();
  State s_;
};

}  // namespace bcelogits
