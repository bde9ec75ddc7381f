"""The report in a terminal: one table that is read at a glance, failures first, and a line that sums it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bcelogits.verify._model import CaseResult, RunResult, Status, Verdict
from bcelogits.verify.report._text import (
    WORDS,
    clean,
    deciding,
    max_ulp,
    number,
    ordered,
    profiles,
    relation,
    summary,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["print_table"]

_STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.NOT_JUDGED: "magenta"}
_VERDICT, _OTHERS = 19, 52  # characters that a profile's column and all other columns take
_ROOMY = 100  # characters that a console must have for the column of operators
_OPERATORS = {"target_backward": "target bwd"}


def print_table(run: RunResult, console: Console, verbose: bool = False) -> None:
    """Print the verdicts of a run; with `verbose`, or where there is one case only, its ten worst points too.

    Args:
        run: What to print.
        console: Where to; its width and colours are respected.
        verbose: Also every figure of each verdict and why it is what it is, and the worst points of every case.

    Example:
        >>> from rich.console import Console
        >>> from bcelogits.verify._model import RunResult, Status
        >>> from bcelogits.verify.report import print_table
        >>> print_table(RunResult(Status.PASS, ()), Console())
        0 cases: pass
    """
    from rich.text import Text

    cases = ordered(run.cases)
    if cases:
        _verdicts(cases, console)
    for case in cases:
        for line in _reasons(case, verbose):
            console.print(line)
        if verbose or len(cases) == 1:
            _worst(case, console)
    for line in (*_unjudged(cases), *_legend(cases)):
        console.print(line)
    status = Text(WORDS[run.status], style=_STYLES[run.status])
    total = summary(run)
    console.print(Text(total + (": " if total.endswith(("case", "cases")) else ". ")).append_text(status))


def _verdicts(cases: Sequence[CaseResult], console: Console) -> None:
    from rich import box
    from rich.table import Table

    names = profiles(cases)
    roomy = console.width >= _ROOMY
    apart = len(names) * _VERDICT + (_OTHERS if roomy else _OTHERS - 10) <= console.width
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("case", overflow="fold", min_width=12)
    for heading in ("operator", "dtype", "reduction") if roomy else ("dtype", "reduction"):
        table.add_column(heading, no_wrap=True)
    for heading in names if apart else ["verdicts"]:
        table.add_column(_plain(heading), no_wrap=True, overflow="ellipsis")
    table.add_column("max ULP", justify="right", min_width=8, no_wrap=True)
    for case in cases:
        by_name = {verdict.profile: verdict for verdict in case.verdicts}
        cells = [_cell(case, by_name.get(name)) for name in names] if apart else [_stacked(case)]
        operator = [_OPERATORS.get(case.op.value, case.op.value)] if roomy else []
        table.add_row(_plain(case.name), *operator, _plain(case.dtype), _plain(case.reduction), *cells, max_ulp(case))
    console.print(table)


def _plain(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(text), style=style)


def _cell(case: CaseResult, verdict: Verdict | None) -> Text:
    if verdict is None:
        return _plain(WORDS[Status.NOT_JUDGED], _STYLES[Status.NOT_JUDGED]) if case.error else _plain("")
    cell = _plain(WORDS[verdict.status], _STYLES[verdict.status])
    metric = deciding(verdict)
    if metric is not None and verdict.status is not Status.NOT_JUDGED:
        cell.append(f" {relation(metric)}")
        if metric.passed is False:
            cell.append(f"\n{clean(metric.name)}", "dim")
    return cell


def _stacked(case: CaseResult) -> Text:
    from rich.text import Text

    if not case.verdicts:
        return _cell(case, None)
    width = max(len(clean(verdict.profile)) for verdict in case.verdicts)
    lines = [_plain(clean(v.profile).ljust(width) + " ").append_text(_cell(case, v)) for v in case.verdicts]
    return Text("\n").join(line.split("\n")[0] for line in lines)


def _reasons(case: CaseResult, verbose: bool) -> list[Text]:
    """Why a case could not be judged; with `verbose` every verdict with its reason and its figures."""
    lines = []
    if case.error:
        lines.append(_plain(f"{case.name}: {case.error}", _STYLES[Status.NOT_JUDGED]))
    if verbose:
        for verdict in case.verdicts:
            standard = f"{verdict.standard}, {verdict.version}"
            why = f": {verdict.why}" if verdict.why else ""
            lines.append(_plain(f"{case.name}: {verdict.profile} ({standard}) {WORDS[verdict.status]}{why}"))
            for metric in verdict.metrics:
                style = _STYLES[Status.FAIL] if metric.passed is False else ""
                note = f" ({metric.note})" if metric.note else ""
                lines.append(_plain(f"    {metric.name}: {relation(metric)}{note}", style))
    return lines


def _unjudged(cases: Sequence[CaseResult]) -> list[Text]:
    """What was asked for and not judged, with the reason: it does not count, so it must not go unsaid."""
    reasons: Counter[str] = Counter()
    for case in cases:
        if why := case.facts.get("skipped"):
            reasons[f"cases left out: {why}"] += 1
        for verdict in case.verdicts:
            if verdict.status is Status.NOT_JUDGED:
                reasons[f"cases not judged by {verdict.profile}: {verdict.why}"] += 1
    return [_plain(f"{count} {reason}", _STYLES[Status.NOT_JUDGED]) for reason, count in reasons.most_common()]


def _legend(cases: Sequence[CaseResult]) -> list[Text]:
    """The standard behind the name of each profile; and what hangs on the choice of --special."""
    verdicts = {verdict.profile: verdict for case in cases for verdict in case.verdicts}
    lines = [_plain(f"{name}: {verdict.standard}, {verdict.version}", "dim") for name, verdict in verdicts.items()]
    choices = [case.statistics.get("flags", {}).get("choice", {}) for case in cases]
    count = sum(choice.get("count", 0) for choice in choices)
    if count:
        off = sum(choice.get("differ", 0) for choice in choices)
        lines.append(
            _plain(f"{count} elements depend on --special (limit or torch); {off} of them are not as expected")
        )
    return lines


def _worst(case: CaseResult, console: Console) -> None:
    from rich import box
    from rich.table import Table

    points = case.statistics.get("worst") or []
    if not points:
        return
    title = _plain(f"{case.name}: the worst {'point' if len(points) == 1 else f'{len(points)} points'}")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    inputs = list(points[0]["inputs"])
    for heading in ("index", *inputs, "actual", "golden", "ULP"):
        table.add_column(_plain(heading), justify="right", overflow="fold")
    for point in points:
        values = [point["inputs"].get(name, "") for name in inputs]
        table.add_row(
            *(_plain(str(v)) for v in (point["index"], *values, point["actual"], point["golden"], number(point["ulp"])))
        )
    console.print(table)
