// How a runtime call ended: the number that the C API documents for it, and a text for a person.
#pragma once

#include <string>
#include <utility>

namespace bcelogits::runtime {

// Numbers of the documented aclError table; the C API asserts that they equal the names of its public headers.
enum Code : int {
  kOk = 0,
  kInvalidParam = 100000,
  kUninitialized = 100001,
  kRepeatInitialize = 100002,
  kInvalidFile = 100003,
  kParseFile = 100006,
  kRepeatFinalize = 100037,
  kBadValue = 107000,
  kInvalidDevice = 107001,
  kNoContext = 107002,
  kStreamContext = 107003,
  kEventTimestamp = 107006,
  kEventReversal = 107007,
  kStreamSubscribed = 107011,
  kThreadNotSubscribed = 107012,
  kNoCallback = 107015,
  kInvalidHandle = 107017,
  kStreamAborted = 107023,
  kNotSupported = 207000,
  kOutOfMemory = 207001,
  kMemoryFree = 207002,
  kNoResource = 207005,
  kNoEvents = 207007,
  kNoStreams = 207008,
  kInternal = 507000,
  kReportTimeout = 507012,
  kTaskFailed = 507015,
  kStreamTimeout = 507046,
  kEventTimeout = 507047,
};

struct [[nodiscard]] Result {
  int code = kOk;
  std::string text{};  // "size: 0, expected at least 1 byte"

  bool ok() const { return code == kOk; }
};

inline Result fail(Code code, std::string text) { return {code, std::move(text)}; }

}  // namespace bcelogits::runtime
