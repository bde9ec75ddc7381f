"""Double-double arithmetic with an exponent of its own: about 106 bits, and no underflow or overflow on the way.

A number is ``(hi + lo) * 2**exponent`` with 0.5 <= |hi| < 1 (or all 0) and |lo| at most half an ULP of hi; all three
are arrays of one shape. Sums and products without error are those of Knuth and of Dekker; the operations follow
Joldes, Muller and Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", ACM
TOMS 44 (2017): AccurateDWPlusDW and DWTimesDW, errors below 3 and 5 times 2**-106.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, IntArray

__all__ = [
    "Scaled",
    "add",
    "constant",
    "divide",
    "fast_two_sum",
    "multiply",
    "negate",
    "normalise",
    "scaled",
    "select",
    "two_product",
    "two_sum",
    "where_larger",
]

_SPLITTER = 134217729.0  # 2**27 + 1
# Exponent of a zero: below that of any number that arises.
_ZERO_EXPONENT = -(1 << 40)
# Two numbers further apart than this many bits: the smaller one would be 0 after alignment.
_APART = 2000


class Scaled(NamedTuple):
    """Numbers (hi + lo) * 2**exponent."""

    hi: Float64Array
    lo: Float64Array
    exponent: IntArray

    def at(self, index: Any) -> Scaled:
        """The numbers at some places."""
        return Scaled(self.hi[index], self.lo[index], self.exponent[index])


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b rounded, and the exact error."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def fast_two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """As `two_sum`, for |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b rounded, and the exact error, for numbers whose magnitudes are far from the ends of the range."""
    product = a * b
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def normalise(hi: Float64Array, lo: Float64Array, exponent: IntArray | int) -> Scaled:
    """From any hi + lo with |hi| >= |lo| or hi = 0, magnitudes within the range of float64."""
    hi, lo = fast_two_sum(hi, lo)
    mantissa, shift = np.frexp(hi)
    lo = np.ldexp(lo, -shift)
    return Scaled(mantissa, lo, np.where(mantissa == 0, _ZERO_EXPONENT, exponent + shift.astype(np.int64)))


def scaled(values: Float64Array) -> Scaled:
    """Finite float64 numbers, exactly."""
    mantissa, shift = np.frexp(values)
    return Scaled(mantissa, np.zeros_like(mantissa), np.where(mantissa == 0, _ZERO_EXPONENT, shift.astype(np.int64)))


def constant(value: Fraction) -> tuple[float, float]:
    """The pair of float64 nearest to a rational number: to 2**-107 of it."""
    hi = float(value)
    return hi, float(value - Fraction(hi))


def negate(a: Scaled) -> Scaled:
    """The number -a, exactly."""
    return Scaled(-a.hi, -a.lo, a.exponent)


def select(condition: Any, a: Scaled, b: Scaled) -> Scaled:
    """`numpy.where` for numbers."""
    return Scaled(*(np.where(condition, first, second) for first, second in zip(a, b, strict=True)))


def where_larger(a: Scaled, b: Scaled) -> Scaled:
    """|a| or |b|, whichever is larger to 53 bits."""
    larger = (a.exponent > b.exponent) | ((a.exponent == b.exponent) & (np.abs(a.hi) >= np.abs(b.hi)))
    chosen = select(larger, a, b)
    return select(chosen.hi < 0, negate(chosen), chosen)


def add(a: Scaled, b: Scaled) -> Scaled:
    """a + b, to 2**-104 of the result where the signs are equal, of the larger operand where they differ."""
    exponent = np.maximum(a.exponent, b.exponent)
    shift_a = np.maximum(a.exponent - exponent, -_APART).astype(np.int32)
    shift_b = np.maximum(b.exponent - exponent, -_APART).astype(np.int32)
    a_hi, a_lo = np.ldexp(a.hi, shift_a), np.ldexp(a.lo, shift_a)
    b_hi, b_lo = np.ldexp(b.hi, shift_b), np.ldexp(b.lo, shift_b)
    high, high_error = two_sum(a_hi, b_hi)
    low, low_error = two_sum(a_lo, b_lo)
    high, rest = fast_two_sum(high, high_error + low)
    return normalise(high, low_error + rest, exponent)


def multiply(a: Scaled, b: Scaled) -> Scaled:
    """a * b, to 2**-103 of it."""
    product, error = two_product(a.hi, b.hi)
    error = error + (a.hi * b.lo + (a.lo * b.hi + a.lo * b.lo))
    return normalise(product, error, a.exponent + b.exponent)


def divide(a: Scaled, b: Scaled) -> Scaled:
    """a / b for b not 0, to 2**-102 of it: long division by three float64 quotients."""
    first = a.hi / b.hi
    rest = _minus_product(a.hi, a.lo, first, b)
    second = rest[0] / b.hi
    rest = _minus_product(*rest, second, b)
    third = rest[0] / b.hi
    high, low = fast_two_sum(first, second)
    return normalise(high, low + third, a.exponent - b.exponent)


def _minus_product(hi: Any, lo: Any, factor: Any, b: Scaled) -> tuple[Any, Any]:
    """(hi + lo) - factor * (b.hi + b.lo), without regard to exponents."""
    product, error = two_product(factor, b.hi)
    error = error + factor * b.lo
    high, high_error = two_sum(hi, -product)
    return fast_two_sum(high, high_error + (lo - error))
