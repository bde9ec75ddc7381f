// See value.hpp.
#include "value.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include "../../engine/engine.hpp"

namespace bcelogits::elementary {

namespace {

template <class T>
struct Type {
  using type = T;
};

// Calls use(Type<T>) with the C++ type of an integer element; Bool is a byte.
template <class Use>
void with_integer(ElementType e, Use&& use) {
  switch (e) {
    case ElementType::Bool:
    case ElementType::U8:
      return use(Type<std::uint8_t>{});
    case ElementType::I8:
      return use(Type<std::int8_t>{});
    case ElementType::I16:
      return use(Type<std::int16_t>{});
    case ElementType::I32:
      return use(Type<std::int32_t>{});
    default:
      return use(Type<std::int64_t>{});
  }
}

template <class Use>
void with_calc(Calc c, Use&& use) {
  if (c == Calc::F32) return use(Type<float>{});
  if (c == Calc::F64) return use(Type<double>{});
  use(Type<std::int64_t>{});
}

template <class To, class From>
To to_integer(From value) {
  if constexpr (std::is_integral_v<From>) {
    return static_cast<To>(value);
  } else {
    if (value != value) return 0;
    // Both bounds are powers of two (or 0), so they are exact.
    constexpr auto low = static_cast<From>(std::numeric_limits<To>::min());
    const From high = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    if (value < low) return std::numeric_limits<To>::min();
    if (value >= high) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  }
}

// A double that rounds to any format of at most 51 bits as the integer does: what lies beyond 53 bits is kept as one
// odd bit ("round to odd").
double for_rounding(std::int64_t value) {
  const std::uint64_t magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  constexpr std::uint64_t kLow = (1u << 11) - 1;
  const std::uint64_t kept = magnitude >> 53 == 0 ? magnitude : (magnitude & ~kLow) | ((magnitude & kLow) != 0) << 11;
  return value < 0 ? -static_cast<double>(kept) : static_cast<double>(kept);
}

}  // namespace

const char* contiguous(const Operand& o, std::int64_t first, std::size_t n, char* room) {
  if (o.kind == Operand::Kind::Contiguous) return o.base + first * o.item;
  gather(o, first, n, room, kernel_table());
  return room;
}

void widen(ElementType from, Calc to, const void* elements, void* values, std::size_t n) {
  if (is_float(from) && to != Calc::I64) {
    kernel_table().load[row_of(dtype_of(from))][static_cast<int>(to)](elements, values, n);
    return;
  }
  with_integer(from, [&](auto element) {
    with_calc(to, [&](auto calc) {
      const auto* e = static_cast<const typename decltype(element)::type*>(elements);
      auto* v = static_cast<typename decltype(calc)::type*>(values);
      for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<typename decltype(calc)::type>(e[i]);
      if (from == ElementType::Bool)  // any byte but 0 is true
        for (std::size_t i = 0; i < n; ++i) v[i] = v[i] != 0;
    });
  });
}

void narrow(Calc from, ElementType to, const void* values, void* elements, std::size_t n) {
  if (is_float(to) && from != Calc::I64) {
    kernel_table().store[static_cast<int>(from)][row_of(dtype_of(to))](values, elements, n);
    return;
  }
  if (is_float(to)) {
    const auto* v = static_cast<const std::int64_t*>(values);
    const auto store = kernel_table().store[static_cast<int>(Calc::F64)][row_of(dtype_of(to))];
    for (std::size_t i = 0; i < n; ++i) {
      const double d = to == ElementType::F64 ? static_cast<double>(v[i]) : for_rounding(v[i]);
      store(&d, static_cast<char*>(elements) + i * static_cast<std::size_t>(info(to).bytes), 1);
    }
    return;
  }
  with_calc(from, [&](auto calc) {
    const auto* v = static_cast<const typename decltype(calc)::type*>(values);
    if (to == ElementType::Bool) {
      for (std::size_t i = 0; i < n; ++i) static_cast<std::uint8_t*>(elements)[i] = v[i] != 0;
      return;
    }
    with_integer(to, [&](auto element) {
      using E = typename decltype(element)::type;
      for (std::size_t i = 0; i < n; ++i) static_cast<E*>(elements)[i] = to_integer<E>(v[i]);
    });
  });
}

}  // namespace bcelogits::elementary
