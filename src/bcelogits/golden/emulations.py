"""Own implementations in a device's own dtype, for rules that compare a device with a third party.

The Ascend precision standard allows an own CPU implementation as the third party ("benchmark"). Two formulas:

- "torch-form", the two-term form that PyTorch and CANN document. It cancels for confident negatives, so that a
  device with the same flaw looks no worse than it.
- "stable-form", in which nothing cancels.

float32 and float64 compute in their own dtype; float16 and bfloat16 in float32, rounded once (in float64, if an operand
is of that). "...-native" rounds
every intermediate result to the dtype itself, as a kernel without a wider type does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits.reference.truth import Op

__all__ = ["THIRD", "Emulation", "reduce_chunks"]

# Operator, operands by name (flat, each of its own dtype), the output's dtype, a gradient's divisor.
Emulation: TypeAlias = Callable[[Op, Mapping[str, Array], str, int], Array]


def _product(first: Any, *factors: Any) -> Any:
    for factor in factors:
        first = first if factor is None else first * factor
    return first


def _log_sigmoid(x: Any) -> Any:
    return np.minimum(x, x.dtype.type(0)) - np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: Any) -> Any:
    one = x.dtype.type(1)
    return one / (one + np.exp(-x))


def _torch_form(op: Op, x: Any, t: Any, w: Any, p: Any, g: Any) -> Any:
    one, zero = x.dtype.type(1), x.dtype.type(0)
    if op is Op.LOSS:
        tail = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, zero)
        if p is not None:
            tail = ((p - one) * t + one) * tail
        return _product((one - t) * x + tail, w)
    if op is Op.BACKWARD:
        core = _sigmoid(x) - t if p is None else (p * t + one - t) * _sigmoid(x) - p * t
        return _product(core, w, g)
    return _product(-x if p is None else _log_sigmoid(-x) - p * _log_sigmoid(x), w, g)


def _stable_form(op: Op, x: Any, t: Any, w: Any, p: Any, g: Any) -> Any:
    one, zero = x.dtype.type(1), x.dtype.type(0)
    e = np.exp(-np.abs(x))
    if op is Op.BACKWARD:
        small, large = e / (one + e), one / (one + e)
        up, down = np.where(x >= zero, large, small), np.where(x >= zero, small, large)
        return _product((one - t) * up - _product(t, p) * down, w, g)
    tail = np.log1p(e)
    plus, minus = np.maximum(x, zero) + tail, np.maximum(-x, zero) + tail
    if op is Op.LOSS:
        return _product((one - t) * plus + _product(t, p) * minus, w)
    return _product(-x if p is None else (p - one) * minus - x, w, g)


def _emulation(formula: Callable[..., Any], native: bool) -> Emulation:
    def compute(op: Op, operands: Mapping[str, Array], dtype: str, count: int) -> Array:
        out = FORMATS[dtype].dtype
        given = [operands.get(name) for name in ("logits", "targets", "weight", "pos_weight", "grad_output")]
        wide = dtype == "f64" or any(v is not None and v.dtype == np.float64 for v in given)
        arithmetic = out if native else np.dtype(np.float64 if wide else np.float32)
        with np.errstate(all="ignore"):
            numbers = [None if v is None else np.asarray(v).astype(arithmetic) for v in given]
            if op is Op.LOSS:
                numbers[4] = None
            result = formula(op, *numbers)
            if op is not Op.LOSS and count != 1:
                result = result / arithmetic.type(count)
            return np.asarray(result).astype(out)

    return compute


THIRD: dict[str, Emulation] = {
    "torch-form": _emulation(_torch_form, native=False),
    "stable-form": _emulation(_stable_form, native=False),
    "torch-form-native": _emulation(_torch_form, native=True),
    "stable-form-native": _emulation(_stable_form, native=True),
}


def reduce_chunks(chunks: Iterable[Array], mean: bool, dtype: str) -> Array:
    """The sum or mean of losses as a device accumulates: in float32 (float64 of that dtype), pairwise, rounded once.

    Each chunk is added pairwise, and so are the chunks' sums. The mean of nothing is NaN, its sum 0. A 0-d array.
    """
    kind = np.dtype(np.float64 if dtype == "f64" else np.float32)
    with np.errstate(all="ignore"):
        count, sums = 0, [kind.type(0)]
        for values in chunks:
            count += values.size
            sums.append(np.add.reduce(values.astype(kind), dtype=kind))
        total = np.add.reduce(np.array(sums, dtype=kind), dtype=kind)
        return np.asarray(total / kind.type(count) if mean else total).astype(FORMATS[dtype].dtype)
