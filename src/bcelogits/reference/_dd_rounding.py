"""Scaled double-double numbers rounded once to a format, and how far each is from where the rounding turns."""

from __future__ import annotations

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.reference._dd import Scaled

__all__ = ["round_scaled", "to_pair"]


def round_scaled(value: Scaled, fraction_bits: int, emin: int, emax: int) -> tuple[Float64Array, Scaled]:
    """The numbers rounded to nearest, ties to even, as float64, and the distance of each to the nearest boundary.

    The distance has the same form as the numbers, so that it is comparable where float64 underflows. What lies beyond
    the largest finite number of the format by half an ULP and more is infinite.
    """
    # The number of quanta, n + low: n has at most 53 bits, low is at most half a unit of its last one.
    quantum = np.maximum(value.exponent - 1, emin) - fraction_bits
    shift = np.clip(value.exponent - quantum, -1100, 60).astype(np.int32)
    n, low = np.ldexp(value.hi, shift), np.ldexp(value.lo, shift)
    whole = np.rint(n)
    rest = n - whole
    # rint has decided ties of n; low is what breaks them. (With 53 bits of fraction in n, low decides nothing: n is
    # hi + lo rounded already.)
    whole += np.where((rest == 0.5) & (low > 0), 1.0, np.where((rest == -0.5) & (low < 0), -1.0, 0.0))
    # The sign of low towards a boundary decides the distance: exactly where n is one, to 53 bits elsewhere.
    distance = np.where(np.abs(rest) == 0.5, np.abs(low), 0.5 - np.abs(rest + low))
    # Just below a power of two the quantum is half of that above.
    below = (np.abs(n) == 2.0**fraction_bits) & (low * n < 0) & (quantum + fraction_bits > emin)
    distance = np.where(below, np.minimum(distance, np.abs(0.25 - np.abs(low))), distance)
    mantissa, moved = np.frexp(np.maximum(distance, 0.0))
    boundary = Scaled(mantissa, np.zeros_like(mantissa), moved + quantum)
    safe = np.clip(quantum, -1100, 1100).astype(np.int32)
    rounded = np.ldexp(whole, safe)
    over = np.abs(np.ldexp(whole, np.clip(quantum - emax - 1, -1100, 60).astype(np.int32))) >= 1.0
    return np.where(over, np.copysign(np.inf, whole), rounded), boundary


def to_pair(value: Scaled) -> tuple[Float64Array, Float64Array]:
    """The float64 nearest to each number, and the float64 nearest to what is then missing."""
    hi, _ = round_scaled(value, 52, -1022, 1023)
    fits = (value.exponent > -1021) & (value.exponent <= 1024) & np.isfinite(hi)
    shift = np.clip(value.exponent, -1200, 1100).astype(np.int32)
    lo = np.ldexp(value.lo, shift)
    # In the subnormal range hi itself was rounded; what is missing there is below half the smallest number.
    return hi, np.where(fits, lo, 0.0)
