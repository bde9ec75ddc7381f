"""CANN's mixed tolerance, a single benchmark: a share of matches, and a limit of the largest absolute error."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from bcelogits.verify._model import Chunk, Context, Metric
from bcelogits.verify._summary import Largest

from ._common import Frame, Text, judged, points, profile, share, stated

__all__ = ["PROFILES"]


class _Tolerance(NamedTuple):
    rtol: float
    atol: float
    floor: float  # of the limit of the largest absolute error


class _Edition(NamedTuple):
    rows: dict[str, _Tolerance]
    anchor: int  # ULP of the golden at the worst point that the limit may reach; 0: the limit is the floor alone


# docs/zh/ops_precision_standard/mixed_tolerance_standard.md of CANN's opbase: commit 233ee24 (2026-09-19), with the
# 32-ULP anchor of PR 924 (2026-09-23); the first edition is that of 2026-07-15. The test kit judges dtypes that are
# not listed (float64) by the float32 row.
_V2 = _Edition(
    {
        "f16": _Tolerance(2.0**-10, 2.0**-10, 1e-1),
        "bf16": _Tolerance(2.0**-7, 2.0**-7, 1e-1),
        "f32": _Tolerance(2.0**-13, 2.0**-13, 1e-2),
    },
    anchor=32,
)
_V1 = _Edition(
    {
        "f16": _Tolerance(2.0**-9, 2.0**-9, 1e-1),
        "bf16": _Tolerance(2.0**-6, 2.0**-6, 1.0),
        "f32": _Tolerance(2.0**-10, 2.0**-16, 1e-2),
    },
    anchor=0,
)
_MATCHED = 0.99

_SOURCE = "https://gitcode.com/cann/opbase/blob/master/docs/zh/ops_precision_standard/mixed_tolerance_standard.md"
_STANDARD = "CANN operator precision standard, mixed tolerance"


class _Mixed(Frame):
    """|a - g| <= atol + rtol |g| for 99 of 100 elements, and no finite error above the limit.

    NaN matches NaN and an infinity the same infinity, after the golden is narrowed to the output's dtype; any other
    pair with a value that is not finite is an unbounded error.
    """

    def __init__(self, text: Text, edition: _Edition, context: Context) -> None:
        super().__init__(text, context)
        name = context.format.name
        self._fallback = name not in edition.rows
        self._row = edition.rows["f32" if self._fallback else name]
        self._anchor = edition.anchor
        self._matched = self._clash = 0
        self._largest = Largest()

    def take(self, chunk: Chunk) -> None:
        point = points(chunk.actual, chunk.rounded)
        size = np.abs(chunk.error())
        near = size <= self._row.atol + self._row.rtol * np.abs(chunk.golden)
        self._matched += int(np.count_nonzero((point.finite & near) | point.agree))
        self._clash += int(np.count_nonzero(point.clash))
        self._largest.add(size, point.finite, chunk.rounded, chunk.start)
        self.used += chunk.actual.size

    def metrics(self) -> list[Metric]:
        row, largest = self._row, self._largest
        limit, where = row.floor, ""
        if largest.index >= 0:
            anchored = self._anchor * float(self.context.format.ulp(np.array([largest.beside]))[0])
            limit = max(limit, anchored)
            where = f"element {largest.index}, golden {largest.beside:.9g}"
        unlisted = f"{self.context.format.name} is not listed: judged by the row of f32" if self._fallback else ""
        return [
            judged("inf/NaN mismatches", self._clash, "==", 0),
            judged("matched ratio", share(self._matched, self.used), ">=", _MATCHED, unlisted),
            judged("max absolute error", largest.value, "<=", limit, where),
            stated("rtol", row.rtol),
            stated("atol", row.atol),
        ]


def _text(name: str, version: str) -> Text:
    return Text(name, _STANDARD, version, _SOURCE, "99 % within atol + rtol |golden|, and a limit of the worst error")


_TEXT_V2 = _text("cann-mixed", "v2, 2026-09 (233ee24, PR 924)")
_TEXT_V1 = _text("cann-mixed:v1", "v1, 2026-07")
PROFILES = (
    profile(_TEXT_V2, partial(_Mixed, _TEXT_V2, _V2)),
    profile(_TEXT_V1, partial(_Mixed, _TEXT_V1, _V1)),
)
