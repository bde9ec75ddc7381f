"""What one case of the HTML report shows: in full with pictures and tables, in brief, or as one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bcelogits.verify._model import CaseResult
from bcelogits.verify._plain import plain
from bcelogits.verify.report._pictures import error_by_logit, histogram, result_by_golden
from bcelogits.verify.report._text import number

__all__ = ["Table", "contents"]

_CONFUSION = "Finite, infinite, NaN"


class Table(NamedTuple):
    """A table; the first cell of each row is its heading."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    classes: str = "n"


def contents(case: CaseResult, index: int, detail: str) -> dict[str, Any]:
    """What the template of a case shows besides the case: `detail` is "full", "light" or "line"."""
    statistics, full = case.statistics, detail == "full"
    reasons = [("", case.error)] if case.error else []
    reasons += [(verdict.profile, verdict.why) for verdict in case.verdicts if verdict.why]
    shown: dict[str, Any] = {"facts": "", "reasons": reasons, "figures": []}
    if detail == "line":
        return shown | {"reasons": reasons[:1]}
    # Pictures of one point say less than its figures do.
    if statistics.get("elements", 0) > 1:
        shown["figures"] = _figures(case, f"c{index}", full)
    if not full:
        return shown
    shown["facts"] = _facts(case)
    if statistics:
        shown |= {"all_finite": statistics["confusion"]["counts"][0][0] == statistics["elements"]}
        tables = [] if shown["all_finite"] else [_confusion(statistics)]
        tables += [_flags(statistics), _small(statistics), _dual(statistics)]
        shown |= {"confusion": _CONFUSION, "tables": [table for table in tables if table.rows]}
        shown["worst"] = [_worst(statistics)] if statistics["worst"] else []
    return shown


def _figures(case: CaseResult, identifier: str, full: bool) -> list[tuple[str, Any]]:
    drawn = [("Error against the logit", error_by_logit(case, f"{identifier}x", light=not full))]
    if full:
        drawn.append(("Results against golden values", result_by_golden(case, f"{identifier}g")))
        drawn.append(("Signed error", histogram(case, f"{identifier}h")))
    return [(title, figure) for title, figure in drawn if figure is not None]


def _facts(case: CaseResult) -> str:
    facts = {key: value for key, value in case.facts.items() if value not in (None, "", (), [], {})}
    if case.statistics.get("third"):
        facts["third party"] = case.statistics["third"]
    return "; ".join(f"{key} {plain(value)}" for key, value in facts.items())


def _worst(statistics: Mapping[str, Any]) -> Table:
    points = statistics["worst"]
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
    return Table(title, ["index", *inputs, "actual", "golden", "golden, rounded", "ULP"], rows, "n cards")


def _confusion(statistics: Mapping[str, Any]) -> Table:
    names, counts = statistics["confusion"]["classes"], statistics["confusion"]["counts"]
    rows = [[name, *row] for name, row in zip(names, counts, strict=True)]
    return Table(_CONFUSION, ["golden \\ actual", *names], rows)


def _flags(statistics: Mapping[str, Any]) -> Table:
    rows = [
        [name, counts["count"], counts["differ"]] for name, counts in statistics["flags"].items() if counts["count"]
    ]
    rows += [[f"actual 0, golden not: {name}", count, ""] for name, count in statistics["zeros"].items() if count]
    return Table("Flagged golden values", ["flag", "elements", "not golden rounded"], rows)


def _small(statistics: Mapping[str, Any]) -> Table:
    rows: list[list[object]] = []
    third = statistics["third_ulp"] is not None
    for domain in statistics["small_domains"]:
        if domain["count"]:
            sign = "<=" if domain["inclusive"] else "<"
            row = [domain["source"], f"{sign} {number(domain['small'])}", number(domain["error"])]
            row += [domain["count"], domain["errors"]]
            rows.append(row + ([domain["third_errors"], number(domain["ratio"])] if third else []))
    head = ["rule", "|golden|", "error above", "elements", "errors", *(["third's errors", "ratio"] if third else [])]
    return Table("Small golden values", head, rows, "n cards")


def _dual(statistics: Mapping[str, Any]) -> Table:
    rows = [
        [row["figure"], number(row["actual"]), number(row["third"]), number(row["ratio"])]
        for row in statistics["dual"] or ()
    ]
    return Table("Against the third party", ["figure", "actual", "third", "ratio"], rows)
