"""One case of the HTML report: in full with pictures and tables, in brief, or as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from bcelogits.verify._model import CaseResult, Metric, Status, Verdict
from bcelogits.verify.report._json import plain
from bcelogits.verify.report._pictures import Figure, error_by_logit, histogram, result_by_golden
from bcelogits.verify.report._text import WORDS, clean, deciding, max_ulp, number, relation, shape_text

__all__ = ["MARKS", "badge", "full", "light", "line"]

MARKS = {Status.PASS: "p", Status.WARN: "w", Status.FAIL: "f", Status.NOT_JUDGED: "x"}  # classes of the style sheet


def badge(status: Status) -> str:
    """The status as a word; the style sheet adds a colour and a sign."""
    return f'<b class="{MARKS[status]}">{WORDS[status]}</b>'


def full(case: CaseResult, index: int) -> str:
    """Everything there is of a case, open."""
    statistics = case.statistics
    parts = [_head(case, index, True), _facts(case), _reasons(case)]
    if statistics:
        identifier = f"c{index}"
        figures = [
            _figure("Error against the logit", error_by_logit(case, f"{identifier}x")),
            _figure("Results against golden values", result_by_golden(case, f"{identifier}g")),
            _figure("Signed error", histogram(case, f"{identifier}h")),
        ]
        # Pictures of one point say less than its figures do.
        if statistics["elements"] > 1:
            parts.append(f'<div class="pics">{"".join(figures)}</div>')
    parts.append(_metrics(case.verdicts))
    if statistics:
        parts += [_worst(statistics), '<div class="cols">', _confusion(statistics), _flags(statistics)]
        parts += [_small(statistics), _dual(statistics), "</div>"]
    return "".join([*parts, "</details>"])


def light(case: CaseResult, index: int) -> str:
    """A case in brief, closed: the figures that decide, and the error against the logit."""
    figure = error_by_logit(case, f"c{index}x", light=True) if case.statistics.get("elements", 0) > 1 else None
    pictures = f'<div class="pics">{_figure("Error against the logit", figure)}</div>' if figure else ""
    return f"{_head(case, index, False)}{_reasons(case)}{_brief(case.verdicts)}{pictures}</details>"


def line(case: CaseResult, index: int) -> str:
    """A case with the figures that decide alone."""
    return f"{_head(case, index, False)}{_reasons(case, 1)}</details>"


def _head(case: CaseResult, index: int, opened: bool) -> str:
    shape = f"{case.op.value}, {case.dtype}, reduction {case.reduction}, output {shape_text(case.shape)}"
    ulp = max_ulp(case)
    largest = f", max {ulp} ULP" if ulp != "-" else ""
    name = escape(clean(case.name))
    return (
        f'\n<details id="c{index}" data-s="{MARKS[case.status]}" data-n="{name}"{" open" if opened else ""}>'
        f"<summary>{badge(case.status)} <strong>{name}</strong> "
        f'<span class="dim">{escape(clean(shape))}{largest}</span></summary>'
    )


def _facts(case: CaseResult) -> str:
    facts = {key: value for key, value in case.facts.items() if value not in (None, "", (), [], {})}
    if case.statistics.get("third"):
        facts["third party"] = case.statistics["third"]
    if not facts:
        return ""
    text = "; ".join(f"{key} {plain(value)}" for key, value in facts.items())
    return f'<p class="dim why">{escape(clean(text))}</p>'


def _reasons(case: CaseResult, most: int | None = None) -> str:
    reasons = [("", case.error)] if case.error else []
    reasons += [(verdict.profile, verdict.why) for verdict in case.verdicts if verdict.why]
    return "".join(
        f'<p class="why">{f"<strong>{escape(clean(who))}</strong>: " if who else ""}{escape(clean(why))}</p>'
        for who, why in reasons[:most]
    )


def _figure(title: str, figure: Figure | None) -> str:
    if figure is None:
        return ""
    # A swatch has the classes of what it stands for: an area, or a line where those have no fill.
    swatches = "".join(
        f'<li><svg viewBox="0 0 18 10" aria-hidden="true"><path class="{name}" d="M0 5h18"/>'
        f'<path class="{name}" d="M0 1h18v8H0z" stroke="none"/></svg>{escape(words)}</li>'
        if name in _AREAS
        else f'<li><svg viewBox="0 0 18 10" aria-hidden="true"><path class="{name}" d="M1 5h16"/></svg>'
        f"{escape(words)}</li>"
        for name, words in figure.key
    )
    output = "<output></output>" if figure.picture.has_notes else ""
    return f'<figure><strong>{title}</strong>{figure.picture.svg()}<ul class="key">{swatches}</ul>{output}</figure>'


_AREAS = {"peak", "most", "peak-bad", "most-bad", "exact", "zone", "zeros"}


def _metrics(verdicts: Sequence[Verdict]) -> str:
    groups = []
    for verdict in verdicts:
        masked = f", {verdict.masked} masked" if verdict.masked else ""
        used = f' <span class="dim">{verdict.used} elements{masked}</span>' if verdict.used or masked else ""
        heading = f"{escape(clean(verdict.profile))} {badge(verdict.status)}{used}"
        rows = "".join(map(_metric, verdict.metrics))
        groups.append(f'<tbody><tr><th scope="rowgroup" colspan="4">{heading}</th></tr>{rows}</tbody>')
    if not groups:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("metric", "value", "limit", "result"))
    return f'<h3>Profiles</h3><table class="metrics"><thead><tr>{head}</tr></thead>{"".join(groups)}</table>'


def _metric(metric: Metric) -> str:
    limit = "" if metric.threshold is None else f"{metric.comparison} {number(metric.threshold)}"
    result = "" if metric.passed is None else badge(Status.PASS if metric.passed else Status.FAIL)
    note = f' <span class="dim">{escape(clean(metric.note))}</span>' if metric.note else ""
    return (
        f"<tr><td>{escape(clean(metric.name))}{note}</td><td>{number(metric.value)}</td><td>{escape(limit)}</td>"
        f"<td>{result}</td></tr>"
    )


def _brief(verdicts: Sequence[Verdict]) -> str:
    rows = []
    for verdict in verdicts:
        metric = deciding(verdict)
        figure = f"{escape(clean(metric.name))} {escape(relation(metric))}" if metric else ""
        rows.append(
            f'<tr><th scope="row">{escape(clean(verdict.profile))}</th><td>{badge(verdict.status)}</td>'
            f"<td>{figure}</td></tr>"
        )
    return f'<table class="brief">{"".join(rows)}</table>' if rows else ""


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], classes: str) -> str:
    """A table whose rows become cards on a narrow screen."""
    body = []
    for row in rows:
        cells = [escape(clean(cell)) for cell in row]
        labelled = [f'<td data-l="{escape(name)}">{cell}</td>' for name, cell in zip(head, cells, strict=True)]
        labelled[0] = labelled[0].replace("<td", '<th scope="row"').replace("</td>", "</th>")
        body.append(f"<tr>{''.join(labelled)}</tr>")
    if not body:
        return ""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<section><h3>{escape(title)}</h3><table class="{classes}"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></section>"
    )


def _worst(statistics: Mapping[str, Any]) -> str:
    points = statistics["worst"]
    if not points:
        return ""
    inputs = list(points[0]["inputs"])
    rows = [
        [
            p["index"],
            *(p["inputs"].get(name, "") for name in inputs),
            p["actual"],
            p["golden"],
            p["rounded"],
            number(p["ulp"]),
        ]
        for p in points
    ]
    title = f"The worst {len(points)} points" if len(points) > 1 else "The point"
    head = ["index", *map(clean, inputs), "actual", "golden", "golden, rounded", "ULP"]
    return _table(title, head, rows, "n cards")


def _confusion(statistics: Mapping[str, Any]) -> str:
    names, counts = statistics["confusion"]["classes"], statistics["confusion"]["counts"]
    elements = statistics["elements"]
    title = "Finite, infinite, NaN"
    if counts[0][0] == elements:
        return f"<section><h3>{title}</h3><p>All {elements} golden and actual values are finite.</p></section>"
    head = ["golden \\ actual", *names]
    rows = [[name, *row] for name, row in zip(names, counts, strict=True)]
    return _table(title, head, rows, "n")


def _flags(statistics: Mapping[str, Any]) -> str:
    rows = [
        [name, counts["count"], counts["differ"]] for name, counts in statistics["flags"].items() if counts["count"]
    ]
    for name, count in statistics["zeros"].items():
        if count:
            rows.append([f"actual 0, golden not: {name}", count, ""])
    return _table("Flagged golden values", ["flag", "elements", "not golden rounded"], rows, "n")


def _small(statistics: Mapping[str, Any]) -> str:
    rows: list[list[object]] = []
    third = statistics["third_ulp"] is not None
    for domain in statistics["small_domains"]:
        if domain["count"]:
            sign = "<=" if domain["inclusive"] else "<"
            row = [domain["source"], f"{sign} {number(domain['small'])}", number(domain["error"])]
            row += [domain["count"], domain["errors"]]
            rows.append(row + ([domain["third_errors"], number(domain["ratio"])] if third else []))
    head = ["rule", "|golden|", "error above", "elements", "errors", *(["third's errors", "ratio"] if third else [])]
    return _table("Small golden values", head, rows, "n cards")


def _dual(statistics: Mapping[str, Any]) -> str:
    rows = [
        [row["figure"], number(row["actual"]), number(row["third"]), number(row["ratio"])]
        for row in statistics["dual"] or ()
    ]
    return _table("Against the third party", ["figure", "actual", "third", "ratio"], rows, "n")
