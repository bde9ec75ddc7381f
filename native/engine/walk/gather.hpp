// Moves elements between contiguous memory and a strided operand.
#pragma once

#include "../kernels/table.hpp"
#include "../types/operand.hpp"

namespace bcelogits {

// Whether the operand is transposed against the others, in tiles of more than a block, which are copied whole: block by
// block, each of its cache lines would be asked for twice.
bool in_tiles(const Operand& o, std::int64_t tile);

// Copy n elements between contiguous memory and a strided operand, from flat index `first`.
// `fetched`: what is gathered has been fetched into the caches.
void gather(const Operand& from, std::int64_t first, std::size_t n, void* to, const kernels::KernelTable& table,
            bool fetched = false);
// `past_caches`: whole lines go past the caches; then call `fence`.
void scatter(const void* from, const Operand& to, std::int64_t first, std::size_t n, const kernels::KernelTable& table,
             bool past_caches = false);

const char* element_address(const Operand& o, std::int64_t index);  // of a strided operand

}  // namespace bcelogits
