"""What the pictures are drawn from: the statistics' columns as rows of numbers, and the limits of the profiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bcelogits._formats import FORMATS, Format
from bcelogits.verify._model import CaseResult

__all__ = ["columns_of", "gate_of", "rows_of", "tolerance_of"]


def rows_of(data: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Columns of equal length as rows; numbers that JSON has as texts are numbers again."""
    values = [[None if v is None else float(v) if isinstance(v, str) else v for v in data[name]] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def columns_of(data: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """The columns, neighbours merged until there are at most `most`."""
    rows = rows_of(data, ["low", "high", "count", "mean", "p99", "max", "golden_at_max"])
    rows[0]["low"], rows[-1]["high"] = (float(end) for end in data["span"])
    if rows[0]["low"] == rows[-1]["high"]:
        rows[0]["low"] -= 0.5
        rows[-1]["high"] += 0.5
    while len(rows) > most:
        pairs = [rows[k : k + 2] for k in range(0, len(rows), 2)]
        rows = [_merged(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return rows


def _merged(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    count = a["count"] + b["count"]
    larger = a if a["max"] >= b["max"] else b
    return {
        "low": a["low"],
        "high": b["high"],
        "count": count,
        "mean": (a["mean"] * a["count"] + b["mean"] * b["count"]) / count,
        "p99": max(a["p99"], b["p99"]),
        "max": larger["max"],
        "golden_at_max": larger["golden_at_max"],
    }


def gate_of(case: CaseResult) -> float | None:
    """The limit of the largest error in ULP: that of `ulp`, else the strictest of those that were asked for."""
    limits = {
        verdict.profile: metric.threshold
        for verdict in case.verdicts
        if verdict.profile.startswith("ulp")
        for metric in verdict.metrics
        if metric.name == "max ULP" and metric.threshold is not None
    }
    return limits.get("ulp", min(limits.values(), default=None))


def tolerance_of(case: CaseResult) -> Callable[[float], float] | None:
    """What cann-mixed's tolerance of an element is in ULP, as a function of the golden value; None without it."""
    form = FORMATS.get(case.dtype)
    for verdict in case.verdicts:
        if verdict.profile.startswith("cann-mixed") and form is not None:
            stated = {metric.name: metric.value for metric in verdict.metrics}
            rtol, atol = stated.get("rtol"), stated.get("atol")
            if rtol is not None and atol is not None:
                return lambda golden: _in_ulp(form, rtol, atol, abs(golden))
    return None


def _in_ulp(form: Format, rtol: float, atol: float, golden: float) -> float:
    if not math.isfinite(golden):
        return math.inf
    exponent = max(math.frexp(golden)[1] - 1, form.emin) if golden else form.emin
    return float((atol + rtol * golden) * 2.0 ** min(form.fraction_bits - exponent, 1023))
