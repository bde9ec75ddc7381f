"""The precision "dd": operands in, pairs of float64 out."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bcelogits.reference._dd_operator import finite_operands, limits, values
from bcelogits.reference._dd_rounding import to_pair
from bcelogits.reference._op import Op
from bcelogits.reference.sums import IntegerSum, to_float

__all__ = ["DoubleDouble", "evaluate", "reduce"]


class DoubleDouble(NamedTuple):
    """Numbers `hi + lo`: `hi` is the float64 nearest to the number, `lo` the float64 nearest to the rest.

    Two float64 arrays of one shape, or two `numpy.float64`. The sum has at least 100 correct bits, relative to the
    larger of the two terms that the operator adds or subtracts, where `|hi|` is at least 2**-960; below, `lo` loses
    bits to the end of float64's range (its error is at most 2**-1075), and from 2**-1022 on it is 0. `lo` is 0 where
    `hi` is not finite.

    >>> DoubleDouble(np.float64(1.0), np.float64(2.0**-60)).fraction() - 1 == Fraction(1, 2**60)
    True
    """

    hi: Any
    lo: Any

    def fraction(self) -> Fraction:
        """`hi + lo` of one finite number, exactly."""
        return Fraction(float(self.hi)) + Fraction(float(self.lo))


def evaluate(op: Op, x: Any, t: Any, w: Any, p: Any, grad_output: Any = None, count: int = 1) -> DoubleDouble:
    """The elementwise loss or gradient; a gradient times `grad_output`, over `count`."""
    shape = np.shape(x)
    g = np.ones(shape) if grad_output is None else grad_output
    x, t, w, p, g = (np.ascontiguousarray(np.broadcast_to(v, shape), dtype=np.float64).ravel() for v in (x, t, w, p, g))
    special = ~(np.isfinite(x) & np.isfinite(t) & np.isfinite(w) & np.isfinite(p) & np.isfinite(g))
    hi, lo = np.zeros_like(x), np.zeros_like(x)
    hi[special] = limits(op, *(v[special] for v in (x, t, w, p, g)))
    known = special & ~(np.isfinite(hi) & (hi != 0))
    rest = np.flatnonzero(~known)
    t, p = finite_operands(op, t, p)
    with np.errstate(all="ignore"):
        hi[rest], lo[rest] = to_pair(values(op, *(v[rest] for v in (x, t, w, p, g)), count=count).total)
    return DoubleDouble(hi.reshape(shape), lo.reshape(shape))


def reduce(result: DoubleDouble, reduction: str) -> DoubleDouble:
    """The sum or mean of all numbers as they stand, exactly, as one pair."""
    if reduction == "none":
        return result
    total = IntegerSum()
    total.add(result.hi)
    total.add(result.lo)
    count = result.hi.size if reduction == "mean" else 1
    value = math.nan if count == 0 else total.special
    if value is None:
        exact = total.fraction() / count
        value = to_float(exact)
        if math.isfinite(value):
            return DoubleDouble(np.float64(value), np.float64(float(exact - Fraction(value))))
    return DoubleDouble(np.float64(value), np.float64(0.0))
