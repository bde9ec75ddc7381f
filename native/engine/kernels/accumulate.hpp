// The sum of a block as a few exact numbers.
//
// A plain sum in double is exact while every partial sum is a multiple of some g and at most 2^53 g; the ulp of the
// smallest element is such a g. Where that is not enough, an accumulator that starts at a sigma of 1.5 * 2^m and stays
// near it takes from each element the part that is a multiple of its own ulp, exactly, and what is left of the element
// goes to the next one (Rump, Ogita, Oishi, "Accurate floating-point summation part I", SIAM J. Sci. Comput. 31(1),
// 2008, section 3; with sigma kept in the accumulator as in Demmel, Nguyen, "Parallel reproducible summation", IEEE
// Trans. Computers 64(7), 2015). The range of the elements' bits says beforehand how many are needed.
#pragma once

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr int kLogBlock = 11;
static_assert(kBlock == (std::size_t)1 << kLogBlock);
inline constexpr int kDigits = 53;
// Of a bin: it holds the sum of 2^kLogBlock elements below 2^(e+1) if it starts at 1.5 * 2^(e+kBinLift).
inline constexpr int kBinLift = kLogBlock + 2;
inline constexpr int kBinBits = kDigits - 1 - kLogBlock;  // bits that each bin takes off

inline double power_of_two(int e) { return bit_cast<double>((std::uint64_t)(e + 1023) << 52); }

// The integers that are compared: the bits of a float, or the upper half of a double's.
template <class T>
struct SummandBits {
  static constexpr int stored = sizeof(T) == 4 ? 23 : 20, fraction = sizeof(T) == 4 ? 23 : 52,
                       bias = sizeof(T) == 4 ? 127 : 1023;
  static constexpr std::uint32_t infinity = sizeof(T) == 4 ? 0x7f800000u : 0x7ff00000u;
  // exponent of a number with these bits, that of subnormal ones being the least
  static int exponent(std::uint32_t bits) { return (int)(bits >> stored) - bias; }
  // exponent of the ulp
  static int ulp(std::uint32_t bits) {
    const int field = (int)(bits >> stored);
    return (field > 1 ? field : 1) - bias - fraction;
  }
};

// Magnitudes of a block: the largest, and the smallest that is not 0.
struct MagnitudeRange {
  std::uint32_t least, most;
};

// Whether partial sums of multiples of 2^ulp up to 2^e are exact.
inline bool is_exact_up_to(int e, int ulp) { return e <= ulp + kDigits; }

// An addition for the units that multiply: on some processors the additions proper have fewer, or others.
inline VD plus(VD a, VD b) {
  if constexpr (VD::W == 1)
    return a + b;
  else
    return fma(a, VD::set1(1), b);
}
inline VD minus(VD a, VD b) {
  if constexpr (VD::W == 1)
    return a - b;
  else
    return fms(a, VD::set1(1), b);
}

// Elements as double, whatever they are; zeros beyond the end.
template <class T>
inline VD load_padded(const T* v, std::size_t i, std::size_t n) {
  if (i + VD::W <= n) return VD::load(v + i);
  T pad[VD::W] = {};
  __builtin_memcpy(pad, v + i, (n - i) * sizeof(T));
  return VD::load(pad);
}

// Shows vectors of integers that cover the block from `first` on to a see() of `a` or `b`, in turns; the block's last
// elements may be seen twice.
template <class T, class Observer>
inline void see_all(const T* v, std::size_t first, std::size_t n, Observer& a, Observer& b) {
  constexpr std::size_t step = VI::W * 4 / sizeof(T);
  std::size_t i = first;
  for (; i + 4 * step <= n; i += 4 * step) {
    a.see(VI::load(v + i));
    b.see(VI::load(v + i + step));
    a.see(VI::load(v + i + 2 * step));
    b.see(VI::load(v + i + 3 * step));
  }
  for (; i + step <= n; i += step) a.see(VI::load(v + i));
  if (i == n) return;
  if (n >= step) return a.see(VI::load(v + n - step));
  T pad[step];
  for (T& p : pad) p = v[0];
  __builtin_memcpy(pad, v, n * sizeof(T));
  a.see(VI::load(pad));
}

// Fetches the cache lines of what comes `offset` bytes after `next`, while there is arithmetic to do.
template <std::size_t bytes>
inline void fetch_ahead(const void* next, std::size_t offset) {
  if constexpr (VD::W > 1)
    for (std::size_t k = 0; k < bytes; k += 64) __builtin_prefetch((const char*)next + offset + k);
}

// The smallest magnitude that is not 0 of doubles some of which are, or nearly.
inline std::uint32_t least_but_zero(const double* v, std::size_t n) {
  const VD none = VD::set1(-__builtin_inf());
  VD most = none;  // of the negated magnitudes
  for (std::size_t i = 0; i < n; i += VD::W) {
    const VD a = load_padded(v, i, n);
    most = max_or_second(select(ne(a, VD::set1(0)), neg_abs(a), none), most);
  }
  return (std::uint32_t)(bit_cast<std::uint64_t>(hmax(most)) >> 32) & 0x7fffffffu;
}

// Bounds of magnitudes, as integers.
template <class T>
struct MagnitudeBounds {
  VI low = VI::set1(0xffffffffu), high = VI::set1(0);
  void see(VI a) {
    if constexpr (sizeof(T) == 4) {
      a = a & VI::set1(0x7fffffffu);
      low = min_unsigned(low, a - VI::set1(1));  // where a zero is the largest
    } else {
      a = a & VI::set_halves(0, 0x7fffffffu);
      low = min_unsigned(low, a);
    }
    high = max_unsigned(high, a);
  }
};

template <class T>
inline MagnitudeRange range_of(const T* v, std::size_t n) {
  MagnitudeBounds<T> a, b;
  see_all(v, 0, n, a, b);
  const VI low = min_unsigned(a.low, b.low);
  MagnitudeRange r{0, hmax_unsigned(max_unsigned(a.high, b.high))};
  if constexpr (sizeof(T) == 4) {
    r.least = hmin_unsigned(low) + 1;
  } else {
    r.least = hmin_unsigned(low | VI::set_halves(0xffffffffu, 0));
    if (r.least == 0 && r.most < SummandBits<T>::infinity) r.least = least_but_zero(v, n);
  }
  return r;
}

// One stream of vectors: a bin, and what it leaves to the bins below. Several streams hide the latency of additions.
template <int bins>
struct BinChain {
  VD bin;
  BinChain<bins - 1> below;
  void start(const VD* sigma) {
    bin = sigma[0];
    below.start(sigma + 1);
  }
  void add(VD r) {
    const VD with = bin + r, taken = minus(with, bin);
    bin = with;
    below.add(r - taken);
  }
  void stop(const VD* sigma) {
    bin = bin - sigma[0];
    below.stop(sigma + 1);
  }
  void join(const BinChain& other) {
    bin = bin + other.bin;
    below.join(other.below);
  }
  void read(double* part) const {
    part[0] = hsum(bin);
    below.read(part + 1);
  }
};
template <>
struct BinChain<0> {
  VD rest;
  void start(const VD*) { rest = VD::set1(0); }
  void add(VD r) { rest = plus(r, rest); }
  void stop(const VD*) {}
  void join(const BinChain& other) { rest = rest + other.rest; }
  void read(double* part) const { part[0] = hsum(rest); }
};

template <int bins, class T>
inline void add_up(const T* v, std::size_t n, const void* next, int exponent, BlockSum& sum) {
  constexpr std::size_t streams = bins < 2 ? 4 : 2;  // what registers hold
  VD sigma[bins + 1];
  for (int k = 0; k < bins; ++k) {
    const int e = exponent + kBinLift - k * kBinBits;
    sigma[k] = VD::set1(1.5 * power_of_two(e > -1022 ? e : -1022));  // whose ulp is the least number: nothing is left
  }
  BinChain<bins> a, b, c, d;
  a.start(sigma), b.start(sigma), c.start(sigma), d.start(sigma);
  std::size_t i = 0;
  for (; i + streams * VD::W <= n; i += streams * VD::W) {
    fetch_ahead<streams * VD::W * sizeof(T)>(next, i * sizeof(T));
    a.add(VD::load(v + i));
    b.add(VD::load(v + i + VD::W));
    if constexpr (streams == 4) {
      c.add(VD::load(v + i + 2 * VD::W));
      d.add(VD::load(v + i + 3 * VD::W));
    }
  }
  for (; i < n; i += VD::W) a.add(load_padded(v, i, n));
  a.stop(sigma), b.stop(sigma), c.stop(sigma), d.stop(sigma);
  a.join(b), c.join(d), a.join(c);
  a.read(sum.part);
}

template <class T>
inline BlockSum sum_in_range(const T* v, std::size_t n, const void* next, MagnitudeRange r) {
  using F = SummandBits<T>;
  BlockSum s{{0, 0, 0, 0}, 1};
  if (r.least > r.most) return s;  // zeros alone
  const int e = F::exponent(r.most), ulp = F::ulp(r.least);
  if (r.most >= F::infinity || e + kBinLift >= 1023)
    s.exact = 0;
  else if (is_exact_up_to(e + 1 + kLogBlock, ulp))
    add_up<0>(v, n, next, e, s);
  else if (is_exact_up_to(e + 1 + kLogBlock - kBinBits, ulp))
    add_up<1>(v, n, next, e, s);
  else if (is_exact_up_to(e + 1 + kLogBlock - 2 * kBinBits, ulp))
    add_up<2>(v, n, next, e, s);
  else if (is_exact_up_to(e + 1 + kLogBlock - 3 * kBinBits, ulp))
    add_up<3>(v, n, next, e, s);
  else
    s.exact = 0;
  return s;
}

template <class T>
inline BlockSum sum_any(const T* v, std::size_t n, const void* next) {
  return sum_in_range(v, n, next, range_of(v, n));
}

BlockSum sum_f64(const double* v, std::size_t n, const void* next) { return sum_any(v, n, next); }

// The smallest of the bits as signed integers: below 0 if there is a sign.
struct LowestSigned {
  VI low = VI::set1(0x7fffffffu);
  void see(VI a) { low = min_signed(low, a); }
};

// Losses are mostly above 0 and near to one another: then the total, to which all partial sums grow, tells whether it
// is exact.
BlockSum sum_f32(const float* v, std::size_t n, const void* next) {
  constexpr std::size_t step = 8 * VD::W;
  const auto bound = [](std::int32_t least) {
    return power_of_two(SummandBits<float>::ulp((std::uint32_t)least) + kDigits);
  };
  VD a0 = VD::set1(0), a1 = a0, a2 = a0, a3 = a0;
  const auto total = [&] { return hsum((a0 + a1) + (a2 + a3)); };
  LowestSigned b0, b1;
  const auto least = [&] { return (std::int32_t)hmin_signed(min_signed(b0.low, b1.low)); };
  std::size_t i = 0;
  const auto add_until = [&](std::size_t end) __attribute__((always_inline)) {
    for (; i + step <= end; i += step) {
      fetch_ahead<step * sizeof(float)>(next, i * sizeof(float));
      see_all(v + i, 0, step, b0, b1);
      a0 = plus(VD::load(v + i), a0);
      a1 = plus(VD::load(v + i + VD::W), a1);
      a2 = plus(VD::load(v + i + 2 * VD::W), a2);
      a3 = plus(VD::load(v + i + 3 * VD::W), a3);
      a0 = plus(VD::load(v + i + 4 * VD::W), a0);
      a1 = plus(VD::load(v + i + 5 * VD::W), a1);
      a2 = plus(VD::load(v + i + 6 * VD::W), a2);
      a3 = plus(VD::load(v + i + 7 * VD::W), a3);
    }
  };
  constexpr std::size_t first = kBlock / 8;
  if (n > 2 * first) {  // whether it is worth the while
    add_until(first);
    constexpr double rarer = 16;  // the smallest of all is smaller than that of the first ones
    if (const std::int32_t low = least(); low < 0 || (low > 0 && !(total() * rarer * (double)(n / first) < bound(low))))
      return sum_any(v, n, next);
  }
  add_until(n);
  if (i < n) {
    see_all(v, i, n, b0, b1);
    for (; i < n; i += VD::W) a0 = plus(load_padded(v, i, n), a0);
  }
  const std::int32_t low = least();
  const double sum = total();
  if (low > 0 && sum < bound(low)) return {{sum, 0, 0, 0}, 1};
  if (low != 0) return sum_any(v, n, next);
  const MagnitudeRange r = range_of(v, n);  // masked elements are 0
  if (r.most < SummandBits<float>::infinity && sum < bound((std::int32_t)r.least)) return {{sum, 0, 0, 0}, 1};
  return sum_in_range(v, n, next, r);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
