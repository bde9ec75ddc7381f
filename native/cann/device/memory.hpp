// Device and pinned host memory: blocks of one reserved address range, so that an address tells what it belongs to
// for as long as the process lives, and a freed or overrun block is recognised instead of crashing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "result.hpp"

namespace bcelogits::runtime {

enum class MemoryKind : int { Device, Host };

struct Allocation {
  char* base = nullptr;
  std::size_t size = 0;  // as asked for
  MemoryKind kind = MemoryKind::Device;
  int device = 0;
};

// Memory that a call is about to touch, with the parameter's name for the message.
struct Access {
  const char* name;
  const void* data;
  std::size_t bytes;
  const void* storage = nullptr;  // what the program named, from which `data` was derived; null: `data` itself
};

// All functions may be called from any thread.
namespace memory {

// Uninitialised, 512-byte aligned. The program may also use `slack` bytes behind the size (rounded up to 32) without
// this being noticed; for check() a block ends with its size.
Result allocate(MemoryKind kind, int device, std::size_t size, std::size_t slack, void** out);
// Frees at once. An error for NULL, for what is no block's first byte, for a block freed already, for one of the other
// kind; and (freed all the same) if the bytes behind the block were overwritten.
Result release(MemoryKind kind, void* data);
// Frees all blocks of a device (device < 0: of all, and pinned host memory too).
void release_all(int device);

// Each access lies inside one live block, or is none of ours (ordinary memory of the caller: nothing is known of it),
// or has no bytes. Memory may be freed between this and its use: that then harms nothing but the data. `device_only`:
// the latter is an error too, and so is pinned host memory.
Result check(const Access* accesses, std::size_t count, bool device_only = false);
// The live block that holds this address, if any.
std::optional<Allocation> find(const void* data);
// Whether the address lies in the reserved range, live or not.
bool is_ours(const void* data);

struct Usage {
  std::size_t free = 0, total = 0;
};
Usage usage(int device);

}  // namespace memory

}  // namespace bcelogits::runtime
