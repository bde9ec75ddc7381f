"""What infinite and NaN operands lead to: as a limit, and in the two-term form that PyTorch and CANN document.

Only the kind of a result is found here: NaN, an infinity, 0, or some finite number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.reference import _dd_operator
from bcelogits.reference._elements import Numbers
from bcelogits.reference._op import Op

__all__ = ["differ", "limit", "two_term"]


def limit(op: Op, numbers: Numbers) -> Float64Array:
    """The limit, where 0 times infinity is 0; a finite number other than 0 only says that the result is one."""
    return _dd_operator.limits(op, *numbers.filled())


def _log_sigmoid(x: Float64Array) -> Any:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def two_term(op: Op, numbers: Numbers) -> Float64Array:
    """What IEEE arithmetic makes of PyTorch's formulas (aten/src/ATen/native/Loss.cpp, FunctionsManual.cpp).

    loss             w * [(1 - t) * x + (1 + (p - 1) * t) * (log1p(exp(-|x|)) + max(-x, 0))]
    gradient         w * g * [(p * t + 1 - t) * sigmoid(x) - p * t]; w * g * [sigmoid(x) - t] without p
    target gradient  w * g * [logsigmoid(-x) - p * logsigmoid(x)]; -x * w * g without p
    """
    x, t, w, p, g = numbers
    finite, core = _dd_operator.core_signs(op, x, t, np.ones_like(x) if p is None else p)
    x = np.where(np.isinf(x), x, np.clip(x, -1.0, 1.0))
    result: Any
    with np.errstate(all="ignore"):
        if op is Op.LOSS:
            tail = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0.0)
            result = (1.0 - t) * x + (tail if p is None else (1.0 + (p - 1.0) * t) * tail)
        elif op is Op.BACKWARD:
            s = 1.0 / (1.0 + np.exp(-x))
            result = s - t if p is None else (p * t + 1.0 - t) * s - p * t
        else:
            result = -x if p is None else _log_sigmoid(-x) - p * _log_sigmoid(x)
        # Whether the form cancels is no matter of infinities: where it is finite, the true sign stands for it.
        result[finite] = core
        for factor in (w, g):
            result = result if factor is None else result * np.where(np.isinf(factor), factor, np.sign(factor))
    return np.asarray(result, dtype=np.float64)


def differ(first: Float64Array, second: Float64Array) -> Mask:
    """Whether results of `limit` and `two_term` differ in kind."""
    same = np.isnan(first) & np.isnan(second)
    same |= np.isinf(first) & (first == second)
    same |= np.isfinite(first) & np.isfinite(second)
    return ~same
