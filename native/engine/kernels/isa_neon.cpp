// The kernels for neon.
#define BCELOGITS_ISA neon
#include "simd_neon.hpp"

#include "isa.inc"
