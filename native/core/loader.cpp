// See loader.hpp.
#include "loader.hpp"

#include <algorithm>
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
struct T2 {
  char b[2];
};
struct T4 {
  char b[4];
};
struct T8 {
  char b[8];
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

}  // namespace

void gather(const Operand& from, std::int64_t first, std::size_t n, void* to) {
  char* out = static_cast<char*>(to);
  const auto size = static_cast<std::size_t>(size_of(from.dtype));
  if (from.kind == Operand::Kind::Splat) {
    for (std::size_t i = 0; i < n; ++i) std::memcpy(out + i * size, from.base, size);
    return;
  }
  for_runs(from, first, n, [&](const char* at, std::int64_t stride, std::size_t m) {
    if (stride == static_cast<std::int64_t>(size))
      std::memcpy(out, at, m * size);
    else if (size == 2)
      copy_in<T2>(at, stride, m, out);
    else if (size == 4)
      copy_in<T4>(at, stride, m, out);
    else
      copy_in<T8>(at, stride, m, out);
    out += m * size;
  });
}

void scatter(const void* from, const Operand& to, std::int64_t first, std::size_t n) {
  const char* in = static_cast<const char*>(from);
  const auto size = static_cast<std::size_t>(size_of(to.dtype));
  if (to.kind == Operand::Kind::Splat) {  // a single element
    std::memcpy(to.base, in, size);
    return;
  }
  for_runs(to, first, n, [&](char* at, std::int64_t stride, std::size_t m) {
    if (stride == static_cast<std::int64_t>(size))
      std::memcpy(at, in, m * size);
    else if (size == 2)
      copy_out<T2>(in, at, stride, m);
    else if (size == 4)
      copy_out<T4>(in, at, stride, m);
    else
      copy_out<T8>(in, at, stride, m);
    in += m * size;
  });
}

void Loader::prepare(const Operand& o, DType wanted, Scratch& scratch, const kernels::KernelTable& table) {
  operand_ = &o;
  scratch_ = &scratch;
  wanted_size_ = static_cast<std::size_t>(size_of(wanted));
  convert_ = o.dtype == wanted ? nullptr : table.load[static_cast<int>(o.dtype)][wanted == DType::F64 ? 1 : 0];
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
  const std::size_t need = (kernels::kBlock + period - 1) * wanted_size_;
  while (have < need) {
    const std::size_t m = std::min(have, need - have);
    std::memcpy(scratch.pattern + have, scratch.pattern, m);
    have += m;
  }
}

void Loader::prepare_constant(double value, DType wanted, Scratch& scratch, const kernels::KernelTable& table) {
  Operand o;
  o.kind = Operand::Kind::Splat;
  o.dtype = DType::F64;
  o.base = reinterpret_cast<char*>(&value);
  prepare(o, wanted, scratch, table);
  operand_ = nullptr;
}

const void* Loader::block(std::int64_t first, std::size_t n) {
  if (period_) return scratch_->pattern + static_cast<std::size_t>(first % period_) * wanted_size_;
  const Operand& o = *operand_;
  const char* raw;
  if (o.kind == Operand::Kind::Contiguous) {
    raw = o.base + first * size_of(o.dtype);
  } else {
    gather(o, first, n, scratch_->gathered);
    raw = scratch_->gathered;
  }
  if (!convert_) return raw;
  convert_(raw, scratch_->converted, n);
  return scratch_->converted;
}

}  // namespace bcelogits
