"""What all profiles share: the frame of a judge, points that are not finite, sums that no chunking changes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcelogits._typing import Float64Array
from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Chunk, Context, Judge, Metric, Profile, Status, Verdict

Mask = npt.NDArray[np.bool_]

NOTHING = "the output has no elements: there is nothing to compare"

_PART = 1 << 15

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


def profile(text: Text, start: Callable[[Context], Judge], *, needs_third: bool = False) -> Profile:
    """The profile of a rule."""
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


class Sum:
    """A sum of float64 numbers that come in runs: the same bits however the runs are cut.

    Blocks of fixed size are added up by NumPy, their sums with Neumaier's compensation: as accurate as pairwise
    summation, in memory for one block.
    """

    BLOCK = 1 << 14

    def __init__(self) -> None:
        """A sum of nothing."""
        self.count = 0
        self._total = self._lost = 0.0
        self._pending: list[Float64Array] = []
        self._waiting = 0

    def add(self, values: Float64Array) -> None:
        """Take one run."""
        self.count += values.size
        self._pending.append(values)
        self._waiting += values.size
        if self._waiting < self.BLOCK:
            return
        whole = np.concatenate(self._pending)
        full = whole.size - whole.size % self.BLOCK
        for block in whole[:full].reshape(-1, self.BLOCK):
            self._total, self._lost = _two_sum(self._total, self._lost, _sum(block))
        self._pending = [whole[full:].copy()]
        self._waiting = whole.size - full

    @property
    def value(self) -> float:
        """The sum of all that came."""
        rest = _sum(np.concatenate(self._pending)) if self._waiting else 0.0
        total, lost = _two_sum(self._total, self._lost, rest)
        return total + lost

    @property
    def mean(self) -> float:
        """The mean of all that came; 0 of nothing."""
        return self.value / self.count if self.count else 0.0


def _sum(values: Float64Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(values.sum())


def _two_sum(total: float, lost: float, value: float) -> tuple[float, float]:
    new = total + value
    if not math.isfinite(new):
        return new, 0.0
    lost += (total - new) + value if abs(total) >= abs(value) else (value - new) + total
    return new, lost


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


def error(chunk: Chunk, actual: Float64Array | None = None) -> Float64Array:
    """The signed error of the actual values (or of those given) against the truth, which is not rounded."""
    taken = chunk.actual if actual is None else actual
    return np.asarray((taken - chunk.golden) - chunk.low)


def saturated(chunk: Chunk, context: Context) -> Mask:
    """Where saturation put the largest finite number for a golden infinity."""
    top = np.abs(chunk.rounded) >= context.format.max_finite
    return np.asarray(top & ((chunk.flags & (Flag.OVERFLOW | Flag.SPECIAL)) != 0))


class Worst:
    """The largest of values that come in runs, where it is, and what stands beside it; the first of equals."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.value = 0.0
        self.index = -1
        self.beside = 0.0

    def add(self, values: Float64Array, where: Mask, beside: Float64Array, start: int) -> None:
        """Take one run; only elements of the mask count."""
        if not where.any():
            return
        masked = np.where(where, values, -1.0)
        at = int(np.argmax(masked))
        if self.index < 0 or masked[at] > self.value:
            self.value, self.index, self.beside = float(masked[at]), start + at, float(beside[at])


# ---- judges ----------------------------------------------------------------------------------------------------


class Frame:
    """A judge's frame. A rule says what it takes of a chunk (`take`) and its metrics; `used` and `masked` are its."""

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
        """Take one run of elements."""
        if not chunk.actual.size:
            return
        self._seen += chunk.actual.size
        if self.context.count == 1 and self.context.reduction != "none":
            self._single = (float(chunk.actual[0]), float(chunk.rounded[0]))
        with np.errstate(all="ignore"):
            for part in _parts(chunk):
                self.take(part)

    def verdict(self) -> Verdict:
        """The verdict on all that came."""
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
        """Take one run of elements, which is not empty; floating-point warnings are off."""
        raise NotImplementedError

    def metrics(self) -> list[Metric]:
        """The metrics of all that came, which is not nothing."""
        raise NotImplementedError


class NotJudged(Frame):
    """The judge of an output that the rule does not cover."""

    def __init__(self, text: Text, context: Context, why: str) -> None:
        """A judge that says why it is none."""
        super().__init__(text, context)
        self._why = why

    def add(self, chunk: Chunk) -> None:
        """Look at nothing."""

    def verdict(self) -> Verdict:
        """Not judged, and why."""
        return self.say(Status.NOT_JUDGED, why=self._why)


def _parts(chunk: Chunk) -> Iterator[Chunk]:
    """Pieces whose temporary arrays stay in a core's cache: faster than the whole. A rule needs no inputs."""
    size = chunk.actual.size
    for at in range(0, size, _PART):
        run = slice(at, min(at + _PART, size))
        yield Chunk(
            chunk.start + at,
            chunk.actual[run],
            chunk.golden[run],
            chunk.low[run],
            chunk.rounded[run],
            chunk.scale[run],
            chunk.flags[run],
            None if chunk.third is None else chunk.third[run],
            {},
        )


def no_row(text: Text, context: Context, table: Mapping[str, object]) -> Judge | None:
    """The judge of a format that a rule's table leaves out; None if it has a row."""
    if context.format.name in table:
        return None
    return NotJudged(
        text, context, f"{text.standard} has no threshold for {context.format.name}, only for {', '.join(table)}"
    )
