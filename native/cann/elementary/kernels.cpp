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

template <class T>
constexpr bool kWhole = std::is_integral_v<T>;

template <class T>
T negated(T a) {
  if constexpr (kWhole<T>)
    return wrap(0 - bits(a));
  else
    return -a;
}
template <class T>
T absolute(T a) {
  if constexpr (kWhole<T>)
    return a < 0 ? negated(a) : a;
  else
    return std::fabs(a);
}
template <class T>
T rounded_up(T a) {
  if constexpr (kWhole<T>)
    return a;
  else
    return std::ceil(a);
}
template <class T>
T rounded_down(T a) {
  if constexpr (kWhole<T>)
    return a;
  else
    return std::floor(a);
}
template <class T>
bool finite(T a) {
  if constexpr (kWhole<T>)
    return true;
  else
    return std::isfinite(a);
}
template <class T>
T plus_scaled(T a, T b, T scale) {
  if constexpr (kWhole<T>)
    return wrap(bits(a) + bits(b) * bits(scale));
  else
    return scale == T(1) ? a + b : scale == T(-1) ? a - b : std::fma(scale, b, a);
}
template <class T>
T times(T a, T b) {
  if constexpr (kWhole<T>)
    return wrap(bits(a) * bits(b));
  else
    return a * b;
}
// As PyTorch documents it, in float64: |a - b| <= atol + |rtol * b|.
template <class T>
bool close(T a, T b, const Parameters& p) {
  if (a == b) return true;
  if constexpr (!kWhole<T>) {
    if (a != a || b != b) return p.equal_nan && a != a && b != b;
    if (std::isinf(a) || std::isinf(b)) return false;
  }
  const double x = static_cast<double>(a), y = static_cast<double>(b);
  return std::fabs(x - y) <= p.atol + std::fabs(p.rtol * y);
}

// Whether kernels of this kind are ever calculated in T; the others of a row do nothing and are never called.
template <Kind kind, class T>
constexpr bool kHas = kind == Kind::Real    ? !kWhole<T>
                      : kind == Kind::Whole ? kWhole<T>
                                            : true;

#define KERNEL(name, operands, kind, expression)                                                   \
  template <class T>                                                                               \
  void name##_block(const void* const* from, void* result, std::size_t n, const Parameters& p) {   \
    using R = std::conditional_t<Kind::kind == Kind::Test, Int, T>;                                \
    auto* out = static_cast<R*>(result);                                                           \
    [[maybe_unused]] const T* const pa = static_cast<const T*>(operands > 0 ? from[0] : nullptr);  \
    [[maybe_unused]] const T* const pb = static_cast<const T*>(operands > 1 ? from[1] : nullptr);  \
    [[maybe_unused]] const T* const pc = static_cast<const T*>(operands > 2 ? from[2] : nullptr);  \
    (void)p;                                                                                       \
    if constexpr (kHas<Kind::kind, T>)                                                             \
      for (std::size_t i = 0; i < n; ++i) {                                                        \
        [[maybe_unused]] const T a = operands > 0 ? pa[i] : T(0), b = operands > 1 ? pb[i] : T(0), \
                                 c = operands > 2 ? pc[i] : T(0);                                  \
        out[i] = static_cast<R>(expression);                                                       \
      }                                                                                            \
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
