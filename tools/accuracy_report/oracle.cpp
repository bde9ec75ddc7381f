// The exact results that float32 ones are compared with: softplus and sigmoid in double-double arithmetic (106 bits),
// and the comparison itself, fast enough for every float32 logit. Built and called by oracle.py; shares neither code
// nor constants with the package: every constant comes from MPFR, by way of oracle.py.
//
// Relative error of the truths: below 2^-96. The sums and products keep 2^-102 each or better, and what is computed in
// plain double is at most 2^-51 of the whole. For |x| > 300, exp(-|x|) < 2^-432 counts as 0.
// Needs -ffp-contract=off, and the vectors of GCC and Clang.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__FMA__)
#include <immintrin.h>
#endif

namespace {

constexpr int kLanes = 4;
typedef double Lanes __attribute__((vector_size(8 * kLanes)));
typedef int64_t Integers __attribute__((vector_size(8 * kLanes)));  // also masks: -1 or 0

// What oracle.py fills in, in this order.
struct Constants {
  double steps_per_unit;    // 64 / ln 2
  double step[3];           // ln 2 / 64: 36 bits, then the rest as a double-double
  double factorial[13][2];  // 1 / k!
  double odd[7][2];         // 1 / (2 k + 1)
  double power[2][64];      // 2^(-j / 64): high parts, low parts
  double logarithm[2][65];  // log(1 + j / 64): high parts, low parts
};

template <class To, class From>
To bits_of(From from) {
  To to;
  static_assert(sizeof to == sizeof from);
  std::memcpy(&to, &from, sizeof to);
  return to;
}

Lanes all(double value) { return Lanes{} + value; }

Lanes magnitude(Lanes value) { return bits_of<Lanes>(bits_of<Integers>(value) & INT64_MAX); }

Lanes fma(Lanes a, Lanes b, Lanes c) {
#if defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  for (int i = 0; i < kLanes; ++i) c[i] = std::fma(a[i], b[i], c[i]);
  return c;
#endif
}

// The first `count` of some numbers, and ones.
template <class T>
Lanes load(const T* from, int64_t count) {
  Lanes to = all(1.0);
  if (count >= kLanes) {
    for (int i = 0; i < kLanes; ++i) to[i] = from[i];
  } else {
    for (int i = 0; i < count; ++i) to[i] = from[i];
  }
  return to;
}

void store(Lanes from, double* to, int64_t count) { std::memcpy(to, &from, 8 * std::min<int64_t>(count, kLanes)); }

// Table entries at the numbers in the lanes.
Lanes look_up(const double* table, Integers number) {
  Lanes found;
  for (int i = 0; i < kLanes; ++i) found[i] = table[number[i]];
  return found;
}

// A number as the sum of two, the second at most half an ulp of the first.
struct Double2 {
  Lanes high, low;
};

// |a| >= |b|, or a = 0.
Double2 quick_sum(Lanes a, Lanes b) {
  Lanes s = a + b;
  return {s, b - (s - a)};
}

Double2 exact_sum(Lanes a, Lanes b) {
  Lanes s = a + b, bb = s - a;
  return {s, (a - (s - bb)) + (b - bb)};
}

Double2 exact_product(Lanes a, Lanes b) {
  Lanes p = a * b;
  return {p, fma(a, b, -p)};
}

Double2 sum(Double2 a, Double2 b) {
  Double2 s = exact_sum(a.high, b.high), t = exact_sum(a.low, b.low);
  s = quick_sum(s.high, s.low + t.high);
  return quick_sum(s.high, s.low + t.low);
}

Double2 product(Double2 a, Double2 b) {
  Double2 p = exact_product(a.high, b.high);
  return quick_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

Double2 quotient(Double2 a, Double2 b) {
  Lanes q = a.high / b.high;
  Double2 p = exact_product(q, b.high);
  return quick_sum(q, ((a.high - p.high) - p.low + a.low - q * b.low) / b.high);
}

// Horner's rule; from the coefficient `plain` on, plain double will do.
Double2 polynomial(const double (*c)[2], int plain, int last, Double2 x) {
  Double2 value = {all(c[last][0]), all(0)};
  int i = last;
  while (--i >= plain) value.high = value.high * x.high + c[i][0];
  for (; i >= 0; --i) value = sum(product(value, x), {all(c[i][0]), all(c[i][1])});
  return value;
}

// The number whose integer part stands in the lowest bits of this plus the number.
constexpr double kShift = 0x1.8p52;

// exp(-a), 0 <= a <= 300.
Double2 exp_minus(Lanes a, const Constants& c) {
  Lanes shifted = a * c.steps_per_unit + kShift, k = shifted - kShift;
  Integers number = bits_of<Integers>(shifted) & 0xFFFFFFFF;
  // r = k ln2 / 64 - a, |r| < 1/180; k times 36 bits, less a, is exact.
  Double2 rest = exact_product(k, all(c.step[1])), r = exact_sum(k * c.step[0] - a, rest.high);
  r = quick_sum(r.high, r.low + (rest.low + k * c.step[2]));
  Integers in_table = number & 63;
  Double2 value =
      product(polynomial(c.factorial, 6, 12, r), {look_up(c.power[0], in_table), look_up(c.power[1], in_table)});
  Lanes scale = bits_of<Lanes>((1023 - (number >> 6)) << 52);
  return {value.high * scale, value.low * scale};
}

// log(1 + e), 0 <= e <= 1: log(f) + 2 artanh((1 + e - f) / (1 + e + f)) with f = 1 + j/64 next to 1 + e.
Double2 log_one_plus(Double2 e, const Constants& c) {
  Lanes shifted = e.high * 64 + kShift, f = (shifted - kShift) * 0x1p-6;
  Integers number = bits_of<Integers>(shifted) & 127;
  Double2 above = exact_sum(e.high - f, e.low), below = sum({2 + f, all(0)}, e);
  Double2 s = quotient(above, below), series = polynomial(c.odd, 3, 6, product(s, s));
  return sum({look_up(c.logarithm[0], number), look_up(c.logarithm[1], number)},
             product(series, {2 * s.high, 2 * s.low}));
}

// 1 / ulp of a float32 result; a power of two less a little lies in the binade below it.
Lanes inverse_ulp(Double2 truth) {
  Integers exponent = (bits_of<Integers>(truth.high) + (truth.low < 0)) >> 52;
  exponent = exponent > 1023 - 126 ? exponent : 1023 - 126 + Integers{};
  return bits_of<Lanes>((2046 + 23 - exponent) << 52);
}

}  // namespace

extern "C" {

// What a comparison found; `first_bad`: the first result that is no finite number, or -1.
struct Verdict {
  double worst;
  int64_t where, not_nearest, lost, not_finite, first_bad;
};

int64_t constants_size() { return sizeof(Constants) / sizeof(double); }

// Whether subnormal numbers count: some libraries have a thread flush them to 0.
int subnormals() {
  volatile double least = std::numeric_limits<double>::min();
  return least / 2 > 0;
}

// softplus(a), softplus(-a), sigmoid(a), sigmoid(-a) of n finite float32 magnitudes: high[4][n], low[4][n].
void truths(const double* table, const float* magnitudes, int64_t n, double* high, double* low) {
  const Constants& c = *reinterpret_cast<const Constants*>(table);
  const Lanes zero = all(0);
  for (int64_t i = 0; i < n; i += kLanes) {
    Lanes a = load(magnitudes + i, n - i);
    Double2 results[4] = {{a, zero}, {zero, zero}, {all(1), zero}, {zero, zero}};
    bool some = false;  // half of all magnitudes are beyond 300
    for (int j = 0; j < kLanes; ++j) some |= a[j] <= 300;
    if (some) {
      Double2 e = exp_minus(a < 300 ? a : all(300), c);
      e = {a > 300 ? zero : e.high, a > 300 ? zero : e.low};
      const Double2 tail = log_one_plus(e, c), up = quotient({all(1), zero}, sum({all(1), zero}, e));
      results[0] = sum({a, zero}, tail), results[1] = tail, results[2] = up, results[3] = product(e, up);
    }
    for (int f = 0; f < 4; ++f) {
      store(results[f].high, high + f * n + i, n - i);
      store(results[f].low, low + f * n + i, n - i);
    }
  }
}

// Compares n results, times `sign`, with truths that are not negative. An infinite result stands at 2^128, where the
// next number would be; what is no finite number is counted apart, and an infinite error among `bins`, of which
// bins[bin[i]] becomes the largest error so far. `bin` must not decrease.
void judge(const float* got, double sign, const double* high, const double* low, const int32_t* bin, int64_t n,
           double* bins, Verdict* verdict) {
  constexpr int64_t kBlock = 1024;
  const Lanes top = all(0x1p128);
  double errors[kBlock];
  Verdict v = {-1.0, 0, 0, 0, 0, -1};
  for (int64_t start = 0; start < n; start += kBlock) {
    int64_t size = std::min(kBlock, n - start);
    Integers nearest{}, lost{}, finite{};
    Lanes largest = all(-1);
    for (int64_t i = 0; i < size; i += kLanes) {
      Double2 truth = {load(high + start + i, size - i), load(low + start + i, size - i)};
      Lanes g = load(got + start + i, size - i) * sign;
      if (size - i < kLanes) {  // the rest of a vector: right results
        for (int64_t j = size - i; j < kLanes; ++j) truth.high[j] = g[j] = 1, truth.low[j] = 0;
      }
      finite += magnitude(g) < top;
      g = g > top ? top : g < -top ? -top : g;
      Lanes unit = inverse_ulp(truth), half = 0.5 / unit, off = g - truth.high;
      Lanes error = magnitude(off - truth.low) * unit;
      // Exact: next to a tie, off and off -+ half have few bits.
      nearest += (truth.low <= off + half) & (truth.low >= off - half);
      lost += (g == 0) & (error > 0.5);
      largest = error > largest ? error : largest;
      std::memcpy(errors + i, &error, sizeof error);
    }
    int64_t bad = 0, far = 0;
    double most = -1;
    const int64_t padded = (size + kLanes - 1) / kLanes * kLanes;
    for (int j = 0; j < kLanes; ++j) {
      // Masks count downwards.
      bad += padded / kLanes + finite[j], far += padded / kLanes + nearest[j], v.lost -= lost[j];
      most = std::max(most, largest[j]);
    }
    v.not_nearest += far, v.not_finite += bad;
    if (bad == 0 && most <= v.worst && bin[start] == bin[start + size - 1]) {
      bins[bin[start]] = std::max(bins[bin[start]], most);
      continue;
    }
    for (int64_t i = 0; i < size; ++i) {
      double error = errors[i];
      if (!(std::abs(got[start + i]) <= std::numeric_limits<float>::max())) {
        if (v.first_bad < 0) v.first_bad = start + i;
        error = std::numeric_limits<double>::infinity();
      } else if (error > v.worst) {
        v.worst = error, v.where = start + i;
      }
      bins[bin[start + i]] = std::max(bins[bin[start + i]], error);
    }
  }
  *verdict = v;
}

}  // extern "C"
