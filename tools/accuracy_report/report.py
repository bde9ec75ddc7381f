"""The results as Markdown, in a page between two marks, and as JSON."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import bcelogits
from accuracy_report.operands import FUNCTIONS
from accuracy_report.peers import PeerRow
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


def _table(head: list[str], lines: Iterable[list[str]], right: set[int]) -> list[str]:
    marks = ["---:" if i in right else "---" for i in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in [head, marks, *lines]]


def _ulp(value: float) -> str:
    return f"{value:.4f}" if value < 1000 else f"{value:.2g}"


def _judged(row: Row) -> str:
    return _ulp(row.worst) if row.within else f"**{_ulp(row.worst)}**"


def _share(count: int, points: int) -> str:
    return "0" if count == 0 else f"{100 * count / points:.2g} %"


def _summary(rows: list[Row]) -> list[str]:
    lines = []
    for dtype, title in DTYPE_NAMES.items():
        for function in FUNCTIONS:
            chosen = [r for r in rows if r.dtype == dtype and r.function == function]
            if not chosen:
                continue
            cells = [title, function]
            for part in (
                [r for r in chosen if r.options == "none" and r.targets != "in [0, 1]"],
                [r for r in chosen if r.options != "none" or r.targets == "in [0, 1]"],
            ):
                worst = max(part, key=lambda r: r.worst / r.bound, default=None)
                cells += [_judged(worst), f"{sum(r.points for r in part):,}"] if worst else ["", ""]
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
                _share(row.not_rounded, row.points),
                str(row.lost),
                " ".join(f"{name}={value}" for name, value in row.where.items()),
            ]
            for row in chosen
        ]
        head = ["function", "targets", "also given", "points", "ULP", "at most", "not nearest", "lost", "worst point"]
        text += [f"### {title}", "", *_table(head, lines, {3, 4, 5, 6, 7}), ""]
    return text


def _peers(peers: list[PeerRow]) -> list[str]:
    lines = [
        [
            DTYPE_NAMES[row.dtype],
            f"{row.contender} {row.version}",
            f"{row.points:,}",
            _ulp(row.loss),
            _ulp(row.gradient),
            f"{row.lost_losses:,}",
            f"{row.lost_gradients:,}",
            f"{row.not_numbers:,}",
        ]
        for row in sorted(peers, key=lambda r: list(DTYPE_NAMES).index(r.dtype))
    ]
    head = ["dtype", "package", "points", "loss, ULP", "gradient, ULP", "losses lost", "gradients lost", "NaN"]
    return _table(head, lines, {2, 3, 4, 5, 6, 7})


def _environment() -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "bcelogits": bcelogits.__version__,
        "isa": bcelogits.info()["isa"],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def markdown(rows: list[Row], peers: list[PeerRow], effort: str) -> str:
    """The results block."""
    found = _environment()
    violated = [row for row in rows if not row.within]
    verdict = (
        f"**{len(violated)} of {len(rows)} rows break the contract** (bold below)."
        if violated
        else f"The contract holds in all {len(rows)} rows."
    )
    text = [
        f"`--{effort}` run of {found['date']}, bcelogits {found['bcelogits']}, {found['isa']} kernels,"
        f" Python {found['python']}, NumPy {found['numpy']}, {found['system']}:"
        f" {sum(row.points for row in rows):,} results compared. {verdict}",
        "",
        "### Largest error",
        "",
        *_summary(rows),
        "",
    ]
    if peers:
        text += ["### Other packages, targets 0 and 1", "", *_peers(peers), ""]
    return "\n".join([*text, *_details(rows)]).rstrip() + "\n"


def rewrite(page: Path, block: str) -> None:
    """Put the block between the marks of a page; ValueError if it has none."""
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"{page}: expected one {BEGIN} and one {END} below it")
    head, rest = text.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{block}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def write_json(path: Path, rows: list[Row], peers: list[PeerRow], effort: str) -> None:
    """Everything in one file."""
    content = _environment() | {
        "command": " ".join(["python", *sys.argv]),
        "effort": effort,
        "rows": [row.as_dict() for row in rows],
        "peers": [row.as_dict() for row in peers],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
