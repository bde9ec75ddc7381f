// See machine.hpp.
#include "machine.hpp"

#include <cstdio>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace bcelogits {

int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  const unsigned n = std::thread::hardware_concurrency();
  return n ? static_cast<int>(n) : 1;
}

std::size_t last_cache_bytes() {
  static const std::size_t bytes = [] {
    std::size_t kib = 32 << 10;  // where the system does not tell
#if defined(__linux__)
    // sysconf() adds up the caches of all core complexes of some processors; here is the one of this core
    for (int index = 3; index >= 2; --index) {
      char path[64];
      std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
      std::FILE* file = std::fopen(path, "re");
      if (!file) continue;
      std::size_t found = 0;
      const bool read = std::fscanf(file, "%zuK", &found) == 1 && found > 0;
      std::fclose(file);
      if (read) {
        kib = found;
        break;
      }
    }
#endif
    return kib << 10;
  }();
  return bytes;
}

}  // namespace bcelogits
