"""The results as Markdown, in a page between two marks, and as JSON, from which parts can be taken over."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import bcelogits
from accuracy_report import plots
from accuracy_report.contenders import OURS
from accuracy_report.measure import HARD
from accuracy_report.operands import FUNCTIONS, GRADIENT, LOSS
from accuracy_report.rows import Row

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
DTYPE_NAMES = {
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "f64": "float64",
    "f16 to f32": "float16 to float32",
    "bf16 to f32": "bfloat16 to float32",
}


@dataclass
class Part:
    """The results of one part of a run, and what was measured, where and when."""

    about: dict[str, Any]
    rows: list[Row]


def part(rows: list[Row], effort: str, seconds: float, jobs: int) -> Part:
    """What has just been measured."""
    about = {
        "effort": effort,
        "date": date.today().isoformat(),
        "bcelogits": bcelogits.__version__,
        "isa": bcelogits.info()["isa"],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "seconds": round(seconds),
        "processes": jobs,
    }
    return Part(about, rows)


# ---- Markdown --------------------------------------------------------------------------------------------------


def _table(head: list[str], lines: Iterable[list[str]], right: set[int]) -> list[str]:
    marks = ["---:" if i in right else "---" for i in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in [head, marks, *lines]]


def _ulp(value: float) -> str:
    return f"{value:.4f}" if value < 1000 else f"{value:.2g}"


def _judged(row: Row) -> str:
    return _ulp(row.worst) if row.within else f"**{_ulp(row.worst)}**"


def _rounded(row: Row) -> str:
    """The share of results that are the nearest number, to two digits of what is missing from all: 99.948 %."""
    if row.not_rounded == 0:
        return "100 %"
    missing = 100 * row.not_rounded / row.points
    digits = max(0, 1 - int(np.floor(np.log10(missing))))
    return f"{100 - missing:.{digits}f} %"


def _where(row: Row) -> str:
    return " ".join(f"{name}={value}" for name, value in row.where.items())


def _plain(row: Row) -> bool:
    return row.options == "none" and row.targets != "in [0, 1]"


def _summary(rows: list[Row]) -> list[str]:
    lines = []
    for dtype, title in DTYPE_NAMES.items():
        for function in FUNCTIONS:
            chosen = [r for r in rows if r.dtype == dtype and r.function == function]
            if not chosen:
                continue
            cells = [title, function]
            for several in ([r for r in chosen if _plain(r)], [r for r in chosen if not _plain(r)]):
                worst = max(several, key=lambda r: r.worst / r.bound, default=None)
                cells += [_judged(worst), f"{sum(r.points for r in several):,}"] if worst else ["", ""]
            lines.append(cells)
    head = ["dtype", "function", "targets 0 and 1", "points", "all else", "points"]
    return _table(head, lines, {2, 3, 4, 5})


def _details(rows: list[Row]) -> list[str]:
    text = []
    for dtype, title in DTYPE_NAMES.items():
        chosen = sorted((r for r in rows if r.dtype == dtype), key=lambda r: FUNCTIONS.index(r.function))
        if not chosen:
            continue
        lines = [
            [
                row.function,
                row.targets,
                row.options,
                f"{row.points:,}",
                _judged(row),
                f"{row.bound:.6g}",
                _rounded(row),
                str(row.lost),
                _where(row),
            ]
            for row in chosen
        ]
        head = ["function", "targets", "also given", "points", "ULP", "at most", "correctly rounded", "lost"]
        text += [f"### {title}", "", *_table([*head, "worst point"], lines, {3, 4, 5, 6, 7}), ""]
    return text


def _contenders(rows: list[Row], dtype: str, function: str) -> list[Row]:
    """Others, and this package beside them: on their points, or where they had all of its points, on those."""
    chosen = [r for r in rows if r.dtype == dtype and r.function == function and r.contender]
    if chosen and not any(r.contender.startswith(OURS) for r in chosen):
        ours = (r for r in rows if not r.contender and (r.dtype, r.function) == (dtype, function))
        chosen = [*(r for r in ours if r.targets == HARD and r.options == "none"), *chosen]
    return chosen


def _peers(rows: list[Row]) -> list[str]:
    lines = [
        [
            title,
            function,
            row.contender or f"{OURS} {bcelogits.__version__}",
            f"{row.points:,}",
            _ulp(row.worst),
            _where(row),
            _rounded(row),
            f"{row.lost:,}",
            f"{row.not_numbers:,}",
        ]
        for dtype, title in DTYPE_NAMES.items()
        for function in (LOSS, GRADIENT)
        for row in _contenders(rows, dtype, function)
    ]
    head = ["dtype", "function", "package", "points", "ULP", "worst point", "correctly rounded", "lost", "NaN"]
    return _table(head, lines, {3, 4, 6, 7, 8}) if lines else []


def _about(name: str, found: Part) -> str:
    about = found.about
    return (
        f"- {name}: `--{about['effort']}` run of {about['date']}, bcelogits {about['bcelogits']},"
        f" {about['isa']} kernels, Python {about['python']}, NumPy {about['numpy']}, {about['system']}:"
        f" {sum(row.points for row in found.rows):,} results compared in {about['seconds']} s"
        f" by {about['processes']} process{'' if about['processes'] == 1 else 'es'}."
    )


def markdown(parts: dict[str, Part], figures: list[str] | None = None) -> str:
    """The results block; `figures` are the files that `figures()` has written."""
    rows = [row for found in parts.values() for row in found.rows]
    ours = [row for row in rows if not row.contender]
    violated = [row for row in ours if not row.within]
    verdict = (
        f"**{len(violated)} of {len(ours)} rows break the contract** (bold below)."
        if violated
        else f"The contract holds in all {len(ours)} rows."
    )
    text = [verdict, "", *(_about(name, found) for name, found in parts.items()), ""]
    text += ["### Largest error", "", *_summary(ours), ""]
    if lines := _peers(rows):
        text += ["### Other packages, targets 0 and 1", "", *lines, ""]
    for file, (title, _) in zip(figures or [], FIGURES.values(), strict=False):
        text += [f"![{title}]({file})", ""]
    return "\n".join([*text, *_details(ours)]).rstrip() + "\n"


def rewrite(page: Path, block: str) -> None:
    """Put the block between the marks of a page; ValueError if it has none."""
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"{page}: expected one {BEGIN} and one {END} below it")
    head, rest = text.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{block}\n{END}{rest.split(END)[1]}", encoding="utf-8")


# ---- plots -----------------------------------------------------------------------------------------------------

# File, title, function.
FIGURES = {
    "accuracy-loss.svg": ("Largest error of the float32 loss", LOSS),
    "accuracy-gradient.svg": ("Largest error of the float32 gradient", GRADIENT),
}


def figures(folder: Path, parts: dict[str, Part]) -> list[str]:
    """Write the plots, if float32 logits were measured; the names of the files."""
    rows = [row for found in parts.values() for row in found.rows if row.by_logit]
    if not rows:
        return []
    for file, (title, function) in FIGURES.items():
        chosen = {row.contender or OURS: row.by_logit for row in rows if row.function == function}
        (folder / file).write_text(plots.figure(title, chosen), encoding="utf-8")
    return list(FIGURES)


# ---- JSON ------------------------------------------------------------------------------------------------------


def write_json(path: Path, parts: dict[str, Part]) -> None:
    """Everything in one file, which appears whole or not at all."""
    content = {
        "command": " ".join(["python", *sys.argv]),
        "parts": {name: found.about | {"rows": [row.as_dict() for row in found.rows]} for name, found in parts.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f"{path.name}.part")
    whole.write_text(json.dumps(content) + "\n", encoding="utf-8")
    os.replace(whole, path)


def read_json(path: Path) -> dict[str, Part]:
    """The parts that a file has."""
    content = json.loads(path.read_text(encoding="utf-8"))["parts"]
    return {
        name: Part({k: v for k, v in found.items() if k != "rows"}, [Row.from_dict(row) for row in found["rows"]])
        for name, found in content.items()
    }
