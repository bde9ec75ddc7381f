"""Losses and gradients of finite operands: in float64 first, again in double-double where that may not do.

The float64 formulas are those in which nothing cancels but the two terms of a gradient; their error is below 2**-48 of
the larger term. A result is computed again in double-double

- where it lies so near to a boundary of the output's rounding that this error could decide (2**-40 of the larger term);
- near a root of a gradient, where float64 has lost bits;
- where an intermediate result may have left the range of float64;

and where even that leaves the rounding open, by `_exact`. Float64 outputs start with double-double.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcelogits._formats import FORMATS, Format
from bcelogits._typing import Float64Array, Mask
from bcelogits.reference import _dd_operator, _exact
from bcelogits.reference._dd import Scaled, select, two_product
from bcelogits.reference._dd_rounding import round_scaled, to_pair
from bcelogits.reference._op import Op
from bcelogits.reference.rounding import margin

__all__ = ["Elements", "Numbers", "evaluate"]

# Elements computed at once: the temporaries stay in a core's own cache.
_BLOCK = 1 << 14
_UNSURE = 2.0**-40  # of the larger term: nearer to a boundary, float64 does not decide
_UNSURE_DD = 2.0**-95
_CANCELLED = 2.0**-3  # of the larger term: below, a gradient has lost three bits and more
_SMALL = 2.0**-900  # below: something may have underflowed
_WILD = 2.0**200  # products of operands between this and its inverse stay in range; so do all of up to 32 bits
_DEEP = 2.0**-45  # of the larger term: a gradient so near to its root has few bits left in double-double


class Numbers(NamedTuple):
    """Operands as flat float64 arrays of one length; weights that there are not are None."""

    x: Float64Array
    t: Float64Array
    w: Float64Array | None
    p: Float64Array | None
    g: Float64Array | None

    def at(self, index: npt.NDArray[np.intp] | slice) -> Numbers:
        """The operands of some elements."""
        return Numbers(*(None if v is None else v[index] for v in self))  # type: ignore[arg-type]

    def filled(self) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]:
        """All five operands, ones in place of a weight that there is not."""
        ones = np.ones_like(self.x)
        w, p, g = (ones if v is None else v for v in (self.w, self.p, self.g))
        return self.x, self.t, w, p, g


class Elements(NamedTuple):
    """Results; see `Truth`. `rounded` holds numbers of the output's format."""

    value: Float64Array
    low: Float64Array
    scale: Float64Array
    rounded: Float64Array
    lost: Mask  # not 0, but rounded to 0

    @classmethod
    def blank(cls, n: int) -> Elements:
        """Results of n elements, yet to be filled in."""
        return cls(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.bool_))

    def part(self, places: slice) -> Elements:
        """A view of the results of some elements."""
        return Elements(
            self.value[places], self.low[places], self.scale[places], self.rounded[places], self.lost[places]
        )


def evaluate(op: Op, numbers: Numbers, dtype: str, count: int) -> Elements:
    """The results of finite operands (infinite logits of the gradient are allowed)."""
    n = numbers.x.size
    form = FORMATS[dtype]
    result = Elements.blank(n)
    if dtype == "f64":
        _again(op, numbers, form, count, np.arange(n), result)
        return result
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        block = result.part(part)
        inputs = numbers.at(part)
        with np.errstate(all="ignore"):
            open_places = np.flatnonzero(_quick(op, inputs, dtype, count, block))
        if open_places.size:
            _again(op, inputs.at(open_places), form, count, open_places, block)
    return result


# ---- float64 ---------------------------------------------------------------------------------------------------


def _product(*factors: Float64Array | None) -> Float64Array | float:
    result: Float64Array | float = 1.0
    for factor in factors:
        if factor is not None:
            result = factor if isinstance(result, float) else result * factor
    return result


def _terms(op: Op, numbers: Numbers, count: int) -> tuple[Float64Array, Float64Array]:
    """The results in float64 and the magnitude of the larger of their terms."""
    x, t, w, p, g = numbers
    if op is Op.TARGET_BACKWARD and p is None:
        value = -x * _product(w, g) / count
        return value, np.abs(value)
    magnitude = np.abs(x)
    e = np.exp(-magnitude)
    if op is Op.BACKWARD:
        small = e / (1.0 + e)
        positive = x >= 0
        up, down = np.where(positive, 1.0 - small, small), np.where(positive, small, 1.0 - small)
        factor = _product(w, g) / count
        first, second = factor * ((1.0 - t) * up), factor * (_product(p, t) * down)
        return first - second, np.maximum(np.abs(first), np.abs(second))
    tail = np.log1p(e)
    plus, minus = np.maximum(x, 0.0) + tail, np.maximum(-x, 0.0) + tail
    if op is Op.LOSS:
        first, second = (1.0 - t) * plus, _product(p, t) * minus
        value, larger = first + second, np.maximum(np.abs(first), np.abs(second))
        return (value, larger) if w is None else (w * value, np.abs(w) * larger)
    factor = _product(w, g) / count
    first, second = factor * (_product(p) * minus), factor * plus
    return first - second, np.maximum(np.abs(first), np.abs(second))


def _quick(op: Op, numbers: Numbers, dtype: str, count: int, out: Elements) -> Mask:
    """Fill in what float64 gives; True where it may not do."""
    value, larger = _terms(op, numbers, count)
    rounded, distance = margin(value, dtype)
    magnitude = np.abs(value)
    out.value[:], out.rounded[:] = value, rounded
    is_difference = op is Op.BACKWARD or (op is Op.TARGET_BACKWARD and numbers.p is not None)
    out.scale[:] = larger if is_difference else magnitude
    unsure = distance <= _UNSURE * larger
    if is_difference:
        unsure |= magnitude < _CANCELLED * larger
    if op is Op.TARGET_BACKWARD and unsure.any():
        places = np.flatnonzero(unsure)
        unsure[places] = ~_is_exact(numbers.at(places), value[places], count)
    small = magnitude < _SMALL
    if small.any():
        places = np.flatnonzero(small)
        unsure[places] = ~_is_zero(op, numbers.at(places))
    wild = ~np.isfinite(value)
    for operand in numbers:
        if operand is not None:
            size = np.abs(operand)
            wild |= size > _WILD
            wild |= (size < 1.0 / _WILD) & (size > 0)
    unsure |= wild
    out.lost[:] = (rounded == 0) & (value != 0)
    return unsure


def _is_exact(numbers: Numbers, value: Float64Array, count: int) -> Mask:
    """Where -x * w * g / count is the target gradient, and float64 has it exactly."""
    x, _, w, p, g = numbers.filled()
    first, error = two_product(-x, w)
    second, more = two_product(first, g)
    back, rest = two_product(value, float(count))
    exact: Mask = (error == 0) & (more == 0) & (back == second) & (rest == 0) & (p == 1)
    return exact if float(count) == count else np.zeros_like(exact)


def _is_zero(op: Op, numbers: Numbers) -> Mask:
    """Where a factor of 0 makes the result 0 exactly."""
    x, t, w, p, g = numbers.filled()
    zero: Mask = (w == 0) | (g == 0)
    zero |= ((p == 1) & (x == 0)) if op is Op.TARGET_BACKWARD else ((t == 1) & (p == 0))
    return zero


# ---- double-double and beyond ----------------------------------------------------------------------------------


def _ratio(a: Scaled, b: Scaled) -> Float64Array:
    """|a / b| to a few bits; infinite for b = 0."""
    shift = np.clip(a.exponent - b.exponent, -1000, 1000).astype(np.int32)
    return np.where(b.hi == 0, np.inf, np.ldexp(np.abs(a.hi / b.hi), shift))


def _again(op: Op, numbers: Numbers, form: Format, count: int, places: npt.NDArray[np.intp], out: Elements) -> None:
    """Fill in the results at `places`, which `numbers` are the operands of."""
    operands = numbers.filled()
    with np.errstate(all="ignore"):
        total, larger = _dd_operator.values(op, *operands, count=count)
        hi, lo = to_pair(total)
        rounded, boundary = round_scaled(total, form.fraction_bits, form.emin, form.emax)
        # -x * w * g is no difference: its error is relative to itself.
        sure = select((operands[3] == 1.0) & (op is Op.TARGET_BACKWARD), total, larger)
        unsure = _ratio(boundary, sure) <= _UNSURE_DD
        deep = _ratio(total, sure) < _DEEP
        is_difference = op is Op.BACKWARD or (op is Op.TARGET_BACKWARD and numbers.p is not None)
        scale = to_pair(larger)[0] if is_difference else np.abs(hi)
    nonzero = total.hi != 0
    wide = FORMATS["f64"]
    for i in np.flatnonzero(unsure & (larger.hi != 0)).tolist():
        one = [float(operand[i]) for operand in operands]
        rounded[i], exact = _exact.rounded(op, (form, wide), *one, count=count)
        if deep[i]:
            hi[i], lo[i] = exact, 0.0
            nonzero[i] = not _exact.is_zero(op, *one, count=count)
    out.value[places], out.scale[places], out.rounded[places] = hi, scale, rounded
    out.low[places] = lo if form.name == "f64" else 0.0
    out.lost[places] = nonzero & (rounded == 0)
