"""What all profiles share: the frame of a judge, and which points a rule compares by arithmetic."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Chunk, Context, Judge, Metric, Profile, Status, Verdict
from bcelogits.verify._ulp import UlpColumn

NOTHING = "the output has no elements: there is nothing to compare"

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Text:
    """Where a rule is written: the fields of the same names of a Profile."""

    name: str
    standard: str
    version: str
    source: str
    summary: str


def profile(
    text: Text,
    start: Callable[[Context], Judge],
    *,
    rows: Mapping[str, object] | None = None,
    needs_third: bool = False,
) -> Profile:
    """The profile of a rule that looks at the elements itself; with `rows`, of outputs of these formats alone."""

    def started(context: Context, ulp: UlpColumn) -> Judge:
        name = context.format.name
        if rows is None or name in rows:
            return start(context)
        return NotJudged(text, context, f"{text.standard} has no threshold for {name}, only for {', '.join(rows)}")

    return ulp_profile(text, started, needs_third=needs_third)


def ulp_profile(text: Text, start: Callable[[Context, UlpColumn], Judge], *, needs_third: bool = False) -> Profile:
    """The profile of a rule about errors in ULP, which are gathered once for all."""
    return Profile(text.name, text.standard, text.version, text.source, start, needs_third, text.summary)


# ---- figures ---------------------------------------------------------------------------------------------------


def judged(name: str, value: float, comparison: str, threshold: float, note: str = "") -> Metric:
    """A figure that the rule judges by; a NaN does not pass."""
    passed = bool(_COMPARE[comparison](value, threshold))
    return Metric(name, float(value), float(threshold), comparison, passed, note)


def stated(name: str, value: float | None, note: str = "") -> Metric:
    """A figure that the rule states without judging by it."""
    return Metric(name, None if value is None else float(value), note=note)


def first_failure(metrics: Sequence[Metric]) -> str:
    """What the first metric that failed says, or ""."""
    for metric in metrics:
        if metric.passed is False:
            note = f" ({metric.note})" if metric.note else ""
            return f"{metric.name} is {metric.value:.9g}, not {metric.comparison} {metric.threshold:.9g}{note}"
    return ""


def share(part: int, whole: int) -> float:
    """`part` of `whole`; 0 of nothing."""
    return part / whole if whole else 0.0


# ---- elements --------------------------------------------------------------------------------------------------


class Points(NamedTuple):
    """Which elements a rule compares by arithmetic, and which by what they are."""

    finite: Mask  # both sides, after the golden is narrowed to the output's dtype
    agree: Mask  # not finite, and the same: NaN on both sides or one infinity
    clash: Mask  # not finite, and not the same


def points(actual: Float64Array, rounded: Float64Array) -> Points:
    """Sort elements by what the actual value and the golden, narrowed to the dtype, are."""
    finite = np.isfinite(actual) & np.isfinite(rounded)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
    return Points(finite, ~finite & same, ~finite & ~same)


def saturated(chunk: Chunk, context: Context) -> Mask:
    """Where saturation put the largest finite number for a golden infinity."""
    top = np.abs(chunk.rounded) >= context.format.max_finite
    return np.asarray(top & ((chunk.flags & (Flag.OVERFLOW | Flag.SPECIAL)) != 0))


# ---- judges ----------------------------------------------------------------------------------------------------


class Frame:
    """A judge's frame: a rule says what it takes of a chunk (`take`), its metrics, and counts `used` and `masked`."""

    # Whether the rule holds of an output without elements: of "every element" or of a share, yes; of a mean, no.
    holds_of_nothing = True

    def __init__(self, text: Text, context: Context) -> None:
        """A judge of one output."""
        self.text = text
        self.context = context
        self.used = 0
        self.masked = 0
        self._seen = 0
        self._single: tuple[float, float] | None = None  # actual and rounded golden of a reduced output

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        if not chunk.actual.size:
            return
        self._seen += chunk.actual.size
        if self.context.count == 1 and self.context.reduction != "none":
            self._single = (float(chunk.actual[0]), float(chunk.rounded[0]))
        with np.errstate(all="ignore"):
            self.take(chunk)

    def verdict(self) -> Verdict:
        """The verdict on all chunks."""
        if not self._seen:
            status = Status.PASS if self.holds_of_nothing else Status.NOT_JUDGED
            why = NOTHING if self.holds_of_nothing else f"{NOTHING}, and the rule is about a mean"
            return self.say(status, why=why)
        metrics = self.metrics()
        why = first_failure(metrics)
        return self.say(Status.FAIL if why else Status.PASS, metrics, why)

    def say(self, status: Status, metrics: Sequence[Metric] = (), why: str = "") -> Verdict:
        """A verdict in this rule's name; a reduced output that fails by one ULP is called so."""
        if status is Status.FAIL and self._off_by_one_ulp():
            why = f"1-ulp, N=1: the only element is one ULP of {self.context.format.name} off: {why}"
        text = self.text
        return Verdict(text.name, text.standard, text.version, status, tuple(metrics), self.used, self.masked, why=why)

    def _off_by_one_ulp(self) -> bool:
        if self._single is None or not all(map(math.isfinite, self._single)):
            return False
        actual, rounded = self._single
        ulp = float(self.context.format.ulp(np.array([rounded]))[0])
        return 0 < abs(actual - rounded) <= ulp

    def take(self, chunk: Chunk) -> None:
        """Take one chunk, which is not empty; floating-point warnings are off."""
        raise NotImplementedError

    def metrics(self) -> list[Metric]:
        """The metrics of all chunks; there was at least one element."""
        raise NotImplementedError


class NotJudged(Frame):
    """The judge of an output that the rule does not cover."""

    def __init__(self, text: Text, context: Context, why: str) -> None:
        """A judge whose verdict is `why` it does not judge."""
        super().__init__(text, context)
        self._why = why

    def add(self, chunk: Chunk) -> None:
        """Ignore the chunk: there is nothing to judge."""

    def verdict(self) -> Verdict:
        """The verdict "not judged", and why."""
        return self.say(Status.NOT_JUDGED, why=self._why)
