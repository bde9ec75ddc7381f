// The kernels for avx512.
#define BCELOGITS_ISA avx512
#include "simd_avx512.hpp"

#include "isa.inc"
