// See loader.hpp.
#include "loader.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "gather.hpp"

namespace bcelogits {

namespace {
constexpr std::int64_t kLine = 64;  // bytes of a cache line
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
  const auto lines = [&](std::int64_t element, std::int64_t step, std::int64_t length, std::int64_t line) {
    return kernels::Next{element_address(o, element), static_cast<std::size_t>(step),
                         std::countr_zero(static_cast<std::uint64_t>(length)), line};
  };
  if (tile_ != 0) {
    const bool second = first % kTile == 0;  // half of the tile that comes next
    const std::int64_t tile = second ? first : first + kTile / 2;
    if (tile_ != kTile || tile >= count_ || o.stride[last - 1] != item) return {};
    return lines(tile + (second ? o.dim[last] / 2 : 0), item, o.dim[last - 1], o.stride[last]);
  }
  // A kernel looks for two lines a vector at most, in rows that fill blocks or in even rows that fit into them.
  constexpr auto block = static_cast<std::int64_t>(kernels::kBlock);
  const std::int64_t step = o.stride[last], length = o.dim[last];
  if (step != item && step != 2 * item) return {};
  if (length >= block) return {element_address(o, first), static_cast<std::size_t>(step)};
  const std::int64_t plane = last > 0 ? length * o.dim[last - 1] : 0;
  const bool fits = std::has_single_bit(static_cast<std::uint64_t>(length)) && length * item >= kLine &&
                    first % length == 0 && plane != 0 && first % plane + block <= plane;
  return fits ? lines(first, step, length, o.stride[last - 1]) : kernels::Next{};
}

}  // namespace bcelogits
