"""The truth of a reduced loss: exact sums, rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import numpy as np

from bcelogits._formats import FORMATS
from bcelogits._typing import Array, Float64Array
from bcelogits.reference.rounding import nearest, to_dtype
from bcelogits.reference.sums import IntegerSum, to_float
from bcelogits.reference.truth import Flag, Op, Special, Truth, elementwise

__all__ = ["ReducedLoss", "reduce_losses"]

# The float64 losses are right to 2**-48, so their sum is; in double-double to 2**-98.
_ERROR = Fraction(1, 1 << 46)
_ERROR_PRECISE = Fraction(1, 1 << 96)
# A tail beyond this |x| is below 2**-86 of the loss and may be lost; what stands for it only breaks ties.
_FAR = 60.0
_TINY = Fraction(1, 1 << 20_000)
_STICKY = Flag.SPECIAL | Flag.CHOICE | Flag.OUTSIDE


class ReducedLoss:
    """The sum or mean of losses that come in chunks, in any order.

    Two sums are kept, both exact. `truth` is the ideal one, of the exact losses: they are computed to some 2**-48
    (2**-98 if `precise`), added exactly, divided by their number for the mean, and rounded once. `contract` is the sum
    of losses that were each rounded to the dtype of the computation first, which is what a kernel that adds exactly
    returns. The mean of nothing is NaN, its sum 0.

    Args:
        dtype: the output's.
        mean: divide by the number of losses.
        special: what holds at infinite operands.
        compute: the dtype that losses are rounded to for `contract`; by default "f64" for that output, else "f32".
        precise: compute losses in double-double. Needed if `decided` is False without it: then the ideal sum lies so
            near to where its rounding turns that the error of the losses could decide (`reduce_losses` sees to that).

    >>> total = ReducedLoss("f16", mean=False)
    >>> total.add({"logits": np.zeros(100_000), "targets": np.zeros(100_000)})
    >>> total.truth().value, total.truth().rounded, Flag(int(total.truth().flags[0]))
    (array([69314.71805599]), array([inf], dtype=float16), <Flag.OVERFLOW: 1>)
    """

    def __init__(
        self,
        dtype: str,
        mean: bool,
        special: Special = Special.LIMIT,
        *,
        compute: str | None = None,
        precise: bool = False,
    ) -> None:
        """Nothing was added yet."""
        self.dtype, self.mean, self.special = dtype, mean, Special(special)
        self.compute = compute if compute is not None else "f64" if dtype == "f64" else "f32"
        for name in (self.dtype, self.compute):
            if name not in FORMATS:
                raise ValueError(f"dtype: {name!r}, expected one of {', '.join(FORMATS)}")
        self.precise = precise or self.compute == "f64"
        self.count = 0
        self._ideal, self._negative, self._contract = IntegerSum(), IntegerSum(), IntegerSum()
        self._flags = Flag(0)
        self._lost = False  # whether a loss is not 0 but rounds to 0
        self._tails = [False, False]  # whether losses had parts above and below 0 that double-double may have dropped

    def add(self, inputs: Mapping[str, Float64Array]) -> None:
        """Take the losses of a chunk of elements, given as to `elementwise`."""
        losses = elementwise(Op.LOSS, inputs, self.compute, special=self.special)
        self.count += losses.value.size
        self._contract.add(losses.rounded.astype(np.float64))
        if self.precise and self.compute != "f64":
            exact = elementwise(Op.LOSS, inputs, "f64", special=self.special)
            value, low = exact.value, exact.low
        else:
            value, low = losses.value, losses.low
        self._ideal.add(value)
        if low.any():
            self._ideal.add(low)
        negative = value < 0
        if negative.any():
            self._negative.add(value[negative])
        flags = Flag(int(np.bitwise_or.reduce(losses.flags, initial=0)))
        self._flags |= flags & _STICKY
        self._lost |= bool(flags & Flag.ZERO)
        self._note_tails(inputs)

    def _note_tails(self, inputs: Mapping[str, Float64Array]) -> None:
        """A loss is rational but for w * (1 - t + p t) * log1p(exp(-|x|)), whose sign decides ties of the rest."""
        far = np.flatnonzero(np.abs(inputs["logits"]) > _FAR)
        if far.size:
            t = inputs["targets"][far]
            factor = (1.0 - t) + inputs["pos_weight"][far] * t if "pos_weight" in inputs else np.ones_like(t)
            if "weight" in inputs:
                factor = np.sign(factor) * np.sign(inputs["weight"][far])
            self._tails[0] |= bool((factor > 0).any())
            self._tails[1] |= bool((factor < 0).any())

    # ---- results ----

    @property
    def decided(self) -> bool:
        """Whether the ideal result is rounded correctly for certain."""
        if self.count == 0 or self._ideal.special is not None:
            return True
        form, slack = FORMATS[self.dtype], self._slack()
        exact = self._over_count(self._ideal.fraction())
        return nearest(exact - slack, form) == nearest(exact + slack, form)

    def _slack(self) -> Fraction:
        size = self._over_count(self._ideal.fraction() - 2 * self._negative.fraction())
        return abs(size) * (_ERROR_PRECISE if self.precise else _ERROR)

    def _over_count(self, total: Fraction) -> Fraction:
        return total / self.count if self.mean else total

    def truth(self) -> Truth:
        """The ideal result, one element; its `scale` is its magnitude."""
        form = FORMATS[self.dtype]
        flags, low, value = self._flags, 0.0, math.nan
        if self.mean and self.count == 0:
            rounded = value
        elif (infinite := self._ideal.special) is not None:
            value = rounded = infinite
            # A finite loss beyond float64 is infinite here without a special operand.
            flags |= Flag(0) if flags & Flag.SPECIAL else Flag.OVERFLOW
            if math.isnan(value) and self.special is Special.LIMIT:
                flags &= ~Flag.CHOICE  # with the other rule it is NaN as well
        else:
            exact = self._over_count(self._ideal.fraction())
            above, below = self._tails
            value, rounded = to_float(exact), nearest(exact + (above - below) * _TINY, form)
            if self.dtype == "f64" and math.isfinite(value):
                low = float(exact - Fraction(value))
            flags |= Flag.OVERFLOW if math.isinf(rounded) else Flag(0)
            flags |= Flag.SUBNORMAL if 0 < abs(rounded) < form.min_normal else Flag(0)
            flags |= Flag.ZERO if rounded == 0 and (exact != 0 or self._lost) else Flag(0)
        return Truth(
            value=np.array([value]),
            low=np.array([low]),
            scale=np.array([abs(value)]),
            rounded=to_dtype(np.array([rounded]), self.dtype),
            flags=np.array([flags], dtype=np.uint8),
        )

    def contract(self, compute: str | None = None) -> Array:
        """The sum or mean of the losses as rounded to the dtype of the computation, rounded once: a scalar.

        Raises:
            ValueError: `compute` is given and not the dtype that this reduction was made for.
        """
        if compute is not None and compute != self.compute:
            raise ValueError(f"compute: {compute!r}, expected {self.compute!r}, as this reduction was made for")
        special = self._contract.special
        if self.mean and self.count == 0:
            result = math.nan
        elif special is not None:
            result = special
        else:
            result = nearest(self._over_count(self._contract.fraction()), FORMATS[self.dtype])
        scalar: Array = to_dtype(np.array([result]), self.dtype)[0]
        return scalar


def reduce_losses(
    chunks: Callable[[], Iterable[Mapping[str, Float64Array]]],
    dtype: str,
    mean: bool,
    special: Special = Special.LIMIT,
    *,
    compute: str | None = None,
) -> ReducedLoss:
    """The losses of all chunks added; again in double-double, of the chunks that `chunks` then gives once more, if
    float64 leaves the rounding open.
    """
    for precise in (False, True):
        total = ReducedLoss(dtype, mean, special, compute=compute, precise=precise)
        for inputs in chunks():
            total.add(inputs)
        if total.decided:
            break
    return total
