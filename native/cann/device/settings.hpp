// The environment variables that choose what the look-alike device is; read once.
#pragma once

#include <cstddef>
#include <string>

namespace bcelogits::runtime {

enum class Product { A2, A3, A950, Inference310P, Edge310B, Training };

inline constexpr int kMaxDevices = 64;

struct Settings {
  std::string problem;   // text of the first bad value, else empty
  std::string soc_name;  // BCELOGITS_SOC_NAME
  Product product = Product::A2;
  int devices = 1;                // BCELOGITS_DEVICE_COUNT, narrowed by ASCEND_RT_VISIBLE_DEVICES (to none, maybe)
  std::size_t device_memory = 0;  // BCELOGITS_DEVICE_MEMORY, bytes per device
  bool strict_memory = false;     // BCELOGITS_STRICT_MEMORY
  int threads = 1;                // BCELOGITS_NUM_THREADS
};

// The first call also chooses the kernels (BCELOGITS_MAX_ISA): the engine may be used after it.
const Settings& settings();

// Of this machine, in bytes.
std::size_t physical_memory();

}  // namespace bcelogits::runtime
