// aclGetRecentErrMsg: the texts of failures, kept for each thread (or for the process) until they are read.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <deque>
#include <mutex>
#include <string>

#include "../device/per_process.hpp"
#include "../device/settings.hpp"
#include "api.hpp"

namespace bcelogits::capi {

namespace {

// The runtime's codes are those of the public headers.
#define SAME(code, name) static_assert(static_cast<int>(runtime::code) == static_cast<int>(name))
SAME(kOk, ACL_SUCCESS);
SAME(kInvalidParam, ACL_ERROR_INVALID_PARAM);
SAME(kUninitialized, ACL_ERROR_UNINITIALIZE);
SAME(kRepeatInitialize, ACL_ERROR_REPEAT_INITIALIZE);
SAME(kInvalidFile, ACL_ERROR_INVALID_FILE);
SAME(kParseFile, ACL_ERROR_PARSE_FILE);
SAME(kRepeatFinalize, ACL_ERROR_REPEAT_FINALIZE);
SAME(kBadValue, ACL_ERROR_RT_PARAM_INVALID);
SAME(kInvalidDevice, ACL_ERROR_RT_INVALID_DEVICEID);
SAME(kNoContext, ACL_ERROR_RT_CONTEXT_NULL);
SAME(kStreamContext, ACL_ERROR_RT_STREAM_CONTEXT);
SAME(kEventTimestamp, ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID);
SAME(kEventReversal, ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL);
SAME(kStreamSubscribed, ACL_ERROR_RT_STREAM_SUBSCRIBE);
SAME(kThreadNotSubscribed, ACL_ERROR_RT_THREAD_SUBSCRIBE);
SAME(kNoCallback, ACL_ERROR_RT_STREAM_NO_CB_REG);
SAME(kInvalidHandle, ACL_ERROR_RT_INVALID_HANDLE);
SAME(kStreamAborted, ACL_ERROR_RT_STREAM_ABORT);
SAME(kNotSupported, ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
SAME(kOutOfMemory, ACL_ERROR_RT_MEMORY_ALLOCATION);
SAME(kMemoryFree, ACL_ERROR_RT_MEMORY_FREE);
SAME(kNoResource, ACL_ERROR_RT_RESOURCE_ALLOC_FAIL);
SAME(kNoEvents, ACL_ERROR_RT_NO_EVENT_RESOURCE);
SAME(kNoStreams, ACL_ERROR_RT_NO_STREAM_RESOURCE);
SAME(kInternal, ACL_ERROR_RT_INTERNAL_ERROR);
SAME(kReportTimeout, ACL_ERROR_RT_REPORT_TIMEOUT);
SAME(kTaskFailed, ACL_ERROR_RT_AICORE_EXCEPTION);
SAME(kStreamTimeout, ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
SAME(kEventTimeout, ACL_ERROR_RT_EVENT_SYNC_TIMEOUT);
#undef SAME

constexpr std::size_t kMost = 64;  // a program that never reads them must not grow

struct Messages {
  std::deque<std::string> entries;  // newest first
  std::string handed_out;           // what the thread's last pointer refers to
};

struct Shared {
  std::mutex mutex;
  Messages messages;
};

// Made at the first message and gone before the thread's other thread_local objects, whose destructors may still call.
thread_local Messages* mine = nullptr;
thread_local bool over = false;
struct Owner {
  ~Owner() {
    delete std::exchange(mine, nullptr);
    over = true;
  }
};
Messages* of_this_thread() {
  if (mine || over) return mine;
  static thread_local Owner owner;
  (void)&owner;
  return mine = new Messages;
}
thread_local int last_code = 0;
std::atomic<bool> process_wide{false};

// Calls use() on the messages that count for the calling thread.
template <class Use>
auto with_messages(Use&& use) {
  if (!process_wide) {
    Messages* const m = of_this_thread();
    if (m) return use(*m);
    Messages none;
    return use(none);
  }
  auto& shared = runtime::per_process<Shared>();
  const std::lock_guard lock(shared.mutex);
  return use(shared.messages);
}

// Class and title of the published message catalogue that a code belongs to.
const char* title_of(const runtime::Result& result) {
  if (!runtime::settings().problem.empty() && result.text == runtime::settings().problem)
    return "Invalid_Environment_Variable(EE2002)";
  switch (result.code) {
    case runtime::kBadValue:
    case runtime::kInvalidHandle:
    case runtime::kInvalidDevice:
      return "Invalid_Argument(EE1001)";
    case runtime::kInvalidParam:
      return "Invalid_Argument(EH0001)";
    case runtime::kStreamTimeout:
      return "Stream_Sync_Timeout(EE1002)";
    case runtime::kNotSupported:
      return "Not_Supported(EE1005)";
    case runtime::kStreamContext:
      return "Not_In_Current_Context(EE1010)";
    case runtime::kNoContext:
    case runtime::kRepeatInitialize:
    case runtime::kRepeatFinalize:
    case runtime::kUninitialized:
      return "Call_Sequence_Error(EE1018)";
    case ACLNN_ERR_PARAM_NULLPTR:
    case ACLNN_ERR_PARAM_INVALID:
      return "AclNN_Parameter_Error(EZ1001)";
    default:
      return "Execution_Error(EE9999)";
  }
}

std::string now() {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1000000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char day[32], text[64];
  std::strftime(day, sizeof day, "%Y-%m-%d-%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03d.%03d", day, static_cast<int>(micros / 1000),
                static_cast<int>(micros % 1000));
  return text;
}

}  // namespace

void share_messages(bool all) { process_wide = all; }

int report(const char* function, const runtime::Result& result) {
  if (result.ok()) return 0;
  last_code = result.code;
  std::string entry = "[PID: " + std::to_string(getpid()) + "] " + now() + " " + title_of(result) + ": " + function +
                      ": " + result.text + "\n";
  with_messages([&](Messages& messages) {
    messages.entries.push_front(std::move(entry));
    if (messages.entries.size() > kMost) messages.entries.pop_back();
  });
  return result.code;
}

}  // namespace bcelogits::capi

using namespace bcelogits::capi;

const char* aclGetRecentErrMsg() {
  try {
    Messages* const own = of_this_thread();  // the text is this thread's, whoever's messages it has
    if (!own) return nullptr;
    return with_messages([&](Messages& messages) -> const char* {
      if (messages.entries.empty()) return nullptr;
      own->handed_out.clear();
      for (const std::string& entry : messages.entries) own->handed_out += entry;
      messages.entries.clear();
      return own->handed_out.c_str();
    });
  } catch (...) {
    return nullptr;
  }
}

aclError aclrtPeekAtLastError(aclrtLastErrLevel) { return last_code; }

aclError aclrtGetLastError(aclrtLastErrLevel) { return std::exchange(last_code, 0); }
