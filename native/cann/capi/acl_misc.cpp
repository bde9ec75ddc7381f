// Small functions of the runtime API: sizes of dtypes, half precision, data buffers, the log of the application.
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "../device/per_process.hpp"
#include "../device/registry.hpp"
#include "api.hpp"
#include "handles.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

// ---- Dtypes and half precision ----

size_t aclDataTypeSize(aclDataType dataType) { return bytes_of(dataType); }

// Integers only: the result does not depend on the caller's rounding and flushing modes.
float aclFloat16ToFloat(aclFloat16 value) {
  const std::uint32_t sign = (value & 0x8000u) << 16, exponent = value >> 10 & 31u, mantissa = value & 0x3ffu;
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);  // 31 too: documented
  if (mantissa == 0) return std::bit_cast<float>(sign);
  const int shift = std::countl_zero(mantissa) - 21;  // brings the leading bit to the place of the implicit one
  return std::bit_cast<float>(sign | static_cast<std::uint32_t>(113 - shift) << 23 |
                              (mantissa << shift & 0x3ffu) << 13);
}

aclFloat16 aclFloatToFloat16(float value) {
  constexpr std::uint32_t kLargest = 0x7bff;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kLargest;  // NaN, of either sign
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  if (exponent > 15) return static_cast<aclFloat16>(sign | kLargest);
  if (exponent < -25) return static_cast<aclFloat16>(sign);
  const std::uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
  const int dropped = exponent < -14 ? 13 + (-14 - exponent) : 13;  // bits below the last one that stays
  const std::uint32_t half = 1u << (dropped - 1), rest = significand & ((1u << dropped) - 1);
  std::uint32_t rounded = significand >> dropped;
  rounded += rest > half || (rest == half && (rounded & 1) != 0);  // to nearest, ties to even
  // The leading bit of a normal number carries into the exponent.
  if (exponent >= -14) rounded += static_cast<std::uint32_t>(exponent + 14) << 10;
  return static_cast<aclFloat16>(sign | std::min(rounded, kLargest));
}

// ---- Data buffers ----

namespace {

struct Buffer {
  void* data;
  std::size_t size;
};
using Buffers = Registry<Buffer, HandleKind::DataBuffer>;
Buffers& buffers() { return per_process<Buffers>(); }

Result bad_buffer(const aclDataBuffer* buffer) {
  return bad_handle(buffers(), buffer, "dataBuffer", "what aclCreateDataBuffer gave", kBadValue, kInvalidHandle);
}

// What the handle names; zeros, and a message, if nothing.
Buffer look_up(const char* function, const aclDataBuffer* handle) {
  Buffer found{nullptr, 0};
  (void)guarded(function, [&]() -> Result {
    bool known = false;
    buffers().with([&](auto&& find) {
      if (const Buffer* b = find(handle)) {
        found = *b;
        known = true;
      }
    });
    return known ? Result{} : bad_buffer(handle);
  });
  return found;
}

}  // namespace

aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) {
  void* handle = nullptr;
  (void)guarded("aclCreateDataBuffer", [&]() -> Result {
    handle = buffers().insert(std::make_shared<Buffer>(Buffer{data, size}));
    return handle ? Result{} : fail(kOutOfMemory, "2^20 data buffers exist, no more can be made");
  });
  return static_cast<aclDataBuffer*>(handle);
}

aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer) {
  return guarded("aclDestroyDataBuffer",
                 [&] { return buffers().remove(dataBuffer) ? Result{} : bad_buffer(dataBuffer); });
}

aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size) {
  return guarded("aclUpdateDataBuffer", [&]() -> Result {
    bool known = false;
    buffers().with([&](auto&& find) {
      if (Buffer* b = find(dataBuffer)) {
        *b = {data, size};
        known = true;
      }
    });
    return known ? Result{} : bad_buffer(dataBuffer);
  });
}

void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer) { return look_up("aclGetDataBufferAddr", dataBuffer).data; }

uint32_t aclGetDataBufferSize(const aclDataBuffer* dataBuffer) {
  return static_cast<uint32_t>(look_up("aclGetDataBufferSize", dataBuffer).size);
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer) {
  return look_up("aclGetDataBufferSizeV2", dataBuffer).size;
}

// ---- The log ----

namespace {

std::string_view variable(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

// The lowest level that is printed; 4: none. There is no log file here, only the terminal if it is asked for.
int log_threshold() {
  static const int threshold = [] {
    const std::string_view now = variable("ASCEND_LOG_PRINT_TO_STDOUT"),
                           before = variable("ASCEND_SLOG_PRINT_TO_STDOUT");
    if ((now.empty() ? before : now) != "1") return 4;
    const std::string_view level = variable("ASCEND_GLOBAL_LOG_LEVEL");
    return level.size() == 1 && level[0] >= '0' && level[0] <= '4' ? level[0] - '0' : 3;
  }();
  return threshold;
}

std::string format(const char* fmt, std::va_list values) {
  std::va_list again;
  va_copy(again, values);
  const int length = std::vsnprintf(nullptr, 0, fmt, again);
  va_end(again);
  std::string text(static_cast<std::size_t>(std::max(length, 0)), '\0');
  if (length > 0) std::vsnprintf(text.data(), text.size() + 1, fmt, values);
  return text;
}

}  // namespace

void aclAppLog(aclLogLevel logLevel, const char* func, const char* file, uint32_t line, const char* fmt, ...) {
  static constexpr const char* kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
  const int level = static_cast<int>(logLevel);
  if (!fmt || level < ACL_DEBUG || level > ACL_ERROR || level < log_threshold()) return;
  std::va_list values;
  va_start(values, fmt);
  try {
    const std::string text = format(fmt, values);
    // One call, so that lines of several threads do not mix.
    std::printf("[%s] APP(%d): [%s:%u] %s: %s\n", kNames[level], static_cast<int>(getpid()), file ? file : "?", line,
                func ? func : "?", text.c_str());
    std::fflush(stdout);
  } catch (...) {  // no memory: no line
  }
  va_end(values);
}
