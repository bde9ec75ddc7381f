// See memory.hpp.
#include "memory.hpp"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <mutex>
#include <new>
#include <string>
#include <system_error>

#include "arena_blocks.hpp"
#include "arena_guard.hpp"
#include "settings.hpp"

namespace bcelogits::runtime::memory {

namespace {

constexpr std::size_t kMostAddresses = std::size_t{1} << 40;
constexpr std::size_t kUnit = 32;        // sizes are rounded up to it, as documented
constexpr std::size_t kGuardBytes = 32;  // at least so many bytes behind each block are watched
// A run of free memory goes back to the system when it may hold this much.
constexpr std::size_t kReturnFrom = std::size_t{32} << 20;

constexpr std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

std::uintptr_t number(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

std::string hex(std::uintptr_t address) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%zx", static_cast<std::size_t>(address));
  return text;
}

std::string count(std::size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

const char* name(MemoryKind kind) { return kind == MemoryKind::Device ? "device memory" : "pinned host memory"; }

class Memory {
 public:
  Memory() {
    const Settings& s = settings();
    device_total_ = s.device_memory;
    host_total_ = physical_memory();
    // Half for each kind, so that an address tells its kind even when its block is gone; twice what may be in use,
    // for what lies between the blocks.
    const std::size_t each = std::max(s.device_memory * static_cast<std::size_t>(s.devices), host_total_);
    range_ = AddressRange::reserve(each < kMostAddresses / 4 ? 4 * each : kMostAddresses);
    const std::size_t half = range_.capacity() / 2 / kCommitStep * kCommitStep;
    blocks(MemoryKind::Device).manage({range_.base(), half});
    blocks(MemoryKind::Host).manage({range_.base() + half, range_.capacity() - half});
  }

  // Constant, so that they may be used without the lock.
  const AddressRange& range() const { return range_; }
  MemoryKind kind_of(std::uintptr_t address) const {
    return blocks_[0].range().contains(address) ? MemoryKind::Device : MemoryKind::Host;
  }
  std::size_t total(MemoryKind kind) const { return kind == MemoryKind::Device ? device_total_ : host_total_; }

  std::mutex mutex;  // of the rest
  BlockMap& blocks(MemoryKind kind) { return blocks_[static_cast<int>(kind)]; }
  std::size_t& used(MemoryKind kind, int device) {
    return kind == MemoryKind::Device ? device_used_[device] : host_used_;
  }

  // Lets go of the lock while pages go back to the system.
  BlockMap::Position free(MemoryKind kind, BlockMap::Position block, std::unique_lock<std::mutex>& lock) {
    BlockMap& all = blocks(kind);
    used(kind, block->second.device) -= block->second.size;
    BlockMap::Position p = all.close(block);
    if (p->second.resident >= kReturnFrom) {
      lock.unlock();
      discard_pages(p->first, p->first + p->second.bytes);
      lock.lock();
      p->second.resident = 0;
      p = all.join(p);
    }
    all.offer(p);
    return p;
  }

 private:
  AddressRange range_;
  BlockMap blocks_[2];
  std::size_t device_used_[kMaxDevices] = {}, host_used_ = 0, device_total_ = 0, host_total_ = 0;
};

// Never destroyed: streams may work until the very end of the process. A forked child has copies of the same blocks,
// and its lock is free.
Memory& the_memory() {
  static Memory* const memory = [] {
    static Memory* const m = new Memory;
    pthread_atfork([] { m->mutex.lock(); }, [] { m->mutex.unlock(); }, [] { m->mutex.unlock(); });
    return m;
  }();
  return *memory;
}

// What is wrong with `bytes` bytes from this address of ours on, or empty. With the lock.
bool lies_in_block(BlockMap& all, std::uintptr_t address, std::size_t bytes) {
  const BlockMap::Position p = all.find(address);
  if (p == all.end()) return false;
  const std::size_t offset = address - p->first, size = p->second.size;  // 0 of a free segment
  return offset < size && bytes <= size - offset;
}

std::string where(BlockMap& all, MemoryKind kind, std::uintptr_t address, std::size_t bytes) {
  const BlockMap::Position p = all.find(address);
  if (p == all.end() || !p->second.live())
    return "address " + hex(address) + " lies in " + name(kind) +
           (all.was_taken(address) ? " that was freed" : " that was never allocated");
  const std::size_t offset = address - p->first;
  return "bytes " + std::to_string(offset) + ".." + std::to_string(offset + bytes) + " of a block of " +
         count(p->second.size);
}

// A range that no block needs to be asked about; `ours` otherwise.
Result check_outside(const Memory& m, const Access& r, bool device_only, bool& ours) {
  const std::uintptr_t first = number(r.data), last = first + (r.bytes - 1);
  if (r.bytes == 0) return {};
  if (!r.data)
    return fail(kBadValue, std::string(r.name) + ": null pointer, expected the address of " + count(r.bytes));
  if (last < first)
    return fail(kBadValue, std::string(r.name) + ": " + count(r.bytes) + " from address " + hex(first) +
                               " on, which is beyond the end of all memory");
  if (m.range().contains(first)) {
    ours = true;
    if (device_only && m.kind_of(first) != MemoryKind::Device)
      return fail(kBadValue, std::string(r.name) + ": address " + hex(first) +
                                 " lies in pinned host memory, expected device memory");
    return {};
  }
  if (m.range().contains(number(r.storage)))  // where a program points decides whose memory it is, not an offset
    return fail(kBadValue, std::string(r.name) + ": address " + hex(first) +
                               " lies outside the block of its storage at " + hex(number(r.storage)));
  if (device_only) return fail(kBadValue, std::string(r.name) + ": address " + hex(first) + " is no device memory");
  if (first < m.range().base() && last >= m.range().base())
    return fail(kBadValue, std::string(r.name) + ": " + count(r.bytes) + " from address " + hex(first) +
                               " on, which run into device memory");
  return {};
}

}  // namespace

Result allocate(MemoryKind kind, int device, std::size_t size, std::size_t slack, void** out) {
  if (size == 0) return fail(kBadValue, "size: 0, expected at least 1 byte");
  if (device < 0 || device >= kMaxDevices)
    return fail(kInvalidDevice,
                "device: " + std::to_string(device) + ", expected 0 to " + std::to_string(kMaxDevices - 1));
  Memory& m = the_memory();
  const std::string owner = kind == MemoryKind::Device ? "device " + std::to_string(device) : "physical memory";
  std::uintptr_t guard = 0, end = 0;
  try {
    const std::lock_guard lock(m.mutex);
    std::size_t& used = m.used(kind, device);
    const std::size_t total = m.total(kind), free = total - used;
    if (size > free)
      return fail(kOutOfMemory, "size: " + count(size) + ", expected at most the " + std::to_string(free) +
                                    " that are free of the " + count(total) + " of " + owner);
    const std::size_t usable = round_up(size, kUnit) + round_up(std::min(slack, kMostAddresses), kUnit);
    const std::size_t bytes = round_up(usable + kGuardBytes, BlockMap::kGranule);
    BlockMap& all = m.blocks(kind);
    const BlockMap::Position block = all.take(bytes, size, usable, device);
    if (block == all.end())
      return fail(kOutOfMemory, "size: " + count(size) + ", refused by the operating system (" +
                                    std::generic_category().message(errno) + "); free: " + std::to_string(free) +
                                    " of the " + count(total) + " of " + owner);
    used += size;
    guard = block->first + usable;
    end = block->first + bytes;
    *out = reinterpret_cast<void*>(block->first);
  } catch (const std::bad_alloc&) {
    return fail(kOutOfMemory, "size: " + count(size) + ", but the process is out of memory");
  }
  write_guard(guard, end);  // the first touch of fresh memory takes long: without the lock
  return {};
}

Result release(MemoryKind kind, void* data) {
  const std::string parameter = kind == MemoryKind::Device ? "devPtr: " : "hostPtr: ";
  if (!data) return fail(kBadValue, parameter + "null pointer, expected a block of " + name(kind));
  Memory& m = the_memory();
  const std::uintptr_t address = number(data);
  if (!m.range().contains(address))
    return fail(kBadValue, parameter + "address " + hex(address) + " is no " + name(kind));
  if (m.kind_of(address) != kind)
    return fail(kBadValue, parameter + "address " + hex(address) + " lies in " + name(m.kind_of(address)) +
                               ", expected a block of " + name(kind));
  std::unique_lock lock(m.mutex);
  BlockMap& all = m.blocks(kind);
  const BlockMap::Position block = all.find(address);
  if (block == all.end() || !block->second.live()) return fail(kBadValue, parameter + where(all, kind, address, 0));
  const BlockMap::Segment& s = block->second;
  const std::size_t size = s.size;
  if (block->first != address)
    return fail(kBadValue, parameter + "byte " + std::to_string(address - block->first) + " of a block of " +
                               count(size) + ", expected its first");
  const std::uintptr_t guard = address + s.usable, end = address + s.bytes, damaged = damaged_guard(guard, end);
  m.free(kind, block, lock);
  if (damaged == end) return {};
  return fail(kMemoryFree, parameter + "a block of " + count(size) + " was written to beyond its end, at byte " +
                               std::to_string(damaged - address) + " (it is freed all the same)");
}

void release_all(int device) {
  Memory& m = the_memory();
  std::unique_lock lock(m.mutex);
  for (const MemoryKind kind : {MemoryKind::Device, MemoryKind::Host}) {
    if (kind == MemoryKind::Host && device >= 0) continue;
    BlockMap& all = m.blocks(kind);
    for (auto p = all.begin(); p != all.end(); ++p)
      if (p->second.live() && (device < 0 || p->second.device == device)) p = m.free(kind, p, lock);
  }
}

Result check(const Access* accesses, std::size_t count, bool device_only) {
  Memory& m = the_memory();
  bool ours = false;
  for (std::size_t i = 0; i < count; ++i)
    if (Result r = check_outside(m, accesses[i], device_only, ours); !r.ok()) return r;
  if (!ours) return {};
  const std::lock_guard lock(m.mutex);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uintptr_t address = number(accesses[i].data);
    if (accesses[i].bytes == 0 || !m.range().contains(address)) continue;
    const MemoryKind kind = m.kind_of(address);
    BlockMap& all = m.blocks(kind);
    if (!lies_in_block(all, address, accesses[i].bytes))
      return fail(kBadValue, std::string(accesses[i].name) + ": " + where(all, kind, address, accesses[i].bytes));
  }
  return {};
}

std::optional<Allocation> find(const void* data) {
  Memory& m = the_memory();
  const std::uintptr_t address = number(data);
  if (!m.range().contains(address)) return {};
  const MemoryKind kind = m.kind_of(address);
  const std::lock_guard lock(m.mutex);
  BlockMap& all = m.blocks(kind);
  if (!lies_in_block(all, address, 0)) return {};
  const BlockMap::Position p = all.find(address);
  return Allocation{reinterpret_cast<char*>(p->first), p->second.size, kind, p->second.device};
}

bool is_ours(const void* data) { return the_memory().range().contains(number(data)); }

Usage usage(int device) {
  Memory& m = the_memory();
  const std::lock_guard lock(m.mutex);
  const std::size_t total = m.total(MemoryKind::Device);
  return {total - m.used(MemoryKind::Device, device), total};
}

}  // namespace bcelogits::runtime::memory
