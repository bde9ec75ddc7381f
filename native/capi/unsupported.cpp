// Operators that clients bind when they load. They are no part of this library and say so.
#include "api.hpp"

// The signatures do not matter: no argument is looked at.
#define OPERATOR(op)                                                                                    \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##op##GetWorkspaceSize() asm(      \
      "bcelogits_aclnn" #op "GetWorkspaceSize");                                                        \
  extern "C" __attribute__((visibility("default"))) aclnnStatus aclnn##op() asm("bcelogits_aclnn" #op); \
  aclnnStatus aclnn##op##GetWorkspaceSize() { return not_supported("aclnn" #op "GetWorkspaceSize"); }   \
  aclnnStatus aclnn##op() { return not_supported("aclnn" #op); }

namespace {

aclnnStatus not_supported(const char* function) {
  return bcelogits::capi::guarded(function, []() -> bcelogits::runtime::Result {
    return {ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
            "not supported by bcelogits, which implements binary cross-entropy with logits only"};
  });
}

}  // namespace

#include "unsupported.def"
