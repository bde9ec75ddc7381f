// What clients call of the profiler and of the collective communication whether or not they use them. Neither is
// here.
#include <chrono>
#include <cstddef>
#include <cstdint>

#define API(type, name, parameters)                                                               \
  extern "C" __attribute__((visibility("default"))) type name parameters asm("bcelogits_" #name); \
  type name parameters

// The callback would be told that profiling starts or ends: it is never called.
API(std::int32_t, MsprofRegisterCallback, (std::uint32_t, void*)) { return 0; }

// An identity under which a text would appear in a profile: there is none.
API(std::uint64_t, MsprofGetHashId, (const char*, std::size_t)) { return 0; }

// A time for records, in nanoseconds.
API(std::uint64_t, MsprofSysCycleTime, ()) {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// An option of the collectives, such as whether their sums are deterministic.
API(std::int32_t, HcclSetConfig, (std::int32_t, std::int32_t)) { return 0; }
