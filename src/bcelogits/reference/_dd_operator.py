"""The operator in double-double arithmetic: losses and gradients to 100 bits of the larger of their two terms.

Works on flat float64 arrays of one length. Operands are finite, but for infinite logits of the gradient, where the
sigmoids are 0 and 1; `limits` says what other infinite operands lead to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.reference._dd import (
    Scaled,
    add,
    divide,
    multiply,
    negate,
    normalise,
    scaled,
    select,
    two_sum,
    where_larger,
)
from bcelogits.reference._dd_functions import tails
from bcelogits.reference._f64 import evaluate, times
from bcelogits.reference._op import Op

__all__ = ["Values", "core_signs", "finite_operands", "limits", "values"]

# Elements computed at once: the temporaries stay in a core's own cache.
_BLOCK = 1 << 12


class Values(NamedTuple):
    """Results, and the magnitude of the larger of the two terms whose sum or difference each is."""

    total: Scaled
    larger: Scaled


def limits(op: Op, x: Float64Array, t: Float64Array, w: Float64Array, p: Float64Array, g: Float64Array) -> Float64Array:
    """What infinite and NaN operands lead to: 0, an infinity, NaN, or some finite number that is not 0.

    A finite number only says that the result is finite and not 0. Magnitudes are taken out, lest they overflow: they
    matter only where two finite terms are subtracted (`core_signs`); elsewhere one of the two is all or nothing.
    """
    finite, core = core_signs(op, x, t, p)
    x = np.where(np.isinf(x), x, np.clip(x, -1.0, 1.0))
    w, g = _sign(w), _sign(g)
    result = evaluate(op, x, t, w, _sign(p), g)
    with np.errstate(all="ignore"):
        result[finite] = times(times(core, w[finite]), g[finite])
    return result


def _sign(value: Float64Array) -> Float64Array:
    return np.where(np.isinf(value), value, np.sign(value))


def core_signs(op: Op, x: Float64Array, t: Float64Array, p: Float64Array) -> tuple[Mask, Float64Array]:
    """Where x, t and p are finite (of the target gradient x and p), and the signs there of the result for w = g = 1."""
    finite = np.isfinite(x) & np.isfinite(t) & np.isfinite(p)
    if op is Op.TARGET_BACKWARD:
        finite = np.isfinite(x) & np.isfinite(p)
    x, t, p = x[finite], np.where(np.isfinite(t[finite]), t[finite], 0.0), p[finite]
    ones = np.ones_like(x)
    return finite, np.sign(values(op, x, t, ones, p, ones).total.hi)


def finite_operands(op: Op, t: Float64Array, p: Float64Array) -> tuple[Float64Array, Float64Array]:
    """t and p where the result is finite and not 0: an infinite p has no part in it, nor has t in its own gradient."""
    return np.zeros_like(t) if op is Op.TARGET_BACKWARD else t, np.where(np.isinf(p), 0.0, p)


def _one_minus(t: Float64Array) -> Scaled:
    high, low = two_sum(1.0, -t)
    return normalise(high, low, 0)


def _values(
    op: Op,
    x: Float64Array,
    t: Float64Array,
    w: Float64Array,
    p: Float64Array,
    g: Float64Array,
    *,
    count: int,
) -> Values:
    factor = scaled(w)
    if op is Op.LOSS:
        plus, minus, _, _ = tails(x, sigmoid=False)
        first = multiply(factor, multiply(_one_minus(t), plus))
        second = multiply(factor, multiply(multiply(scaled(p), scaled(t)), minus))
        return Values(add(first, second), where_larger(first, second))
    factor = multiply(factor, scaled(g))
    if count != 1:
        high = np.full_like(w, float(count))
        factor = divide(factor, normalise(high, np.full_like(w, float(count - int(float(count)))), 0))
    if op is Op.BACKWARD:
        _, _, up, down = tails(x, softplus=False)
        first = multiply(factor, multiply(_one_minus(t), up))
        second = multiply(factor, multiply(multiply(scaled(p), scaled(t)), down))
        return Values(add(first, negate(second)), where_larger(first, second))
    plus, minus, _, _ = tails(x, sigmoid=False)
    first, second = multiply(factor, multiply(scaled(p), minus)), multiply(factor, plus)
    # softplus(x) - softplus(-x) is x.
    total = select(p == 1.0, multiply(factor, scaled(-x)), add(first, negate(second)))
    return Values(total, where_larger(first, second))


def values(
    op: Op,
    x: Float64Array,
    t: Float64Array,
    w: Float64Array,
    p: Float64Array,
    g: Float64Array,
    *,
    count: int = 1,
) -> Values:
    """The losses or gradients (over `count`) of flat operands of one length."""
    operands = (x, t, w, p, g)
    with np.errstate(all="ignore"):
        blocks = [
            _values(op, *(operand[start : start + _BLOCK] for operand in operands), count=count)
            for start in range(0, max(x.size, 1), _BLOCK)
        ]
    return Values(*(_join([block[part] for block in blocks]) for part in range(2)))


def _join(parts: list[Scaled]) -> Scaled:
    return parts[0] if len(parts) == 1 else Scaled(*(np.concatenate(column) for column in zip(*parts, strict=True)))
