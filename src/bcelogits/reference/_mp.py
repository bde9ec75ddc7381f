"""The operator to hundreds of bits with mpmath, whose integers are those of gmpy2 where that is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bcelogits.reference._op import Op

__all__ = ["BITS", "evaluate", "import_mpmath", "reduce"]

# mpmath has no type information: its numbers are Any here.
Mpf: TypeAlias = Any

# Working precision of an elementwise value, and how many of those bits a subtraction may not eat.
BITS = 320
_KEPT_BITS = 256
# Enough for any cancellation between float64 operands (2 * 1074 bits and more); a difference that is still 0 is 0.
_MAX_BITS = 10_240
# Sums are exact for terms that differ by fewer than twice as many bits, and are rounded to this many.
_SUM_BITS = 8_192


def import_mpmath() -> Any:
    try:
        return importlib.import_module("mpmath")
    except ImportError as error:
        raise ImportError("precision='mp' needs mpmath: pip install 'bcelogits[cli]'") from error


def _mp_times(first: Mpf, second: Mpf) -> Mpf:
    """The product with 0 * inf = 0; `x != x` is the NaN test."""
    if first != first or second != second:
        return first if first != first else second
    return first * 0 if first == 0 else second * 0 if second == 0 else first * second


def _mp_softplus(mp: Any, z: Mpf) -> Mpf:
    if mp.isinf(z):
        return z if z > 0 else mp.zero
    return (z if z > 0 else mp.zero) + mp.log1p(mp.exp(-abs(z)))


def _mp_sigmoid(mp: Any, z: Mpf) -> Mpf:
    if mp.isinf(z):
        return mp.one if z > 0 else mp.zero
    e = mp.exp(-abs(z))
    return (mp.one if z >= 0 else e) / (1 + e)


def _mp_sum_of_two(mp: Any, terms: Callable[[], tuple[Mpf, Mpf]]) -> Mpf:
    """The sum of two terms to at least _KEPT_BITS bits, at a precision that grows with their cancellation."""
    bits = BITS
    while True:
        with mp.workprec(bits):
            first, second = terms()
            total = first + second
            if first == 0 or second == 0 or not (mp.isfinite(first) and mp.isfinite(second)):
                return total
            if total != 0 and max(mp.mag(first), mp.mag(second)) - mp.mag(total) <= bits - _KEPT_BITS:
                return total
        if bits >= _MAX_BITS:
            return total
        bits *= 2


def _mp_times_weight(mp: Any, w: Mpf, value: Mpf) -> Mpf:
    with mp.workprec(BITS):
        return _mp_times(w, value)


def _loss(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = import_mpmath().mp
    core = _mp_sum_of_two(
        mp, lambda: (_mp_times(1 - t, _mp_softplus(mp, x)), _mp_times(_mp_times(p, t), _mp_softplus(mp, -x)))
    )
    return _mp_times_weight(mp, w, core)


def _gradient(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = import_mpmath().mp
    core = _mp_sum_of_two(
        mp, lambda: (_mp_times(1 - t, _mp_sigmoid(mp, x)), -_mp_times(_mp_times(p, t), _mp_sigmoid(mp, -x)))
    )
    return _mp_times_weight(mp, w, core)


def _target_gradient(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = import_mpmath().mp
    core = -x if p == 1 else _mp_sum_of_two(mp, lambda: (_mp_times(p, _mp_softplus(mp, -x)), -_mp_softplus(mp, x)))
    return _mp_times_weight(mp, w, core)


def reduce(values: npt.NDArray[Any], reduction: str) -> Any:
    if reduction == "none":
        return values
    mp = import_mpmath().mp
    if values.size == 0:
        return mp.nan if reduction == "mean" else mp.zero
    with mp.workprec(_SUM_BITS):
        total = mp.fsum(values.ravel().tolist())
        return total / values.size if reduction == "mean" else total


_FORMULAS = {Op.LOSS: _loss, Op.BACKWARD: _gradient, Op.TARGET_BACKWARD: _target_gradient}


def evaluate(op: Op, x: Any, t: Any, w: Any, p: Any, grad_output: Any = None, count: int = 1) -> npt.NDArray[Any]:
    """The elementwise loss or gradient as `mpf`; a gradient times `grad_output`, over `count`."""
    mp = import_mpmath().mp
    result = np.empty(x.shape, dtype=object)
    for index in np.ndindex(*result.shape):
        value = _FORMULAS[op](*(mp.mpf(float(operand[index])) for operand in (x, t, w, p)))
        if op is not Op.LOSS and grad_output is not None:
            with mp.workprec(BITS):
                value = _mp_times(value, mp.mpf(float(grad_output[index]))) / count
        result[index] = value
    return result
