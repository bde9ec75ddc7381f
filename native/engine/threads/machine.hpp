// What the engine has to know of the machine that it runs on.
#pragma once

#include <cstddef>

namespace bcelogits {

// The processors that this process may use.
int available_processors();

// The size of the last cache before memory that a thread has, in bytes.
std::size_t last_cache_bytes();

}  // namespace bcelogits
