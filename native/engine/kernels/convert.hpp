// Conversions of blocks between a dtype and a compute type.
#pragma once

#include "half.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

template <class V, class T>
void load_block(const void* src, void* dst, std::size_t n) {
  const T* s = (const T*)src;
  auto* d = (typename V::Elem*)dst;
  std::size_t i = 0;
  for (; i + V::W <= n; i += V::W) V::load(s + i).store(d + i);
  for (; i < n; ++i) d[i] = (typename V::Elem)widen(s[i]);
}
template <class V, class T>
void store_block(const void* src, void* dst, std::size_t n) {
  const auto* s = (const typename V::Elem*)src;
  T* d = (T*)dst;
  std::size_t i = 0;
  for (; i + V::W <= n; i += V::W) V::load(s + i).store(d + i);
  for (; i < n; ++i) narrow((double)s[i], d + i);
}
template <class E, class T>
void load_scalar(const void* src, void* dst, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) ((E*)dst)[i] = (E)widen(((const T*)src)[i]);
}
template <class E, class T>
void store_scalar(const void* src, void* dst, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) narrow((double)((const E*)src)[i], (T*)dst + i);
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
