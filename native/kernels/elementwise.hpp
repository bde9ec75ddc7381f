// Loops over a block: load and convert, one vector of arithmetic, convert and store.
#pragma once

#include "math.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

inline constexpr std::size_t kAhead = 4096;  // bytes of software prefetch: one page

// Run `body(load offset)` over whole vectors, then once over a padded copy of what remains.
template <class V, class T>
struct Operand {  // an input array of dtype T, or none
  const T* p;
  T pad[V::W];
  V at(std::size_t i) const { return V::load(p + i); }
  void tail(std::size_t i, std::size_t m) {
    for (std::size_t k = 0; k < V::W; ++k) pad[k] = T{};
    __builtin_memcpy(pad, p + i, m * sizeof(T));
    p = pad;
  }
};

template <class V, class ST>
inline void store_part(V r, ST* out, std::size_t m) {
  ST pad[V::W];
  r.store(pad);
  __builtin_memcpy(out, pad, m * sizeof(ST));
}

template <class V, class T>
inline void prefetch(const T* p) {
  if constexpr (V::W > 1) __builtin_prefetch((const char*)p + kAhead);
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
  static constexpr bool is_float = sizeof(E) == 4, narrow_out = sizeof(ST) == 2;

  // A result that stands: finite, not so small that it may hide an underflow (unless a factor that is 0 explains it),
  // and for 16-bit outputs not so near a tie that the error of float could decide. The others are repeated in double.
  static auto stands(V r, [[maybe_unused]] V w, [[maybe_unused]] V g, [[maybe_unused]] V c) {
    auto fine = finite(r);
    if constexpr (is_float && (W_ || P_ || op != kLoss)) {
      const V none = V::set1(0);
      auto safe = ge(V::set1(-Const<VF>::kTiny), neg_abs(r));
      if constexpr (W_) safe = safe | ~ne(w, none) | ~ne(g, none);
      if constexpr (op != kLoss) safe = safe | ~ne(c, none);
      fine = fine & safe;
    }
    if constexpr (narrow_out) fine = fine & ~near_tie(r, Const<VF>::kRough, (const ST*)nullptr);
    return fine;
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

  template <bool part>
  inline void step(std::size_t i, std::size_t m) {
    const V one = V::set1(1);
    const V xv = x.at(i), pv = P_ ? p.at(i) : one, wv = W_ ? w.at(i) : one;
    const V tv = op == kTargetGrad ? one : t.at(i);
    const V z = neg_abs(xv);
    const auto negative = sign_bit(xv);
    const auto near = ge(z, V::set1(-Const<V>::kFast));
    V r, loss = one;
    if constexpr (op == kLoss) {
      if constexpr (narrow_out)
        r = loss_rough<W_, P_>(z, negative, tv, wv, pv);
      else
        r = loss_normal<W_, P_>(z, negative, tv, wv, pv);
      auto fine = near & stands(r, wv, wv, one);
      if (!all(fine)) {
        const V source = select(negative, tv, one - tv);
        settle_far(z, tv, pv, source, P_ ? select(negative, pv * tv, source) : source, negate(z), {wv, V::set1(0)}, r,
                   fine);
        if (!all(fine)) r = select(fine, r, loss_careful<W_, P_, narrow_out>(xv, tv, wv, pv));
      }
    } else {
      const V gv = W_ ? g.at(i) : one;
      Factor<V> c = scale;
      if constexpr (W_) c = combine(wv, gv, scale);
      if constexpr (op == kTargetGrad) {
        r = target_grad_normal<P_>(z, xv, pv, c);
        auto fine = stands(r, wv, gv, zero_scale);
        if constexpr (P_) fine = fine & near;
        if (!all(fine)) r = select(fine, r, target_grad_careful<W_, P_, narrow_out>(xv, wv, pv, gv, wide_scale));
      } else {
        if constexpr (narrow_out) {
          r = grad_rough<P_>(z, negative, tv, pv, c.hi);
        } else {
          V S, E_;
          exp_parts(z, S, E_);
          r = grad_normal<P_>(S, E_, negative, tv, pv, c);
        }
        auto fine = near & stands(r, wv, gv, zero_scale);
        auto good = fine;
        if constexpr (op == kValueAndGrad) {  // the compiler shares exp_parts
          loss = loss_normal<W_, P_>(z, negative, tv, wv, pv);
          good = near & Block<kLoss, W_, P_, V, T, E>::stands(loss, wv, wv, one);
        }
        if (!all(fine & good)) {
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
    }
    if constexpr (part) {
      store_part(r, out, m);
      if constexpr (op == kValueAndGrad) store_part(loss, loss_scratch, m);
    } else {
      r.store(out + i);
      if constexpr (op == kValueAndGrad) loss.store(loss_scratch + i);
    }
  }
};

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
  b.out = (ST*)(op == kLoss ? a.loss : a.grad);
  b.wide_scale = {VD::set1(a.scale_hi), VD::set1(a.scale_lo)};
  const E hi = (E)a.scale_hi;
  const E lo = sizeof(E) == 8 ? (E)a.scale_lo : (E)(a.scale_hi - (double)hi);
  b.scale = {V::set1(hi), V::set1(lo - lo == 0 ? lo : 0)};
  b.zero_scale = V::set1(a.scale_hi == 0 ? 0 : 1);
  std::size_t i = 0;
  for (; i + V::W <= a.n; i += V::W) {
    prefetch<V>(b.x.p + i);
    if constexpr (op != kTargetGrad) prefetch<V>(b.t.p + i);
    b.template step<false>(i, V::W);
  }
  if (const std::size_t m = a.n - i; m != 0) {
    b.x.tail(i, m);
    if constexpr (op != kTargetGrad) b.t.tail(i, m);
    if constexpr (W_) b.w.tail(i, m);
    if constexpr (W_ && op != kLoss) b.g.tail(i, m);
    if constexpr (P_) b.p.tail(i, m);
    b.out += i;
    b.loss_scratch += op == kValueAndGrad ? i : 0;
    b.template step<true>(0, m);
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

// Conversions between a dtype and a compute type.
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
