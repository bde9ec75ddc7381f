// See loader.hpp.
#include "loader.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace bcelogits {

namespace {

template <class T>
void copy_in(const char* from, std::int64_t stride, std::size_t n, char* to) {
  for (std::size_t i = 0; i < n; ++i) {
    std::memcpy(to + i * sizeof(T), from, sizeof(T));
    from += stride;
  }
}
template <class T>
void copy_out(const char* from, char* to, std::int64_t stride, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::memcpy(to, from + i * sizeof(T), sizeof(T));
    to += stride;
  }
}
struct T1 {
  char b[1];
};
struct T2 {
  char b[2];
};
struct T4 {
  char b[4];
};
struct T8 {
  char b[8];
};
struct T16 {
  char b[16];
};

// Calls run(address, stride, count) for each run along the innermost dimension.
template <class Run>
void for_runs(const Operand& o, std::int64_t first, std::size_t n, Run run) {
  std::int64_t index[kMaxDims];
  char* at = o.base;
  std::int64_t rest = first;
  for (int d = o.ndim - 1; d >= 0; --d) {
    index[d] = rest % o.dim[d];
    rest /= o.dim[d];
    at += index[d] * o.stride[d];
  }
  const int inner = o.ndim - 1;
  while (n != 0) {
    const std::size_t m = std::min(n, static_cast<std::size_t>(o.dim[inner] - index[inner]));
    run(at, o.stride[inner], m);
    n -= m;
    // advance the odometer past this run
    at -= index[inner] * o.stride[inner];
    index[inner] += static_cast<std::int64_t>(m);
    if (index[inner] < o.dim[inner]) {
      at += index[inner] * o.stride[inner];
      continue;
    }
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {
      at += o.stride[d];
      if (++index[d] < o.dim[d]) break;
      at -= o.stride[d] * o.dim[d];
      index[d] = 0;
    }
  }
}

constexpr std::int64_t kLine = 64;      // bytes of a cache line
constexpr std::size_t kShortRun = 512;  // bytes
constexpr std::int64_t kRunsAhead = 8;

// Lines whose items are not adjacent: what no kernel moves.
template <class T>
void transpose(const char* from, std::int64_t from_line, std::int64_t from_item, std::size_t lines, char* to,
               std::int64_t to_line, std::int64_t to_item, std::size_t length) {
  for (std::size_t l = 0; l < lines; ++l)
    for (std::size_t i = 0; i < length; ++i)
      std::memcpy(to + static_cast<std::int64_t>(i) * to_line + static_cast<std::int64_t>(l) * to_item,
                  from + static_cast<std::int64_t>(l) * from_line + static_cast<std::int64_t>(i) * from_item,
                  sizeof(T));
}

bool whole_lines(const char* at, std::size_t bytes) {
  return (reinterpret_cast<std::uintptr_t>(at) | bytes) % kernels::kStreamAlign == 0;
}

// The elements of the innermost two dimensions, if these are better walked the other way round; else 0.
std::int64_t transposed_tile(const Operand& o) {
  const int i = o.ndim - 1;
  const bool across = o.ndim >= 2 && std::abs(o.stride[i - 1]) < std::abs(o.stride[i]) && o.stride[i - 1] != 0;
  return across ? o.dim[i] * o.dim[i - 1] : 0;
}
// The range is whole tiles of that kind.
bool in_transposed_tiles(const Operand& o, std::int64_t first, std::size_t n) {
  const std::int64_t tile = transposed_tile(o);
  return tile != 0 && first % tile == 0 && n % static_cast<std::size_t>(tile) == 0;
}

// Calls run(address of the tile) for each tile of the innermost two dimensions.
template <class Run>
void for_tiles(const Operand& o, std::int64_t first, std::size_t n, Run run) {
  const int i = o.ndim - 1;
  const std::int64_t tile = o.dim[i] * o.dim[i - 1];
  Operand outer;
  outer.base = o.base;
  outer.ndim = o.ndim - 2;
  std::copy_n(o.dim, outer.ndim, outer.dim);
  std::copy_n(o.stride, outer.ndim, outer.stride);
  const auto count = n / static_cast<std::size_t>(tile);
  if (outer.ndim == 0) return run(o.base);
  for_runs(outer, first / tile, count, [&](char* at, std::int64_t stride, std::size_t m) {
    for (std::size_t k = 0; k < m; ++k) run(at + static_cast<std::int64_t>(k) * stride);
  });
}

template <class Copy>
void with_size(std::size_t size, Copy copy) {
  switch (size) {
    case 1:
      return copy(T1{});
    case 2:
      return copy(T2{});
    case 4:
      return copy(T4{});
    case 8:
      return copy(T8{});
    default:
      return copy(T16{});
  }
}

}  // namespace

bool in_tiles(const Operand& o, std::int64_t tile) {
  return tile > static_cast<std::int64_t>(kernels::kBlock) && o.kind == Operand::Kind::Strided &&
         transposed_tile(o) == tile;
}

void gather(const Operand& from, std::int64_t first, std::size_t n, void* to, const kernels::KernelTable& table,
            bool fetched) {
  char* out = static_cast<char*>(to);
  const auto size = static_cast<std::size_t>(from.item);
  if (from.kind == Operand::Kind::Splat) {
    for (std::size_t i = 0; i < n; ++i) std::memcpy(out + i * size, from.base, size);
    return;
  }
  const int last = from.ndim - 1;
  const auto item = static_cast<std::int64_t>(size);
  const int log2 = std::countr_zero(size);
  with_size(size, [&]<class T>(T) {
    if (in_transposed_tiles(from, first, n)) {
      const auto rows = static_cast<std::size_t>(from.dim[last - 1]), cols = static_cast<std::size_t>(from.dim[last]);
      const std::int64_t down = from.stride[last - 1], across = from.stride[last];
      for_tiles(from, first, n, [&](const char* at) {
        if (down == item)
          table.transpose[log2](at, across, cols, out, static_cast<std::int64_t>(cols) * item, rows);
        else
          transpose<T>(at, across, down, cols, out, static_cast<std::int64_t>(cols) * item, item, rows);
        out += rows * cols * size;
      });
      return;
    }
    const std::int64_t below = last > 0 ? from.stride[last - 1] : 0;
    for_runs(from, first, n, [&](const char* at, std::int64_t stride, std::size_t m) {
      // The rows of a tile are too short for the processor to foresee the next.
      if (stride == item && m * size <= kShortRun && !fetched)
        for (std::size_t b = 0; b < m * size; b += static_cast<std::size_t>(kLine))
          __builtin_prefetch(at + kRunsAhead * below + b);
      if (stride == item)
        std::memcpy(out, at, m * size);
      else if (stride == 2 * item)
        table.every_second[log2](at, out, m);
      else
        copy_in<T>(at, stride, m, out);
      out += m * size;
    });
  });
}

void scatter(const void* from, const Operand& to, std::int64_t first, std::size_t n, const kernels::KernelTable& table,
             bool past_caches) {
  const char* in = static_cast<const char*>(from);
  const auto size = static_cast<std::size_t>(to.item);
  if (to.kind == Operand::Kind::Splat) {  // a single element
    std::memcpy(to.base, in, size);
    return;
  }
  const int last = to.ndim - 1;
  const auto item = static_cast<std::int64_t>(size);
  const int log2 = std::countr_zero(size);
  with_size(size, [&]<class T>(T) {
    if (in_transposed_tiles(to, first, n)) {
      const auto rows = static_cast<std::size_t>(to.dim[last - 1]), cols = static_cast<std::size_t>(to.dim[last]);
      const std::int64_t down = to.stride[last - 1], across = to.stride[last];
      for_tiles(to, first, n, [&](char* at) {
        if (past_caches && down == item && whole_lines(at, rows * size) && across % kLine == 0 && size <= 8)
          table.transpose_past[log2](in, static_cast<std::int64_t>(cols) * item, rows, at, across, cols);
        else if (down == item)
          table.transpose[log2](in, static_cast<std::int64_t>(cols) * item, rows, at, across, cols);
        else
          transpose<T>(in, static_cast<std::int64_t>(cols) * item, item, rows, at, across, down, cols);
        in += rows * cols * size;
      });
      return;
    }
    for_runs(to, first, n, [&](char* at, std::int64_t stride, std::size_t m) {
      if (stride == item && past_caches && whole_lines(at, m * size))
        table.stream(in, at, m * size);
      else if (stride == item)
        std::memcpy(at, in, m * size);
      else
        copy_out<T>(in, at, stride, m);
      in += m * size;
    });
  });
}

void Loader::prepare(const Operand& o, DType wanted, std::int64_t count, Scratch& scratch,
                     const kernels::KernelTable& table, std::int64_t tile) {
  operand_ = &o;
  scratch_ = &scratch;
  table_ = &table;
  wanted_size_ = static_cast<std::size_t>(size_of(wanted));
  convert_ = o.dtype() == wanted ? nullptr : table.load[static_cast<int>(o.dtype())][wanted == DType::F64 ? 1 : 0];
  count_ = count;
  tile_ = in_tiles(o, tile) ? tile : 0;
  period_ = 0;
  const auto block = static_cast<std::int64_t>(kernels::kBlock);
  if (o.kind != Operand::Kind::Splat && !(o.kind == Operand::Kind::Periodic && o.period <= block)) return;
  // Lay the period out once, so often that a block can start anywhere in it.
  period_ = o.kind == Operand::Kind::Splat ? 1 : o.period;
  const auto period = static_cast<std::size_t>(period_);
  if (convert_)
    convert_(o.base, scratch.pattern, period);
  else
    std::memcpy(scratch.pattern, o.base, period * wanted_size_);
  std::size_t have = period * wanted_size_;
  const std::size_t need = (static_cast<std::size_t>(std::min(block, count)) + period - 1) * wanted_size_;
  while (have < need) {
    const std::size_t m = std::min(have, need - have);
    std::memcpy(scratch.pattern + have, scratch.pattern, m);
    have += m;
  }
}

void Loader::prepare_constant(double value, DType wanted, std::int64_t count, Scratch& scratch,
                              const kernels::KernelTable& table) {
  Operand o;
  o.kind = Operand::Kind::Splat;
  o.element = ElementType::F64;
  o.item = 8;
  o.base = reinterpret_cast<char*>(&value);
  prepare(o, wanted, count, scratch, table);
  operand_ = nullptr;
}

const void* Loader::block(std::int64_t first, std::size_t n) {
  if (period_) return scratch_->pattern + static_cast<std::size_t>(first % period_) * wanted_size_;
  const Operand& o = *operand_;
  const char* raw;
  if (o.kind == Operand::Kind::Contiguous) {
    raw = o.base + first * o.item;
  } else if (tile_ != 0) {
    const std::int64_t within = first % tile_;
    if (within == 0) gather(o, first, static_cast<std::size_t>(tile_), scratch_->gathered, *table_);
    raw = scratch_->gathered + within * o.item;
  } else {
    gather(o, first, n, scratch_->gathered, *table_, next(first).at != nullptr);
    raw = scratch_->gathered;
  }
  if (!convert_) return raw;
  convert_(raw, scratch_->converted, n);
  return scratch_->converted;
}

kernels::Next Loader::next(std::int64_t first) const {
  if (period_ || !operand_) return {};
  const Operand& o = *operand_;
  const std::int64_t item = o.item;
  if (o.kind == Operand::Kind::Contiguous)
    return convert_ ? kernels::Next{o.base + first * item, static_cast<std::size_t>(item)} : kernels::Next{};
  if (o.kind != Operand::Kind::Strided) return {};
  const int last = o.ndim - 1;
  const auto address = [&](std::int64_t element) {
    const char* at = nullptr;
    for_runs(o, element, 1, [&](const char* found, std::int64_t, std::size_t) { at = found; });
    return at;
  };
  const auto lines = [&](std::int64_t element, std::int64_t step, std::int64_t length, std::int64_t line) {
    return kernels::Next{address(element), static_cast<std::size_t>(step),
                         std::countr_zero(static_cast<std::uint64_t>(length)), line};
  };
  if (tile_ != 0) {
    const bool second = first % kTile == 0;  // half of the tile that comes next
    const std::int64_t tile = second ? first : first + kTile / 2;
    if (tile_ != kTile || tile >= count_ || o.stride[last - 1] != item) return {};
    return lines(tile + (second ? o.dim[last] / 2 : 0), item, o.dim[last - 1], o.stride[last]);
  }
  // A kernel looks for two lines a vector at most, in runs that fill blocks or in even rows that fit into them.
  constexpr auto block = static_cast<std::int64_t>(kernels::kBlock);
  const std::int64_t step = o.stride[last], length = o.dim[last];
  if (step != item && step != 2 * item) return {};
  if (length >= block) return {address(first), static_cast<std::size_t>(step)};
  const std::int64_t plane = last > 0 ? length * o.dim[last - 1] : 0;
  const bool fits = std::has_single_bit(static_cast<std::uint64_t>(length)) && length * item >= kLine &&
                    first % length == 0 && plane != 0 && first % plane + block <= plane;
  return fits ? lines(first, step, length, o.stride[last - 1]) : kernels::Next{};
}

}  // namespace bcelogits
