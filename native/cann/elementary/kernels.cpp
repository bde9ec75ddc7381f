// See kernels.hpp. Floating-point results are those of IEEE 754 operations to nearest even: a sum with a factor is one
// fused operation, so that it is rounded once. Integers wrap.
#include "kernels.hpp"

#include <cmath>

namespace bcelogits::elementary {

namespace {

using Int = std::int64_t;
using Bits = std::uint64_t;

Int wrap(Bits b) { return static_cast<Int>(b); }
Bits bits(Int v) { return static_cast<Bits>(v); }

Int absolute(Int a) { return a < 0 ? wrap(0 - bits(a)) : a; }
Int negated(Int a) { return wrap(0 - bits(a)); }
Int rounded_up(Int a) { return a; }
Int rounded_down(Int a) { return a; }
Int square_root(Int a) { return a; }  // never used: such kernels are calculated in float32
Int quotient(Int a, Int) { return a; }
bool finite(Int) { return true; }
Int inverted(Int a) { return ~a; }
Int plus_scaled(Int a, Int b, Int scale) { return wrap(bits(a) + bits(b) * bits(scale)); }
Int difference(Int a, Int b) { return wrap(bits(a) - bits(b)); }
Int times(Int a, Int b) { return wrap(bits(a) * bits(b)); }
Int both_bits(Int a, Int b) { return a & b; }
Int any_bits(Int a, Int b) { return a | b; }
Int odd_bits(Int a, Int b) { return a ^ b; }
bool close(Int a, Int b, const Parameters& p) {
  if (a == b) return true;
  const double x = static_cast<double>(a), y = static_cast<double>(b);
  return std::fabs(x - y) <= p.atol + std::fabs(p.rtol * y);
}

template <class T>
using Real = std::enable_if_t<std::is_floating_point_v<T>, T>;

template <class T>
Real<T> absolute(T a) {
  return std::fabs(a);
}
template <class T>
Real<T> negated(T a) {
  return -a;
}
template <class T>
Real<T> rounded_up(T a) {
  return std::ceil(a);
}
template <class T>
Real<T> rounded_down(T a) {
  return std::floor(a);
}
template <class T>
Real<T> square_root(T a) {
  return std::sqrt(a);
}
template <class T>
Real<T> quotient(T a, T b) {
  return a / b;
}
template <class T, class = Real<T>>
bool finite(T a) {
  return std::isfinite(a);
}
template <class T>
Real<T> inverted(T a) {  // never used, as are the next three: such kernels refuse floating-point operands
  return a;
}
template <class T>
Real<T> both_bits(T a, T) {
  return a;
}
template <class T>
Real<T> any_bits(T a, T) {
  return a;
}
template <class T>
Real<T> odd_bits(T a, T) {
  return a;
}
template <class T>
Real<T> plus_scaled(T a, T b, T scale) {
  return scale == T(1) ? a + b : scale == T(-1) ? a - b : std::fma(scale, b, a);
}
template <class T>
Real<T> difference(T a, T b) {
  return a - b;
}
template <class T>
Real<T> times(T a, T b) {
  return a * b;
}
// As PyTorch documents it, in float64: |a - b| <= atol + |rtol * b|.
template <class T, class = Real<T>>
bool close(T a, T b, const Parameters& p) {
  if (a == b) return true;
  if (a != a || b != b) return p.equal_nan && a != a && b != b;
  if (std::isinf(a) || std::isinf(b)) return false;
  const double x = a, y = b;
  return std::fabs(x - y) <= p.atol + std::fabs(p.rtol * y);
}

#define KERNEL(name, operands, kind, expression)                                                  \
  template <class T>                                                                              \
  void name##_block(const void* const* from, void* result, std::size_t n, const Parameters& p) {  \
    using R = std::conditional_t<Kind::kind == Kind::Test, Int, T>;                               \
    auto* out = static_cast<R*>(result);                                                          \
    [[maybe_unused]] const T* const pa = static_cast<const T*>(operands > 0 ? from[0] : nullptr); \
    [[maybe_unused]] const T* const pb = static_cast<const T*>(operands > 1 ? from[1] : nullptr); \
    [[maybe_unused]] const T* const pc = static_cast<const T*>(operands > 2 ? from[2] : nullptr); \
    (void)p;                                                                                      \
    for (std::size_t i = 0; i < n; ++i) {                                                         \
      [[maybe_unused]] const T a = operands > 0 ? pa[i] : T(0), b = operands > 1 ? pb[i] : T(0),  \
                               c = operands > 2 ? pc[i] : T(0);                                   \
      out[i] = static_cast<R>(expression);                                                        \
    }                                                                                             \
  }
#include "kernels.def"
#undef KERNEL

}  // namespace

const KernelInfo& info(Kernel kernel) {
  static constexpr KernelInfo kInfo[] = {
#define KERNEL(name, operands, kind, expression) \
  {operands, Kind::kind, {name##_block<float>, name##_block<double>, name##_block<Int>}},
#include "kernels.def"
#undef KERNEL
  };
  return kInfo[static_cast<int>(kernel)];
}

}  // namespace bcelogits::elementary
