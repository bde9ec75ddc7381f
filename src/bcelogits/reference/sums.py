"""The exact sum of float64 numbers, as an integer of any length."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from bcelogits._typing import Float64Array

__all__ = ["IntegerSum", "to_float"]

_LEAST = 1074  # every finite float64 is a whole multiple of 2**-1074
_AT_ONCE = 1 << 13  # numbers whose leading parts are added in float64 without error
_BITS = 14  # so many numbers and two more are no more than 2**14
_HIGHEST = 1023 - _BITS  # binary exponent up to which numbers can be cut
_DOWN = 64  # powers of two that larger ones are scaled down by


class IntegerSum:
    """The sum of numbers that come in chunks, without error: neither their order nor the chunks play a part.

    The leading parts of the numbers, cut off at one power of two for all, are added in float64, where they leave no
    rounding error, then those of what is left, until nothing is (Rump, Ogita and Oishi, "Accurate floating-point
    summation part I: faithful rounding", SIAM J. Sci. Comput. 31, 2008). The parts' sums are added as integers.

    >>> total = IntegerSum()
    >>> total.add(np.array([1e300, 1.0, -1e300]))
    >>> total.count, total.fraction(), total.mean
    (3, Fraction(1, 1), 0.3333333333333333)
    """

    def __init__(self) -> None:
        """Nothing was added yet."""
        self.count = 0
        self._units = 0  # of 2**-1074
        self._infinite = {math.inf: 0, -math.inf: 0}
        self._nan = 0

    def add(self, values: Float64Array) -> None:
        """Add the elements of an array."""
        self.count += values.size
        flat = values.reshape(-1)
        with np.errstate(under="ignore"):
            for start in range(0, flat.size, _AT_ONCE):
                self._add(flat[start : start + _AT_ONCE])

    def _add(self, values: Float64Array) -> None:
        largest = float(np.abs(values).max())
        if not math.isfinite(largest):
            self._nan += int(np.isnan(values).sum())
            for infinity in self._infinite:
                self._infinite[infinity] += int((values == infinity).sum())
            values = values[np.isfinite(values)]
            largest = float(np.abs(values).max(initial=0.0))
        if math.frexp(largest)[1] > _HIGHEST:
            # Numbers that large lose nothing when they are scaled down; the others are added by themselves.
            large = np.abs(values) >= 1.0
            self._add_scaled(values[large] * 2.0**-_DOWN, _DOWN)
            values = values[~large]
        self._add_scaled(values, 0)

    def _add_scaled(self, values: Float64Array, shift: int) -> None:
        """Add 2**shift times the numbers."""
        while values.size and (largest := float(np.abs(values).max())):
            cut = math.ldexp(1.0, math.frexp(largest)[1] + _BITS)
            leading = (cut + values) - cut
            values = values - leading
            numerator, denominator = float(leading.sum()).as_integer_ratio()
            self._units += (numerator << _LEAST + shift) // denominator

    @property
    def special(self) -> float | None:
        """NaN, or an infinity, if what was added makes that the sum; None if the sum is finite."""
        if self._nan or all(self._infinite.values()):
            return math.nan
        return next((infinity for infinity, count in self._infinite.items() if count), None)

    def fraction(self) -> Fraction:
        """The sum of the finite numbers that were added."""
        return Fraction(self._units, 1 << _LEAST)

    @property
    def value(self) -> float:
        """The sum as the nearest float64, or what infinities and NaN make of it."""
        return to_float(self.fraction()) if self.special is None else self.special

    @property
    def mean(self) -> float:
        """The mean as the nearest float64; 0 of nothing."""
        if self.special is not None or not self.count:
            return self.value
        return to_float(self.fraction() / self.count)


def to_float(value: Fraction) -> float:
    """The float64 nearest to a rational number; an infinity beyond the range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
