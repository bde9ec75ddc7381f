// The sum of a block as a few exact numbers.
//
// Floats: a plain sum in double is exact while every partial sum is a multiple of the smallest element's ulp and
// below 2^53 of it. Elements >= 0 make partial sums grow, so it suffices to look at the total. Otherwise, and for
// doubles, parts are extracted against a power of two sigma (Rump, Ogita, Oishi, "Accurate floating-point
// summation part I", SIAM J. Sci. Comput. 31(1), 2008, section 3): q = (sigma + v) - sigma is a multiple of
// 2^-53 sigma, the sum of the block's q is exact, and so is the remainder v - q, which goes to the next sigma.
#pragma once

#include "block.hpp"
#include "half.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr int kLogBlock = 11;
static_assert(kBlock == (std::size_t)1 << kLogBlock);

inline double power_of_two(int e) { return bit_cast<double>((std::uint64_t)(e + 1023) << 52); }

// Elements as double, whatever they are.
template <class T>
inline VD at(const T* v, std::size_t i, std::size_t n) {
  if (i + VD::W <= n) return VD::load(v + i);
  T pad[VD::W] = {};
  __builtin_memcpy(pad, v + i, (n - i) * sizeof(T));
  return VD::load(pad);
}

// Sums of the extracted parts of one stream of vectors. Two streams side by side hide the latency of the additions.
template <int parts>
struct Extraction {
  VD total[parts], left;
  Extraction() : left(VD::set1(0)) {
    for (VD& t : total) t = VD::set1(0);
  }
  void add(VD r, const VD (&sigma)[parts]) {
    for (int k = 0; k < parts; ++k) {
      const VD q = (sigma[k] + r) - sigma[k];
      total[k] = total[k] + q;
      r = r - q;
    }
    left = max_or_second(negate(neg_abs(r)), left);
  }
};

template <int parts, class T>
inline bool extract(const T* v, std::size_t n, int exponent, BlockSum& sum) {
  VD sigma[parts];
  int e = exponent + kLogBlock + 2;
  for (int k = 0; k < parts; ++k) {
    sigma[k] = VD::set1(power_of_two(e > -900 ? e : -900));  // a larger one than needed extracts less, exactly
    e += kLogBlock + 2 - 53;
  }
  Extraction<parts> even, odd;
  std::size_t i = 0;
  for (; i + 2 * VD::W <= n; i += 2 * VD::W) {
    even.add(VD::load(v + i), sigma);
    odd.add(VD::load(v + i + VD::W), sigma);
  }
  for (; i < n; i += VD::W) even.add(at(v, i, n), sigma);
  for (int k = 0; k < parts; ++k) sum.part[k] = hsum(even.total[k] + odd.total[k]);
  return all(~ne(even.left, VD::set1(0)) & ~ne(odd.left, VD::set1(0)));
}

template <class T>
inline double largest(const T* v, std::size_t n) {  // of the magnitudes; NaN if there is one
  VD most = VD::set1(0);
  auto fine = ordered(most, most);
  for (std::size_t i = 0; i < n; i += VD::W) {
    const VD a = at(v, i, n);
    fine = fine & ordered(a, a);
    most = max_or_second(negate(neg_abs(a)), most);
  }
  return all(fine) ? hmax(most) : __builtin_nan("");
}

// `exponent` is that of the largest magnitude.
template <class T>
inline BlockSum sum_wide(const T* v, std::size_t n, int exponent) {
  BlockSum s{{0, 0, 0, 0}, 1};
  if (!extract<2>(v, n, exponent, s)) s.exact = extract<4>(v, n, exponent, s);
  return s;
}

template <class T>
inline BlockSum sum_any(const T* v, std::size_t n) {
  const double most = largest(v, n);
  if (most == 0) return {{0, 0, 0, 0}, 1};
  if (!(most < 0x1p1000)) return {{0, 0, 0, 0}, 0};
  return sum_wide(v, n, (int)(bit_cast<std::uint64_t>(most) >> 52) - 1023);
}

BlockSum sum_f64(const double* v, std::size_t n) { return sum_any(v, n); }

BlockSum sum_f32(const float* v, std::size_t n) {
  BitRange range;
  VD a0 = VD::set1(0), a1 = a0, a2 = a0, a3 = a0;
  std::size_t i = 0;
  constexpr std::size_t step = 4 * VD::W;
  for (; i + step <= n; i += step) {
    for (std::size_t k = 0; k < step; k += BitRange::W) range.see(v + i + k);
    a0 = a0 + VD::load(v + i);
    a1 = a1 + VD::load(v + i + VD::W);
    a2 = a2 + VD::load(v + i + 2 * VD::W);
    a3 = a3 + VD::load(v + i + 3 * VD::W);
  }
  if (i < n) {
    float pad[step] = {};
    __builtin_memcpy(pad, v + i, (n - i) * sizeof(float));
    for (std::size_t k = 0; k < step; k += BitRange::W) range.see(pad + k);
    a0 = a0 + VD::load(pad);
    a1 = a1 + VD::load(pad + VD::W);
    a2 = a2 + VD::load(pad + 2 * VD::W);
    a3 = a3 + VD::load(pad + 3 * VD::W);
  }
  if (range.max() < 0x7f800000u) {  // all finite, none negative
    const double total = hsum((a0 + a1) + (a2 + a3));
    const std::uint32_t least = range.min_less_one() + 1;  // bits of the smallest that is not 0
    const int field = (int)(least >> 23) > 1 ? (int)(least >> 23) : 1;
    if (least == 0 || total < power_of_two(field - 127 - 23 + 53)) return {{total, 0, 0, 0}, 1};
    return sum_wide(v, n, (int)(range.max() >> 23) - 127);
  }
  return sum_any(v, n);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
