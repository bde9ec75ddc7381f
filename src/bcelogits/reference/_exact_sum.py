"""The exact sum of float64 numbers, as an integer of any length."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from bcelogits.reference._operands import Float64Array

__all__ = ["ExactSum", "to_float"]

_LEAST = 1074  # every finite float64 is a whole multiple of 2**-1074
_HALF = 27  # a mantissa of 53 bits is two numbers of at most 27
_AT_ONCE = 1 << 25  # sums of so many of them have at most 52 bits: exact in float64


class ExactSum:
    """Takes runs of numbers in any order; the total is the same.

    >>> total = ExactSum()
    >>> total.add(np.array([1e300, 1.0, -1e300]))
    >>> total.fraction()
    Fraction(1, 1)
    """

    def __init__(self) -> None:
        """Nothing was added yet."""
        self._units = 0
        self._infinite = {math.inf: 0, -math.inf: 0}
        self._nan = 0

    def add(self, values: Float64Array) -> None:
        """Add all of them."""
        for start in range(0, values.size, _AT_ONCE):
            self._add(values.reshape(-1)[start : start + _AT_ONCE])

    def _add(self, values: Float64Array) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            self._nan += int(np.isnan(values).sum())
            for infinity in self._infinite:
                self._infinite[infinity] += int((values == infinity).sum())
            values = values[finite]
        mantissa, exponent = np.frexp(values)
        # Numbers of one exponent are added as whole numbers: float64 does that exactly.
        scaled = mantissa * 2.0**_HALF
        high = np.trunc(scaled)
        low = (scaled - high) * 2.0**_HALF
        bins = exponent.astype(np.intp) + _LEAST
        for part, bits in ((high, _HALF), (low, 2 * _HALF)):
            sums = np.bincount(bins, weights=part)
            for place in np.flatnonzero(sums).tolist():
                shift = place - bits
                whole = int(sums[place])
                # The bits that a right shift would lose are 0: the sum is of multiples of 2**-1074.
                self._units += whole << shift if shift >= 0 else whole >> -shift

    @property
    def special(self) -> float | None:
        """NaN, or an infinity, if what was added makes that the sum; None if the sum is finite."""
        if self._nan or all(self._infinite.values()):
            return math.nan
        return next((infinity for infinity, count in self._infinite.items() if count), None)

    def fraction(self) -> Fraction:
        """The sum of the finite numbers that were added."""
        return Fraction(self._units, 1 << _LEAST)


def to_float(value: Fraction) -> float:
    """The float64 nearest to a rational number; an infinity beyond the range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
