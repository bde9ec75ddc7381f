// Functions that clients link although what they do is not here: most are refused, some are accepted without an effect.
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "../capi/api.hpp"

namespace {

int refuse(const char* function) {
  return bcelogits::capi::guarded(function, [] {
    return bcelogits::runtime::fail(bcelogits::runtime::kNotSupported,
                                    "not supported by bcelogits, which runs on this machine's processor");
  });
}

}  // namespace

// The signatures do not matter: no argument is looked at.
#define X(name) \
  EXPORTED(int, name, ()) { return refuse(#name); }
#include "refused.def"
#undef X

// The profiler. The callback would be told that profiling starts or ends: it is never called.
EXPORTED(std::int32_t, MsprofRegisterCallback, (std::uint32_t, void*)) { return 0; }

// An identity under which a text would appear in a profile: there is none.
EXPORTED(std::uint64_t, MsprofGetHashId, (const char*, std::size_t)) { return 0; }

// A time for records, in nanoseconds.
EXPORTED(std::uint64_t, MsprofSysCycleTime, ()) {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// An option of the collective communication, such as whether its sums are deterministic.
EXPORTED(std::int32_t, HcclSetConfig, (std::int32_t, std::int32_t)) { return 0; }
