"""Errors in units in the last place: this project's own rule, always on because it alone sees a lost tail whole."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from bcelogits.verify._bins import Octaves, quantiles
from bcelogits.verify._model import Chunk, Context, Metric

from ._common import Frame, Sum, Text, Worst, judged, profile, share, stated
from ._ulp_error import ulp_errors

__all__ = ["PROFILES"]


class _Gate(NamedTuple):
    comparison: str
    limits: dict[str, float]
    summary: str


# No external standard gates this operator in ULP. 32 for float32 and 1 for the 16-bit dtypes are the cuts of msprobe's
# ULP algorithm (api_precision_standard.yaml), taken as limits of the largest error here; 4 is the limit of oneMKL VM's
# "LA"; "faithful" and "cr" are the terms of the literature.
_GATES = {
    "device": _Gate("<=", {"f16": 1, "bf16": 1, "f32": 32, "f64": 4}, "at most 32 ULP in f32, 1 in f16 and bf16"),
    "libm": _Gate("<=", dict.fromkeys(("f16", "bf16", "f32", "f64"), 4), "at most 4 ULP"),
    "faithful": _Gate("<", dict.fromkeys(("f16", "bf16", "f32", "f64"), 1), "below 1 ULP"),
    "cr": _Gate("<=", dict.fromkeys(("f16", "bf16", "f32", "f64"), 0.5), "correctly rounded: at most 0.5 ULP"),
}
_DEFAULT = "device"
_SHARES = (0.5, 1.0, 2.0, 32.0, 1024.0)
_QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
# Quantiles come from 64 bins to the octave: what is stated is the upper end of the bin, or the maximum if that is less.
_BINS = Octaves(-24, 320, 6)
_RESOLUTION = "from bins of 1/64 of an octave: at most 1.6 % above"


class _Ulp(Frame):
    """A gate for the largest error, no zero that nothing explains, no inf or NaN on one side only.

    A zero is explained where the truth rounds to 0, where the device flushes subnormal results, where 0 is a
    neighbour of the truth (an error below 1 ULP), and within the gate where a gradient is smaller than its terms or
    the truth is next to what the device flushes.
    """

    def __init__(self, text: Text, gate: _Gate, context: Context) -> None:
        super().__init__(text, context)
        self._gate = gate
        self._limit = gate.limits[context.format.name]
        self._worst = Worst()
        self._sum, self._signed = Sum(), Sum()
        self._counts = np.zeros(_BINS.size, np.int64)
        self._above = dict.fromkeys(_SHARES, 0)
        self._not_rounded = self._mismatch = self._flushed = self._zeros = 0

    def take(self, chunk: Chunk) -> None:
        errors = ulp_errors(chunk, self.context)
        size = np.abs(errors.signed)
        zeros = errors.measured & (chunk.actual == 0) & (chunk.rounded != 0) & ~errors.flushed & (size >= 1)
        zeros &= ~(errors.excused & (size <= self._limit))
        self._zeros += int(np.count_nonzero(zeros))
        self._flushed += int(np.count_nonzero(errors.flushed))
        self._mismatch += int(np.count_nonzero(errors.mismatch))
        self._worst.add(size, errors.measured, errors.signed, chunk.start)

        size = size[errors.measured]
        wrong = errors.measured & (chunk.actual != chunk.rounded) & ~errors.flushed
        self._not_rounded += int(np.count_nonzero(wrong))
        self._sum.add(size)
        self._signed.add(errors.signed[errors.measured])
        self._counts += np.bincount(_BINS.index(size), minlength=_BINS.size)
        for limit in _SHARES:
            self._above[limit] += int(np.count_nonzero(size > limit))
        self.used += size.size
        self.masked += chunk.actual.size - size.size - int(np.count_nonzero(errors.mismatch))

    def metrics(self) -> list[Metric]:
        where = f"element {self._worst.index}" if self._worst.index >= 0 else ""
        if self.context.reduction != "none" and self.context.count == 1:
            where = f"N=1, {self.context.reduction} of {self.context.terms} terms"
        last, largest = _BINS.edge(_BINS.size), self._worst.value
        ends = quantiles(self._counts, _BINS, list(_QUANTILES.values()))
        ends = [min(end, largest) if end < last else largest for end in ends]
        return [
            judged("inf/NaN mismatches", self._mismatch, "==", 0),
            judged("max ULP", self._worst.value, self._gate.comparison, self._limit, where),
            judged("unexplained zeros", self._zeros, "==", 0),
            stated("mean ULP", self._sum.mean),
            *(
                stated(f"{name} ULP", end if self.used else None, _RESOLUTION)
                for name, end in zip(_QUANTILES, ends, strict=True)
            ),
            *(stated(f"share > {limit:g} ULP", share(self._above[limit], self.used)) for limit in _SHARES),
            stated("bias ULP", self._signed.mean, "mean of the signed errors"),
            stated("not correctly rounded", share(self._not_rounded, self.used), "share of the elements"),
            *([stated("flushed to zero", self._flushed)] if self.context.flush_subnormals else []),
        ]


def _text(name: str, gate: _Gate) -> Text:
    return Text(
        name,
        "bcelogits ULP rule",
        "1",
        "https://docs.jax.dev/en/latest/accuracy.html (the measure); the gates are this project's",
        f"error in ULP of the unrounded truth: {gate.summary}; no unexplained zeros",
    )


_TEXTS = {
    name: (_text(name, gate), gate)
    for name, gate in {"ulp": _GATES[_DEFAULT], **{f"ulp:{key}": gate for key, gate in _GATES.items()}}.items()
}
PROFILES = tuple(profile(text, partial(_Ulp, text, gate)) for text, gate in _TEXTS.values())
