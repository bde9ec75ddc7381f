"""Errors in ULP: of the elements of a chunk, and gathered over a column of results.

The column is gathered once, by the judge; the profile `ulp` is a gate over it, and the report's figures are read off.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, IntArray, Mask
from bcelogits.reference.sums import IntegerSum
from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Chunk, Context
from bcelogits.verify._summary import Largest, Octaves, quantiles

__all__ = ["QUANTILES", "SHARES", "UlpColumn", "UlpErrors", "ulp_errors"]

# Errors beyond are taken for this, so that means of them are numbers: 1 for a float64 golden of 0 is 2**1074 ULP.
_LARGEST = 2.0**960

SHARES = (0.5, 1.0, 2.0, 32.0, 1024.0)
"""The limits in ULP whose excess is stated (docs/precision.md 4.4)."""

QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
"""The shares of the elements whose largest error is stated."""

_LIMITS = (*SHARES, 4.0)  # and those of the gates
# Quantiles come from 64 bins to the octave: what is stated is the upper end of the bin, or the maximum if that is less.
_BINS = Octaves(-24, 320, 6)
_HISTOGRAM = (-2, 64)  # octaves that the signed histogram tells apart


class UlpErrors(NamedTuple):
    """Errors of the elements of a chunk, in units in the last place of the output's dtype."""

    signed: Float64Array  # actual minus truth; 0 where not measured
    measured: Mask  # the truth is finite, and the actual value is a number of its side of infinity
    mismatch: Mask  # NaN or an infinity on one side only
    flushed: Mask  # 0 for a subnormal truth, accepted because the device flushes
    excused: Mask  # 0 is not far from the truth here: near a gradient's root, or next to what a device flushes


def ulp_errors(chunk: Chunk, context: Context) -> UlpErrors:
    """(actual - truth) / ulp(v), the truth not rounded.

    v is the truth, or the larger of the two terms of a gradient where that is larger. An infinity stands at
    2**(emax + 1), one ULP beyond the largest finite number (so JAX, docs/accuracy.md): the error across the overflow
    threshold is continuous, and 0 where the truth itself rounds to infinity. With `flush_subnormals` a 0 for a truth
    below the smallest normal number has no error, and the gap between the two counts as one ULP.
    """
    fmt = context.format
    actual, golden, rounded = chunk.actual, chunk.golden, chunk.rounded
    # A float64 golden that overflows is infinite already: there the flag alone tells a large truth from infinity.
    finite_truth = np.isfinite(golden) | ((chunk.flags & Flag.OVERFLOW) != 0)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(golden))
    number = finite_truth & ~np.isnan(actual)
    if context.saturate:
        mismatch = ~np.isfinite(actual)  # the mode has no such results
    else:
        opposite = np.isinf(actual) & (np.sign(actual) != np.sign(golden))
        mismatch = np.where(finite_truth, ~number | opposite, ~same)
    measured = number & ~mismatch

    magnitude = np.abs(golden)
    scale = np.where(np.isfinite(chunk.scale), np.abs(chunk.scale), magnitude)
    excused = measured & (scale > magnitude)
    ulp = fmt.ulp(np.maximum(scale, magnitude))
    signed = np.clip(chunk.error() / ulp, -_LARGEST, _LARGEST)

    # Halves, because 2**(emax + 1) is no float64 where the output is one.
    beyond = measured & (np.isinf(actual) | (magnitude > fmt.max_finite))
    if beyond.any():
        top = 2.0**fmt.emax
        placed = np.clip(actual[beyond] / 2, -top, top) - np.clip(golden[beyond] / 2, -top, top)
        signed[beyond] = np.where(same[beyond], 0.0, placed / (ulp[beyond] / 2))

    flushed = np.zeros(actual.shape, np.bool_)
    if context.flush_subnormals:
        zero = measured & (actual == 0)
        small = magnitude < fmt.min_normal
        signed[measured & small & same] = 0.0
        flushed = zero & small & (rounded != 0)
        signed[flushed] = 0.0
        gap = zero & ~small & ~excused
        signed[gap] = -np.sign(golden[gap]) * ((magnitude[gap] - fmt.min_normal) / ulp[gap] + 1)
        excused |= gap
    return UlpErrors(np.where(measured, signed, 0.0), measured, mismatch, flushed, excused)


class UlpColumn:
    """The errors in ULP of one column of an output, the device's or a third party's, as its chunks come.

    A zero is unexplained where the truth does not round to 0, the device does not flush it, and 0 is no neighbour of
    the truth; within a gate it is excused where 0 is not far from the truth (`UlpErrors.excused`).
    """

    def __init__(self, context: Context) -> None:
        """Nothing was seen of the output that `context` describes."""
        self._context = context
        self.measured = 0  # elements that have an error in ULP
        self.mismatched = 0  # elements whose error is unbounded
        self.flushed = 0
        self.exact = 0
        self.not_rounded = 0  # measured and not flushed, and not the truth rounded once
        self.unexplained_zeros = 0
        self.largest = Largest()  # of |error|, with the signed error beside it
        self.above = dict.fromkeys(_LIMITS, 0)
        self._excusable_above = dict.fromkeys(_LIMITS, 0)  # of the unexplained zeros those that a gate may excuse
        self._excusable = 0
        self._size, self._signed = IntegerSum(), IntegerSum()
        self._counts = np.zeros((2, _BINS.size), np.int64)  # errors from 0 up; errors below 0

    def add(self, chunk: Chunk) -> UlpErrors:
        """Take one chunk, and return the errors of its elements."""
        with np.errstate(all="ignore"):
            errors = ulp_errors(chunk, self._context)
            self._add(chunk, errors)
        return errors

    def _add(self, chunk: Chunk, errors: UlpErrors) -> None:
        signed, size = errors.signed, np.abs(errors.signed)
        self.largest.add(size, errors.measured, signed, chunk.start)
        zeros = errors.measured & (chunk.actual == 0) & (chunk.rounded != 0) & ~errors.flushed & (size >= 1)
        excusable = size[zeros & errors.excused]
        self.unexplained_zeros += int(np.count_nonzero(zeros))
        self._excusable += excusable.size
        self.flushed += int(np.count_nonzero(errors.flushed))
        self.mismatched += int(np.count_nonzero(errors.mismatch))
        self.not_rounded += int(np.count_nonzero(errors.measured & (chunk.actual != chunk.rounded) & ~errors.flushed))
        if not errors.measured.all():
            signed, size = signed[errors.measured], size[errors.measured]
        self.measured += size.size
        self.exact += int(np.count_nonzero(size == 0))
        for limit in _LIMITS:
            self.above[limit] += int(np.count_nonzero(size > limit))
            self._excusable_above[limit] += int(np.count_nonzero(excusable > limit))
        self._size.add(size)
        self._signed.add(signed)
        index = _BINS.index(size) + _BINS.size * (signed < 0)
        self._counts += np.bincount(index, minlength=2 * _BINS.size).reshape(2, -1)

    def zeros_beyond(self, gate: float) -> int:
        """The unexplained zeros that a gate, one of the limits, does not excuse."""
        return self.unexplained_zeros - self._excusable + self._excusable_above[gate]

    @property
    def mean(self) -> float:
        """The mean of |error|; 0 of nothing."""
        return self._size.mean

    @property
    def bias(self) -> float:
        """The mean of the signed error; 0 of nothing."""
        return self._signed.mean

    def quantiles(self) -> dict[str, float | None]:
        """|error| by the names of `QUANTILES`, at most 1.6 % too large; None where nothing was measured."""
        if not self.measured:
            return dict.fromkeys(QUANTILES)
        ends = quantiles(self._counts.sum(axis=0), _BINS, list(QUANTILES.values()))
        last, largest = _BINS.edge(_BINS.size), self.largest.value
        ends = [min(end, largest) if end < last else largest for end in ends]
        return dict(zip(QUANTILES, ends, strict=True))

    def figures(self) -> dict[str, Any]:
        """What the report states, as the statistics document it; None where nothing was measured."""
        # What is flushed, and what is a mismatch, differs from the truth rounded once as well.
        differ = self.not_rounded + self.flushed + self.mismatched
        found: dict[str, Any] = {"measured": self.measured, "exact": self.exact, "not_correctly_rounded": differ}
        values = {"max": self.largest.value, "mean": self.mean, "bias": self.bias}
        over = {f"{limit:g}": self.above[limit] for limit in SHARES}
        found |= values if self.measured else dict.fromkeys(values)
        found |= {name.replace(".", ""): value for name, value in self.quantiles().items()}
        return found | {"over": over if self.measured else {}}

    def histogram(self) -> dict[str, Any]:
        """The signed histogram of the error in octaves; errors of exactly 0 apart, octaves cut off where all is 0."""
        low, high = _HISTOGRAM
        start, stop = (1 + ((end - _BINS.low) << _BINS.bits) for end in _HISTOGRAM)
        octaves = self._counts[:, start:stop].reshape(2, high - low, -1).sum(axis=2)
        below, above = self._counts[:, :start].sum(axis=1), self._counts[:, stop:].sum(axis=1)
        bins: IntArray = np.column_stack([below, octaves, above])
        bins[0, 0] -= self.exact
        used = max(3, int(np.flatnonzero(bins.any(axis=0)).max(initial=-1)) + 1)
        edges = [0.0, *(2.0**exponent for exponent in range(low, high + 1)), math.inf][: used + 1]
        positive, negative = (side[:used].tolist() for side in bins)
        return {"edges": edges, "exact": self.exact, "positive": positive, "negative": negative}
