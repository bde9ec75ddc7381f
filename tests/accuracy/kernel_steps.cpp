// The approximations inside the kernels, each on an array: what no result of the package shows by itself.
#define BCELOGITS_ISA baseline
#include "../../native/engine/kernels/simd_scalar.hpp"

#include "../../native/engine/kernels/gradient.hpp"

namespace kernels = bcelogits::kernels::baseline;
using kernels::VD;
using kernels::VF;

namespace {

template <class V>
void pairs(const typename V::Elem* z, double* head, double* tail, std::size_t n, bool log1p) {
  for (std::size_t i = 0; i < n; ++i) {
    V first, second;
    kernels::exp_pair(V{z[i]}, first, second);
    if (log1p) {
      V log_head, log_tail;
      kernels::log1p_pair(first, second, log_head, log_tail);
      first = log_head, second = log_tail;
    }
    head[i] = first.v;
    tail[i] = second.v;
  }
}

}  // namespace

extern "C" {

void exp_f32(const float* z, double* head, double* tail, std::size_t n) { pairs<VF>(z, head, tail, n, false); }
void exp_f64(const double* z, double* head, double* tail, std::size_t n) { pairs<VD>(z, head, tail, n, false); }
void log1p_f32(const float* z, double* head, double* tail, std::size_t n) { pairs<VF>(z, head, tail, n, true); }
void log1p_f64(const double* z, double* head, double* tail, std::size_t n) { pairs<VD>(z, head, tail, n, true); }

void exp_scaled_up_f64(const double* z, double* head, double* tail, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    VD low;
    head[i] = kernels::exp_scaled_up(VD{z[i]}, low).v;
    tail[i] = low.v;
  }
}

// The gradient for a logit of 0 and above, from a sigmoid that is looked up.
void hard_grad_f32(const float* small, const float* t, const float* p, float* grad, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    grad[i] = kernels::hard_grad_from_sigmoid<true>(VF{small[i]}, kernels::MaskF{false}, VF{t[i]}, VF{p[i]}).v;
}

float share() { return kernels::kShare<VF>; }

}  // extern "C"
