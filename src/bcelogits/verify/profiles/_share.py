"""Rules of one form: the share of elements that are out of a tolerance must not be above a limit.

These rules compare two files or two tensors of one dtype: the golden is the truth rounded to the output's dtype. (With
the truth itself a correctly rounded bfloat16 would fail where rtol is 1e-3: half an ULP is up to 3.9e-3.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.verify._model import Chunk, Context, Metric
from bcelogits.verify._summary import Largest

from ._common import Frame, Text, judged, points, share, stated

__all__ = ["Outside", "ShareOut", "isclose"]

Outside = Callable[[Float64Array, Float64Array], Mask]
"""From |a - g| and |g| of finite elements, which are out of tolerance."""


def isclose(rtol: float, atol: float) -> Outside:
    """Out where |a - g| > atol + rtol |g|."""
    return lambda size, golden: size > atol + rtol * golden


class ShareOut(Frame):
    """Counts the elements that are out of tolerance.

    An infinity is in tolerance if the golden is the same; so is NaN with `equal_nan`. Any other pair with a value that
    is not finite is out.
    """

    def __init__(
        self, text: Text, context: Context, outside: Outside, allowed: float, *, equal_nan: bool = True
    ) -> None:
        """A judge of one output; `allowed` is the largest share that passes."""
        super().__init__(text, context)
        self._outside, self._allowed, self._equal_nan = outside, allowed, equal_nan
        self._out = self._clash = 0
        self._largest = Largest()

    def take(self, chunk: Chunk) -> None:
        """Count the elements out of tolerance."""
        point = points(chunk.actual, chunk.rounded)
        clash = point.clash
        if not self._equal_nan:
            clash = clash | (point.agree & np.isnan(chunk.actual))
        size = np.abs(chunk.actual - chunk.rounded)
        out = point.finite & self._outside(size, np.abs(chunk.rounded))
        self._largest.add(size, out, chunk.rounded, chunk.start)
        self._out += int(np.count_nonzero(out | clash))
        self._clash += int(np.count_nonzero(clash))
        self.used += chunk.actual.size

    def metrics(self) -> list[Metric]:
        """The share, and how many of them are not finite."""
        largest, note = self._largest, ""
        if largest.index >= 0:
            note = f"the largest error out of tolerance is {largest.value:.6g}, element {largest.index}"
        return [
            judged("share out of tolerance", share(self._out, self.used), "<=", self._allowed, note),
            stated("inf/NaN mismatches", self._clash, "" if self._equal_nan else "NaN differs from NaN"),
        ]
