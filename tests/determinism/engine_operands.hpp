// Operands made of integers, so that they are the same wherever this is compiled, and arrays of any layout over them.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../../native/engine/engine.hpp"

namespace operands {

using bcelogits::ArrayView;
using bcelogits::DType;
using Numbers = std::vector<double>;

// SplitMix64 (Steele, Lea, Flood 2014), the n-th number for each n.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t n) {
  std::uint64_t z = (n + 1) * 0x9E3779B97F4A7C15u + (seed << 32);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
// Multiples of 2^-20: exact in all steps for bounds that are integers.
inline double uniform(std::uint64_t seed, std::size_t n, double low, double high) {
  return low + (high - low) * (static_cast<double>(random_bits(seed, n) >> 44) * 0x1p-20);
}
template <std::size_t N>
double one_of(const double (&values)[N], std::uint64_t seed, std::size_t n) {
  return values[random_bits(seed, n) % N];
}

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

// An array of one dtype; elements of `item` bytes, `step` elements apart in memory, backwards if negative.
struct Array {
  DType dtype = DType::F32;
  std::vector<std::int64_t> shape, strides;
  std::vector<unsigned char> memory;
  std::size_t first = 0;  // of the element with index 0, in bytes

  std::size_t item() const { return static_cast<std::size_t>(bcelogits::size_of(dtype)); }
  std::size_t count() const {
    std::size_t n = 1;
    for (std::int64_t d : shape) n *= static_cast<std::size_t>(d);
    return n;
  }
  ArrayView view(bool writable = false) {
    ArrayView v;
    v.present = true;
    v.data = memory.data() + first;
    v.element = bcelogits::element_of(dtype);
    v.ndim = static_cast<int>(shape.size());
    v.shape = shape.data();
    v.strides = strides.data();
    v.writable = writable;
    return v;
  }
  // The memory of element `i` in row-major order of the indices.
  unsigned char* at(std::size_t i) {
    auto offset = static_cast<std::int64_t>(first);
    for (std::size_t d = shape.size(); d-- > 0;) {
      const auto n = static_cast<std::size_t>(shape[d]);
      offset += static_cast<std::int64_t>(i % n) * strides[d];
      i /= n;
    }
    return memory.data() + offset;
  }
};

// Memory for an array of one dimension. What lies between the elements is 0xff: a NaN, should it be read.
inline Array line(DType dtype, std::size_t n, std::int64_t step = 1) {
  Array a;
  a.dtype = dtype;
  a.shape = {static_cast<std::int64_t>(n)};
  a.strides = {step * static_cast<std::int64_t>(a.item())};
  const std::size_t apart = static_cast<std::size_t>(step < 0 ? -step : step);
  a.memory.assign(n * apart * a.item(), 0xff);
  if (step < 0) a.first = (n - 1) * apart * a.item();
  return a;
}
// Memory for a matrix, by rows or by columns.
inline Array matrix(DType dtype, std::size_t rows, std::size_t columns, bool by_columns = false) {
  Array a = line(dtype, rows * columns);
  const auto r = static_cast<std::int64_t>(rows), c = static_cast<std::int64_t>(columns), item = a.strides[0];
  a.shape = {r, c};
  if (by_columns)
    a.strides = {item, r * item};
  else
    a.strides = {c * item, item};
  return a;
}

// The engine converts, so its conversions are hashed on their own.
inline void fill(Array& a, const Numbers& values) {
  for (std::size_t i = 0; i < a.count(); ++i) bcelogits::write_number(values[i], a.dtype, a.at(i));
}
// Bits of an element, whatever they mean.
inline void set_bits(Array& a, std::size_t i, std::uint64_t bits) {
  __builtin_memcpy(a.at(i), &bits, a.item());  // the low bytes come first on all processors that there are kernels for
}
inline Array copy_as(Array& from, std::int64_t step) {
  Array a = line(from.dtype, from.count(), step);
  for (std::size_t i = 0; i < a.count(); ++i) __builtin_memcpy(a.at(i), from.at(i), a.item());
  return a;
}

// What the operator reads. `wild`: tails, limits, infinities, NaN and any bits among ordinary values, with and without
// long stretches of only ordinary ones; else sums of all results are finite.
struct Operands {
  Array logits, targets, weight, pos_weight, grad_output;
};

inline Array logits(DType dtype, std::size_t n, bool wild) {
  const bcelogits::DTypeInfo& format = bcelogits::info(dtype);
  const double tiny = std::ldexp(1, format.least_exponent), least = std::ldexp(tiny, -format.mantissa),
               largest = std::ldexp(2 - std::ldexp(1, -format.mantissa), 1 - format.least_exponent);
  const double special[] = {0,      1,      16.5,  63.5,  64.5,  79.5,  80.5,  88,     95.5,     103,   104.5,
                            -0.,    -1,     -16.5, -63.5, -64.5, -79.5, -80.5, -88,    -95.5,    -103,  -104.5,
                            669.5,  670.5,  709,   744,   746,   1025,  tiny,  least,  largest,  kInf,  kNan,
                            -669.5, -670.5, -709,  -744,  -746,  -1025, -tiny, -least, -largest, -kInf, -kNan};
  Numbers values(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = uniform(1, i, -16, 16);
    if (!wild && i % 9 == 0) values[i] = uniform(2, i, -64, 64);
    if (!wild || (i >= 3000 && i < 4000)) continue;
    if (i % 7 == 0) values[i] = uniform(4, i, -128, 128);
    if (i % 11 == 0) values[i] = one_of(special, 5, i);
  }
  Array a = line(dtype, n);
  fill(a, values);
  for (std::size_t i = 0; wild && i < n; i += 5)
    if (i < 3000 || i >= 4000) set_bits(a, i, random_bits(3, i));
  return a;
}

inline Operands make(DType x, DType t, std::size_t n, bool wild) {
  const double odd[] = {0, -0., kInf, -kInf, kNan, 1, 2}, odd_target[] = {0, 1, kNan, 1.5, -0.5};
  Numbers target(n), weight(n), pos_weight(n), grad_output(n);
  for (std::size_t i = 0; i < n; ++i) {
    target[i] = i % 2 == 0 ? static_cast<double>(random_bits(8, i) & 1) : uniform(7, i, 0, 1);
    weight[i] = std::ldexp(uniform(9, i, -4, 4), static_cast<int>(random_bits(10, i) % 12) - 6);
    pos_weight[i] = uniform(11, i, 0, 4);
    grad_output[i] = uniform(12, i, -4, 4);
    if (!wild) continue;
    if (i % 61 == 0) target[i] = one_of(odd_target, 13, i);
    if (i % 67 == 0) weight[i] = one_of(odd, 14, i);
    if (i % 71 == 0) pos_weight[i] = one_of(odd, 15, i);
    if (i % 73 == 0) grad_output[i] = one_of(odd, 16, i);
  }
  Operands o{logits(x, n, wild), line(t, n), line(x, n), line(x, n), line(x, n)};
  fill(o.targets, target);
  fill(o.weight, weight);
  fill(o.pos_weight, pos_weight);
  fill(o.grad_output, grad_output);
  return o;
}

}  // namespace operands
