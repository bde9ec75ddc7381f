// Compares every function of one simd header (SIMD_HEADER, for BCELOGITS_ISA) with its meaning written out for one
// lane, on special operands and any bits; where the result is a NaN, any NaN is right. Status 1 if one differs.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

#include SIMD_HEADER
#include "../../native/engine/kernels/half.hpp"

namespace simd = bcelogits::kernels::BCELOGITS_ISA;

namespace {

using bcelogits::kernels::bf16;
using bcelogits::kernels::f16;

int failures = 0;

std::uint64_t state = 1;
std::uint64_t random_bits() {  // SplitMix64
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

template <class E>
using BitsOf =
    std::conditional_t<sizeof(E) == 2, std::uint16_t, std::conditional_t<sizeof(E) == 4, std::uint32_t, std::uint64_t>>;
template <class E>
BitsOf<E> bits(E e) {
  return std::bit_cast<BitsOf<E>>(e);
}
template <class E>
bool same(E a, E b) {
  return bits(a) == bits(b) || (a != a && b != b);
}
bool same(f16 a, f16 b) { return a.bits == b.bits; }
bool same(bf16 a, bf16 b) { return a.bits == b.bits; }

template <class E>
E operand() {
  using limits = std::numeric_limits<E>;
  const E special[] = {0,
                       1,
                       2,
                       3,
                       E(1.5),
                       limits::infinity(),
                       limits::quiet_NaN(),
                       limits::min(),
                       limits::denorm_min(),
                       limits::max(),
                       limits::epsilon(),
                       1 + limits::epsilon(),
                       E(65504),
                       E(65520),
                       E(0x1p-24)};
  const std::uint64_t r = random_bits();
  E e = std::bit_cast<E>(static_cast<BitsOf<E>>(r));
  if (r >> 62 == 0) e = special[random_bits() % (sizeof(special) / sizeof(*special))];
  if (r >> 62 == 1) e = std::bit_cast<E>(static_cast<BitsOf<E>>((r & ~(std::uint64_t)0 >> 12) % 1024) | bits(E(1)));
  return random_bits() & 1 ? -e : e;
}

template <class V>
struct Lanes {
  using E = typename V::Elem;
  E e[V::W];
  V vector() const { return V::load(e); }
};
template <class V>
Lanes<V> lanes(V v) {
  Lanes<V> r;
  v.store(r.e);
  return r;
}
template <class M, class V>
std::uint64_t mask(M m, V) {  // bit i: lane i
  const Lanes<V> chosen = lanes(select(m, V::set1(1), V::set1(0)));
  std::uint64_t r = 0;
  for (std::size_t i = 0; i < V::W; ++i) r |= static_cast<std::uint64_t>(chosen.e[i] == 1) << i;
  return r;
}

void expect(bool right, const char* what) {
  if (!right && ++failures < 20) std::fprintf(stderr, "%s differs\n", what);
}

template <class V>
void arithmetic() {
  using E = typename V::Elem;
  Lanes<V> a, b, c;
  for (std::size_t i = 0; i < V::W; ++i) {
    a.e[i] = operand<E>();
    b.e[i] = random_bits() % 4 ? operand<E>() : a.e[i];
    // often the negated product, so that exact zeros and last bits are left
    c.e[i] = random_bits() % 2 ? operand<E>() : (random_bits() & 1 ? a.e[i] * b.e[i] : -(a.e[i] * b.e[i]));
  }
  const V x = a.vector(), y = b.vector(), z = c.vector();
  const auto each = [&](const char* name, V got, auto expected) {
    const Lanes<V> r = lanes(got);
    for (std::size_t i = 0; i < V::W; ++i) expect(same(r.e[i], expected(a.e[i], b.e[i], c.e[i])), name);
  };
  each("+", x + y, [](E p, E q, E) { return p + q; });
  each("-", x - y, [](E p, E q, E) { return p - q; });
  each("*", x * y, [](E p, E q, E) { return p * q; });
  each("/", x / y, [](E p, E q, E) { return p / q; });
  each("fma", fma(x, y, z), [](E p, E q, E r) { return std::fma(p, q, r); });
  each("fms", fms(x, y, z), [](E p, E q, E r) { return std::fma(p, q, -r); });
  each("fnma", fnma(x, y, z), [](E p, E q, E r) { return std::fma(-p, q, r); });
  each("fnms", fnms(x, y, z), [](E p, E q, E r) { return std::fma(-p, q, -r); });

  const auto each_bit = [&](const char* name, V got, auto expected) {
    const Lanes<V> r = lanes(got);
    for (std::size_t i = 0; i < V::W; ++i)
      expect(same(r.e[i], std::bit_cast<E>(expected(bits(a.e[i]), bits(b.e[i])))), name);
  };
  using B = BitsOf<E>;
  constexpr B sign = B(1) << (8 * sizeof(E) - 1);
  each_bit("neg_abs", neg_abs(x), [](B p, B) { return B(p | sign); });
  each_bit("negate", negate(x), [](B p, B) { return B(p ^ sign); });
  each_bit("either", either(x, y), [](B p, B q) { return B(p | q); });
  each_bit("max_or_second", max_or_second(x, y),
           [](B p, B q) { return std::bit_cast<E>(p) > std::bit_cast<E>(q) ? p : q; });

  const auto each_mask = [&](const char* name, auto got, auto expected) {
    std::uint64_t want = 0;
    for (std::size_t i = 0; i < V::W; ++i) want |= static_cast<std::uint64_t>(expected(a.e[i], b.e[i])) << i;
    expect(mask(got, x) == want, name);
    expect(all(got) == (want == (~(std::uint64_t)0 >> (64 - V::W))), "all");
    expect(mask(~got, x) == (want ^ (~(std::uint64_t)0 >> (64 - V::W))), "~");
    each_bit("select", select(got, x, y),
             [&](B p, B q) { return expected(std::bit_cast<E>(p), std::bit_cast<E>(q)) ? p : q; });
  };
  each_mask("sign_bit", sign_bit(x), [](E p, E) { return std::signbit(p); });
  each_mask("ge", ge(x, y), [](E p, E q) { return p >= q; });
  each_mask("gt", gt(x, y), [](E p, E q) { return p > q; });
  each_mask("ne", ne(x, y), [](E p, E q) { return p != q; });
  each_mask("ordered", ordered(x, y), [](E p, E q) { return p == p && q == q; });
  each_mask("finite", finite(x), [](E p, E) { return std::isfinite(p); });
  each_mask("&", finite(x) & gt(x, y), [](E p, E q) { return std::isfinite(p) && p > q; });
  each_mask("|", finite(x) | gt(x, y), [](E p, E q) { return std::isfinite(p) || p > q; });

  const E limits[] = {0,
                      std::numeric_limits<E>::denorm_min(),
                      1,
                      std::numeric_limits<E>::max(),
                      std::numeric_limits<E>::infinity(),
                      std::fabs(b.e[0])};
  for (E limit : limits) {
    simd::LargestMagnitude<V> largest;
    if (limit == limit) expect(largest.within(limit), "LargestMagnitude of nothing");
    largest.see(x);
    largest.see(V::set1(E(0.5)));
    bool within = E(0.5) <= limit;
    for (E e : a.e) within = within && std::fabs(e) <= limit;
    expect(largest.within(limit) == within, "LargestMagnitude");
  }
}

template <class T>
void store_of(simd::VF v, const char* name) {
  const Lanes<simd::VF> r = lanes(v);
  T got[simd::VF::W], want;
  v.store(got);
  for (std::size_t i = 0; i < simd::VF::W; ++i) {
    simd::narrow(static_cast<double>(r.e[i]), &want);
    expect(same(got[i], want), name);
  }
}

// Like near_tie: may the value, moved by `ulps` of float, round to another number of the format?
template <class T>
bool close(float r, float ulps) {
  T p, q;
  simd::narrow(static_cast<double>(std::fma(r, ulps * 0x1p-23f, r)), &p);
  simd::narrow(static_cast<double>(std::fma(-r, ulps * 0x1p-23f, r)), &q);
  return !same(p, q);
}

void floats_only() {
  using V = simd::VF;
  Lanes<V> a, rest;
  std::uint32_t table[4];
  for (std::uint32_t& t : table) t = static_cast<std::uint32_t>(random_bits());
  for (std::size_t i = 0; i < V::W; ++i) {
    a.e[i] = operand<float>();
    if (random_bits() % 2)
      a.e[i] = std::bit_cast<float>((bits(a.e[i]) & 0xffff0000u) + 0x8000u + std::uint32_t(random_bits() % 16) - 8);
    if (a.e[i] != a.e[i]) a.e[i] = std::numeric_limits<float>::quiet_NaN();  // stores are given no other
    rest.e[i] = random_bits() % 3 ? operand<float>() : 0.0f;
  }
  const V v = a.vector();
  store_of<f16>(v, "store f16");
  store_of<bf16>(v, "store bf16");
  const Lanes<V> scaled = lanes(table_scale(v, table)), odd = lanes(to_odd(v, rest.vector()));
  const std::uint64_t near_f16 = mask(near_tie(v, 5.0f, (const f16*)nullptr), v),
                      near_bf16 = mask(near_tie(v, 5.0f, (const bf16*)nullptr), v);
  for (std::size_t i = 0; i < V::W; ++i) {
    const std::uint32_t b = bits(a.e[i]);
    expect(same(scaled.e[i], std::bit_cast<float>(table[b & 3] + (b << 21))), "table_scale");
    std::uint32_t want = b;
    if ((rest.e[i] < 0 || rest.e[i] > 0) && (b & 1) == 0) want += (b ^ bits(rest.e[i])) >> 31 ? -1u : 1u;
    // What is rounded to 0 leaves no rest that a float holds.
    if (a.e[i] != 0) expect(same(odd.e[i], std::bit_cast<float>(want)), "to_odd");
    const std::uint32_t past = (b & 0xffffu) - (0x8000u - 5);
    expect((near_bf16 >> i & 1) == (past <= 10), "near_tie bf16");
    if (std::isfinite(a.e[i])) expect((near_f16 >> i & 1) == close<f16>(a.e[i], 5.0f), "near_tie f16");
  }
  std::uint16_t halves[V::W + 1];  // and an address that is not aligned to a float
  for (std::uint16_t& h : halves) h = static_cast<std::uint16_t>(random_bits());
  const Lanes<V> from_f16 = lanes(V::load((const f16*)(halves + 1))),
                 from_bf16 = lanes(V::load((const bf16*)(halves + 1)));
  for (std::size_t i = 0; i < V::W; ++i) {
    expect(same(from_f16.e[i], simd::widen(f16{halves[i + 1]})), "load f16");
    expect(same(from_bf16.e[i], simd::widen(bf16{halves[i + 1]})), "load bf16");
  }
}

void integers() {
  using V = simd::VI;
  struct Integers {
    std::uint32_t e[V::W];
    explicit Integers(V v) { std::memcpy(e, &v, sizeof(e)); }
  };
  static_assert(sizeof(V) == sizeof(Integers));
  std::uint32_t x[V::W], y[V::W];
  for (std::size_t i = 0; i < V::W; ++i) {
    x[i] = bits(operand<float>());
    y[i] = bits(operand<float>());
  }
  const V a = V::load(x), b = V::load(y);
  const Integers both(a & b), either(a | b), difference(a - b), low(min_signed(a, b)), least(min_unsigned(a, b)),
      most(max_unsigned(a, b)), all(V::set1(x[0])), halves(V::set_halves(x[0], x[1]));
  std::uint32_t lowest = x[0], smallest = x[0], largest = x[0];
  for (std::size_t i = 0; i < V::W; ++i) {
    const auto s = static_cast<std::int32_t>(x[i]), t = static_cast<std::int32_t>(y[i]);
    expect(both.e[i] == (x[i] & y[i]) && either.e[i] == (x[i] | y[i]) && difference.e[i] == x[i] - y[i], "& | -");
    expect(low.e[i] == (s < t ? x[i] : y[i]), "min_signed");
    expect(least.e[i] == (x[i] < y[i] ? x[i] : y[i]) && most.e[i] == (x[i] < y[i] ? y[i] : x[i]), "min, max_unsigned");
    expect(all.e[i] == x[0] && halves.e[i] == x[i % 2], "set1, set_halves");
    lowest = s < static_cast<std::int32_t>(lowest) ? x[i] : lowest;
    smallest = x[i] < smallest ? x[i] : smallest;
    largest = x[i] > largest ? x[i] : largest;
  }
  expect(simd::hmin_signed(a) == static_cast<std::int32_t>(lowest), "hmin_signed");
  expect(simd::hmin_unsigned(a) == smallest && simd::hmax_unsigned(a) == largest, "hmin, hmax_unsigned");
}

void doubles_only() {
  using V = simd::VD;
  Lanes<V> a;
  float floats[V::W], narrowed[V::W];
  double sum = 0, largest = 0;
  for (std::size_t i = 0; i < V::W; ++i) {
    a.e[i] = operand<double>();
    floats[i] = operand<float>();
  }
  a.vector().store(narrowed);
  const Lanes<V> wide = lanes(V::load(floats)), scale = lanes(scale_from_bits(a.vector()));
  for (std::size_t i = 0; i < V::W; ++i) {
    expect(same(narrowed[i], static_cast<float>(a.e[i])), "double to float");
    expect(same(wide.e[i], static_cast<double>(floats[i])), "float to double");
    expect(bits(scale.e[i]) == bits(a.e[i]) << 52, "scale_from_bits");
    a.e[i] = static_cast<double>(static_cast<std::int64_t>(random_bits() % 2001) - 1000);
    sum += a.e[i];
    largest = std::fabs(a.e[i]) > largest ? std::fabs(a.e[i]) : largest;
  }
  expect(hsum(a.vector()) == sum, "hsum");
  expect(hmax(negate(neg_abs(a.vector()))) == largest, "hmax");
}

}  // namespace

int main() {
  const std::uint64_t saved = simd::enter_fp();
  for (int i = 0; i < 20000; ++i) {
    arithmetic<simd::VF>();
    arithmetic<simd::VD>();
    floats_only();
    doubles_only();
    integers();
  }
  simd::leave_fp(saved);
  if (failures) std::fprintf(stderr, "%d comparisons failed\n", failures);
  return failures ? 1 : 0;
}
