"""CANN's mean and largest relative error (MERE and MARE): superseded by the mixed tolerance, still widely quoted."""

from __future__ import annotations

import numpy as np

from bcelogits.reference.sums import IntegerSum
from bcelogits.verify._measures import relative
from bcelogits.verify._model import Chunk, Context, Metric
from bcelogits.verify._summary import Largest

from ._common import Frame, Text, judged, points, profile

__all__ = ["PROFILES"]

# docs/zh/ops_precision_standard/experimental_standard.md of CANN's opbase, commit 3e62966 (2026-04).
_THRESHOLDS = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-13}
_LARGEST = 10  # times the threshold: the limit of MARE

_TEXT = Text(
    "cann-mere",
    "CANN operator precision standard, MERE and MARE",
    "2026-04 (3e62966), superseded in 2026-07",
    "https://gitcode.com/cann/opbase/blob/3e62966/docs/zh/ops_precision_standard/experimental_standard.md",
    "mean relative error below T, largest below 10 T",
)


class _Mere(Frame):
    """MERE < T and MARE < 10 T over the finite points; inf or NaN on one side only fails before that."""

    holds_of_nothing = False

    def __init__(self, context: Context) -> None:
        super().__init__(_TEXT, context)
        self._threshold = _THRESHOLDS[context.format.name]
        self._sum, self._largest = IntegerSum(), Largest()
        self._clash = 0

    def take(self, chunk: Chunk) -> None:
        point = points(chunk.actual, chunk.rounded)
        errors = relative(np.abs(chunk.error()), chunk.golden)
        self._largest.add(errors, point.finite, chunk.rounded, chunk.start)
        self._sum.add(errors[point.finite])
        self._clash += int(np.count_nonzero(point.clash))
        self.masked += int(np.count_nonzero(point.agree))
        self.used = self._sum.count

    def metrics(self) -> list[Metric]:
        mismatches = judged("inf/NaN mismatches", self._clash, "==", 0)
        if self._clash:
            return [mismatches]
        largest = self._largest
        where = f"element {largest.index}, golden {largest.beside:.9g}" if largest.index >= 0 else ""
        return [
            mismatches,
            judged("MERE", self._sum.mean, "<", self._threshold),
            judged("MARE", largest.value, "<", _LARGEST * self._threshold, where),
        ]


PROFILES = (profile(_TEXT, _Mere, rows=_THRESHOLDS),)
