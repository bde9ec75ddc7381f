// See gather.hpp.
#include "gather.hpp"

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

// Calls use(address, stride, count) for each segment along the innermost dimension of n elements from flat index
// `first`.
template <class Use>
void for_segments(const Operand& o, std::int64_t first, std::size_t n, Use use) {
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
    use(at, o.stride[inner], m);
    n -= m;
    // advance the odometer past this segment
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
constexpr std::size_t kShortRow = 512;  // bytes
constexpr std::int64_t kRowsAhead = 8;

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

// Calls use(address of the tile) for each tile of the innermost two dimensions.
template <class Use>
void for_tiles(const Operand& o, std::int64_t first, std::size_t n, Use use) {
  const int i = o.ndim - 1;
  const std::int64_t tile = o.dim[i] * o.dim[i - 1];
  Operand outer;
  outer.base = o.base;
  outer.ndim = o.ndim - 2;
  std::copy_n(o.dim, outer.ndim, outer.dim);
  std::copy_n(o.stride, outer.ndim, outer.stride);
  const auto count = n / static_cast<std::size_t>(tile);
  if (outer.ndim == 0) return use(o.base);
  for_segments(outer, first / tile, count, [&](char* at, std::int64_t stride, std::size_t m) {
    for (std::size_t k = 0; k < m; ++k) use(at + static_cast<std::int64_t>(k) * stride);
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
    for_segments(from, first, n, [&](const char* at, std::int64_t stride, std::size_t m) {
      // The rows of a tile are too short for the processor to foresee the next.
      if (stride == item && m * size <= kShortRow && !fetched)
        for (std::size_t b = 0; b < m * size; b += static_cast<std::size_t>(kLine))
          __builtin_prefetch(at + kRowsAhead * below + b);
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
    for_segments(to, first, n, [&](char* at, std::int64_t stride, std::size_t m) {
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

const char* element_address(const Operand& o, std::int64_t index) {
  const char* at = nullptr;
  for_segments(o, index, 1, [&](const char* found, std::int64_t, std::size_t) { at = found; });
  return at;
}

}  // namespace bcelogits
