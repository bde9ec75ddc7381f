"""msprobe's single benchmark: absolute errors below 1, relative ones from there, and their balance."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from bcelogits.reference.sums import IntegerSum
from bcelogits.verify._model import Chunk, Context, Metric, Status, Verdict
from bcelogits.verify._summary import Largest

from ._common import Frame, Text, judged, profile, stated

__all__ = ["PROFILES"]


class _Limits(NamedTuple):
    high: float  # limit of the errors, high precision
    normal: float  # and normal precision
    balance: float  # limit of the mean signed error


# msprobe/pytorch/online_dispatch/single_compare.py of Ascend's mstt (99c2e0f); float64 has float32's row there.
_ROWS = {
    "f16": _Limits(2.0**-11, 2.0**-7, 2.0**-10),
    "bf16": _Limits(2.0**-8, 2.0**-6, 2.0**-7),
    "f32": _Limits(2.0**-14, 2.0**-11, 2.0**-14),
    "f64": _Limits(2.0**-14, 2.0**-11, 2.0**-14),
}
_SPLIT = 1.0  # |golden| from which the error is relative
_GUARD = 2.0**-23  # added to |golden|

_SOURCE = (
    "https://gitcode.com/Ascend/mstt/blob/master/debug/accuracy_tools/msprobe/pytorch/online_dispatch/single_compare.py"
)


class _Single(Frame):
    """Largest absolute error below |g| = 1, largest relative one from there, and |mean of the signed errors|.

    This is the intended rule: the tool takes both largest errors from |g| = 1 on, and lets any negative mean pass. An
    output whose golden has an infinity or NaN passes unseen, as in the tool.
    """

    def __init__(self, text: Text, limit: float, balance: float, context: Context) -> None:
        super().__init__(text, context)
        self._limit, self._balance = limit, balance
        self._absolute, self._relative, self._signed = Largest(), Largest(), IntegerSum()
        self._golden_special = self._actual_special = 0

    def take(self, chunk: Chunk) -> None:
        self._golden_special += int(np.count_nonzero(~np.isfinite(chunk.rounded)))
        self._actual_special += int(np.count_nonzero(~np.isfinite(chunk.actual)))
        self.used += chunk.actual.size
        magnitude = np.abs(chunk.golden)
        below = magnitude < _SPLIT
        signed = chunk.error()
        signed = np.where(below, signed, signed / (magnitude + _GUARD))
        finite = np.isfinite(signed)
        size = np.abs(signed)
        self._absolute.add(size, finite & below, chunk.rounded, chunk.start)
        self._relative.add(size, finite & ~below, chunk.rounded, chunk.start)
        self._signed.add(signed)

    def metrics(self) -> list[Metric]:
        return [
            judged("inf/NaN of the device", self._actual_special, "==", 0),
            judged("max absolute error, |golden| < 1", self._absolute.value, "<=", self._limit),
            judged("max relative error, |golden| >= 1", self._relative.value, "<=", self._limit),
            judged("|error balance|", abs(self._signed.mean), "<=", self._balance),
            stated("error balance", self._signed.mean, "mean of the signed errors"),
        ]

    def verdict(self) -> Verdict:
        if self._golden_special:
            special = stated("inf/NaN of the golden", self._golden_special)
            why = "the golden has inf or NaN: this rule passes such an output without looking at it"
            return self.say(Status.PASS, [special], why)
        return super().verdict()


def _text(name: str, precision: str) -> Text:
    return Text(
        name,
        f"msprobe single benchmark, {precision} precision",
        "mstt 99c2e0f",
        _SOURCE,
        "largest absolute error below 1, relative from there, and the mean signed error",
    )


_TEXTS = {"high": _text("msprobe-single", "high"), "normal": _text("msprobe-single:normal", "normal")}


def _start(precision: str, context: Context) -> _Single:
    row = _ROWS[context.format.name]
    return _Single(_TEXTS[precision], row.high if precision == "high" else row.normal, row.balance, context)


PROFILES = tuple(profile(text, partial(_start, precision)) for precision, text in _TEXTS.items())
