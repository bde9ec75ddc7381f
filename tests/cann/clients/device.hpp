// What most clients need: a device for the length of a test, device arrays, tensors, and a gate that holds a stream.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "aclnn/acl_meta.h"
#include "aclnn/aclnn_base.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_target_backward.h"
#include "check.hpp"

using std::chrono::milliseconds;
inline void pause(int ms) { std::this_thread::sleep_for(milliseconds(ms)); }

// Initialises and sets device 0; gives back both at the end.
struct Device {
  explicit Device(const char* config = nullptr) {
    OK(aclInit(config));
    OK(aclrtSetDevice(0));
  }
  ~Device() {
    OK(aclrtResetDevice(0));
    OK(aclFinalize());
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
};

struct Stream {
  aclrtStream handle = nullptr;
  Stream() { OK(aclrtCreateStream(&handle)); }
  ~Stream() {
    if (handle) OK(aclrtDestroyStream(handle));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator aclrtStream() const { return handle; }
};

struct Event {
  aclrtEvent handle = nullptr;
  Event() { OK(aclrtCreateEvent(&handle)); }
  ~Event() {
    if (handle) OK(aclrtDestroyEvent(handle));
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator aclrtEvent() const { return handle; }
};

// Device memory of n elements, read and written by copies only.
template <class T>
struct Array {
  T* data = nullptr;
  std::size_t size;
  explicit Array(std::size_t n, T value = T()) : size(n) {
    void* p = nullptr;
    OK(aclrtMalloc(&p, bytes(), ACL_MEM_MALLOC_HUGE_FIRST));
    data = static_cast<T*>(p);
    write(std::vector<T>(n, value));
  }
  ~Array() {
    if (data) OK(aclrtFree(data));
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  std::size_t bytes() const { return size * sizeof(T); }
  void write(const std::vector<T>& from) {
    OK(aclrtMemcpy(data, bytes(), from.data(), from.size() * sizeof(T), ACL_MEMCPY_HOST_TO_DEVICE));
  }
  std::vector<T> read() const {
    std::vector<T> to(size);
    OK(aclrtMemcpy(to.data(), bytes(), data, bytes(), ACL_MEMCPY_DEVICE_TO_HOST));
    return to;
  }
};

// Pinned host memory: copies from and to it are asynchronous.
template <class T>
struct Pinned {
  T* data = nullptr;
  std::size_t size;
  explicit Pinned(std::size_t n, T value = T()) : size(n) {
    void* p = nullptr;
    OK(aclrtMallocHost(&p, n * sizeof(T)));
    data = static_cast<T*>(p);
    for (std::size_t i = 0; i < n; ++i) data[i] = value;
  }
  ~Pinned() { OK(aclrtFreeHost(data)); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
};

using Dims = std::vector<std::int64_t>;
inline aclTensor* tensor(const Dims& dims, void* data, aclDataType dtype = ACL_FLOAT) {
  aclTensor* made =
      aclCreateTensor(dims.data(), dims.size(), dtype, nullptr, 0, ACL_FORMAT_ND, dims.data(), dims.size(), data);
  CHECK(made != nullptr);
  return made;
}

// A host function that holds a stream until the gate is opened.
class Gate {
 public:
  Gate() = default;
  // The function may outlive a stream that is destroyed by force, but not the gate.
  ~Gate() {
    std::unique_lock<std::mutex> lock(mutex_);
    CHECK(changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !entered_ || left_; }));
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  void hold(aclrtStream stream) { OK(aclrtLaunchHostFunc(stream, &Gate::wait, this)); }
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_until_entered() {
    std::unique_lock<std::mutex> lock(mutex_);
    CHECK(changed_.wait_for(lock, std::chrono::seconds(30), [this] { return entered_; }));
  }

 private:
  static void wait(void* self) {
    Gate& gate = *static_cast<Gate*>(self);
    std::unique_lock<std::mutex> lock(gate.mutex_);
    gate.entered_ = true;
    gate.changed_.notify_all();
    CHECK(gate.changed_.wait_for(lock, std::chrono::seconds(30), [&gate] { return gate.open_; }));
    gate.left_ = true;
    gate.changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false, entered_ = false, left_ = false;
};

// A host function that counts its calls in a std::atomic<int>.
inline void count_up(void* counter) { ++*static_cast<std::atomic<int>*>(counter); }

// The forward operator on n elements with logits 0 and targets 1: every loss is log 2.
constexpr float kLog2 = 0.693147180559945309F;
struct Loss {
  Array<float> self, target, out;
  aclTensor *self_tensor, *target_tensor, *out_tensor;
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  void* workspace = nullptr;
  explicit Loss(std::size_t n)
      : self(n, 0.0F),
        target(n, 1.0F),
        out(n, -1.0F),
        self_tensor(tensor({static_cast<std::int64_t>(n)}, self.data)),
        target_tensor(tensor({static_cast<std::int64_t>(n)}, target.data)),
        out_tensor(tensor({static_cast<std::int64_t>(n)}, out.data)) {}
  ~Loss() {
    if (workspace) OK(aclrtFree(workspace));
    for (aclTensor* t : {self_tensor, target_tensor, out_tensor}) OK(aclDestroyTensor(t));
  }
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  aclnnStatus phase_one() {
    aclnnStatus status = aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self_tensor, target_tensor, nullptr, nullptr,
                                                                           0, out_tensor, &size, &executor);
    if (status == 0 && size > 0 && !workspace) OK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
    return status;
  }
  aclnnStatus phase_two(aclrtStream stream = nullptr) {
    return aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream);
  }
  // Is out what the operator computes (and not what it was before)?
  bool done() const {
    for (float value : out.read()) {
      if (value != kLog2) return false;
    }
    return true;
  }
  bool untouched() const {
    for (float value : out.read()) {
      if (value != -1.0F) return false;
    }
    return true;
  }
};
