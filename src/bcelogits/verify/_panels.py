"""What the two pictures of errors are drawn from: the error against the logit, and the results against the golden.

Both keep fixed fine bins, so they need one pass whatever the range of the data, and merge them at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bcelogits._typing import Float64Array, IntArray
from bcelogits.verify._summary import Octaves, quantiles

__all__ = ["ErrorByLogit", "ResultByGolden"]

_LINEAR_UP_TO = 256.0  # logits within this are shown on a linear axis
_COLUMNS = 160  # about as many as a picture can show


class ErrorByLogit:
    """The error in ULP against the logit: count, mean, p99 and max of |error| for each bin."""

    def __init__(self) -> None:
        """No element was seen yet."""
        self._x = Octaves(-6, 128, 6)
        self._levels = Octaves(-4, 64, 1)
        size = 2 * self._x.size
        self._counts = np.zeros(size * self._levels.size, np.int64)
        self._total = np.zeros(size)
        self._max = np.full(size, -1.0)
        self._golden = np.zeros(size)  # golden value where the error is largest
        self._span = np.array([np.inf, -np.inf])

    def add(self, x: Float64Array, magnitude: Float64Array, golden: Float64Array) -> None:
        """Take logits, |error| in ULP (not NaN) and golden values; logits that are not finite have no bin."""
        finite = np.isfinite(x)
        if not finite.all():
            x, magnitude, golden = x[finite], magnitude[finite], golden[finite]
        if not x.size:
            return
        self._span = np.array([min(self._span[0], x.min()), max(self._span[1], x.max())])
        index = self._x.index(np.abs(x))
        index ^= -(x < 0).astype(np.int64)  # below 0: -1 - index
        index += self._x.size
        np.add.at(self._counts, index * self._levels.size + self._levels.index(magnitude), 1)
        self._total += np.bincount(index, magnitude, self._total.size)
        before = self._max.copy()
        np.maximum.at(self._max, index, magnitude)
        worst = np.flatnonzero((magnitude == self._max[index]) & (self._max[index] > before[index]))[::-1]
        self._golden[index[worst]] = golden[worst]  # of repeated indices the last counts: the first element

    def result(self) -> dict[str, Any] | None:
        """Columns from left to right, empty ones left out; None if there was no logit."""
        counts = self._counts.reshape(-1, self._levels.size)
        filled = np.flatnonzero(counts.any(axis=1))
        if not filled.size:
            return None
        left = np.array([self._edge(place) for place in filled.tolist()])
        right = np.array([self._edge(place + 1) for place in filled.tolist()])
        reach = float(np.abs(self._span).max())
        linear = reach <= _LINEAR_UP_TO
        group = self._linear_groups(left, right, reach) if linear else self._octave_groups(filled)
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        merged = np.add.reduceat(counts[filled], starts, axis=0)
        number = merged.sum(axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            mean = np.add.reduceat(self._total[filled], starts) / number
        peak = np.maximum.reduceat(self._max[filled], starts)
        ends = np.r_[starts[1:], filled.size]
        groups = [filled[a:b] for a, b in zip(starts, ends, strict=True)]
        golden = [float(self._golden[bins][np.argmax(self._max[bins])]) for bins in groups]
        tops = [quantiles(row, self._levels, [0.99])[0] for row in merged]
        p99 = [min(pair) for pair in zip(tops, peak.tolist(), strict=True)]
        return {
            "axis": "linear" if linear else "symlog",
            "span": self._span.tolist(),
            "low": left[starts].tolist(),
            "high": right[ends - 1].tolist(),
            "count": number.tolist(),
            "mean": _short(mean.tolist()),
            "p99": p99,
            "max": peak.tolist(),
            "golden_at_max": _short(golden),
        }

    def _edge(self, place: int) -> float:
        side = self._x.size
        return self._x.edge(place - side) if place >= side else -self._x.edge(side - place)

    def _linear_groups(self, left: Float64Array, right: Float64Array, reach: float) -> IntArray:
        """Columns as wide as the bins at the end of the axis, a power of two, so that every bin lies in one."""
        octave = max(int(np.ceil(np.log2(max(reach, 2.0**-6)))), self._x.low + 1)
        width = 2.0 ** (octave - 1 - self._x.bits)
        while (self._span[1] - self._span[0]) / width > _COLUMNS:
            width *= 2
        return np.asarray(np.floor((left + right) / 2 / width).astype(np.int64))

    def _octave_groups(self, filled: IntArray) -> IntArray:
        """Columns of equal parts of an octave, as many as fit."""
        side = self._x.size
        signed = np.where(filled >= side, filled - side, filled - side + 1)  # bins from 0 outwards, 0 at both sides
        negative = filled < side
        for bits in range(self._x.bits, -8, -1):
            group = np.where(signed == 0, 0, ((np.abs(signed) - 1) >> (self._x.bits - bits)) + 1)
            group = np.where(negative, -1 - group, group)
            if np.unique(group).size <= _COLUMNS:
                break
        return np.asarray(group)


class ResultByGolden:
    """|actual| against |golden| in bins of |golden|: where results leave the golden, and where they become 0."""

    def __init__(self) -> None:
        """No element was seen yet."""
        self._bins = Octaves(-1022, 1024, 1)
        size = self._bins.size
        self._golden, self._actual = np.zeros(size), np.zeros(size)  # sums of log2
        self._min, self._max = np.full(size, np.inf), np.zeros(size)
        self._count, self._zero, self._sign = (np.zeros(size, np.int64) for _ in range(3))

    def add(self, golden: Float64Array, actual: Float64Array) -> None:
        """Take pairs of finite values; a golden value of 0 has no bin."""
        keep = golden != 0
        if not keep.all():
            golden, actual = golden[keep], actual[keep]
        if not golden.size:
            return
        magnitude, size = np.abs(golden), self._bins.size
        index = self._bins.index(magnitude)
        self._count += np.bincount(index, minlength=size)
        self._golden += np.bincount(index, np.log2(magnitude), size)
        nonzero = actual != 0
        if not nonzero.all():
            self._zero += np.bincount(index[~nonzero], minlength=size)
            index, golden, actual = index[nonzero], golden[nonzero], actual[nonzero]
        opposite = (actual < 0) != (golden < 0)
        if opposite.any():
            self._sign += np.bincount(index[opposite], minlength=size)
        actual = np.abs(actual)
        self._actual += np.bincount(index, np.log2(actual), size)
        np.minimum.at(self._min, index, actual)
        np.maximum.at(self._max, index, actual)

    def result(self) -> dict[str, Any] | None:
        """Bins from small to large, empty ones left out; None if no golden value was finite and not 0.

        Geometric means; those of `actual` are over its values that are not 0, None if there are none.
        """
        filled = np.flatnonzero(self._count)
        if not filled.size:
            return None
        step = 1
        while (int(filled[-1]) - int(filled[0])) // step >= _COLUMNS:
            step *= 2
        starts = np.flatnonzero(np.r_[True, np.diff(filled // step) != 0])
        ends = np.r_[starts[1:], filled.size]

        def added(values: Any) -> Any:
            return np.add.reduceat(values[filled], starts)

        count, zero = added(self._count), added(self._zero)
        some = np.maximum(count - zero, 1)
        with np.errstate(over="ignore"):
            golden, actual = np.exp2(added(self._golden) / count), np.exp2(added(self._actual) / some)
        low, high = np.minimum.reduceat(self._min[filled], starts), np.maximum.reduceat(self._max[filled], starts)
        there = (count > zero).tolist()

        def where(values: Any) -> list[float | None]:
            return [value if known else None for value, known in zip(_short(values.tolist()), there, strict=True)]

        return {
            "low": [self._bins.edge(int(filled[start])) for start in starts],
            "high": [self._bins.edge(int(filled[end - 1]) + 1) for end in ends],
            "count": count.tolist(),
            "golden": _short(golden.tolist()),
            "actual": where(actual),
            "actual_min": where(low),
            "actual_max": where(high),
            "zeros": zero.tolist(),
            "sign_differs": added(self._sign).tolist(),
        }


def _short(values: list[float]) -> list[float]:
    """Six digits: these are means, and for pictures."""
    return [float(f"{value:.6g}") for value in values]
