// Memory of the runtime API: allocation, filling, copying.
#include <cstring>
#include <memory>
#include <string>

#include "../device/device.hpp"
#include "../device/memory.hpp"
#include "../device/settings.hpp"
#include "api.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

namespace {

// So much is copied sooner than another thread would have woken up for it.
constexpr std::size_t kAtOnce = 64 << 10;
constexpr std::size_t kMaxHeight = 5u << 20;  // rows of a 2-D copy, as documented

// As documented, room behind the block on all products but one.
enum class Slack { Usual, None };
std::size_t bytes_of(Slack slack) { return slack == Slack::None || settings().product == Product::A950 ? 0 : 32; }

aclError allocate(const char* function, void** pointer, std::size_t size, Slack slack) {
  return guarded(function, [&]() -> Result {
    if (!pointer) return null_argument("devPtr");
    std::shared_ptr<Context> context;
    if (Result r = current_context(context); !r.ok()) return r;
    return memory::allocate(MemoryKind::Device, context->device, size, bytes_of(slack), pointer);
  });
}

struct Fill {
  char* data;
  int value;
  std::size_t count;

  std::size_t bytes() const { return count; }
  bool pageable() const { return !memory::is_ours(data); }
  Result check() const {
    const Access access{"devPtr", data, count};
    return memory::check(&access, 1);
  }
  void run() const { std::memset(data, value & 0xff, count); }
};

// `height` rows of `width` bytes; a plain copy is one row.
struct Copy {
  char* dst;
  const char* src;
  std::size_t width, height = 1, dst_pitch = 0, src_pitch = 0;

  std::size_t bytes() const { return width * height; }
  bool pageable() const { return !memory::is_ours(dst) || !memory::is_ours(src); }
  Result check() const {
    const Access accesses[] = {{"dst", dst, dst_pitch * (height - 1) + width},
                               {"src", src, src_pitch * (height - 1) + width}};
    return memory::check(accesses, 2);
  }
  void run() const {
    // Rows that overlap other rows: from the side on which nothing is overwritten before it is read.
    const bool forward = dst <= src;
    for (std::size_t i = 0; i < height; ++i) {
      const std::size_t row = forward ? i : height - 1 - i;
      std::memmove(dst + row * dst_pitch, src + row * src_pitch, width);
    }
  }
};

std::string bytes_text(std::size_t n) { return std::to_string(n) + " bytes"; }

Result make_fill(void* data, std::size_t room, int value, std::size_t count, Fill& fill) {
  if (!data) return null_argument("devPtr");
  if (count == 0) return fail(kBadValue, "count: 0, expected at least 1 byte");
  if (count > room)
    return fail(kBadValue,
                "count: " + bytes_text(count) + ", expected at most maxCount, which is " + std::to_string(room));
  fill = {static_cast<char*>(data), value, count};
  return fill.check();
}

// The kind says nothing that the addresses do not say.
Result check_kind(aclrtMemcpyKind kind, bool queued) {
  const int number = static_cast<int>(kind);
  if (number < ACL_MEMCPY_HOST_TO_HOST || number > ACL_MEMCPY_INTER_DEVICE_TO_DEVICE)
    return fail(kBadValue, "kind: " + std::to_string(number) + ", expected an aclrtMemcpyKind, 0 to 7");
  if (queued && number == ACL_MEMCPY_HOST_TO_HOST)
    return fail(kNotSupported, "kind: ACL_MEMCPY_HOST_TO_HOST, which is not supported by asynchronous copies");
  return {};
}

Result make_copy(void* dst, std::size_t room, const void* src, std::size_t count, aclrtMemcpyKind kind, bool queued,
                 Copy& copy) {
  if (!dst) return null_argument("dst");
  if (!src) return null_argument("src");
  if (Result r = check_kind(kind, queued); !r.ok()) return r;
  if (count == 0) return fail(kBadValue, "count: 0, expected at least 1 byte");
  if (room < count)
    return fail(kBadValue,
                "destMax: " + bytes_text(room) + ", expected at least count, which is " + std::to_string(count));
  copy = {static_cast<char*>(dst), static_cast<const char*>(src), count};
  return copy.check();
}

Result check_pitch(const char* name, std::size_t pitch, std::size_t width, std::size_t height) {
  if (pitch < width)
    return fail(kBadValue, std::string(name) + ": " + bytes_text(pitch) + ", expected at least width, which is " +
                               std::to_string(width));
  std::size_t extent = 0;
  if (!__builtin_mul_overflow(pitch, height, &extent)) return {};
  return fail(kBadValue, std::string(name) + ": " + bytes_text(pitch) + ", which are more than all memory with " +
                             std::to_string(height) + " rows");
}

Result make_copy_2d(void* dst, std::size_t dpitch, const void* src, std::size_t spitch, std::size_t width,
                    std::size_t height, aclrtMemcpyKind kind, bool queued, Copy& copy) {
  if (!dst) return null_argument("dst");
  if (!src) return null_argument("src");
  if (Result r = check_kind(kind, queued); !r.ok()) return r;
  if (width == 0) return fail(kBadValue, "width: 0, expected at least 1 byte");
  if (height == 0 || height > kMaxHeight)
    return fail(kBadValue,
                "height: " + std::to_string(height) + ", expected 1 to " + std::to_string(kMaxHeight) + " rows");
  if (Result r = check_pitch("dpitch", dpitch, width, height); !r.ok()) return r;
  if (Result r = check_pitch("spitch", spitch, width, height); !r.ok()) return r;
  copy = {static_cast<char*>(dst), static_cast<const char*>(src), width, height, dpitch, spitch};
  return copy.check();
}

// Queues the work. Its memory is checked again when its turn comes: it may have been freed since. With memory that is
// not ours (which its owner may free or write to next) the call returns when the work is done, as documented.
template <class Work>
Result submit(const char* function, aclrtStream handle, const Work& work) {
  std::shared_ptr<Stream> stream;
  if (Result r = resolve_stream(handle, stream); !r.ok()) return r;
  const auto perform = [function, work]() -> Result {
    if (Result r = work.check(); !r.ok()) return fail(kTaskFailed, std::string(function) + ": " + r.text);
    work.run();
    return {};
  };
  if (!work.pageable()) return work.bytes() <= kAtOnce ? stream->run_or_enqueue(perform) : stream->enqueue(perform);
  if (in_stream_task())
    return fail(kBadValue,
                "called by a callback of a stream, which must not wait for another task, with memory that is "
                "neither device memory nor of aclrtMallocHost");
  const auto done = std::make_shared<Gate>();
  // Opens with the end of the task, even of one that is dropped.
  std::shared_ptr<void> end(nullptr, [done](void*) { done->open(); });
  Result queued = stream->run_or_enqueue([perform, end = std::move(end)] { return perform(); });
  if (queued.ok()) done->wait(std::nullopt, [] { return false; });
  return queued;
}

}  // namespace

aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMalloc", devPtr, size, Slack::Usual);
}

aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMallocAlign32", devPtr, size, Slack::None);
}

aclError aclrtMallocCached(void** devPtr, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMallocCached", devPtr, size, Slack::Usual);
}

aclError aclrtFree(void* devPtr) {
  return guarded("aclrtFree", [&] { return memory::release(MemoryKind::Device, devPtr); });
}

aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return guarded("aclrtMallocHost", [&]() -> Result {
    if (!hostPtr) return null_argument("hostPtr");
    return memory::allocate(MemoryKind::Host, 0, size, 0, hostPtr);
  });
}

aclError aclrtFreeHost(void* hostPtr) {
  // Unlike aclrtFree, null is not documented as an error, and a client frees null.
  return guarded("aclrtFreeHost", [&] { return hostPtr ? memory::release(MemoryKind::Host, hostPtr) : Result{}; });
}

aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return guarded("aclrtMemset", [&] {
    Fill fill{};
    Result r = make_fill(devPtr, maxCount, value, count, fill);
    if (r.ok()) fill.run();
    return r;
  });
}

aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return guarded("aclrtMemsetAsync", [&] {
    Fill fill{};
    Result r = make_fill(devPtr, maxCount, value, count, fill);
    return r.ok() ? submit("aclrtMemsetAsync", stream, fill) : r;
  });
}

aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) {
  return guarded("aclrtMemcpy", [&] {
    Copy copy{};
    Result r = make_copy(dst, destMax, src, count, kind, false, copy);
    if (r.ok()) copy.run();
    return r;
  });
}

aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  return guarded("aclrtMemcpyAsync", [&] {
    Copy copy{};
    Result r = make_copy(dst, destMax, src, count, kind, true, copy);
    return r.ok() ? submit("aclrtMemcpyAsync", stream, copy) : r;
  });
}

aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind) {
  return guarded("aclrtMemcpy2d", [&] {
    Copy copy{};
    Result r = make_copy_2d(dst, dpitch, src, spitch, width, height, kind, false, copy);
    if (r.ok()) copy.run();
    return r;
  });
}

aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                            aclrtMemcpyKind kind, aclrtStream stream) {
  return guarded("aclrtMemcpy2dAsync", [&] {
    Copy copy{};
    Result r = make_copy_2d(dst, dpitch, src, spitch, width, height, kind, true, copy);
    return r.ok() ? submit("aclrtMemcpy2dAsync", stream, copy) : r;
  });
}

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* freeSize, size_t* totalSize) {
  return guarded("aclrtGetMemInfo", [&]() -> Result {
    if (!freeSize) return null_argument("freeSize");
    if (!totalSize) return null_argument("totalSize");
    int device = 0;
    if (Result r = current_device(device); !r.ok()) return r;
    memory::Usage usage;  // zeros
    switch (attr) {
      case ACL_DDR_MEM:
      case ACL_HBM_MEM:
      case ACL_DDR_MEM_HUGE:
      case ACL_DDR_MEM_NORMAL:
      case ACL_HBM_MEM_HUGE:
      case ACL_HBM_MEM_NORMAL:
      case ACL_MEM_NORMAL:
      case ACL_MEM_HUGE:
        usage = memory::usage(device);  // one memory, whatever it is called
        break;
      default:  // there is no memory of its own for peers, and none of 1 GiB pages
        break;
    }
    *freeSize = usage.free;
    *totalSize = usage.total;
    return {};
  });
}
