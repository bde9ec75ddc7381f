// See exact_sum.hpp.
#include "exact_sum.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace bcelogits {

namespace {
constexpr std::uint64_t kMask = 0xffffffffu;
constexpr int kLowest = -1074;  // exponent of bit 0
constexpr int kBelow = 4;       // limbs of quotient kept below bit 0
using Wide = unsigned __int128;
}  // namespace

void ExactSum::add(double v) {
  const auto bits = std::bit_cast<std::uint64_t>(v);
  const bool minus = bits >> 63;
  const int field = static_cast<int>((bits >> 52) & 0x7ff);
  std::uint64_t m = bits & 0xfffffffffffffull;
  if (field == 0x7ff) {
    (m ? s_.nan : minus ? s_.minus_inf : s_.plus_inf) = 1;
    return;
  }
  if (field) m |= 0x10000000000000ull;
  const int position = field ? field - 1 : 0, k = position >> 5;
  const Wide shifted = static_cast<Wide>(m) << (position & 31);
  const auto low = static_cast<std::int64_t>(static_cast<std::uint64_t>(shifted) & kMask);
  const auto mid = static_cast<std::int64_t>(static_cast<std::uint64_t>(shifted >> 32) & kMask);
  const auto high = static_cast<std::int64_t>(shifted >> 64);
  const auto at = static_cast<std::size_t>(k);
  s_.limb[at] += minus ? -low : low;
  s_.limb[at + 1] += minus ? -mid : mid;
  s_.limb[at + 2] += minus ? -high : high;
  if (++s_.pending == (1u << 30)) resolve();
}

// Bring every limb but the last into [0, 2^32).
void ExactSum::resolve() {
  // Most limbs of most sums are 0, and each step waits for the carry of the one before.
  std::size_t first = 0, used = kLimbs - 1;
  while (first < used && s_.limb[first] == 0) ++first;
  while (used > first && s_.limb[used - 1] == 0) --used;
  std::int64_t carry = 0;
  for (std::size_t k = first; k + 1 < kLimbs && (k < used || carry != 0); ++k) {
    const std::int64_t t = s_.limb[k] + carry;
    carry = t >> 32;  // floor: arithmetic shift
    s_.limb[k] = t & static_cast<std::int64_t>(kMask);
  }
  s_.limb[kLimbs - 1] += carry;
  s_.pending = 1;
}

void ExactSum::merge(const ExactSum& other) {
  ExactSum theirs = other;
  theirs.resolve();
  resolve();
  for (std::size_t k = 0; k < kLimbs; ++k) s_.limb[k] += theirs.s_.limb[k];
  s_.pending = 2;
  s_.nan |= other.s_.nan;
  s_.plus_inf |= other.s_.plus_inf;
  s_.minus_inf |= other.s_.minus_inf;
}

double ExactSum::read(DType dtype, std::uint64_t divisor) const {
  if (s_.nan || (s_.plus_inf && s_.minus_inf) || divisor == 0) return std::numeric_limits<double>::quiet_NaN();
  if (s_.plus_inf) return std::numeric_limits<double>::infinity();
  if (s_.minus_inf) return -std::numeric_limits<double>::infinity();

  ExactSum copy = *this;
  copy.resolve();
  const bool minus = copy.s_.limb[kLimbs - 1] < 0;
  if (minus) {
    for (auto& limb : copy.s_.limb) limb = -limb;
    copy.resolve();
  }
  const auto limb = [&](int k) {
    return k >= 0 ? static_cast<std::uint64_t>(copy.s_.limb[static_cast<std::size_t>(k)]) : 0;
  };
  // Long division, from the highest limb that is not zero: three digits hold more than 64 bits, and of what is below
  // them only counts whether there is anything. The quotient may go on kBelow limbs below bit 0.
  int k = kLimbs - 1, top = 0, found = 0;
  while (k > 0 && limb(k) == 0) --k;
  std::uint64_t digit[3] = {}, rest = 0;
  for (; k >= -kBelow && found < 3; --k) {
    const Wide value = (static_cast<Wide>(rest) << 32) + limb(k);  // the top limb may exceed 32 bits; it is the first
    const auto quotient = static_cast<std::uint64_t>(value / divisor);
    rest = static_cast<std::uint64_t>(value % divisor);
    if (found == 0 && quotient == 0) continue;
    if (found == 0) top = k;
    digit[found++] = quotient;
  }
  if (found == 0) return 0.0;
  bool sticky = rest != 0;
  for (; k >= 0 && !sticky; --k) sticky = limb(k) != 0;

  // The leading 64 bits, and whether anything is below them.
  const Wide head = (static_cast<Wide>(digit[0]) << 64) | (static_cast<Wide>(digit[1]) << 32) | digit[2];
  const int lead =
      127 - (static_cast<std::uint64_t>(head >> 64) ? std::countl_zero(static_cast<std::uint64_t>(head >> 64))
                                                    : 64 + std::countl_zero(static_cast<std::uint64_t>(head)));
  int exponent = kLowest + 32 * (top - 2) + lead;  // of the leading bit
  const int drop_to_64 = lead - 63;
  std::uint64_t m;
  if (drop_to_64 >= 0) {
    m = static_cast<std::uint64_t>(head >> drop_to_64);
    sticky = sticky || (head & ((static_cast<Wide>(1) << drop_to_64) - 1)) != 0;
  } else {
    m = static_cast<std::uint64_t>(head << -drop_to_64);
  }

  const DTypeInfo& f = info(dtype);
  // Bits kept: all of the mantissa for normal numbers, fewer below the least normal exponent.
  const int kept = exponent >= f.least_exponent ? f.mantissa + 1 : f.mantissa + 1 - (f.least_exponent - exponent);
  std::uint64_t q;
  if (kept < 0) {
    q = 0;
  } else {
    const int drop = 64 - kept;  // 11 .. 64
    const std::uint64_t half = 1ull << (drop - 1);
    const std::uint64_t low = drop == 64 ? m : m & ((1ull << drop) - 1);
    q = drop == 64 ? 0 : m >> drop;
    if (low > half || (low == half && (sticky || (q & 1)))) ++q;
  }
  double r = std::ldexp(static_cast<double>(q), exponent - kept + 1);
  const int emax = 1 - f.least_exponent;
  if (r >= std::ldexp(1.0, emax) * 2.0) r = std::numeric_limits<double>::infinity();  // 2^(emax+1)
  return minus ? -r : r;
}

}  // namespace bcelogits
