// Functions that clients link although what they do needs an NPU. They say so.
#include "../capi/api.hpp"

namespace {

int not_supported(const char* function) {
  return bcelogits::capi::guarded(function, [] {
    return bcelogits::runtime::fail(bcelogits::runtime::kNotSupported,
                                    "not supported by bcelogits, which runs on this machine's processor");
  });
}

}  // namespace

// The signatures do not matter: no argument is looked at.
#define X(name)                                                                         \
  extern "C" __attribute__((visibility("default"))) int name() asm("bcelogits_" #name); \
  int name() { return not_supported(#name); }
#include "absent.def"
#undef X
