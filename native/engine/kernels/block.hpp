// One block: in stages of a kilobyte, each in passes over memory that stays in L1.
//
//   1. exp(-|x|) as a pair, and what is known of the operands;
//   2. log1p of it as a pair, where it is needed; for logits of 16 bits both are looked up;
//   3. loss and gradient from these and the targets, as pairs;
//   4. weights and scale, one rounding, and what is not right yet.
//
// One pass would have the same number of operations, but each element is one long chain of them, and what a processor
// can look ahead holds too few elements then: short chains take half the time where that window is small.
#pragma once

#include "gradient.hpp"
#include "lookup.hpp"
#include "loss.hpp"

// A pass is a function of its own with all that it calls in it: in one function with the others, GCC stops inlining at
// some size, and a vector that is handed to a function goes through memory.
#define BCELOGITS_PASS __attribute__((noinline, flatten))

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr std::size_t kAhead = 2048;  // bytes of software prefetch

template <class V>
inline constexpr std::size_t kStage = 1024 / sizeof(typename V::Elem);
template <class V>
struct Stages {
  alignas(64) typename V::Elem first[kStage<V>], second[kStage<V>];        // of exp_parts
  alignas(64) typename V::Elem head[kStage<V>], rest[kStage<V>];           // of log1p_parts, then of loss_parts
  alignas(64) typename V::Elem quotient[kStage<V>], remainder[kStage<V>];  // of grad_parts, target_grad_parts
  alignas(64) std::uint16_t index[kStage<V>];                              // of what is looked up
};

// What is known of the operands of a stage. Each step allows to leave out what can make no difference to a bit.
enum class Nature {
  kAny,
  kPlain,  // so moderate that every result is finite and no exponential far out
  kHard,   // and all targets are 0 or 1: 1-t is exact
};

template <class V, class T>
struct Operand {  // an input array of dtype T, or none
  const T* p;
  T pad[V::W];
  V at(std::size_t i) const { return V::load(p + i); }
  void tail(std::size_t i, std::size_t m) {  // a padded copy of what remains takes its place
    for (std::size_t k = 0; k < V::W; ++k) pad[k] = T{};
    __builtin_memcpy(pad, p + i, m * sizeof(T));
    p = pad;
  }
};

// Called for each vector, of what is needed some time after element i: from what lies behind it, or from what will be
// copied for the next block, which has no place in L1 yet.
template <class V, class T>
inline void prefetch(const T* p, std::size_t i, const Next& next) {
  if constexpr (V::W > 1) {
    if (!next.at) {
      __builtin_prefetch((const char*)(p + i) + kAhead);
    } else {
      const std::size_t l = i >> next.log2_length;
      const char* at = next.at + (std::ptrdiff_t)l * next.line + (i - (l << next.log2_length)) * next.step;
      __builtin_prefetch(at, 0, 2);
      if (V::W * next.step > 64) __builtin_prefetch(at + 64, 0, 2);
    }
  }
}

template <int op, bool W_, bool P_, class V, class T, class ST>
struct Block {
  using E = typename V::Elem;
  Operand<V, T> x, t;
  Operand<V, E> w, p, g;
  E* loss_scratch;  // kValueAndGrad
  ST* out;
  Factor<V> scale;
  Factor<VD> wide_scale;
  V zero_scale;  // 0 where the scale is 0, else 1
  bool scale_plain, past_caches;
  const float* lookup;  // see kLookupLast
  Next next_x, next_t;
  bool backwards;  // the last pass begins with the last vector, see run_block
  static constexpr bool is_float = sizeof(E) == 4, narrow_out = sizeof(ST) == 2;
  static constexpr bool uses_exp = op != kTargetGrad || P_, uses_log = op != kGrad && uses_exp;
  // Logits of 16 bits are so few that losses are looked up, and for targets 0 and 1 gradients as well.
  static constexpr bool looks_up = sizeof(T) == 2 && (op == kLoss || op == kValueAndGrad);
  static constexpr bool looks_up_grad = sizeof(T) == 2 && narrow_out && (op == kGrad || op == kValueAndGrad);
  static constexpr bool minds_soft = P_ || op != kLoss;   // the loss without pos_weight has one form for all targets
  static constexpr bool direct = is_float && !P_ && !W_;  // the loss needs no second number

  // Not a mere `inline`: GCC 12 drops prefetches from functions that do little else before it inlines them.
  __attribute__((always_inline)) void see_weights(std::size_t i, Bound<V>& moderate) const {
    if constexpr (P_) prefetch<V>(p.p, i, Next{});
    if constexpr (W_) prefetch<V>(w.p, i, Next{});
    if constexpr (W_ && op != kLoss) prefetch<V>(g.p, i, Next{});
    if constexpr (P_) moderate.see(p.at(i));
    if constexpr (W_) moderate.see(w.at(i));
    if constexpr (W_ && op != kLoss) moderate.see(g.at(i));
  }

  // First pass.
  BCELOGITS_PASS Nature prepare(std::size_t i, std::size_t m, Stages<V>& s) {
    const Next after_x = next_x, after_t = next_t;
    Bound<V> near, moderate;
    V soft = V::set1(0);
    for (std::size_t k = 0; k < m; k += V::W) {
      prefetch<V>(x.p, i + k, after_x);
      const V xv = x.at(i + k);
      near.see(xv);
      if constexpr (op != kTargetGrad) {
        if constexpr (!uses_log) prefetch<V>(t.p, i + k, after_t);
        const V tv = t.at(i + k);
        moderate.see(tv);
        if constexpr (minds_soft) soft = either(soft, fnma(tv, tv, tv));  // t - t*t
      }
      see_weights(i + k, moderate);
      if constexpr (uses_exp) {
        V first, second;
        exp_parts(neg_abs(xv), first, second);
        first.store(s.first + k);
        second.store(s.second + k);
      }
    }
    if (!near.within(Const<V>::kFast) || !moderate.within((E)0x1p20) || !scale_plain) return Nature::kAny;
    return minds_soft && all(~ne(soft, V::set1(0))) ? Nature::kHard : Nature::kPlain;
  }

  // First pass for logits of 16 bits: where to look, and what is known of the operands.
  BCELOGITS_PASS Nature survey(std::size_t i, std::size_t m, Stages<V>& s) {
    Bound<V> moderate;
    // A line at a time of what follows; what will be copied may lie in two lines a vector.
    const std::size_t step = next_x.at || next_t.at ? V::W : 64 / sizeof(T);
    for (std::size_t k = 0; k < m; k += step) {
      prefetch<V>(x.p, i + k, next_x);
      prefetch<V>(t.p, i + k, next_t);
    }
    if constexpr (P_ || W_)
      for (std::size_t k = 0; k < m; k += V::W) see_weights(i + k, moderate);
    const Survey known = survey_block(x.p + i, t.p + i, m, s.index);
    if (!known.plain || !moderate.within((E)0x1p20) || !scale_plain) return Nature::kAny;
    return known.hard ? Nature::kHard : Nature::kPlain;
  }

  // Second pass.
  BCELOGITS_PASS void logarithms(std::size_t i, std::size_t m, Stages<V>& s) {
    const Next after_t = next_t;
    for (std::size_t k = 0; k < m; k += V::W) {
      if constexpr (op != kTargetGrad) prefetch<V>(t.p, i + k, after_t);
      V head, rest;
      log1p_parts(V::load(s.first + k), V::load(s.second + k), head, rest);
      if constexpr (!is_float) head.store(s.head + k);  // of floats it is the same as `first`
      rest.store(s.rest + k);
    }
  }

  // Loss, and quotient of the gradient, as pairs: of which those are set that the operation has. Not in a struct,
  // which GCC would keep in memory.
  template <bool hard, bool shared = false>
  void numbers(std::size_t i, std::size_t k, const Stages<V>& s, V& loss, V& low, V& q, V& rest) const {
    const V xv = x.at(i), z = neg_abs(xv), pv = P_ ? p.at(i) : V::set1(1);
    const V tv = op == kTargetGrad ? V::set1(0) : t.at(i);
    const auto negative = sign_bit(xv);
    V H, C;
    if constexpr (uses_log) {
      H = V::load((is_float && !looks_up ? s.first : s.head) + k);
      if constexpr (!looks_up || !direct) C = V::load(s.rest + k);
    }
    if constexpr (op == kTargetGrad) {
      target_grad_parts<P_>(H, C, z, xv, pv, q, rest);
    } else if constexpr (shared) {
      q = grad_of_sigmoid<P_>(V::load(s.quotient + k), negative, tv, pv);
    } else if constexpr (op != kLoss) {
      V S, E_;
      rounded(V::load(s.first + k), V::load(s.second + k), S, E_);
      grad_parts<P_, hard>(S, E_, negative, tv, pv, q, rest);
    }
    if constexpr (op == kLoss || op == kValueAndGrad) {
      if constexpr (direct && looks_up)
        loss = fnma(select(negative, tv, V::set1(1) - tv), z, H);
      else if constexpr (direct)
        loss = loss_direct(H, C, z, negative, tv);
      else
        loss_parts<P_, hard>(H, C, z, negative, tv, pv, loss, low);
    }
  }

  // Third pass. `shared`: the quotient is a sigmoid that was looked up.
  template <bool hard, bool shared = false>
  BCELOGITS_PASS void parts(std::size_t i, std::size_t m, Stages<V>& s) {
    for (std::size_t k = 0; k < m; k += V::W) {
      V loss, low, q, rest;
      numbers<hard, shared>(i + k, k, s, loss, low, q, rest);
      if constexpr (op != kLoss) q.store(s.quotient + k);
      if constexpr (op != kLoss && !shared) rest.store(s.remainder + k);
      if constexpr (op == kLoss || op == kValueAndGrad) {
        loss.store(s.head + k);
        if constexpr (!direct) low.store(s.rest + k);
      }
    }
  }

  // Adds to `fine` what a result must be to stand: finite, unless that is known; not so small that it may hide an
  // underflow, unless a factor that is 0 explains it; and for 16-bit outputs not so near a tie that the error of float
  // could decide. The others are repeated in double.
  static constexpr bool may_be_tiny = is_float && (W_ || P_ || op != kLoss);
  template <bool plain, class Mask>
  static void demand(V r, [[maybe_unused]] V w, [[maybe_unused]] V g, [[maybe_unused]] V c, Mask& fine) {
    if constexpr (!plain) fine = fine & finite(r);
    if constexpr (may_be_tiny) {
      const V none = V::set1(0);
      auto safe = ge(V::set1(-Const<VF>::kTiny), neg_abs(r));
      if constexpr (W_) safe = safe | ~ne(w, none) | ~ne(g, none);
      if constexpr (op != kLoss) safe = safe | ~ne(c, none);
      fine = fine & safe;
    }
    if constexpr (narrow_out) fine = fine & ~near_tie(r, Const<VF>::kRough, (const ST*)nullptr);
  }

  // Far out (masks: -inf, -1e9) exp(-|x|) is 0 whatever multiplies it, and one product is left: coefficient * size *
  // factor, where the coefficient is 0 with `source`. Settles the lanes for which that is beyond doubt (source 0 or 1).
  template <class Mask>
  static void settle_far(V z, V t, V p, V source, V coefficient, V size, Factor<V> factor, V& r, Mask& fine) {
    if constexpr (is_float) {
      const V tiny = V::set1(Const<VF>::kTiny), none = V::set1(0);
      const auto size_of = [](V a) { return negate(neg_abs(a)); };
      const auto known = ge(V::set1(-1024), z) & finite(t) & finite(p) & finite(factor.hi);
      const auto zero = known & ~ne(source, none);
      const V product = coefficient * size, far = fma(product, factor.hi, product * factor.lo);
      auto sure = zero;
      if constexpr (!narrow_out) {
        sure = zero | (known & ~ne(source, V::set1(1)) & finite(far) & ge(size_of(coefficient), tiny) &
                       ge(size_of(product), tiny) & ge(size_of(far), tiny) & ge(size_of(factor.hi), tiny));
      }
      r = select(sure & ~fine, select(zero, none, far), r);
      fine = fine | sure;
    }
  }

  // The results of one vector: weights and scale, one rounding, and what is not right yet.
  template <bool plain, bool shared = false>
  void complete(std::size_t i, V loss, V low, V q, V rest) {
    const V one = V::set1(1);
    const V xv = x.at(i), pv = P_ ? p.at(i) : one, wv = W_ ? w.at(i) : one, gv = W_ && op != kLoss ? g.at(i) : one;
    const V tv = op == kTargetGrad ? one : t.at(i);
    const V z = neg_abs(xv);
    const auto negative = sign_bit(xv);
    const auto near = plain ? ordered(one, one) : ge(z, V::set1(-Const<V>::kFast));
    auto fine = op == kTargetGrad && !P_ ? ordered(one, one) : near;
    V r;
    if constexpr (!direct && (op == kLoss || op == kValueAndGrad)) loss = weighted<W_>(loss, low, wv);
    if constexpr (op == kLoss) {
      r = loss;
      demand<plain>(r, wv, wv, one, fine);
      if (!all(fine)) [[unlikely]] {
        const V source = select(negative, tv, one - tv);
        if constexpr (!plain)
          settle_far(z, tv, pv, source, P_ ? select(negative, pv * tv, source) : source, negate(z), {wv, V::set1(0)}, r,
                     fine);
        if (!all(fine)) r = select(fine, r, loss_careful<W_, P_, narrow_out>(xv, tv, wv, pv));
      }
      put(r, i);
      return;
    }
    Factor<V> c = scale;
    if constexpr (W_) c = combine_factors(wv, gv, scale);
    r = shared ? scaled(q, c) : scaled(q, rest, c);
    demand<plain>(r, wv, gv, zero_scale, fine);
    if constexpr (op == kTargetGrad) {
      if (!all(fine)) [[unlikely]]
        r = select(fine, r, target_grad_careful<W_, P_, narrow_out>(xv, wv, pv, gv, wide_scale));
    } else {
      auto good = near;
      if constexpr (op == kValueAndGrad) Block<kLoss, W_, P_, V, T, E>::template demand<plain>(loss, wv, wv, one, good);
      if (!all(fine & good)) [[unlikely]] {
        if constexpr (!plain) {
          const V omt = one - tv, pt = P_ ? pv * tv : tv;
          settle_far(z, tv, pv, select(negative, tv, omt), select(negative, negate(pt), omt), one, c, r, fine);
          if constexpr (op == kValueAndGrad)
            Block<kLoss, W_, P_, V, T, E>::settle_far(z, tv, pv, select(negative, tv, omt), select(negative, pt, omt),
                                                      negate(z), {wv, V::set1(0)}, loss, good);
        }
        if (!all(fine & good)) {
          r = select(fine, r, grad_careful<W_, P_, narrow_out>(xv, tv, wv, pv, gv, wide_scale));
          if constexpr (op == kValueAndGrad) loss = select(good, loss, loss_careful<W_, P_, false>(xv, tv, wv, pv));
        }
      }
      if constexpr (op == kValueAndGrad) loss.store(loss_scratch + i);
    }
    put(r, i);
  }

  // The vectors of the last pass, in either order.
  std::size_t start(std::size_t m) const { return backwards ? m - V::W : 0; }
  std::size_t stride() const { return backwards ? -V::W : V::W; }

  // Fourth pass.
  template <bool plain, bool shared = false>
  BCELOGITS_PASS void finish(std::size_t i, std::size_t m, const Stages<V>& s) {
    const std::size_t step = stride();
    for (std::size_t k = start(m), n = m; n != 0; n -= V::W, k += step) {
      V loss, low, q, rest;
      if constexpr (op != kLoss) q = V::load(s.quotient + k);
      if constexpr (op != kLoss && !shared) rest = V::load(s.remainder + k);
      if constexpr (op == kLoss || op == kValueAndGrad) {
        loss = V::load(s.head + k);
        if constexpr (!direct) low = V::load(s.rest + k);
      }
      complete<plain, shared>(i + k, loss, low, q, rest);
    }
  }

  // Third and fourth pass in one, for plain operands. With enough registers this is faster but for results of 16 bits,
  // which need the slow path too often.
  static constexpr bool joins = kJoinsPasses && (!narrow_out || (W_ && op != kLoss));
  template <bool hard, bool shared = false>
  BCELOGITS_PASS void together(std::size_t i, std::size_t m, const Stages<V>& s) {
    const std::size_t step = stride();
    for (std::size_t k = start(m), n = m; n != 0; n -= V::W, k += step) {
      V loss, low, q, rest;
      numbers<hard, shared>(i + k, k, s, loss, low, q, rest);
      complete<true, shared>(i + k, loss, low, q, rest);
    }
  }

  void put(V r, std::size_t i) {
    if constexpr (!narrow_out)
      if (past_caches) return r.stream(out + i);
    r.store(out + i);
  }

  // The same for the loss without weights, whose passes are short enough for every processor.
  BCELOGITS_PASS void directly(std::size_t i, std::size_t m, const Stages<V>& s) {
    const std::size_t step = stride();
    for (std::size_t k = start(m), n = m; n != 0; n -= V::W, k += step) {
      V loss, low, q, rest;
      numbers<false>(i + k, k, s, loss, low, q, rest);
      if constexpr (narrow_out) {
        auto fine = ordered(V::set1(1), V::set1(1));
        demand<true>(loss, V::set1(1), V::set1(1), V::set1(1), fine);
        if (!all(fine)) {
          complete<true>(i + k, loss, low, q, rest);
          continue;
        }
      }
      put(loss, i + k);
    }
  }

  void run(std::size_t i, std::size_t m, Stages<V>& s) {
    Nature nature;
    if constexpr (looks_up || looks_up_grad) {
      nature = survey(i, m, s);
      const bool shared = looks_up_grad && nature == Nature::kHard;
      if constexpr (looks_up && looks_up_grad && direct)
        look_up(s.index, m, lookup, s.head, s.quotient);
      else if constexpr (looks_up && looks_up_grad)
        look_up(s.index, m, lookup, s.head, s.rest, s.quotient);
      else if constexpr (looks_up && direct)
        look_up(s.index, m, lookup, s.head);
      else if constexpr (looks_up)
        look_up(s.index, m, lookup, s.head, s.rest);
      else if (shared)
        look_up(s.index, m, lookup, s.quotient);
      if constexpr (looks_up_grad)
        if (shared) {
          if constexpr (kJoinsPasses) return together<true, true>(i, m, s);
          parts<true, true>(i, m, s);
          return finish<true, true>(i, m, s);
        }
      if constexpr (op != kLoss) prepare(i, m, s);
    } else {
      nature = prepare(i, m, s);
      if constexpr (uses_log) logarithms(i, m, s);
    }
    if (nature != Nature::kAny) {
      if constexpr (op == kLoss && direct) return directly(i, m, s);
      if constexpr (joins) return nature == Nature::kHard ? together<true>(i, m, s) : together<false>(i, m, s);
    }
    if (nature == Nature::kHard)
      parts<true>(i, m, s);
    else
      parts<false>(i, m, s);
    if (nature == Nature::kAny)
      finish<false>(i, m, s);
    else
      finish<true>(i, m, s);
  }
};

// Whether a store to `ahead` may look as if a load from `behind` a little later needed it: processors compare the last
// 12 bits of addresses first, and the load waits for the result then.
inline bool seems_ahead(const void* ahead, const void* behind) {
  const std::size_t distance = ((std::uintptr_t)ahead - (std::uintptr_t)behind) % 4096;
  return distance > 32 && distance < 160;
}

template <int op, bool W_, bool P_, class V, class T, class ST>
void run_block(const BlockArgs& a) {
  using E = typename V::Elem;
  Block<op, W_, P_, V, T, ST> b;
  b.x.p = (const T*)a.x;
  b.t.p = (const T*)a.t;
  b.w.p = (const E*)a.w;
  b.p.p = (const E*)a.p;
  b.g.p = (const E*)a.g;
  b.loss_scratch = (E*)a.loss;
  b.lookup = a.lookup;
  b.next_x = a.next_x;
  b.next_t = a.next_t;
  b.out = (ST*)(op == kLoss ? a.loss : a.grad);
  b.wide_scale = {VD::set1(a.scale_hi), VD::set1(a.scale_lo)};
  const E hi = (E)a.scale_hi;
  const E lo = sizeof(E) == 8 ? (E)a.scale_lo : (E)(a.scale_hi - (double)hi);
  b.scale = {V::set1(hi), V::set1(lo - lo == 0 ? lo : 0)};
  b.zero_scale = V::set1(a.scale_hi == 0 ? 0 : 1);
  // Each stage starts where the block does, or whole lines further on.
  b.past_caches = a.stream && (std::uintptr_t)b.out % kStreamAlign == 0;
  // Arrays that were allocated one after the other are often such, results last.
  b.backwards = sizeof(T) == sizeof(ST) && (seems_ahead(b.out, a.x) || seems_ahead(b.out, a.t)) &&
                !seems_ahead(a.x, b.out) && !seems_ahead(a.t, b.out);
  b.scale_plain = a.scale_hi <= 0x1p30 && a.scale_hi >= -0x1p30;
  Stages<V> stages;
  const std::size_t whole = a.n / V::W * V::W, rest = a.n - whole;
  for (std::size_t i = 0; i < whole; i += kStage<V>) b.run(i, whole - i < kStage<V> ? whole - i : kStage<V>, stages);
  if (rest != 0) {
    b.x.tail(whole, rest);
    if constexpr (op != kTargetGrad) b.t.tail(whole, rest);
    if constexpr (W_) b.w.tail(whole, rest);
    if constexpr (W_ && op != kLoss) b.g.tail(whole, rest);
    if constexpr (P_) b.p.tail(whole, rest);
    ST results[V::W], *const out = b.out;
    E losses[V::W], *const loss = b.loss_scratch;
    b.out = results;
    b.past_caches = false;
    b.loss_scratch = losses;
    b.run(0, V::W, stages);
    __builtin_memcpy(out + whole, results, rest * sizeof(ST));
    if constexpr (op == kValueAndGrad) __builtin_memcpy(loss + whole, losses, rest * sizeof(E));
  }
}

template <int op, class V, class T, class ST>
constexpr void fill_wp(BlockFn (&f)[4]) {
  f[0] = run_block<op, false, false, V, T, ST>;
  f[kHasWeight] = run_block<op, true, false, V, T, ST>;
  f[kHasPosWeight] = run_block<op, false, true, V, T, ST>;
  f[kHasWeight | kHasPosWeight] = run_block<op, true, true, V, T, ST>;
}
template <int op>
constexpr void fill_op(KernelTable& k) {
  fill_wp<op, VF, float, float>(k.op[op][kF32][0]);
  fill_wp<op, VF, f16, f16>(k.op[op][kF16][0]);
  fill_wp<op, VF, f16, float>(k.op[op][kF16][1]);
  fill_wp<op, VF, bf16, bf16>(k.op[op][kBF16][0]);
  fill_wp<op, VF, bf16, float>(k.op[op][kBF16][1]);
  fill_wp<op, VD, double, double>(k.op[op][kF64][0]);
  for (int i = 0; i < 4; ++i) {
    k.op[op][kF32][1][i] = k.op[op][kF32][0][i];
    k.op[op][kF64][1][i] = k.op[op][kF64][0][i];
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA

#undef BCELOGITS_PASS
