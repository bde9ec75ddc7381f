"""Where the golden columns of an output come from: computed from its operands, read from golden data, or one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._formats import FORMATS
from bcelogits._typing import Array, Float64Array, Shape
from bcelogits.golden.emulations import THIRD, reduce_chunks
from bcelogits.golden.problem import CHUNK, Problem, flat, short_name
from bcelogits.reference.rounding import round_float64
from bcelogits.reference.truth import Flag, Op, Truth

__all__ = ["Columns", "Computed", "OneArray", "Source", "Stored", "saturated"]

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Columns:
    """The golden side of a `Chunk`: all its columns but the actual values."""

    start: int
    golden: Float64Array
    low: Float64Array
    rounded: Float64Array
    scale: Float64Array
    flags: Array
    third: Float64Array | None = None
    inputs: Mapping[str, Float64Array] = field(default_factory=dict)


class Source(Protocol):
    """The golden side of one output."""

    op: Op
    reduction: str
    dtype: str  # of the output
    out_shape: Shape
    terms: int
    third: str  # what the third-party column is; "" if there is none

    def chunks(self, progress: Progress) -> Iterator[Columns]:
        """The columns from the first element to the last."""


class Computed:
    """From the operands, with a third party's results if its name is given."""

    def __init__(self, problem: Problem, third: str = "") -> None:
        """The columns of a problem; nothing is computed yet."""
        if third and third not in THIRD:
            raise ValueError(f"third: {third!r}, expected one of {', '.join(THIRD)}")
        self.problem, self.third = problem, third
        self.op, self.reduction, self.dtype = problem.op, problem.reduction, problem.dtype
        self.out_shape, self.terms = problem.out_shape, problem.terms

    def _third(self, start: int, stop: int) -> Array | None:
        if not self.third:
            return None
        problem = self.problem
        return THIRD[self.third](problem.op, problem.native(start, stop), problem.dtype, problem.divisor)

    def chunks(self, progress: Progress) -> Iterator[Columns]:
        """The columns, computed as they are asked for; a reduced loss is one chunk of one element at the end."""
        problem = self.problem
        if problem.is_reduced:
            third = None
            if self.third:
                parts = (values for start, stop in problem.chunks() if (values := self._third(start, stop)) is not None)
                third = np.atleast_1d(reduce_chunks(parts, problem.reduction == "mean", problem.dtype))
            yield self._columns(0, problem.reduced(progress).truth(), {}, third)
            return
        for start, stop in problem.chunks():
            inputs = problem.inputs(start, stop)
            yield self._columns(start, problem.truth(inputs), inputs, self._third(start, stop))
            progress(stop - start)

    @staticmethod
    def _columns(start: int, truth: Truth, inputs: Mapping[str, Float64Array], third: Array | None) -> Columns:
        return Columns(
            start=start,
            golden=truth.value,
            low=truth.low,
            rounded=truth.rounded.astype(np.float64),
            scale=truth.scale,
            flags=truth.flags,
            third=None if third is None else third.astype(np.float64),
            inputs=inputs,
        )


class Stored:
    """From the columns of golden data; the operands, where they are at hand, only say what an element was made of."""

    third = ""

    def __init__(
        self, op: Op, reduction: str, terms: int, golden: Array, truth: Mapping[str, Array], problem: Problem | None
    ) -> None:
        """From the rounded output and the columns value, flags and, where they were written, scale and low."""
        self.op, self.reduction, self.terms = op, reduction, terms
        self.dtype, self.out_shape = short_name(golden, "golden"), golden.shape
        self._golden, self._truth, self._problem = golden, truth, problem
        for name, column in truth.items():
            if column.shape != golden.shape:
                raise InputError(f"truth {name}: shape {column.shape}, expected {golden.shape}, the shape of golden")

    def chunks(self, progress: Progress) -> Iterator[Columns]:
        """The columns, read as they are asked for."""
        problem = None if self._problem is None or self._problem.is_reduced else self._problem
        for start in range(0, self._golden.size, CHUNK):
            stop = min(start + CHUNK, self._golden.size)
            columns = {name: flat(column, self.out_shape, start, stop) for name, column in self._truth.items()}
            value = columns["value"]
            yield Columns(
                start=start,
                golden=value,
                low=columns.get("low", np.zeros_like(value)),
                rounded=flat(self._golden, self.out_shape, start, stop).astype(np.float64),
                scale=columns.get("scale", np.abs(value)),
                flags=columns["flags"],
                inputs={} if problem is None else problem.inputs(start, stop),
            )
            progress(stop - start)


class OneArray:
    """From an array that stands for the truth: float64, or of the output's dtype, with half an ULP of doubt left."""

    third = ""

    def __init__(self, golden: Array, dtype: str, op: Op = Op.LOSS, reduction: str = "none") -> None:
        """The columns that follow from `golden`; `dtype` is the output's."""
        short_name(golden, "golden")
        self.op, self.reduction, self.dtype = op, reduction, dtype
        self.out_shape, self.terms = golden.shape, golden.size
        self._golden = golden

    def chunks(self, progress: Progress) -> Iterator[Columns]:
        """The columns, read as they are asked for."""
        form = FORMATS[self.dtype]
        for start in range(0, self._golden.size, CHUNK):
            stop = min(start + CHUNK, self._golden.size)
            value = flat(self._golden, self.out_shape, start, stop).astype(np.float64)
            rounded = round_float64(value, self.dtype).astype(np.float64)
            flags = np.zeros(value.shape, np.uint8)
            finite, magnitude = np.isfinite(value), np.abs(rounded)
            kinds = (
                (Flag.OVERFLOW, finite & np.isinf(rounded)),
                (Flag.SUBNORMAL, (magnitude > 0) & (magnitude < form.min_normal)),
                (Flag.ZERO, (value != 0) & (rounded == 0)),
                (Flag.SPECIAL, ~finite),
            )
            for flag, where in kinds:
                flags[where] |= np.uint8(flag)
            yield Columns(start, value, np.zeros_like(value), rounded, np.abs(value), flags)
            progress(stop - start)


def saturated(columns: Columns, dtype: str) -> Columns:
    """The columns of a device that saturates: at most the largest finite number, 0 for NaN (docs/precision.md 2.7)."""
    top = FORMATS[dtype].max_finite

    def clip(values: Float64Array) -> Float64Array:
        return np.where(np.isnan(values), 0.0, np.clip(values, -top, top))

    over = np.abs(columns.golden) > top
    return replace(
        columns,
        golden=clip(columns.golden),
        low=np.where(over | np.isnan(columns.golden), 0.0, columns.low),
        rounded=clip(columns.rounded),
        scale=clip(columns.scale),
        third=None if columns.third is None else clip(columns.third),
    )
