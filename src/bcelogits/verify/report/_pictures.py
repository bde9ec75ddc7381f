"""The three pictures of a case: the error against the logit, the results against the golden, the signed histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bcelogits._formats import FORMATS
from bcelogits.verify._model import CaseResult
from bcelogits.verify.report._picture_data import columns_of, gate_of, rows_of, tolerance_of
from bcelogits.verify.report._svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Picture,
    Scale,
    decades,
    exponent_label,
    linear_ticks,
)
from bcelogits.verify.report._text import number

__all__ = ["Figure", "error_by_logit", "histogram", "result_by_golden"]

_FLOOR = HEIGHT - BOTTOM
_EDGE = WIDTH - RIGHT
_TOP = 1e40  # errors in ULP are drawn up to here
_LIGHT = 48  # columns of the picture of a case that passed


@dataclass(frozen=True)
class Figure:
    """A picture, and the key to it: classes of swatches with their meaning."""

    picture: Picture
    key: tuple[tuple[str, str], ...]


def error_by_logit(case: CaseResult, identifier: str, light: bool = False) -> Figure | None:
    """Bars of the largest |error| and of the 99th percentile over the logit; what the rules allow as lines."""
    data = case.statistics.get("by_logit")
    if not data:
        return None
    columns = columns_of(data, _LIGHT if light else 10**6)
    gate, mixed = gate_of(case), tolerance_of(case)
    peak = max(column["max"] for column in columns)
    shown = max(peak, gate or 0.0, 1.0)
    allowed = [] if mixed is None or light else [mixed(column["golden_at_max"]) for column in columns]
    if allowed and min(allowed) < 1e4 * shown:  # show how far away what is accepted is, if it is not out of sight
        shown = max(shown, min(allowed))
    top = max(10.0, _next_decade(shown))
    y = Scale(0.0, top, _FLOOR, TOP, _symlog)
    low, high = columns[0]["low"], columns[-1]["high"]
    linear = data["axis"] == "linear"
    x = Scale(low, high, LEFT, _EDGE, float if linear else _asinh)

    worst = max(columns, key=lambda column: column["max"])
    said = f"The largest error, {number(worst['max'])} ULP, is at logits from {_between(worst)}."
    picture = Picture("Error in ULP against the logit", said, identifier)
    picture.y_axis([(y(value), label) for value, label in _ulp_ticks(top)])
    picture.x_axis([(x(value), number(value)) for value in _logit_ticks(low, high, linear)], "logit")
    inside = [column for column in columns if gate is None or column["max"] <= gate]
    beyond = [column for column in columns if gate is not None and column["max"] > gate]
    for name, some in (("", inside), ("-bad", beyond)):
        picture.path(f"peak{name}", _bars(some, "max", x, y))
        picture.path(f"most{name}", _bars(some, "p99", x, y))
    if not light:
        picture.path("mean", (f"M{_left(c, x)} {y(c['mean']):.0f}h{_wide(c, x)}" for c in columns))
    key = [("peak", "largest error"), ("most", "99 % are below")]
    if beyond:
        key.append(("most-bad", "beyond the gate"))
    if not light:
        key.append(("mean", "mean"))
    if allowed:
        places = [x((c["low"] + c["high"]) / 2) for c in columns]
        line = _polyline([(x, most if most < top else None) for x, most in zip(places, allowed, strict=True)], y)
        picture.path("allowed", line)
        if line:
            key.append(("allowed", "cann-mixed accepts up to"))
    picture.path("half", [f"M{LEFT} {y(0.5):.1f}H{_EDGE}"])
    key.append(("half", "0.5: rounding"))
    if gate is not None:
        picture.path("gate", [f"M{LEFT} {y(gate):.1f}H{_EDGE}"])
        key.append(("gate", f"gate: {number(gate)} ULP"))
    picture.frame()
    if not light:
        picture.template = "logit {0}: max {1}, p99 {2}, mean {3} ULP, {4} elements"
        for c in columns:
            figures = [number(c[name]) for name in ("max", "p99", "mean")]
            picture.note(x((c["low"] + c["high"]) / 2), _between(c), *figures, str(c["count"]))
    return Figure(picture, tuple(key))


def result_by_golden(case: CaseResult, identifier: str) -> Figure | None:
    """Actual results over the golden on log axes: right ones lie on the diagonal; a strip below for zeros."""
    data = case.statistics.get("by_golden")
    if not data:
        return None
    rows = rows_of(data, [name for name in data if isinstance(data[name], list)])
    form = FORMATS.get(case.dtype)
    if form is not None:  # what rounds to 0 has nothing to show; but there may be nothing else
        rows = [row for row in rows if row["high"] > form.min_subnormal / 2] or rows
    golden = [row["golden"] for row in rows]
    drawn = [row for row in rows if row["actual"] is not None]
    values = [_log(v) for v in golden] + [_log(row[k]) for row in drawn for k in ("actual_min", "actual_max")]
    zeros = sum(row["zeros"] for row in rows)
    total = sum(row["count"] for row in rows)
    strip = 16 if zeros else 0
    low, high = math.floor(min(map(_log, golden))), math.ceil(max(map(_log, golden)))
    low, high = (low - 1, high + 1) if low == high else (low, high)
    least, most = min(low, math.floor(min(values))), max(high, math.ceil(max(values)))
    least = max(least, low - (high - low) // 2 - 1)  # results far below all golden values stay at the edge
    x = Scale(low, high, LEFT, _EDGE)
    y = Scale(least, most, _FLOOR - strip, TOP)
    said = f"{zeros} of {total} results are 0 though the golden value is not."
    picture = Picture("Results against golden values, magnitudes on log axes", said, identifier)
    subnormal = form is not None and _log(form.min_normal) > low
    if form is not None and subnormal:
        end = x(_log(form.min_normal))
        picture.path("zone", [f"M{LEFT} {TOP}H{end:.0f}V{_FLOOR}H{LEFT}z"])
    ticks = [(y(e), exponent_label(e)) for e in decades(least, most, 7)]
    picture.y_axis([tick for tick in ticks if not strip or tick[0] < _FLOOR - strip - 4])
    picture.x_axis([(x(e), exponent_label(e)) for e in decades(low, high, 6)], "|golden|")
    if strip:
        picture.text(LEFT - 4, _FLOOR - 3, "0", "e")
        picture.path("axis", [f"M{LEFT} {_FLOOR - strip}H{_EDGE}"])
    picture.path("golden", _polyline([(x(_log(v)), _log(v)) for v in golden], y))
    spread = [row for row in drawn if _log(row["actual_max"]) - _log(row["actual_min"]) > 0.3]
    picture.path(
        "spread",
        (
            f"M{x(_log(row['golden'])):.0f} {y(_log(row['actual_min'])):.0f}V{y(_log(row['actual_max'])):.0f}"
            for row in spread
        ),
    )
    line = [(x(_log(row["golden"])), None if row["actual"] is None else _log(row["actual"])) for row in rows]
    picture.path("actual", _polyline(line, y))
    picture.path("actual", (f"M{x(_log(row['golden'])):.0f} {y(_log(row['actual'])):.0f}h0" for row in drawn))
    picture.path(
        "zeros",
        (
            f"M{x(_log(row['low'])):.0f} {_FLOOR}v{-max(1.0, strip * row['zeros'] / row['count']):.0f}"
            f"H{max(x(_log(row['high'])), x(_log(row['low'])) + 1):.0f}V{_FLOOR}z"
            for row in rows
            if row["zeros"]
        ),
    )
    picture.frame()
    picture.template = "|golden| {0}: golden {1}, actual {2} (means), {3} elements, {4} zeros, {5} wrong signs"
    for row in rows:
        means = [number(row["golden"]), number(row["actual"])]
        counts = [str(row[name]) for name in ("count", "zeros", "sign_differs")]
        picture.note(x(_log(row["golden"])), _between(row), *means, *counts)
    key = [("golden", "golden"), ("actual", "actual")]
    if spread:
        key.append(("spread", "least to largest"))
    if zeros:
        key.append(("zeros", "share of zeros"))
    if subnormal:
        key.append(("zone", f"subnormal in {case.dtype}"))
    return Figure(picture, tuple(key))


def histogram(case: CaseResult, identifier: str) -> Figure | None:
    """How many elements have which signed error: octaves outwards from 0, counts on a log axis."""
    data = case.statistics.get("histogram")
    if not data or not case.statistics["ulp"]["measured"]:
        return None
    gate = gate_of(case)
    edges = [float(edge) for edge in data["edges"]]
    positive, negative, exact = data["positive"], data["negative"], data["exact"]
    bins = len(positive)
    most = max([*positive, *negative, exact, 1])
    reach = max(1, math.ceil(math.log10(most)))
    y = Scale(
        0.0, 10.0**reach, _FLOOR, TOP, lambda count: math.log10(1 + 9 * count) if count < 1 else 1 + math.log10(count)
    )
    slot = (_EDGE - LEFT) / (2 * bins + 1)
    centre = (LEFT + _EDGE) / 2

    def place(edge: int, sign: int) -> float:
        return centre + sign * (0.5 + edge) * slot

    total = sum(positive) + sum(negative) + exact
    said = f"{exact} of {total} errors are 0, {sum(positive)} positive, {sum(negative)} negative."
    picture = Picture("Histogram of the signed error in ULP", said, identifier)
    picture.y_axis([(_FLOOR, "0")] + [(y(10.0**e), exponent_label(e)) for e in decades(0, reach, 7)])
    marks = [k for k, edge in enumerate(edges) if edge >= 0.25 and math.isfinite(edge)]
    marks = marks[1 :: max(1, math.ceil(len(marks) / 5))]
    ticks = [(place(k, sign), _power(sign * edges[k])) for k in marks for sign in (-1, 1)]
    picture.x_axis([*ticks, (centre, "0")], "(actual - golden) in ULP, log2 bins")
    good: list[str] = []
    bad: list[str] = []
    for sign, counts in ((1, positive), (-1, negative)):
        for k, count in enumerate(counts):
            if count:
                left = min(place(k, sign), place(k + 1, sign))
                path = bad if gate is not None and edges[k] >= gate else good
                path.append(_box(left, slot, y(count)))
            ends = " to ".join(number(sign * edge) for edge in edges[k : k + 2])
            picture.note(place(k, sign) + sign * slot / 2, ends, str(count))
    picture.note(centre, "no error", str(exact))
    picture.template = "{0}: {1} elements"
    picture.path("most", good)
    picture.path("most-bad", bad)
    picture.path("exact", [_box(centre - slot / 2, slot, y(exact))] if exact else [])
    key = [("most", "elements"), ("exact", "no error")]
    if bad:
        key.append(("most-bad", "beyond the gate"))
    if gate is not None and edges[0] <= gate <= edges[-2] and gate in edges:
        k = edges.index(gate)
        picture.path("gate", (f"M{place(k, sign):.1f} {TOP}V{_FLOOR}" for sign in (-1, 1)))
        key.append(("gate", f"gate: {number(gate)} ULP"))
    picture.frame()
    return Figure(picture, tuple(key))


# ---- places ----------------------------------------------------------------------------------------------------


def _symlog(value: float) -> float:
    return value if value <= 1 else 1 + math.log10(value)


def _asinh(value: float) -> float:
    return math.asinh(value / 2)


def _log(value: float) -> float:
    return math.log10(min(max(value, 5e-324), 1.7e308))


def _next_decade(value: float) -> float:
    return 10.0 ** math.ceil(math.log10(min(max(value, 1.0), _TOP)) + 0.05)


def _ulp_ticks(top: float) -> list[tuple[float, str]]:
    return [(0.0, "0")] + [(10.0**e, exponent_label(e)) for e in decades(0, round(math.log10(top)), 7)]


def _logit_ticks(low: float, high: float, linear: bool) -> list[float]:
    if linear:
        return linear_ticks(low, high)
    last = math.floor(math.log10(max(abs(low), abs(high))))
    powers = [10.0**e for e in range(0, last + 1, max(1, last // 4))]
    return [value for value in [*(-p for p in powers), 0.0, *powers] if low <= value <= high]


def _power(value: float) -> str:
    """A power of two as a label; large ones by their exponent."""
    exponent = math.frexp(value)[1] - 1
    return number(value) if exponent < 11 else f"{'-' if value < 0 else ''}2^{exponent}"


def _between(column: Mapping[str, Any]) -> str:
    return f"{number(column['low'])} to {number(column['high'])}"


def _left(column: Mapping[str, Any], x: Scale) -> str:
    return f"{x(column['low']):.1f}".removesuffix(".0")


def _wide(column: Mapping[str, Any], x: Scale) -> str:
    return f"{max(x(column['high']) - x(column['low']), 0.7):.1f}".removesuffix(".0")


def _bars(columns: Sequence[Mapping[str, Any]], name: str, x: Scale, y: Scale) -> list[str]:
    """Bars from the floor, neighbours in one outline."""
    found = []
    for column in columns:
        height = _FLOOR - y(float(column[name]))
        if height >= 0.5:
            found.append(f"M{_left(column, x)} {_FLOOR}v{-height:.0f}h{_wide(column, x)}V{_FLOOR}z")
    return found


def _box(left: float, width: float, top: float) -> str:
    return f"M{left:.1f} {_FLOOR}V{top:.0f}h{max(width - 0.6, 0.7):.1f}V{_FLOOR}z"


def _polyline(points: Sequence[tuple[float, float | None]], y: Scale) -> list[str]:
    """A line through the points, broken where there is none."""
    found, command = [], "M"
    for place, value in points:
        if value is None:
            command = "M"
            continue
        found.append(f"{command}{place:.0f} {y(value):.1f}")
        command = "L"
    return found
