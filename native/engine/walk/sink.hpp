// The memory that a thread works in, and where the results of a block go.
#pragma once

#include <algorithm>

#include "gather.hpp"
#include "loader.hpp"

namespace bcelogits {

struct Workspace {
  alignas(64) char loss[kTile * 8];  // losses to be summed or converted; first, as often nothing else is needed
  alignas(64) char grad[kTile * 8];
  alignas(64) char narrow[kTile * 8];  // results in the output's dtype, to be scattered
  Scratch x, t, w, p, g;
};

// Where one output of a block goes. Blocks come in turn.
struct Sink {
  const Operand* out = nullptr;
  DType compute = DType::F32;
  bool direct = false;    // the kernel can write `out` itself
  bool as_row = false;    // the kernel stores the row's dtype, else its compute type
  std::int64_t tile = 0;  // in_tiles(): its elements, and results are kept until it is whole; else 0

  void prepare(const Operand& o, DType row, DType compute_type, std::int64_t tile_of_plan) {
    out = &o;
    compute = compute_type;
    as_row = o.dtype() == row;
    direct = o.kind == Operand::Kind::Contiguous && (as_row || o.dtype() == compute_type);
    tile = in_tiles(o, tile_of_plan) ? tile_of_plan : 0;
  }
  void* target(std::int64_t first, char* scratch) const {
    if (direct) return out->base + first * out->item;
    return tile != 0 ? scratch + first % tile * size_of(as_row ? out->dtype() : compute) : scratch;
  }
  // `scratch` holds n results: of the row's dtype, which is then the output's, or of the compute type.
  void finish(std::int64_t first, std::size_t n, char* scratch, Workspace& ws, const kernels::KernelTable& table,
              bool past_caches) const {
    if (direct) return;
    if (tile != 0) {
      const std::int64_t end = first + static_cast<std::int64_t>(n);
      if (end % tile != 0) return;
      first = end - tile;
      n = static_cast<std::size_t>(tile);
    }
    const DType have = as_row ? out->dtype() : compute;
    const bool contiguous = out->kind == Operand::Kind::Contiguous;
    char* result = scratch;
    if (have != out->dtype()) {
      result = contiguous ? out->base + first * out->item : ws.narrow;
      table.store[compute == DType::F64 ? 1 : 0][static_cast<int>(out->dtype())](scratch, result, n);
    }
    if (!contiguous)
      scatter(result, *out, first, n, table, past_caches);
    else if (result == scratch)
      std::copy_n(scratch, n * static_cast<std::size_t>(out->item), out->base + first * out->item);
  }
};

}  // namespace bcelogits
