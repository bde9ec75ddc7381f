// Moves elements of any type between layouts: transpositions in registers, and every second element of a row.
// Transpositions in vectors of 16 bytes in the compilers' own notation, which every ISA has; wider ones would wait for
// memory all the same.
#pragma once

#include "simd_common.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

struct Item16 {
  std::uint64_t half[2];
};

using Items1 = std::uint8_t __attribute__((vector_size(16)));
using Items2 = std::uint16_t __attribute__((vector_size(16)));
using Items4 = std::uint32_t __attribute__((vector_size(16)));
using Items8 = std::uint64_t __attribute__((vector_size(16)));

// The items of a and b in turn, from the lower halves and from the upper ones.
inline Items1 zip_low(Items1 a, Items1 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline Items1 zip_high(Items1 a, Items1 b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
inline Items2 zip_low(Items2 a, Items2 b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
inline Items2 zip_high(Items2 a, Items2 b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
inline Items4 zip_low(Items4 a, Items4 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
inline Items4 zip_high(Items4 a, Items4 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
inline Items8 zip_low(Items8 a, Items8 b) { return __builtin_shufflevector(a, b, 0, 2); }
inline Items8 zip_high(Items8 a, Items8 b) { return __builtin_shufflevector(a, b, 1, 3); }

template <class V>
inline V load_items(const char* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <class V>
inline void store_items(V v, char* p) {
  __builtin_memcpy(p, &v, sizeof(v));
}

// A square of as many lines as a vector has items. Zipping line i with line i + half, as often as halves can be halved,
// takes each bit of an item's line number to its place, and that of its position to the line.
template <class V, class T, bool past>
inline void transpose_square(const char* from, std::ptrdiff_t from_line, char* to, std::ptrdiff_t to_line) {
  constexpr int kSide = sizeof(V) / sizeof(T);
  V v[kSide];
#pragma GCC unroll 16
  for (int i = 0; i < kSide; ++i) v[i] = load_items<V>(from + i * from_line);
#pragma GCC unroll 4
  for (int step = 1; step < kSide; step *= 2) {
    V next[kSide];
#pragma GCC unroll 8
    for (int i = 0; i < kSide / 2; ++i) {
      next[2 * i] = zip_low(v[i], v[i + kSide / 2]);
      next[2 * i + 1] = zip_high(v[i], v[i + kSide / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kSide; ++i) v[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSide; ++i) {
    if constexpr (past)
      stream_16(v[i], to + i * to_line);
    else
      store_items(v[i], to + i * to_line);
  }
}

template <class T>
inline void transpose_items(const char* from, std::ptrdiff_t from_line, std::size_t lines, char* to,
                            std::ptrdiff_t to_line, std::size_t length) {
  for (std::size_t l = 0; l < lines; ++l)
    for (std::size_t i = 0; i < length; ++i)
      __builtin_memcpy(to + (std::ptrdiff_t)i * to_line + l * sizeof(T),
                       from + (std::ptrdiff_t)l * from_line + i * sizeof(T), sizeof(T));
}

// Lines fetched ahead. Lines a power of two apart share a few sets of the caches, so more would push each other out.
constexpr std::ptrdiff_t kLinesAhead = 8;
constexpr std::size_t kCacheLine = 64;

// Item i of line l becomes item l of line i. The side whose lines lie farther apart is walked along its lines,
// so that each of its cache lines is touched once. `past`: past the caches, to where lines begin.
template <class V, class T, bool past = false>
void transpose(const char* from, std::ptrdiff_t from_line, std::size_t lines, char* to, std::ptrdiff_t to_line,
               std::size_t length) {
  constexpr std::size_t kSide = sizeof(V) / sizeof(T);
  const std::size_t l_end = lines / kSide * kSide, i_end = length / kSide * kSide;
  const bool along_from = (from_line < 0 ? -from_line : from_line) >= (to_line < 0 ? -to_line : to_line);
  if (along_from) {
    for (std::size_t l = 0; l < l_end; l += kSide) {
      const char* at = from + (std::ptrdiff_t)l * from_line;
      for (std::size_t k = 0; k < kSide; ++k)
        for (std::size_t b = 0; b < length * sizeof(T); b += kCacheLine)
          __builtin_prefetch(at + ((std::ptrdiff_t)k + kLinesAhead) * from_line + b);
      for (std::size_t i = 0; i < i_end; i += kSide)
        transpose_square<V, T, past>(at + i * sizeof(T), from_line, to + (std::ptrdiff_t)i * to_line + l * sizeof(T),
                                     to_line);
    }
  } else {
    for (std::size_t i = 0; i < i_end; i += kSide) {
      char* at = to + (std::ptrdiff_t)i * to_line;
      for (std::size_t k = 0; k < kSide && !past; ++k)
        for (std::size_t b = 0; b < lines * sizeof(T); b += kCacheLine)
          __builtin_prefetch(at + ((std::ptrdiff_t)k + kLinesAhead) * to_line + b, 1);
      for (std::size_t l = 0; l < l_end; l += kSide)
        transpose_square<V, T, past>(from + (std::ptrdiff_t)l * from_line + i * sizeof(T), from_line,
                                     at + l * sizeof(T), to_line);
    }
  }
  // what is left of the lines, then what is left of their number
  transpose_items<T>(from + i_end * sizeof(T), from_line, lines, to + (std::ptrdiff_t)i_end * to_line, to_line,
                     length - i_end);
  transpose_items<T>(from + (std::ptrdiff_t)l_end * from_line, from_line, lines - l_end, to + l_end * sizeof(T),
                     to_line, i_end);
}

template <class T>
void transpose_one_by_one(const char* from, std::ptrdiff_t from_line, std::size_t lines, char* to,
                          std::ptrdiff_t to_line, std::size_t length) {
  transpose_items<T>(from, from_line, lines, to, to_line, length);
}

// The even-numbered items of a, then those of b.
template <class V, std::size_t... I>
inline V even(V a, V b, Numbers<I...>) {
  return __builtin_shufflevector(a, b, (2 * I)...);
}

// Vectors of the ISA: from the caches, a copy in those of 16 bytes takes half as long as the kernel.
inline constexpr std::size_t kVectorBytes = VF::W > 1 ? VF::W * sizeof(float) : 16;
using Wide1 = std::uint8_t __attribute__((vector_size(kVectorBytes)));
using Wide2 = std::uint16_t __attribute__((vector_size(kVectorBytes)));
using Wide4 = std::uint32_t __attribute__((vector_size(kVectorBytes)));
using Wide8 = std::uint64_t __attribute__((vector_size(kVectorBytes)));

// n items, each twice its size after the one before. Nothing beyond the last one is read.
template <class V, class T>
void every_second(const char* from, char* to, std::size_t n) {
  constexpr std::size_t kItems = sizeof(V) / sizeof(T);
  std::size_t i = 0;
  for (; i + kItems < n; i += kItems) {
    const char* at = from + 2 * i * sizeof(T);
    store_items(even(load_items<V>(at), load_items<V>(at + sizeof(V)), typename Count<kItems>::Result()),
                to + i * sizeof(T));
  }
  for (; i < n; ++i) __builtin_memcpy(to + i * sizeof(T), from + 2 * i * sizeof(T), sizeof(T));
}

template <class T>
void every_second_one_by_one(const char* from, char* to, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) __builtin_memcpy(to + i * sizeof(T), from + 2 * i * sizeof(T), sizeof(T));
}

void stream_lines(const char* from, char* to, std::size_t bytes) {
  if constexpr (VF::W == 1) {
    __builtin_memcpy(to, from, bytes);
  } else {
    for (std::size_t b = 0; b < bytes; b += VF::W * sizeof(float))
      VF::load((const float*)(from + b)).stream((float*)(to + b));
  }
}

constexpr void fill_move(KernelTable& k) {
  k.stream = stream_lines;
  k.transpose_past[0] = transpose<Items1, std::uint8_t, kStreams>;
  k.transpose_past[1] = transpose<Items2, std::uint16_t, kStreams>;
  k.transpose_past[2] = transpose<Items4, std::uint32_t, kStreams>;
  k.transpose_past[3] = transpose<Items8, std::uint64_t, kStreams>;
  k.transpose[0] = transpose<Items1, std::uint8_t>;
  k.transpose[1] = transpose<Items2, std::uint16_t>;
  k.transpose[2] = transpose<Items4, std::uint32_t>;
  k.transpose[3] = transpose<Items8, std::uint64_t>;
  k.transpose[4] = transpose_one_by_one<Item16>;
  k.every_second[0] = every_second<Wide1, std::uint8_t>;
  k.every_second[1] = every_second<Wide2, std::uint16_t>;
  k.every_second[2] = every_second<Wide4, std::uint32_t>;
  k.every_second[3] = every_second<Wide8, std::uint64_t>;
  k.every_second[4] = every_second_one_by_one<Item16>;
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
