"""The figures of a column of results (the device's, or a third party's) that the statistics state: sums and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.verify._bins import Octaves, quantiles

__all__ = ["SMALL_DOMAINS", "Column", "SmallDomain"]

SHARES = (0.5, 1.0, 2.0, 32.0, 1024.0)  # docs/precision.md 4.4
_QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
_ULPS = Octaves(-10, 320, 6)  # bins of 1/64 of an octave: a quantile is at most 1.6 % too large
_HISTOGRAM = (-2, 64)  # octaves that the signed histogram tells apart
_GUARD = 1e-7  # added to |golden| in relative errors: docs/precision.md 2.3


class Column:
    """The errors of one column, in ULP and relative, as they come."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._counts = np.zeros((2, _ULPS.size), np.int64)  # errors from 0 up; errors below 0
        self._exact = 0
        self._over = dict.fromkeys(SHARES, 0)
        self._total = self._signed = self._max = 0.0
        self._relative = self._square = self._max_relative = self._max_absolute = 0.0
        self._finite = 0
        self.not_rounded = 0  # elements that are not the golden value rounded once; the caller counts

    def add_ulp(self, error: Float64Array, magnitude: Float64Array) -> None:
        """Take signed errors in ULP and their magnitudes; none is NaN."""
        if not error.size:
            return
        index = _ULPS.index(magnitude)
        index += _ULPS.size * (error < 0)
        self._counts += np.bincount(index, minlength=2 * _ULPS.size).reshape(2, -1)
        self._exact += int(np.count_nonzero(error == 0))
        for limit in SHARES:
            self._over[limit] += int(np.count_nonzero(magnitude > limit))
        self._total += float(magnitude.sum())
        self._signed += float(error.sum())
        self._max = max(self._max, float(magnitude.max()))

    def add_absolute(self, golden: Float64Array, actual: Float64Array, low: Float64Array) -> None:
        """Take pairs of finite values for the figures of the dual rules."""
        if not golden.size:
            return
        absolute = np.abs((actual - golden) - low)
        relative = absolute / (np.abs(golden) + _GUARD)
        self._square += float(np.square(absolute).sum())
        self._relative += float(relative.sum())
        self._max_relative = max(self._max_relative, float(relative.max()))
        self._max_absolute = max(self._max_absolute, float(absolute.max()))
        self._finite += golden.size

    def ulp(self) -> dict[str, Any]:
        """The figures in ULP; None where nothing was measured."""
        both = self._counts.sum(axis=0)
        measured = int(both.sum())
        found: dict[str, Any] = {"measured": measured, "exact": self._exact, "not_correctly_rounded": self.not_rounded}
        if not measured:
            return found | dict.fromkeys(("max", "mean", "bias", *_QUANTILES)) | {"over": {}}
        found |= {"max": self._max, "mean": self._total / measured, "bias": self._signed / measured}
        edges = quantiles(both, _ULPS, list(_QUANTILES.values()))
        found |= {name: min(edge, self._max) for name, edge in zip(_QUANTILES, edges, strict=True)}
        return found | {"over": {f"{limit:g}": count for limit, count in self._over.items()}}

    def histogram(self) -> dict[str, Any]:
        """The signed histogram of the error in octaves; errors of exactly 0 apart, octaves cut off where all is 0."""
        low, high = _HISTOGRAM
        start = 1 + ((low - _ULPS.low) << _ULPS.bits)
        octaves = self._counts[:, start : start + ((high - low) << _ULPS.bits)].reshape(2, high - low, -1).sum(axis=2)
        below, above = self._counts[:, :start].sum(axis=1), self._counts[:, start + octaves.shape[1] * 64 :].sum(axis=1)
        bins = np.column_stack([below, octaves, above])
        bins[0, 0] -= self._exact
        used = max(3, int(np.flatnonzero(bins.any(axis=0)).max(initial=-1)) + 1)
        edges = [0.0, *(2.0**exponent for exponent in range(low, high + 1)), math.inf][: used + 1]
        positive, negative = (side[:used].tolist() for side in bins)
        return {"edges": edges, "exact": self._exact, "positive": positive, "negative": negative}

    def dual(self) -> dict[str, float]:
        """The figures whose ratios the dual rules judge, and those that show what the ratios hide."""
        ulp = self.ulp()
        pairs = max(self._finite, 1)
        return {
            "max relative error": self._max_relative,
            "mean relative error": self._relative / pairs,
            "RMSE": math.sqrt(self._square / pairs),
            "max absolute error": self._max_absolute,
            "max ULP": ulp["max"] or 0.0,
            "mean ULP": ulp["mean"] or 0.0,
        }


@dataclass(frozen=True)
class SmallDomain:
    """A published rule for small golden values: an element with |golden| < small errs if |actual-golden| > error."""

    source: str
    small: float
    error: float
    inclusive: bool = False  # |golden| <= small

    def masks(self, magnitude: Float64Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which golden magnitudes are in the domain."""
        return np.asarray(magnitude <= self.small if self.inclusive else magnitude < self.small)


def _domains(name: str) -> tuple[SmallDomain, ...]:
    dual = {"f16": (2.0**-11, 2.0**-16), "bf16": (2.0**-8, 2.0**-16), "f32": (2.0**-14, 2.0**-30)}
    small = {"f16": 2.0**-10, "bf16": 2.0**-10, "f32": 2.0**-20}
    error = {"f16": 2.0**-16, "bf16": 2.0**-16, "f32": 2.0**-30}
    as_coded = {"f16": 1e-16, "bf16": 1e-16, "f32": 2.0**-30}
    key = name if name in dual else "f32"  # no standard has float64; the test kit takes the row of f32
    rows = [
        SmallDomain("cann-dual", *dual[key]),
        SmallDomain("msprobe, documented", small[key], error[key], True),
    ]
    if as_coded[key] != error[key]:
        rows.append(SmallDomain("msprobe and MindSpore, as coded", small[key], as_coded[key], True))
    else:
        rows[-1] = SmallDomain("msprobe, MindSpore", small[key], error[key], True)
    return tuple(rows)


# docs/precision.md 2.4 (commercial standard) and 2.5 (msprobe; its code has 1e-16 for 2**-16, which MindSpore repeats).
SMALL_DOMAINS: Mapping[str, tuple[SmallDomain, ...]] = {name: _domains(name) for name in ("f16", "bf16", "f32", "f64")}
