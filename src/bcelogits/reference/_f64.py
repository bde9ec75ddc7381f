"""The operator in float64 with NumPy: formulas in which nothing cancels, and 0 times infinity is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.reference._op import Op
from bcelogits.reference.sums import IntegerSum

__all__ = ["evaluate", "reduce", "times"]


def times(first: Any, second: Any) -> Float64Array:
    """The product with 0 * inf = 0."""
    product = np.multiply(first, second)
    zero = (np.equal(first, 0) | np.equal(second, 0)) & ~(np.isnan(first) | np.isnan(second))
    return np.where(zero & np.isnan(product), 0.0, product)


def _softplus(z: Float64Array) -> Float64Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _sigmoid(z: Float64Array) -> Float64Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _loss(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    return times(w, times(1.0 - t, _softplus(x)) + times(times(p, t), _softplus(-x)))


def _gradient(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    a, b = 1.0 - t, times(p, t)
    direct = times(a, _sigmoid(x)) - times(b, _sigmoid(-x))
    # The same difference around x = 0, where the two sigmoids are nearly equal: (a - b)/2 + (a + b)/2 * tanh(x/2).
    centred = (a - b) / 2 + (a + b) / 2 * np.tanh(x / 2)
    return times(w, np.where((np.abs(x) < 1) & np.isfinite(a) & np.isfinite(b), centred, direct))


def _target_gradient(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    direct = times(p, _softplus(-x)) - _softplus(x)
    # For p near 1 the two softplus nearly cancel; their difference is -x exactly.
    near_one = (p >= 0.5) & (p <= 2) & np.isfinite(x)
    core = np.where(near_one, (p - 1.0) * _softplus(-x) - x, direct)
    return times(w, np.where(p == 1, -x, core))


_FORMULAS = {Op.LOSS: _loss, Op.BACKWARD: _gradient, Op.TARGET_BACKWARD: _target_gradient}


def evaluate(op: Op, x: Any, t: Any, w: Any, p: Any, grad_output: Any = None, count: int = 1) -> Float64Array:
    """The elementwise loss or gradient; a gradient times `grad_output`, over `count`."""
    with np.errstate(all="ignore"):
        result = np.asarray(_FORMULAS[op](x, t, w, p), dtype=np.float64)
        if op is Op.LOSS or grad_output is None:
            return result
        return np.asarray(times(result, grad_output) / count if result.size else result, dtype=np.float64)


def reduce(values: Float64Array, reduction: str) -> Float64Array | np.float64:
    """The sum of the values, rounded once, and for the mean divided; the mean of nothing is NaN."""
    if reduction == "none":
        return values
    total = IntegerSum()
    total.add(values)
    if reduction == "sum":
        return np.float64(total.value)
    if not total.count:
        return np.float64(math.nan)
    # A sum beyond float64 may have a mean within.
    beyond = total.special is None and math.isinf(total.value)
    return np.float64(total.mean if beyond else total.value / total.count)
