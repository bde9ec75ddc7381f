"""CANN's commercial standard: the device's errors as multiples of a third party's, in three levels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.verify._measures import RelativeErrors
from bcelogits.verify._model import Chunk, Context, Metric, Status, Verdict

from ._common import Frame, Text, judged, profile, saturated, stated

__all__ = ["PROFILES", "SMALL"]


class _Level(NamedTuple):
    mare: float
    mere: float
    rmse: float
    asks: str  # what the level asks for beyond one case: said, not judged


# docs/zh/ops_precision_standard/commercial_standard.md of CANN's opbase, commit 3e62966 (2026-04; still in tag
# v9.1.0-beta.1).
_LEVELS = {
    "L0": _Level(10, 2, 2, "at least 5,000 cases and 50 repeats"),
    "L1": _Level(5, 1.5, 1.5, "at least 10,000 cases and 50 repeats"),
    "L2": _Level(2, 1.2, 1.2, "at least 30,000 cases and 1,000 repeats"),
}
SMALL = {  # a value is small below the first; an error above the second is counted
    "f16": (2.0**-11, 2.0**-16),
    "bf16": (2.0**-8, 2.0**-16),
    "f32": (2.0**-14, 2.0**-30),
}
_SMALL_RATIO = 2
_GUARD = 1e-7  # the least denominator of a ratio

_SOURCE = "https://gitcode.com/cann/opbase/blob/v9.1.0-beta.1/docs/zh/ops_precision_standard/commercial_standard.md"
_RECHECK = "the standard's recheck of a failed case over 200 or more seeds is out of scope here"


class _Side(RelativeErrors):
    """The errors of one column: the device's or the third party's."""

    def __init__(self) -> None:
        super().__init__()
        self.small_errors = 0

    def take(self, size: Float64Array, chunk: Chunk, where: Mask, small: tuple[float, float]) -> None:
        self.add(size, chunk, where)
        below, limit = small
        self.small_errors += int(np.count_nonzero(where & (np.abs(chunk.golden) < below) & (size > limit)))


class _Dual(Frame):
    """Ratios of MARE, MERE and RMSE, of errors at small values, and the rule for inf and NaN.

    The figures are over the points where the device, the golden and the third party are finite. Where one is not, with
    the golden narrowed to the dtype: the device is right if it equals the third party or the golden. It is wrong if it
    misses a golden that the third party meets, or is not finite where both others are. What is neither (all three
    differ) is to be investigated: a warning. In saturation mode the points of golden infinities are left out.
    """

    def __init__(self, text: Text, level: _Level, context: Context) -> None:
        super().__init__(text, context)
        self._level = level
        self._small = SMALL[context.format.name]
        self._device, self._third = _Side(), _Side()
        self._wrong = self._unclear = 0
        self._missing = False

    def take(self, chunk: Chunk) -> None:
        if chunk.third is None:
            self._missing = True
            return
        actual, golden, third = chunk.actual, chunk.rounded, chunk.third
        fits = [np.isfinite(column) for column in (actual, golden, third)]
        counted = np.ones(actual.shape, np.bool_)
        if self.context.saturate:
            counted &= ~saturated(chunk, self.context)
        finite = counted & fits[0] & fits[1] & fits[2]
        special = counted & ~finite & ~(fits[0] & fits[1])  # a third party alone that is not finite says nothing
        meets = special & _same(actual, golden)
        with_third = special & _same(actual, third)
        third_meets = special & _same(third, golden) & ~fits[1]
        wrong = special & ~meets & ~with_third & (third_meets | (fits[1] & fits[2]))
        unclear = special & ~meets & ~with_third & ~wrong
        self._wrong += int(np.count_nonzero(wrong))
        self._unclear += int(np.count_nonzero(unclear))

        self._device.take(np.abs(chunk.error()), chunk, finite, self._small)
        self._third.take(np.abs(chunk.error(third)), chunk, finite, self._small)
        self.used = self._device.count
        self.masked += actual.size - int(np.count_nonzero(finite))

    def metrics(self) -> list[Metric]:
        device, third, level = self._device, self._third, self._level
        name = self.context.third or "third party"
        pairs = {
            "MARE": (device.largest.value, third.largest.value, level.mare),
            "MERE": (device.mean, third.mean, level.mere),
            "RMSE": (device.rmse, third.rmse, level.rmse),
        }
        return [
            judged("inf/NaN wrong", self._wrong, "==", 0),
            *(
                judged(f"{key} ratio", a / max(r, _GUARD), "<=", limit, f"{a:.6g} to {r:.6g} of the {name}")
                for key, (a, r, limit) in pairs.items()
            ),
            judged(
                "small-value errors ratio",
                device.small_errors / max(third.small_errors, 1),
                "<=",
                _SMALL_RATIO,
                f"{device.small_errors} to {third.small_errors} of the {name}",
            ),
            stated("inf/NaN to investigate", self._unclear, "device, golden and third party all differ"),
            *(stated(key, pair[0]) for key, pair in pairs.items()),
            *(stated(f"{key} of the third party", pair[1]) for key, pair in pairs.items()),
        ]

    def verdict(self) -> Verdict:
        if self._missing:
            return self.say(Status.NOT_JUDGED, why=f"{self.text.standard} needs the results of a third party")
        return super().verdict()

    def say(self, status: Status, metrics: Sequence[Metric] = (), why: str = "") -> Verdict:
        if status is Status.FAIL:
            why = f"{why}; {_RECHECK}"
        elif status is Status.PASS and self._unclear:
            status, why = Status.WARN, f"{self._unclear} to investigate: device, golden and third party all differ"
        return super().say(status, metrics, why)


def _same(first: Float64Array, second: Float64Array) -> Mask:
    return np.asarray((first == second) | (np.isnan(first) & np.isnan(second)))


def _text(name: str, level: _Level) -> Text:
    return Text(
        f"cann-dual:{name}",
        f"CANN operator precision standard, commercial, level {name}",
        "2026-04 (3e62966), withdrawn from the public repository",
        _SOURCE,
        f"errors at most {level.mare:g} / {level.mere:g} / {level.rmse:g} times a third party's (MARE / MERE / RMSE); "
        f"one case is judged, {name} asks for {level.asks}",
    )


PROFILES = tuple(
    profile(text, partial(_Dual, text, level), rows=SMALL, needs_third=True)
    for text, level in ((_text(name, level), level) for name, level in _LEVELS.items())
)
