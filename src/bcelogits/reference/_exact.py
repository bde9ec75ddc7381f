"""One element rounded correctly for certain, where double-double arithmetic cannot decide.

Every result of the operator is ``a + c * T`` with rational a and c, and a transcendental T between 0 and exp(-|x|)::

    loss               a = w * (1 - t) * x, or w * p * t * |x| for x < 0        c = w * (1 - t + p t)   T = log1p(e)
    gradient           a = w * (1 - t), or -w * p * t for x < 0                 c = -+w * (1 - t + p t) T = e / (1 + e)
    target gradient    a = -w * x, or w * p * |x| for x < 0                     c = w * (p - 1)         T = log1p(e)

with e = exp(-|x|), times grad_output / N for gradients. T is enclosed by `decimal`'s correctly rounded exp and ln at a
precision that grows until both ends of the result round to the same number. That ends: T is irrational for x other
than 0 (Lindemann and Weierstrass), so the result is no tie unless c or x is 0, and then it is rational.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Sequence
from fractions import Fraction

from bcelogits._formats import Format
from bcelogits.reference._op import Op
from bcelogits.reference.rounding import nearest

__all__ = ["is_zero", "rational_parts", "rounded"]

_DIGITS = 60
# Beyond this |x|, T is below 2**-10,098; a lies on a boundary or is further from one than c * T can be (float64
# operands are multiples of 2**-1074 below 2**1024), so that any number that small decides as T itself does.
_FAR = 7000.0
_FAR_TAIL = (Fraction(1, 1 << 10_200), Fraction(1, 1 << 10_098))


def rational_parts(
    op: Op, x: float, t: float, w: float, p: float, g: float, *, count: int
) -> tuple[Fraction, Fraction, Fraction]:
    """a, c and |x|; for infinite x (of the gradient) c is 0."""
    infinite = math.isinf(x)
    magnitude = Fraction(0) if infinite else Fraction(abs(x))
    target, weight, positive = Fraction(t), Fraction(w), Fraction(p)
    q = 1 - target + positive * target
    if op is Op.LOSS:
        return weight * ((1 - target) if x >= 0 else positive * target) * magnitude, weight * q, magnitude
    factor = weight * Fraction(g) / count
    if op is Op.BACKWARD:
        whole = (1 - target) if x >= 0 else -positive * target
        return factor * whole, Fraction(0) if infinite else factor * (-q if x >= 0 else q), magnitude
    return factor * (-magnitude if x >= 0 else positive * magnitude), factor * (positive - 1), magnitude


def is_zero(op: Op, x: float, t: float, w: float, p: float, g: float, *, count: int) -> bool:
    """Whether the result is 0 exactly."""
    a, c, magnitude = rational_parts(op, x, t, w, p, g, count=count)
    if magnitude == 0 and op is Op.BACKWARD:
        return a + c / 2 == 0
    return a == 0 and c == 0


def _tail(op: Op, x: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    """An interval with T of x > 0 inside; its relative width is some 10**-digits, or exp(-x) if that is less."""
    with decimal.localcontext(prec=digits + 5, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX) as context:
        # x is a float64: as a decimal number it may have 767 digits, and all of them count.
        exact = decimal.Context(prec=1100).divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator))
        e = exact.copy_negate().exp()
        slack = Fraction(1, 10**digits)
        if op is Op.BACKWARD:
            tail = Fraction(e) / (1 + Fraction(e))
        elif e.adjusted() < -digits:
            return Fraction(e) * (1 - slack) * (1 - Fraction(e) * (1 + slack)), Fraction(e) * (1 + slack)
        else:
            # 1 + e as exactly as e itself is. An error of e becomes no larger, relative to the logarithm.
            context.prec -= e.adjusted()
            tail = Fraction((1 + e).ln())
        return tail * (1 - slack), tail * (1 + slack)


def _log2(digits: int) -> tuple[Fraction, Fraction]:
    with decimal.localcontext(prec=digits + 5):
        value, slack = Fraction(decimal.Decimal(2).ln()), Fraction(1, 10**digits)
        return value * (1 - slack), value * (1 + slack)


def rounded(
    op: Op, forms: Sequence[Format], x: float, t: float, w: float, p: float, g: float, *, count: int
) -> list[float]:
    """The result in each of some formats, rounded once. Operands are finite, but for infinite x of the gradient."""
    a, c, magnitude = rational_parts(op, x, t, w, p, g, count=count)
    if c == 0 or (magnitude == 0 and op is Op.BACKWARD):
        return [nearest(a + c / 2, form) for form in forms]
    digits = _DIGITS
    while True:
        near = _tail(op, magnitude, digits) if 0 < magnitude <= _FAR else _log2(digits)
        tail = _FAR_TAIL if magnitude > _FAR else near
        low, high = (a + c * end for end in tail)
        found = [nearest(low, form) for form in forms]
        if found == [nearest(high, form) for form in forms]:
            return found
        digits *= 2
