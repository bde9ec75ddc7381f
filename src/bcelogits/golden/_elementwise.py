"""The truth for runs of elements: values, their correct rounding, flags; special operands by a chosen rule."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bcelogits.golden import _special
from bcelogits.golden._elements import KINDS, Elements, Numbers, evaluate
from bcelogits.golden._model import FORMATS, Flag, Float64Array, Format, Op, Special, Truth
from bcelogits.golden._rounding import to_dtype
from bcelogits.reference._dd_operator import finite_operands

__all__ = ["elementwise", "numbers_of"]

_OPERANDS = ("logits", "targets", "weight", "pos_weight", "grad_output")


def numbers_of(op: Op, inputs: Mapping[str, Float64Array]) -> Numbers:
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
    """The losses, or the gradients, of a run of elements.

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
    numbers = numbers_of(op, inputs)
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
    choice: npt.NDArray[np.bool_],
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
        others = others._replace(p=finite_operands(KINDS[op], others.t, others.p)[1])
    found = evaluate(op, others, dtype, count)
    n = numbers.x.size
    result = Elements.blank(n)
    for column, part in zip(result, found, strict=True):
        column[where] = part
    at = places[known]
    result.value[at] = result.rounded[at] = value[known]
    result.scale[at] = np.abs(value[known])
    return result


def _outside(inputs: Mapping[str, Float64Array]) -> npt.NDArray[np.bool_]:
    """Targets outside [0, 1] and negative weights."""
    t = inputs["targets"]
    outside: npt.NDArray[np.bool_] = (t < 0) | (t > 1)
    for name in ("weight", "pos_weight"):
        if name in inputs:
            outside |= inputs[name] < 0
    return outside


def _flags(
    form: Format,
    result: Elements,
    strange: npt.NDArray[np.bool_],
    choice: npt.NDArray[np.bool_],
    outside: npt.NDArray[np.bool_],
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
