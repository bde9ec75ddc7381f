"""The operator by its definition with mpmath, to so many bits that even exp(-|x|) beside 1 is seen, as rationals."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from bcelogits.golden import Op

LEAST = Fraction(1, 1 << 20_000)
# Beyond this |x| the exponential is taken as exp(-_FAR) = 2**-7213: no less invisible, but there.
_FAR = 5000.0


def _bits(x: float) -> int:
    return 1500 if abs(x) < 900 else 9000


def as_fraction(value: Any) -> Fraction:
    """An mpf, exactly; below `LEAST` that number, which is none of any format either, in its place."""
    sign, mantissa, exponent, size = value._mpf_
    if mantissa and exponent + size < -20_000:
        return -LEAST if sign else LEAST
    magnitude = Fraction(int(mantissa)) * Fraction(2) ** exponent
    return Fraction(-magnitude if sign else magnitude)


@lru_cache(maxsize=10_000)
def _tail(magnitude: float, bits: int) -> tuple[Any, Any]:
    """exp(-|x|) and log1p of it."""
    with mpmath.workprec(bits):
        e = mpmath.exp(-min(magnitude, _FAR))
        return e, mpmath.log1p(e)


def _one(op: Op, x: float, t: float, w: float, p: float, g: float) -> tuple[Any, Any]:
    """The result and its larger term; in a context of enough bits."""
    e, tail = _tail(abs(x), mpmath.mp.prec)
    x, t, w, p, g = map(mpmath.mpf, (x, t, w, p, g))
    plus, minus = max(x, mpmath.mpf(0)) + tail, max(-x, mpmath.mpf(0)) + tail
    factor = w if op is Op.LOSS else w * g
    if op is Op.LOSS:
        first, second = factor * (1 - t) * plus, factor * p * t * minus
    elif op is Op.BACKWARD:
        small, large = e / (1 + e), 1 / (1 + e)
        up, down = (large, small) if x >= 0 else (small, large)
        first, second = factor * (1 - t) * up, -factor * p * t * down
    else:
        first, second = factor * p * minus, -factor * plus
    larger = max(abs(first), abs(second))
    if op is Op.TARGET_BACKWARD and p == 1:  # softplus(x) - softplus(-x) is x, exactly
        return -factor * x, larger
    return first + second, larger


def truths(op: Op, inputs: dict[str, Any], count: int = 1) -> list[tuple[Fraction, Fraction]]:
    """For each element the result, and the magnitude of the larger of its two terms."""
    n = inputs["logits"].size
    ones = np.ones(n)
    columns = [inputs.get(name, ones) for name in ("logits", "targets", "weight", "pos_weight", "grad_output")]
    results = []
    for row in zip(*(column.tolist() for column in columns), strict=True):
        with mpmath.workprec(_bits(row[0])):
            result, larger = _one(op, *row)
            divisor = 1 if op is Op.LOSS else count
            results.append((as_fraction(result) / divisor, as_fraction(larger) / divisor))
    return results
