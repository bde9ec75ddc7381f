// What all sources of the C API share: the public headers, the symbols under which the core library exports their
// functions, and how a result becomes a status code and a message.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "../device/result.hpp"
#include "acl/acl.h"
#include "acl/acl_base.h"
#include "acl/acl_rt.h"
#include "aclnn/acl_meta.h"
#include "aclnn/aclnn_base.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_target_backward.h"
#include "bcelogits/aclnn_status.h"

// The core library has all code and state; libascendcl.so and its like jump here (forward.S). Functions are defined
// under their public names, and the compiler compares them with the public headers; only the symbol differs.
#define X(name) extern "C" __attribute__((visibility("default"))) decltype(name) name asm("bcelogits_" #name);
#include "meta.def"
#include "operators.def"
#include "runtime.def"
#undef X

// Begins the definition of a function that no public header declares.
#define EXPORTED(type, name, parameters)                                                          \
  extern "C" __attribute__((visibility("default"))) type name parameters asm("bcelogits_" #name); \
  type name parameters

namespace bcelogits::capi {

// Keeps the text of a failure for aclGetRecentErrMsg and gives back the code.
int report(const char* function, const runtime::Result& result);
// With "err_msg_mode": "1" all threads share one list of messages.
void share_messages(bool process_wide);

inline runtime::Result null_argument(const char* name) {
  return runtime::fail(runtime::kBadValue, std::string(name) + ": null pointer, expected a valid one");
}

inline runtime::Result bad_timeout(int milliseconds) {
  return runtime::fail(runtime::kBadValue,
                       "timeout: " + std::to_string(milliseconds) + ", expected -1 (for ever) or a time to wait");
}

// Runs the body of a function of the API: no exception leaves it.
template <class Body>
int guarded(const char* function, Body&& body) noexcept {
  try {
    try {
      return report(function, body());
    } catch (const std::bad_alloc&) {
      return report(function, runtime::fail(runtime::kOutOfMemory, "out of memory"));
    } catch (const std::exception& e) {
      return report(function, runtime::fail(runtime::kInternal, e.what()));
    }
  } catch (...) {
    return runtime::kInternal;  // not even the message could be kept
  }
}

}  // namespace bcelogits::capi
