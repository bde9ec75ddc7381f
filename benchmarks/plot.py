"""The roofline plot: memory traffic by size, every contender below the machine's limit, as an SVG.

The same rows give the same bytes. Colours work on a light page; a style sheet inside exchanges ground, text and grid
where the reader's system asks for dark ones, and the ground is opaque, so that text never meets a page it cannot be
read on.
"""

from __future__ import annotations

import importlib
import io
import re
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.plan import PANELS
from benchmarks.results import OURS, OURS_KEPT, Results
from benchmarks.rows import Row

GROUND, TEXT, FAINT, ROOF = "#fdfdfc", "#1f2328", "#d5d8dc", "#6e7781"
DARK = {GROUND: "#0d1117", TEXT: "#e6edf3", FAINT: "#2f353d", ROOF: "#9198a1"}
STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": "#d1242f", "linewidth": 2.2, "marker": "o", "markersize": 4, "zorder": 5},
    OURS_KEPT: {"color": "#d1242f", "linewidth": 1.4, "linestyle": "--", "marker": "o", "markersize": 3, "zorder": 5},
    "torch.compile": {"color": "#bf6c00", "marker": "s"},
    "torch": {"color": "#8250df", "marker": "D"},
    "optax": {"color": "#1a7f37", "marker": "^"},
    "tensorflow": {"color": "#0969da", "marker": "v"},
    "numpy": {"color": "#c05299", "marker": "x"},
}
ROOF_LABEL = "limit of the machine"
LABELS = {OURS: "bcelogits", OURS_KEPT: "bcelogits, out=", "optax": "optax (XLA)", "tensorflow": "TensorFlow (XLA)"}
LABELS |= {"torch": "PyTorch", "numpy": "NumPy"}
LEAST = 1 << 10  # elements from which a line says anything about memory


def draw(rows: list[Row], path: Path) -> None:
    """Write the plot of `rows`; needs matplotlib."""
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    settings = {
        "svg.hashsalt": "bcelogits",  # identifiers that do not change from run to run
        "svg.fonttype": "none",  # letters stay text, not outlines
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
        "font.size": 9,
        "axes.edgecolor": ROOF,
        "text.color": TEXT,
        "axes.labelcolor": TEXT,
        "xtick.color": TEXT,
        "ytick.color": TEXT,
    }
    results = Results(rows)
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(2, 2, figsize=(10.5, 8.2), sharex=True, sharey=True, facecolor=GROUND)
        for axis, (op, dtype) in zip(axes.flat, PANELS, strict=True):
            panel(axis, results, op, dtype)
        axes[0, 0].set_yscale("log")
        axes[0, 0].minorticks_off()
        low = min((value for axis in axes.flat for line in axis.lines for value in positive(line)), default=0.1)
        axes[0, 0].set_ylim(max(low / 1.5, 0.01))
        for axis in axes[:, 0]:
            axis.set_ylabel("operands moved, GB/s")
        for axis in axes[1]:
            axis.set_xlabel("elements")
        axes[0, 0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        drawn = {line.get_label(): line for axis in axes.flat for line in axis.lines}
        labels = [name for name in (ROOF_LABEL, *(LABELS.get(name, name) for name in STYLES)) if name in drawn]
        figure.legend([drawn[name] for name in labels], labels, loc="lower center", ncols=4, frameon=False)
        if rows:
            figure.suptitle(f"{rows[0].cpu.strip()}, {rows[0].threads} threads for everyone", fontsize=10, color=TEXT)
        figure.tight_layout(rect=(0, 0.07, 1, 0.99))
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor=GROUND, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(one_path_a_line(with_dark_colours(text.getvalue())), encoding="utf-8")


def positive(line: Any) -> list[float]:
    """The heights of a contender's line; none of the other lines."""
    return [] if line.get_label().startswith("_") else [float(value) for value in line.get_ydata()]


def rates_by_size(results: Results, op: str, dtype: str, name: str | None) -> tuple[list[int], list[float]]:
    """Sizes and GB/s of a contender, or of the machine's limit for None."""
    sizes: list[int] = []
    rates: list[float] = []
    for size in results.sizes:
        case = Case(op, "none", dtype, size)
        cell = (op, "none", dtype, size)
        time = results.limit(cell) if name is None else results.time(cell, name)
        if time is not None and size >= LEAST:
            sizes.append(size)
            rates.append(case.traffic / time)
    return sizes, rates


def panel(axis: Any, results: Results, op: str, dtype: str) -> None:
    """One operation and dtype: the roof, the caches under it, the contenders."""
    axis.set_facecolor(GROUND)
    axis.set_title(f"{op}, {dtype}", color=TEXT)
    axis.set_xscale("log", base=2)
    axis.grid(True, color=FAINT, linewidth=0.6)
    axis.set_axisbelow(True)
    sizes, rates = rates_by_size(results, op, dtype, None)
    if sizes:
        axis.plot(sizes, rates, color=ROOF, linewidth=3.2, solid_capstyle="round", label=ROOF_LABEL, zorder=3)
    for level, held in results.caches().items():
        elements = held / Case(op, "none", dtype, 1).traffic
        axis.axvline(elements, color=ROOF, linewidth=0.9, linestyle=":", zorder=2)
        axis.text(elements, 0.985, f" {level}", transform=axis.get_xaxis_transform(), va="top", fontsize=8, color=ROOF)
    for name, style in STYLES.items():
        sizes, rates = rates_by_size(results, op, dtype, name)
        if sizes and (name != OURS_KEPT or Case(op, "none", dtype, 1).writes):
            axis.plot(
                sizes, rates, **{"linewidth": 1.2, "markersize": 3, "zorder": 4, **style}, label=LABELS.get(name, name)
            )
    exponents = range(10, 29, 3)
    axis.set_xticks([1 << exponent for exponent in exponents], [f"$2^{{{exponent}}}$" for exponent in exponents])
    axis.minorticks_off()


def one_path_a_line(svg: str) -> str:
    """The drawing without line breaks inside a path's data."""
    return re.sub(r"\s*\n(?! *<)", " ", svg.rstrip()) + "\n"


def with_dark_colours(svg: str) -> str:
    """The drawing with a style sheet for readers who ask for dark pages."""
    rules = [
        f'[style*="{kind}: {light}"] {{ {kind}: {dark} !important; }}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    ]
    sheet = "<style>@media (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}</style>\n"
    head, tag, rest = svg.partition(" <defs>")
    return f"{head}{sheet}{tag}{rest}"
