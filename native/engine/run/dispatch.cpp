// Which ISA's kernels are used.
#include <cstdlib>
#include <cstring>

#include "execute.hpp"

namespace bcelogits {

namespace {

struct Candidate {
  const char* name;
  const kernels::KernelTable* (*table)();
  bool (*supported)();
};

#if defined(BCELOGITS_X86)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
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
