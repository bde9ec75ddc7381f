// The kernels for avx2.
#define BCELOGITS_ISA avx2
#include "simd_avx2.hpp"

#include "isa.inc"
