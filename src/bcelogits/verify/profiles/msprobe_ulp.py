"""msprobe's ULP comparison: a mean, a share, or a share against a third party's; one of them suffices."""

from __future__ import annotations

import math

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.reference.sums import IntegerSum
from bcelogits.verify._model import Chunk, Context, Metric, Status, Verdict

from ._common import Frame, judged, profile, share, stated
from ._msprobe import NUMBERS, text

__all__ = ["PROFILES"]

_RATIO = 1.0  # the share against the third party's has to be below it

_TEXT = text(
    "msprobe-ulp",
    "ULP",
    "float32: mean below 64 ULP or few above 32; 16 bits: few above 1; or fewer than a third party",
)


class _Column:
    """The errors in ULP of one column: inf and NaN stay in the mean, as in msprobe."""

    def __init__(self, context: Context) -> None:
        self._format = context.format
        self._cut = NUMBERS[context.format.name].ulp_cut
        self._sum = IntegerSum()
        self._above = 0

    def add(self, actual: Float64Array, chunk: Chunk) -> None:
        # At a golden 0 the exponent is taken as 0: an error there is nearly free.
        golden = chunk.golden
        exponent = np.where(golden == 0, 0, np.maximum(np.frexp(golden)[1] - 1, self._format.emin))
        unit = np.ldexp(1.0, exponent - self._format.fraction_bits)
        size = np.where(np.isfinite(golden), np.abs(chunk.error(actual)) / unit, np.nan)
        self._sum.add(size)
        self._above += int(np.count_nonzero(size > self._cut))

    @property
    def mean(self) -> float:
        return self._sum.mean

    @property
    def share(self) -> float:
        return share(self._above, self._sum.count)


class _Ulp(Frame):
    def __init__(self, context: Context) -> None:
        super().__init__(_TEXT, context)
        self._numbers = NUMBERS[context.format.name]
        self._device, self._third = _Column(context), _Column(context)
        self._missing = False

    def take(self, chunk: Chunk) -> None:
        self._device.add(chunk.actual, chunk)
        if chunk.third is None:
            self._missing = True
        else:
            self._third.add(chunk.third, chunk)
        self.used += chunk.actual.size

    def _alternatives(self) -> list[Metric]:
        numbers, device, third = self._numbers, self._device, self._third
        found = []
        if numbers.ulp_mean is not None:
            found.append(judged("mean ULP", device.mean, "<", numbers.ulp_mean))
        found.append(judged(f"share > {numbers.ulp_cut:g} ULP", device.share, "<", numbers.ulp_share))
        if not self._missing:
            ratio = device.share / max(third.share, numbers.floor)
            found.append(judged("share ratio", ratio, "<", _RATIO, f"{device.share:.6g} to {third.share:.6g}"))
        return found

    def verdict(self) -> Verdict:
        if not self._seen:
            return super().verdict()
        found = self._alternatives()
        means = [] if self._numbers.ulp_mean is not None else [stated("mean ULP", self._device.mean)]
        if not self._missing and not _consistent(self._device.mean, self._third.mean):
            same = judged(
                "mean ULP is inf or NaN for one side only", 1, "==", 0, f"{self._device.mean:g}, {self._third.mean:g}"
            )
            return self.say(
                Status.FAIL, [same, *found, *means], "inf or NaN where the third party has none, or reverse"
            )
        if any(metric.passed for metric in found):
            return self.say(Status.PASS, [*found, *means])
        facts = ", ".join(f"{m.name} is {m.value:.6g}, not < {m.threshold:.6g}" for m in found)
        if self._missing:
            return self.say(Status.NOT_JUDGED, [*found, *means], f"{facts}; the last resort needs a third party")
        return self.say(Status.FAIL, [*found, *means], facts)


def _consistent(first: float, second: float) -> bool:
    if math.isfinite(first) and math.isfinite(second):
        return True
    return first == second or (math.isnan(first) and math.isnan(second))


PROFILES = (profile(_TEXT, _Ulp, rows=NUMBERS, needs_third=True),)
