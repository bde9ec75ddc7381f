// Handles that outlive what they name: an opaque value with slot, generation and kind, never an address. A destroyed
// object's handle, or any other number, is recognised without being followed.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace bcelogits::runtime {

// The kinds, so that a handle of one is never taken for another's.
enum class HandleKind : unsigned {
  Context = 1,
  Stream,
  Event,
  Tensor,
  Scalar,
  IntArray,
  FloatArray,
  BoolArray,
  TensorList,
  ScalarList,
  Executor,
  DataBuffer,
  TensorDesc,
  OpAttr,  // 14: 4 bits hold one more
};

// | kind: 4 bits | generation: 19 | slot: 20 | 0: 4 |, a 47-bit number as user-space pointers are.
template <class T, HandleKind kKind>
class Registry {
 public:
  // Null when 2^20 objects are alive.
  void* insert(std::shared_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    std::uint32_t slot;
    // The longest unused slot comes first, so that an old handle stays recognisable for long.
    if (!free_.empty() && (free_.size() > kIdleSlots || slots_.size() == kSlots)) {
      slot = free_.front();
      free_.pop_front();
    } else if (slots_.size() < kSlots) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
      slots_.back().generation = first_generation();
    } else {
      return nullptr;
    }
    slots_[slot].object = std::move(object);
    ++alive_;
    return encode(slot, slots_[slot].generation);
  }

  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard lock(mutex_);
    const Slot* s = slot_of(handle);
    return s ? s->object : nullptr;
  }

  // Null if it is not alive. The object goes when its last user does.
  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard lock(mutex_);
    const Slot* s = slot_of(handle);
    if (!s) return nullptr;
    return release(static_cast<std::uint32_t>(s - slots_.data()));
  }

  // The handle names another object from now on; false if it is not alive.
  bool replace(const void* handle, std::shared_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    const Slot* s = slot_of(handle);
    if (!s) return false;
    slots_[static_cast<std::size_t>(s - slots_.data())].object.swap(object);
    return true;
  }

  // The same, but only while the handle's object is still `expected`; else false, and nothing has changed.
  bool replace(const void* handle, const std::shared_ptr<T>& expected, std::shared_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    const Slot* s = slot_of(handle);
    if (!s || s->object != expected) return false;
    slots_[static_cast<std::size_t>(s - slots_.data())].object.swap(object);
    return true;
  }

  // find() for several, null for null.
  void find_each(const void* const* handles, std::size_t count, std::shared_ptr<T>* objects) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      const Slot* s = handles[i] ? slot_of(handles[i]) : nullptr;
      objects[i] = s ? s->object : nullptr;
    }
  }

  // Calls use(find) under the lock: `find` gives T* or null for a handle, without counting references.
  template <class Use>
  void with(Use&& use) const {
    const std::lock_guard lock(mutex_);
    use([this](const void* handle) -> T* {
      const Slot* s = slot_of(handle);
      return s ? s->object.get() : nullptr;
    });
  }

  std::vector<std::shared_ptr<T>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<T>> found;
    for (const Slot& s : slots_)
      if (s.object) found.push_back(s.object);
    return found;
  }

  template <class Test>
  void remove_if(Test&& test) {
    std::vector<std::shared_ptr<T>> gone;  // destroyed after the lock is let go of
    const std::lock_guard lock(mutex_);
    for (std::uint32_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].object && test(*slots_[i].object)) gone.push_back(release(i));
  }

  std::size_t alive() const {
    const std::lock_guard lock(mutex_);
    return alive_;
  }

  // Whether the handle named an object of this kind once.
  bool was_alive(const void* handle) const {
    const std::lock_guard lock(mutex_);
    std::uint32_t slot, generation;
    return decode(handle, slot, generation) && slot < slots_.size();
  }

 private:
  static constexpr std::uint32_t kSlots = 1u << 20, kGenerationMask = (1u << 19) - 1;
  static constexpr std::size_t kIdleSlots = 64;  // slots are reused from this many free ones on

  struct Slot {
    std::shared_ptr<T> object;
    std::uint32_t generation = 0;
  };

  std::shared_ptr<T> release(std::uint32_t index) {
    Slot& s = slots_[index];
    std::shared_ptr<T> object = std::move(s.object);
    s.object = nullptr;
    s.generation = (s.generation + 1) & kGenerationMask;
    free_.push_back(index);
    --alive_;
    return object;
  }
  // Another one in a forked child, which starts anew: the parent's handles name nothing there.
  static std::uint32_t first_generation() {
    return static_cast<std::uint32_t>(getpid()) * 2654435761u >> 13 & kGenerationMask;
  }
  static void* encode(std::uint32_t slot, std::uint32_t generation) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(kKind) << 43 |
                                   static_cast<std::uintptr_t>(generation) << 24 |
                                   static_cast<std::uintptr_t>(slot) << 4);
  }
  static bool decode(const void* handle, std::uint32_t& slot, std::uint32_t& generation) {
    const auto bits = reinterpret_cast<std::uintptr_t>(handle);
    if (bits >> 43 != static_cast<std::uintptr_t>(kKind) || (bits & 15) != 0) return false;
    slot = static_cast<std::uint32_t>(bits >> 4) & (kSlots - 1);
    generation = static_cast<std::uint32_t>(bits >> 24) & kGenerationMask;
    return true;
  }
  const Slot* slot_of(const void* handle) const {
    std::uint32_t slot, generation;
    if (!decode(handle, slot, generation) || slot >= slots_.size()) return nullptr;
    const Slot& s = slots_[slot];
    return s.object && s.generation == generation ? &s : nullptr;
  }

  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::deque<std::uint32_t> free_;
  std::size_t alive_ = 0;
};

}  // namespace bcelogits::runtime
