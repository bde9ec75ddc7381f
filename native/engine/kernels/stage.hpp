// What the passes of a kernel share: operands, the memory between passes, and what pass 1 finds out.
#pragma once

#include "limits.hpp"
#include "traits.hpp"

// A pass is a function of its own with all that it calls in it: in one function with the others, GCC stops inlining at
// some size, and a vector that is handed to a function goes through memory. For the same reason the functions that make
// two or more vectors have out-parameters: GCC keeps a struct of vectors in memory.
#define BCELOGITS_PASS __attribute__((noinline, flatten))

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// Elements that go through all passes before the next ones do: a kilobyte, so that what lies between passes stays in
// L1.
template <class V>
inline constexpr std::size_t kStage = 1024 / sizeof(typename V::Elem);

template <class V>
struct Pair {  // the unevaluated sums head + tail
  alignas(64) typename V::Elem head[kStage<V>], tail[kStage<V>];
};
template <class V>
struct Stage {
  Pair<V> exp;  // exp(-|x|), times kShare
  Pair<V> log;  // log1p(exp(-|x|)); pass 3 puts the loss in its place, of which there is the head alone if it is single
  Pair<V> grad;  // the gradient before its factor; a sigmoid that is looked up has a head alone
  alignas(64) std::uint16_t index[kStage<V>];  // where in the lookup table
};

// What is known of the operands of a stage. Each step allows to leave out what can make no difference to a bit.
enum class OperandRange {
  kAny,
  kModerate,     // no logit far out, and all factors so moderate that every result is finite
  kHardTargets,  // moderate, and all targets are 0 or 1: 1-t is exact
};

template <class V, class T>
struct Input {  // an array of dtype T, or none
  const T* p;
  T padded[V::W];
  V at(std::size_t i) const { return V::load(p + i); }
  void pad(std::size_t first, std::size_t count) {  // a padded copy of what remains takes its place
    for (std::size_t k = 0; k < V::W; ++k) padded[k] = T{};
    __builtin_memcpy(padded, p + first, count * sizeof(T));
    p = padded;
  }
};

// The operands of one call of a kernel, whose Traits are K. Passes take elements [i, i + n) of them, of which n is a
// multiple of V::W.
template <class K>
struct Block {
  using V = typename K::V;
  using Elem = typename K::Elem;
  using Out = typename K::Out;
  Input<V, typename K::In> logits, targets;
  Input<V, Elem> weight, pos_weight, grad_output;
  Elem* loss_out;  // of kValueAndGrad
  Out* out;        // the gradient, or else the loss
  Factor<V> scale;
  Factor<VD> wide_scale;  // for what is computed again in double
  V nonzero_scale;        // 0 where the scale is 0, else 1
  bool scale_is_moderate;
  bool past_caches;     // results are stored past the caches
  const float* lookup;  // see kLookupLast
  Next next_logits, next_targets;
  bool backwards;  // the last pass begins with the last vector, see store_may_delay_load

  // Operands that are absent are 1, which disappears from the code.
  V weight_at(std::size_t i) const { return K::has_weight ? weight.at(i) : V::set1(1); }
  V pos_weight_at(std::size_t i) const { return K::has_pos_weight ? pos_weight.at(i) : V::set1(1); }
  V grad_output_at(std::size_t i) const { return K::has_grad_output ? grad_output.at(i) : V::set1(1); }

  // The vectors of the last pass, in either order.
  std::size_t first_of(std::size_t n) const { return backwards ? n - V::W : 0; }
  std::size_t step() const { return backwards ? -V::W : V::W; }

  void store(V result, std::size_t i) const {
    if constexpr (!K::rounds_to_16_bits)
      if (past_caches) return result.stream(out + i);
    result.store(out + i);
  }
};

inline constexpr std::size_t kBytesAhead = 2048;  // of software prefetch

// Called for each vector, of what is needed some time after element i: from what lies behind it, or from what will be
// copied for the next block, which has no place in L1 yet.
template <class V, class T>
inline void prefetch(const T* p, std::size_t i, const Next& next) {
  if constexpr (V::W > 1) {
    if (!next.at) {
      __builtin_prefetch((const char*)(p + i) + kBytesAhead);
    } else {
      const std::size_t line = i >> next.log2_length;
      const char* at = next.at + (std::ptrdiff_t)line * next.line + (i - (line << next.log2_length)) * next.step;
      __builtin_prefetch(at, 0, 2);
      if (V::W * next.step > 64) __builtin_prefetch(at + 64, 0, 2);
    }
  }
}

// Up to here targets and factors, and the scale, are moderate: no result of a logit that is not far out is infinite.
inline constexpr double kModerateFactor = 0x1p20, kModerateScale = 0x1p30;

// Fetches the factors ahead and shows them to `moderate`. Not a mere `inline`: GCC 12 drops prefetches from functions
// that do little else before it inlines them.
template <class K>
__attribute__((always_inline)) inline void see_factors(const Block<K>& b, std::size_t i,
                                                       LargestMagnitude<typename K::V>& moderate) {
  using V = typename K::V;
  if constexpr (K::has_pos_weight) prefetch<V>(b.pos_weight.p, i, Next{});
  if constexpr (K::has_weight) prefetch<V>(b.weight.p, i, Next{});
  if constexpr (K::has_grad_output) prefetch<V>(b.grad_output.p, i, Next{});
  if constexpr (K::has_pos_weight) moderate.see(b.pos_weight.at(i));
  if constexpr (K::has_weight) moderate.see(b.weight.at(i));
  if constexpr (K::has_grad_output) moderate.see(b.grad_output.at(i));
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
