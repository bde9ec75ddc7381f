// See dispatch.hpp. The processor is asked itself: compilers differ in which names __builtin_cpu_supports knows, and
// one toolchain answers 0 to all of them.
#include "dispatch.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(BCELOGITS_X86)
#include <cpuid.h>
#endif

namespace bcelogits {

namespace {

struct Candidate {
  const char* name;
  const kernels::KernelTable* (*table)();
  bool (*supported)();
};

#if defined(BCELOGITS_X86)
// Bits of CPUID's answers, as Intel's manual (volume 2A, CPUID) and AMD's (volume 3, appendix E) number them.
constexpr unsigned bit(int n) { return 1u << n; }
constexpr unsigned kFma = bit(12), kOsxsave = bit(27), kAvx = bit(28), kF16c = bit(29);  // leaf 1, ECX
constexpr unsigned kAvx2 = bit(5), kAvx512 = bit(16) | bit(17) | bit(30) | bit(31);      // leaf 7, EBX: F, DQ, BW, VL
constexpr std::uint64_t kYmm = 0b110, kZmm = 0b11100110;  // states of XCR0 that the system saves: XMM and YMM; all

bool have_all(unsigned answer, unsigned wanted) { return (answer & wanted) == wanted; }

// Whether the processor has these bits of leaf 7 besides AVX, FMA and F16C, and the system saves these registers.
bool has(unsigned leaf_7, std::uint64_t state) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !have_all(c, kOsxsave | kAvx | kFma | kF16c)) return false;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if (((std::uint64_t{high} << 32 | low) & state) != state) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && have_all(b, leaf_7);
}
bool has_avx2() { return has(kAvx2, kYmm); }
bool has_avx512() { return has(kAvx2 | kAvx512, kZmm); }
#endif

const Candidate kCandidates[] = {
    // weakest first
    {"baseline", kernels::table_baseline, [] { return true; }},
#if defined(BCELOGITS_X86)
    {"avx2", kernels::table_avx2, has_avx2},
    {"avx512", kernels::table_avx512, has_avx512},
#elif defined(BCELOGITS_AARCH64)
    {"neon", kernels::table_neon, [] { return true; }},  // part of every AArch64
#endif
};

const kernels::KernelTable* chosen = nullptr;

}  // namespace

const kernels::KernelTable& kernel_table() { return *chosen; }

std::string available_isas() {
  std::string names;
  for (const Candidate& c : kCandidates)
    if (c.supported()) names += (names.empty() ? "" : ",") + std::string(c.name);
  return names;
}

std::string select_isa() {
  const char* cap = std::getenv("BCELOGITS_MAX_ISA");
  if (cap && !*cap) cap = nullptr;
  bool known = cap == nullptr;
  std::string names;
  for (const Candidate& c : kCandidates) {
    if (c.supported()) chosen = c.table();
    names += (names.empty() ? "" : ", ") + std::string(c.name);
    if (cap && std::strcmp(cap, c.name) == 0) {
      known = true;
      break;
    }
  }
  if (known) return {};
  return "BCELOGITS_MAX_ISA: '" + std::string(cap) + "', expected one of " + names;
}

}  // namespace bcelogits
