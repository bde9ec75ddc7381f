"""How the report words things: numbers, verdicts, the figure that decides, the order of cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from bcelogits.verify._model import CaseResult, Metric, RunResult, Status, Verdict

__all__ = [
    "OUTCOMES",
    "WORDS",
    "clean",
    "deciding",
    "max_ulp",
    "number",
    "ordered",
    "profiles",
    "relation",
    "shape_text",
    "summary",
]

WORDS = {Status.PASS: "pass", Status.WARN: "warn", Status.FAIL: "FAIL", Status.NOT_JUDGED: "not judged"}
OUTCOMES = {
    Status.FAIL: "failed",
    Status.NOT_JUDGED: "not judged",
    Status.WARN: "with warnings",
    Status.PASS: "passed",
}
"""How many cases came out how, in the order of the report."""

_OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<=", "==": "!="}


def clean(text: object) -> str:
    """The text without what a terminal or a page would obey: control and other unprintable characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def number(value: float | str | None) -> str:
    """At most four digits; whole numbers below a million in full; "-" for None."""
    if value is None:
        return "-"
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    text = f"{value:.4g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def relation(metric: Metric) -> str:
    """What the figure is against its threshold: "2.1 <= 32", "40 > 32", "0.98 < 0.99"."""
    if metric.threshold is None:
        return number(metric.value)
    comparison = metric.comparison if metric.passed is not False else _OPPOSITE.get(metric.comparison, "!")
    value, threshold = number(metric.value), number(metric.threshold)
    if value == threshold and metric.value != metric.threshold:  # what decides is beyond the fourth digit
        value, threshold = f"{metric.value:.9g}", f"{metric.threshold:.9g}"
    return f"{value} {comparison} {threshold}"


def deciding(verdict: Verdict) -> Metric | None:
    """The first figure that failed, as in the verdict's reason; else the judged figure nearest to its threshold."""
    judged = [metric for metric in verdict.metrics if metric.passed is not None]
    failed = [metric for metric in judged if metric.passed is False]
    if failed:
        return failed[0]
    return max(judged, key=_closeness, default=None)


def _closeness(metric: Metric) -> float:
    """How much of what is allowed is used up: 1 at the threshold."""
    value, threshold = metric.value, metric.threshold
    if value is None or threshold is None or metric.comparison == "==":
        return -1.0  # a count that must be 0 says less than a figure
    if metric.comparison.startswith(">"):
        value, threshold = threshold, value
    return value / threshold if threshold > 0 else 0.0


def ordered(cases: Iterable[CaseResult]) -> list[CaseResult]:
    """Failures first, then what could not be judged, warnings, and what passed; else as they came."""
    return sorted(cases, key=lambda case: [*OUTCOMES].index(case.status))


def profiles(cases: Iterable[CaseResult]) -> list[str]:
    """The names of all profiles, as they come first."""
    return list(dict.fromkeys(verdict.profile for case in cases for verdict in case.verdicts))


def max_ulp(case: CaseResult) -> str:
    """The largest error in ULP, "inf" if an element's is unbounded, "-" if none was measured."""
    ulp = case.statistics.get("ulp")
    if not ulp:
        return "-"
    return "inf" if case.statistics.get("mismatched") else number(ulp.get("max"))


def shape_text(shape: Sequence[int]) -> str:
    """A shape in words: "2 x 3", "scalar"."""
    return " x ".join(map(str, shape)) or "scalar"


def summary(run: RunResult) -> str:
    """One line: how many cases there are, and how they came out."""
    counts = Counter(case.status for case in run.cases)
    parts = [f"{counts[status]} {word}" for status, word in OUTCOMES.items() if counts[status]]
    cases = f"{len(run.cases)} case" + ("" if len(run.cases) == 1 else "s")
    return f"{cases}: {', '.join(parts)}" if parts else cases
