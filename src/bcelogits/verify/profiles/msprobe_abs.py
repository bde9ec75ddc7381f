"""msprobe's absolute threshold: no error at all in any of three domains, inf and NaN, normal and small values."""

from __future__ import annotations

import numpy as np

from bcelogits.verify._model import Chunk, Context, Metric

from ._common import Frame, judged, points, profile, share
from ._msprobe import NUMBERS, relative, small_error, text

__all__ = ["PROFILES"]

_TEXT = text("msprobe-abs", "absolute threshold", "relative error up to rtol, small values up to an absolute error")


class _Absolute(Frame):
    """Three rates that have to be 0.

    Points with inf or NaN are clipped to the largest finite number, on both sides, and then have to be within rtol; two
    NaN are right. The denominator is the clipped golden; with `msprobe_exact` it is the golden itself, as in the tool:
    an infinite golden then excuses any finite value.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(_TEXT, context)
        self._numbers = NUMBERS[context.format.name]
        self._small_limit = small_error(context, "absolute")
        self._special = self._normal = self._small = 0
        self._special_out = self._normal_out = self._small_out = 0

    def take(self, chunk: Chunk) -> None:
        numbers = self._numbers
        finite = points(chunk.actual, chunk.rounded).finite
        size = np.abs(chunk.error())
        small = finite & (np.abs(chunk.golden) <= numbers.small)
        normal = finite & ~small
        self._small += int(np.count_nonzero(small))
        self._small_out += int(np.count_nonzero(small & (size > self._small_limit)))
        self._normal += int(np.count_nonzero(normal))
        self._normal_out += int(np.count_nonzero(normal & (relative(size, chunk.golden, numbers) > numbers.rtol)))
        self.used += chunk.actual.size

        special = ~finite
        if special.any():
            top = self.context.format.max_finite
            actual = np.clip(chunk.actual[special], -top, top)
            golden = np.clip(chunk.rounded[special], -top, top)
            divisor = chunk.golden[special] if self.context.msprobe_exact else golden
            right = relative(np.abs(actual - golden), divisor, numbers) <= numbers.rtol
            right |= np.isnan(actual) & np.isnan(golden)
            self._special += right.size
            self._special_out += int(np.count_nonzero(~right))

    def metrics(self) -> list[Metric]:
        return [
            judged("inf/NaN error rate", share(self._special_out, self._special), "==", 0, f"of {self._special}"),
            judged("relative error rate", share(self._normal_out, self._normal), "==", 0, f"of {self._normal}"),
            judged("small-value error rate", share(self._small_out, self._small), "==", 0, f"of {self._small}"),
        ]


PROFILES = (profile(_TEXT, _Absolute, rows=NUMBERS),)
