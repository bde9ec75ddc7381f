"""The truth of calls of the operators, element by element: values, their correct rounding, and what they are.

The formulas are those of :mod:`bcelogits.reference`. Values come from float64 arithmetic and are computed again in
double-double, or with rational numbers, wherever float64 does not decide how they round. Special operands lead to what
a chosen rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum

import numpy as np
import numpy.typing as npt

from bcelogits._formats import FORMATS, Format
from bcelogits._typing import Array, Float64Array, Mask
from bcelogits.reference import _special
from bcelogits.reference._dd_operator import finite_operands
from bcelogits.reference._elements import Elements, Numbers, evaluate
from bcelogits.reference._op import Op
from bcelogits.reference.rounding import to_dtype

__all__ = ["Flag", "Op", "Special", "Truth", "elementwise"]

_OPERANDS = ("logits", "targets", "weight", "pos_weight", "grad_output")


class Special(StrEnum):
    """What the truth is at infinite operands (docs/precision.md 5.4).

    `LIMIT`: the limit; 0 times infinity is 0. `TORCH`: what IEEE arithmetic makes of the two-term form that PyTorch and
    CANN document, wherever an operand is not finite: NaN at a matching infinite logit.
    """

    LIMIT = "limit"
    TORCH = "torch"


class Flag(IntFlag):
    """What a golden element is, as bits of a uint8."""

    OVERFLOW = 1  # finite truth, infinite when rounded to the dtype
    SUBNORMAL = 2  # the rounded value is subnormal
    ZERO = 4  # the truth is not 0, but rounds to 0
    SPECIAL = 8  # an operand or the truth is infinite or NaN
    CHOICE = 16  # Special.LIMIT and Special.TORCH differ here
    OUTSIDE = 32  # a target outside [0, 1], or a negative weight or pos_weight


@dataclass(frozen=True)
class Truth:
    """The truth of a chunk of elements in C order; all arrays have one dimension and one length.

    `value` is not rounded to the output's dtype: it is the float64 nearest to the truth, give or take a few ULP of
    float64 (exact to `value + low` within 2**-100 where the output is float64; `low` is 0 else). `scale` is the
    larger of the two terms whose difference a gradient is, times its factors: errors near a gradient's root are
    relative to it. For the loss it is |value|.
    """

    value: Float64Array
    low: Float64Array
    scale: Float64Array
    rounded: Array  # of the output's dtype: rounded once, to nearest, ties to even
    flags: npt.NDArray[np.uint8]


def _numbers_of(op: Op, inputs: Mapping[str, Float64Array]) -> Numbers:
    """The operands by name as flat arrays; grad_output plays no part in the loss, nor the targets in their gradient.

    Raises:
        ValueError: logits or targets are missing, a name is unknown, or lengths differ.
    """
    unknown = [name for name in inputs if name not in _OPERANDS]
    missing = [name for name in ("logits", "targets") if name not in inputs]
    if unknown or missing:
        raise ValueError(f"inputs: {', '.join(inputs)}, expected logits, targets and of {', '.join(_OPERANDS[2:])}")
    arrays = {name: np.ascontiguousarray(value, dtype=np.float64) for name, value in inputs.items()}
    shape = arrays["logits"].shape
    for name, array in arrays.items():
        if array.ndim != 1 or array.shape != shape:
            raise ValueError(f"inputs: {name} of shape {array.shape}, expected ({shape[0] if shape else 1},) as logits")
    t = np.zeros(shape) if op is Op.TARGET_BACKWARD else arrays["targets"]
    g = None if op is Op.LOSS else arrays.get("grad_output")
    return Numbers(arrays["logits"], t, arrays.get("weight"), arrays.get("pos_weight"), g)


def elementwise(
    op: Op,
    inputs: Mapping[str, Float64Array],
    dtype: str,
    *,
    count: int = 1,
    special: Special = Special.LIMIT,
) -> Truth:
    """The losses, or the gradients, of a chunk of elements.

    Args:
        op: the operator.
        inputs: flat float64 arrays of one length, broadcast, each exact: "logits", "targets", and if the call has
            them "weight", "pos_weight", "grad_output".
        dtype: the output's: "f16", "bf16", "f32" or "f64".
        count: what a gradient is divided by: the number of logits for the mean, else 1.
        special: what holds at infinite operands.

    Returns:
        The truth of each element.

    Raises:
        ValueError: inputs that do not fit, or another dtype.

    >>> truth = elementwise(Op.LOSS, {"logits": np.array([-20.0]), "targets": np.zeros(1)}, "f32")
    >>> truth.value, truth.rounded
    (array([2.06115362e-09]), array([2.0611537e-09], dtype=float32))
    """
    if dtype not in FORMATS:
        raise ValueError(f"dtype: {dtype!r}, expected one of {', '.join(FORMATS)}")
    op, special = Op(op), Special(special)
    numbers = _numbers_of(op, inputs)
    strange = np.zeros(numbers.x.shape, dtype=np.bool_)
    for operand in numbers:
        if operand is not None and not np.isfinite(operand).all():
            strange |= ~np.isfinite(operand)
    choice = np.zeros_like(strange)
    if strange.any():
        result = _with_special(op, numbers, dtype, count, special, np.flatnonzero(strange), choice)
    else:
        result = evaluate(op, numbers, dtype, count)
    flags = _flags(FORMATS[dtype], result, strange, choice, _outside(inputs))
    return Truth(result.value, result.low, result.scale, to_dtype(result.rounded, dtype), flags)


def _with_special(
    op: Op,
    numbers: Numbers,
    dtype: str,
    count: int,
    special: Special,
    places: npt.NDArray[np.intp],
    choice: Mask,
) -> Elements:
    """The results where the operands at `places` are not all finite."""
    some = numbers.at(places)
    value = _special.limit(op, some)
    ieee = _special.two_term(op, some)
    choice[places] = _special.differ(value, ieee)
    if special is Special.TORCH:
        value = np.where(choice[places], ieee, value)
    known = ~np.isfinite(value) | (value == 0)
    # The other elements are finite and not 0; an infinite operand that is left over has no part in them.
    rest = np.ones(numbers.x.shape, dtype=np.bool_)
    rest[places[known]] = False
    where = np.flatnonzero(rest)
    others = numbers.at(where)
    if others.p is not None:
        others = others._replace(p=finite_operands(op, others.t, others.p)[1])
    found = evaluate(op, others, dtype, count)
    n = numbers.x.size
    result = Elements.blank(n)
    for column, part in zip(result, found, strict=True):
        column[where] = part
    at = places[known]
    result.value[at] = result.rounded[at] = value[known]
    result.scale[at] = np.abs(value[known])
    return result


def _outside(inputs: Mapping[str, Float64Array]) -> Mask:
    """Targets outside [0, 1] and negative weights."""
    t = inputs["targets"]
    outside: Mask = (t < 0) | (t > 1)
    for name in ("weight", "pos_weight"):
        if name in inputs:
            outside |= inputs[name] < 0
    return outside


def _flags(
    form: Format,
    result: Elements,
    strange: Mask,
    choice: Mask,
    outside: Mask,
) -> npt.NDArray[np.uint8]:
    magnitude = np.abs(result.rounded)
    # A value beyond float64 is a finite truth all the same: only an infinite operand makes an infinite one.
    unbounded = strange & ~np.isfinite(result.value)
    flags = np.zeros(magnitude.shape, dtype=np.uint8)
    for flag, where in (
        (Flag.OVERFLOW, np.isinf(magnitude) & ~unbounded),
        (Flag.SUBNORMAL, (magnitude > 0) & (magnitude < form.min_normal)),
        (Flag.ZERO, result.lost),
        (Flag.SPECIAL, strange),
        (Flag.CHOICE, choice),
        (Flag.OUTSIDE, outside),
    ):
        flags[where] |= np.uint8(flag)
    return flags
