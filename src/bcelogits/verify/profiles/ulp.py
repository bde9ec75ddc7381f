"""Errors in units in the last place: this project's own rule, always on because it alone sees a lost tail whole."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from bcelogits.verify._model import Chunk, Context, Metric
from bcelogits.verify._ulp import SHARES, UlpColumn

from ._common import Frame, Text, judged, share, stated, ulp_profile

__all__ = ["PROFILES"]


class _Gate(NamedTuple):
    comparison: str
    limits: dict[str, float]
    summary: str


# No external standard gates this operator in ULP. 32 for float32 and 1 for the 16-bit dtypes are the cuts of msprobe's
# ULP algorithm (api_precision_standard.yaml), taken as limits of the largest error here; 4 is the limit of oneMKL VM's
# "LA"; "faithful" and "cr" are the terms of the literature.
# `UlpColumn` counts what is beyond each of these limits.
_GATES = {
    "device": _Gate("<=", {"f16": 1, "bf16": 1, "f32": 32, "f64": 4}, "at most 32 ULP in f32, 1 in f16 and bf16"),
    "libm": _Gate("<=", dict.fromkeys(("f16", "bf16", "f32", "f64"), 4), "at most 4 ULP"),
    "faithful": _Gate("<", dict.fromkeys(("f16", "bf16", "f32", "f64"), 1), "below 1 ULP"),
    "cr": _Gate("<=", dict.fromkeys(("f16", "bf16", "f32", "f64"), 0.5), "correctly rounded: at most 0.5 ULP"),
}
_DEFAULT = "device"
_RESOLUTION = "from bins of 1/64 of an octave: at most 1.6 % above"


class _Ulp(Frame):
    """A gate for the largest error, no zero that nothing explains, no inf or NaN on one side only.

    A zero is explained where the truth rounds to 0, where the device flushes subnormal results, where 0 is a
    neighbour of the truth (an error below 1 ULP), and within the gate where a gradient is smaller than its terms or
    the truth is next to what the device flushes.
    """

    def __init__(self, text: Text, gate: _Gate, context: Context, ulp: UlpColumn) -> None:
        super().__init__(text, context)
        self._gate, self._ulp = gate, ulp

    def take(self, chunk: Chunk) -> None:
        """Nothing: the errors in ULP are gathered in the column."""

    def metrics(self) -> list[Metric]:
        ulp, limit = self._ulp, self._gate.limits[self.context.format.name]
        self.used, self.masked = ulp.measured, self._seen - ulp.measured - ulp.mismatched
        where = f"element {ulp.largest.index}" if ulp.largest.index >= 0 else ""
        if self.context.reduction != "none" and self.context.count == 1:
            where = f"N=1, {self.context.reduction} of {self.context.terms} terms"
        return [
            judged("inf/NaN mismatches", ulp.mismatched, "==", 0),
            judged("max ULP", ulp.largest.value, self._gate.comparison, limit, where),
            judged("unexplained zeros", ulp.zeros_beyond(limit), "==", 0),
            stated("mean ULP", ulp.mean),
            *(stated(f"{name} ULP", value, _RESOLUTION) for name, value in ulp.quantiles().items()),
            *(stated(f"share > {limit:g} ULP", share(ulp.above[limit], ulp.measured)) for limit in SHARES),
            stated("bias ULP", ulp.bias, "mean of the signed errors"),
            stated("not correctly rounded", share(ulp.not_rounded, ulp.measured), "share of the elements"),
            *([stated("flushed to zero", ulp.flushed)] if self.context.flush_subnormals else []),
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
PROFILES = tuple(ulp_profile(text, partial(_Ulp, text, gate)) for text, gate in _TEXTS.values())
