// The kernels for baseline.
#define BCELOGITS_ISA baseline
#include "simd_scalar.hpp"

#include "isa.inc"
