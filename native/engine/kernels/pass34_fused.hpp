// Passes 3 and 4 in one, for moderate operands.
#pragma once

#include "pass3_terms.hpp"
#include "pass4_round.hpp"

namespace bcelogits::kernels::BCELOGITS_ISA {
namespace {

// Where registers are many, see Traits::fuses_last_passes.
template <class K, bool hard, bool from_sigmoid = false>
BCELOGITS_PASS void terms_and_round_pass(const Block<K>& b, std::size_t i, std::size_t n,
                                         const Stage<typename K::V>& s) {
  using V = typename K::V;
  const std::size_t step = b.step();
  for (std::size_t k = b.first_of(n), left = n; left != 0; left -= V::W, k += step) {
    V loss_head, loss_tail, grad_head, grad_tail;
    terms<K, hard, from_sigmoid>(b, i + k, k, s, loss_head, loss_tail, grad_head, grad_tail);
    round_and_store<K, true, from_sigmoid>(b, i + k, loss_head, loss_tail, grad_head, grad_tail);
  }
}

// The same for the loss without weights, whose passes are short enough for every processor. It is final as it is, but
// for 16 bits near a tie.
template <class K>
BCELOGITS_PASS void single_loss_pass(const Block<K>& b, std::size_t i, std::size_t n, const Stage<typename K::V>& s) {
  using V = typename K::V;
  const std::size_t step = b.step();
  for (std::size_t k = b.first_of(n), left = n; left != 0; left -= V::W, k += step) {
    V loss, loss_tail, grad_head, grad_tail;
    terms<K, false>(b, i + k, k, s, loss, loss_tail, grad_head, grad_tail);
    if constexpr (K::rounds_to_16_bits) {
      const V one = V::set1(1);
      if (!all(final_lanes<K, true>(loss, one, one, one, ordered(one, one)))) {
        round_and_store<K, true>(b, i + k, loss, loss_tail, grad_head, grad_tail);
        continue;
      }
    }
    b.store(loss, i + k);
  }
}

}  // namespace
}  // namespace bcelogits::kernels::BCELOGITS_ISA
