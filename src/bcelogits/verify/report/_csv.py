"""The report as CSV: one row for each figure of each profile of each case, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from bcelogits.verify._model import CaseResult, Metric, RunResult, Verdict
from bcelogits.verify._plain import plain

__all__ = ["COLUMNS", "to_csv"]

COLUMNS = (
    "case",
    "operator",
    "dtype",
    "shape",
    "reduction",
    "case_status",
    "profile",
    "standard",
    "standard_version",
    "status",
    "used",
    "masked",
    "metric",
    "value",
    "comparison",
    "threshold",
    "passed",
    "note",
    "message",
)


def to_csv(run: RunResult) -> str:
    """The run as CSV text (RFC 4180), its first row the names of the columns.

    A verdict without figures has one row, and so has a case without verdicts; what does not apply is empty. Numbers are
    the shortest text that gives the float64 again; a shape is its sizes joined by "x", "scalar" without any.

    Example:
        >>> from bcelogits.verify._model import RunResult, Status
        >>> from bcelogits.verify.report import to_csv
        >>> to_csv(RunResult(Status.PASS, ())).split(",")[:3]
        ['case', 'operator', 'dtype']
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for case in run.cases:
        writer.writerows(_rows(case))
    return text.getvalue()


def _rows(case: CaseResult) -> Iterator[list[str]]:
    shape = "x".join(map(str, case.shape)) or "scalar"
    head = [case.name, case.op.value, case.dtype, shape, case.reduction, case.status.value]
    for verdict in case.verdicts or (None,):
        for metric in (verdict.metrics if verdict else ()) or (None,):
            yield [str(plain(entry)) for entry in head + _verdict(verdict) + _metric(metric) + _message(case, verdict)]


def _verdict(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return [""] * 6
    named = [verdict.profile, verdict.standard, verdict.version, verdict.status.value]
    return [*named, str(verdict.used), str(verdict.masked)]


def _metric(metric: Metric | None) -> list[str]:
    if metric is None:
        return [""] * 6
    judged = metric.passed is not None
    passed = ("true" if metric.passed else "false") if judged else ""
    comparison = metric.comparison if metric.threshold is not None else ""
    return [metric.name, _number(metric.value), comparison, _number(metric.threshold), passed, metric.note]


def _message(case: CaseResult, verdict: Verdict | None) -> list[str]:
    return [verdict.why if verdict is not None and verdict.why else case.error]


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
