// One block: in stages of a kilobyte, each of which goes through passes over memory that stays in L1.
//
//   1. exp(-|x|) as a pair, and what is known of the operands      pass1_exp.hpp
//   2. log1p of it as a pair, where it is needed                   pass2_log1p.hpp
//   3. loss and gradient from these and the targets, as pairs      pass3_terms.hpp
//   4. weight and scale, one rounding, and what is not right yet   pass4_round.hpp
//
// For logits of 16 bits, 1 and 2 are a table's index and a look-up (pass1_index16.hpp, pass2_lookup16.hpp). 3 and 4 are
// one where that is faster (pass34_fused.hpp).
//
// One pass would have the same number of operations, but each element is one long chain of them, and what a processor
// can look ahead holds too few elements then: short chains take half the time where that window is small.
#pragma once

#include "pass1_exp.hpp"
#include "pass1_index16.hpp"
#include "pass2_log1p.hpp"
#include "pass2_lookup16.hpp"
#include "pass34_fused.hpp"
#include "pass3_terms.hpp"
#include "pass4_round.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// All passes over the n elements of a stage, which begins with element i.
template <class K>
inline void run_stage(const Block<K>& b, std::size_t i, std::size_t n, Stage<typename K::V>& s) {
  OperandRange range;
  if constexpr (K::looks_up) {
    range = index16_pass(b, i, n, s);
    look_up_pass(b, n, s, range);
    if constexpr (K::looks_up_sigmoid) {
      if (range == OperandRange::kHardTargets) {
        if constexpr (kManyRegisters) return terms_and_round_pass<K, true, true>(b, i, n, s);
        terms_pass<K, true, true>(b, i, n, s);
        return round_pass<K, true, true>(b, i, n, s);
      }
    }
    if constexpr (K::has_grad) exp_pass(b, i, n, s);  // the gradient has to be computed
  } else {
    range = exp_pass(b, i, n, s);
    if constexpr (K::uses_log1p) log1p_pass(b, i, n, s);
  }
  const bool hard = range == OperandRange::kHardTargets, moderate = range != OperandRange::kAny;
  if (moderate) {
    if constexpr (!K::has_grad && K::loss_is_single) return single_loss_pass(b, i, n, s);
    if constexpr (K::fuses_last_passes)
      return hard ? terms_and_round_pass<K, true>(b, i, n, s) : terms_and_round_pass<K, false>(b, i, n, s);
  }
  hard ? terms_pass<K, true>(b, i, n, s) : terms_pass<K, false>(b, i, n, s);
  moderate ? round_pass<K, true>(b, i, n, s) : round_pass<K, false>(b, i, n, s);
}

// Whether a store to `store` may look as if a load from `load` a little later needed it: processors compare the last 12
// bits of addresses first, and the load waits for the result then.
inline bool store_may_delay_load(const void* store, const void* load) {
  const std::size_t distance = ((std::uintptr_t)store - (std::uintptr_t)load) % 4096;
  return distance > 32 && distance < 160;
}

template <class K>
void run_block(const BlockArgs& a) {
  using V = typename K::V;
  using In = typename K::In;
  using Out = typename K::Out;
  using Elem = typename K::Elem;
  Block<K> b;
  b.logits.p = (const In*)a.x;
  b.targets.p = (const In*)a.t;
  b.weight.p = (const Elem*)a.w;
  b.pos_weight.p = (const Elem*)a.p;
  b.grad_output.p = (const Elem*)a.g;
  b.loss_out = (Elem*)a.loss;
  b.lookup = a.lookup;
  b.next_logits = a.next_x;
  b.next_targets = a.next_t;
  b.out = (Out*)(K::has_grad ? a.grad : a.loss);
  b.wide_scale = {VD::set1(a.scale_hi), VD::set1(a.scale_lo)};
  const Elem hi = (Elem)a.scale_hi;
  const Elem lo = K::is_float ? (Elem)(a.scale_hi - (double)hi) : (Elem)a.scale_lo;
  b.scale = {V::set1(hi), V::set1(lo - lo == 0 ? lo : 0)};
  b.nonzero_scale = V::set1(a.scale_hi == 0 ? 0 : 1);
  // Each stage starts where the block does, or whole lines further on.
  b.past_caches = a.stream && (std::uintptr_t)b.out % kStreamAlign == 0;
  // Arrays that were allocated one after the other are often such, results last.
  b.backwards = sizeof(In) == sizeof(Out) && (store_may_delay_load(b.out, a.x) || store_may_delay_load(b.out, a.t)) &&
                !store_may_delay_load(a.x, b.out) && !store_may_delay_load(a.t, b.out);
  b.scale_is_moderate = a.scale_hi <= kModerateScale && a.scale_hi >= -kModerateScale;
  Stage<V> stage;
  const std::size_t whole = a.n / V::W * V::W, rest = a.n - whole;
  for (std::size_t i = 0; i < whole; i += kStage<V>)
    run_stage(b, i, whole - i < kStage<V> ? whole - i : kStage<V>, stage);
  if (rest != 0) {  // the elements that are left, as a vector of their own
    b.logits.pad(whole, rest);
    if constexpr (K::reads_targets) b.targets.pad(whole, rest);
    if constexpr (K::has_weight) b.weight.pad(whole, rest);
    if constexpr (K::has_grad_output) b.grad_output.pad(whole, rest);
    if constexpr (K::has_pos_weight) b.pos_weight.pad(whole, rest);
    Out results[V::W], *const out = b.out;
    Elem losses[V::W], *const loss = b.loss_out;
    b.out = results;
    b.past_caches = false;
    b.loss_out = losses;
    run_stage(b, 0, V::W, stage);
    __builtin_memcpy(out + whole, results, rest * sizeof(Out));
    if constexpr (K::has_loss && K::has_grad) __builtin_memcpy(loss + whole, losses, rest * sizeof(Elem));
  }
}

template <Op op, class V, class In, class Out>
constexpr void fill_weights(BlockFn (&f)[4]) {
  f[0] = run_block<Traits<op, false, false, V, In, Out>>;
  f[kHasWeight] = run_block<Traits<op, true, false, V, In, Out>>;
  f[kHasPosWeight] = run_block<Traits<op, false, true, V, In, Out>>;
  f[kHasWeight | kHasPosWeight] = run_block<Traits<op, true, true, V, In, Out>>;
}
template <Op op>
constexpr void fill_op(KernelTable& k) {
  fill_weights<op, VF, float, float>(k.op[op][kF32][0]);
  fill_weights<op, VF, f16, f16>(k.op[op][kF16][0]);
  fill_weights<op, VF, f16, float>(k.op[op][kF16][1]);
  fill_weights<op, VF, bf16, bf16>(k.op[op][kBF16][0]);
  fill_weights<op, VF, bf16, float>(k.op[op][kBF16][1]);
  fill_weights<op, VD, double, double>(k.op[op][kF64][0]);
  for (int i = 0; i < 4; ++i) {
    k.op[op][kF32][1][i] = k.op[op][kF32][0][i];
    k.op[op][kF64][1][i] = k.op[op][kF64][0][i];
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA

#undef BCELOGITS_PASS
