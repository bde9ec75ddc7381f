"""The exact results, from formulas in which nothing cancels, by means that have nothing in common with the package.

    loss            = w * [(1 - t) * sp(x) + p * t * sp(-x)]        sp(z) = max(z, 0) + log1p(exp(-|z|))
    gradient        = w * g / N * [(1 - t) * s(x) - p * t * s(-x)]  s(z) = 1 / (1 + exp(-z))
    target gradient = w * g / N * [p * sp(-x) - sp(x)]              for p = 1: -w * g / N * x

float64 with NumPy serves outputs up to float32: it is right to some 2**-51, which is 1e-8 ULP of float32. Float64
outputs, and 16-bit results that lie that near to a rounding boundary, take MPFR (gmpy2) at 320 bits. Differences are
given with the larger of their two terms, as the accuracy contract is relative to that one near a gradient's root.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import gmpy2
import numpy as np
from gmpy2 import mpfr

from accuracy_report.operands import GRADIENT, LOSS, Operands
from accuracy_report.ulp import Array, Floats
from bcelogits._formats import Format

# gmpy2's numbers; a list of them.
Mpfr: TypeAlias = Any
Column: TypeAlias = list[Mpfr]


def _softplus(z: Floats, tail: Floats) -> Floats:
    return np.maximum(z, 0.0) + tail


def _wide(value: Array | float | None) -> Floats | float:
    return 1.0 if value is None else value if isinstance(value, float) else value.astype(np.float64)


def _factor(operands: Operands) -> Floats | float:
    factor = _wide(operands.w) * _wide(operands.g)
    return factor / operands.x.size if operands.mean else factor


def in_float64(function: str, operands: Operands) -> tuple[Floats, Floats | None]:
    """The results, and the larger of two terms whose difference they are (None: the result itself)."""
    x, t, p = operands.x.astype(np.float64), operands.t.astype(np.float64), _wide(operands.p)
    e = np.exp(-np.abs(x))
    if function == LOSS:
        tail = np.log1p(e)
        return _wide(operands.w) * ((1 - t) * _softplus(x, tail) + p * t * _softplus(-x, tail)), None
    factor = _factor(operands)
    if function == GRADIENT:
        small, large = e / (1 + e), 1 / (1 + e)
        up, down = np.where(x >= 0, large, small), np.where(x >= 0, small, large)
        first, second = factor * ((1 - t) * up), factor * (p * t * down)
    elif operands.p is None:
        return -x * factor, None
    else:
        tail = np.log1p(e)
        first, second = factor * (p * _softplus(-x, tail)), factor * _softplus(x, tail)
    return first - second, np.maximum(first, second)


# ---- MPFR ------------------------------------------------------------------------------------------------------

_CONTEXT = gmpy2.context(precision=320, emin=-(10**9), emax=10**9)
_ONE = mpfr(1)


class Functions:
    """Softplus and sigmoid of x and of -x, computed when first needed."""

    def __init__(self, x: Array) -> None:
        """Keep the logits; nothing is computed yet."""
        self.x: Column = [mpfr(v) for v in x.astype(np.float64).tolist()]
        self._softplus: tuple[Column, Column] | None = None
        self._sigmoid: tuple[Column, Column] | None = None

    @property
    def softplus(self) -> tuple[Column, Column]:
        """log(1 + exp(x)) and log(1 + exp(-x))."""
        if self._softplus is None:
            with gmpy2.context(_CONTEXT):
                tails = [gmpy2.log1p(gmpy2.exp(-abs(x))) for x in self.x]
                zero = mpfr(0)
                self._softplus = (
                    [max(x, zero) + tail for x, tail in zip(self.x, tails, strict=True)],
                    [max(-x, zero) + tail for x, tail in zip(self.x, tails, strict=True)],
                )
        return self._softplus

    @property
    def sigmoid(self) -> tuple[Column, Column]:
        """1 / (1 + exp(-x)) and 1 / (1 + exp(x))."""
        if self._sigmoid is None:
            with gmpy2.context(_CONTEXT):
                up = [1 / (1 + gmpy2.exp(-x)) for x in self.x]
                down = [1 / (1 + gmpy2.exp(x)) for x in self.x]
                self._sigmoid = up, down
        return self._sigmoid


def _column(value: Array | float | None, n: int) -> Column:
    if value is None or isinstance(value, float):
        return [_ONE if value is None else mpfr(value)] * n
    return [mpfr(v) for v in value.astype(np.float64).tolist()]


def in_mpfr(function: str, operands: Operands, functions: Functions) -> tuple[Column, Column]:
    """The results, and the larger of the two terms of a difference (or the result itself)."""
    n = operands.x.size
    t, w, p = (_column(v, n) for v in (operands.t, operands.w, operands.p))
    with gmpy2.context(_CONTEXT):
        if function == LOSS:
            up, down = functions.softplus
            rows = zip(t, w, p, up, down, strict=True)
            value = [b * ((1 - a) * d + c * a * e) for a, b, c, d, e in rows]
            return value, value
        factor = [a * b for a, b in zip(w, _column(operands.g, n), strict=True)]
        if operands.mean:
            factor = [a / n for a in factor]
        if function == GRADIENT:
            up, down = functions.sigmoid
            first = [a * (1 - b) * c for a, b, c in zip(factor, t, up, strict=True)]
            second = [a * b * c * d for a, b, c, d in zip(factor, t, p, down, strict=True)]
        elif operands.p is None:
            value = [-a * b for a, b in zip(factor, functions.x, strict=True)]
            return value, value
        else:
            up, down = functions.softplus
            first = [a * b * c for a, b, c in zip(factor, p, down, strict=True)]
            second = [a * b for a, b in zip(factor, up, strict=True)]
        both = list(zip(first, second, strict=True))
        return [a - b for a, b in both], [max(a, b) for a, b in both]


def mpfr_errors(got: Iterable[float], truth: Column, scale: Column, form: Format) -> tuple[Floats, Floats]:
    """Errors as of `ulp.errors`, against truths in MPFR, for any format."""
    error, own = [], []
    with gmpy2.context(_CONTEXT):
        limit = gmpy2.exp2(form.emax + 1)

        def inverse(value: Mpfr, top: int) -> Mpfr:
            exponent = gmpy2.get_exp(value) - 1 if value != 0 else form.emin
            return gmpy2.exp2(form.fraction_bits - min(max(exponent, form.emin), top))

        for computed, exact, larger in zip(got, truth, scale, strict=True):
            if computed != computed:
                error.append(np.inf)
                own.append(np.inf)
                continue
            target = max(min(exact, limit), -limit)
            distance = abs(max(min(mpfr(computed), limit), -limit) - target)
            by_truth = inverse(exact, form.emax)
            by_scale = by_truth if larger is exact else min(by_truth, inverse(larger, 10**9))
            own.append(float(distance * by_truth))
            error.append(float(distance * by_scale))
    return np.array(error, dtype=np.float64), np.array(own, dtype=np.float64)
