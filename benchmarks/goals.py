"""For those who tune the engine: targets for a run's figures, and which are met.

    python -m benchmarks.goals benchmarks/results/latest.csv

A run's report does not show them: how far away a target is says nothing to a user; where a peer is faster does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plan
from benchmarks.cases import LAYOUTS, size_name
from benchmarks.overhead import C_CALL
from benchmarks.report import table
from benchmarks.results import OURS, Cell, Results, cell_text, ours_for
from benchmarks.rows import read
from benchmarks.threads import OPS as THREAD_OPS

MEMORY_BOUND = 1 << 24  # from here on operands leave every cache
FAR_BEYOND = 1 << 28


@dataclass(frozen=True)
class Goal:
    """One line of the table."""

    what: str
    wanted: str
    measured: str
    met: bool


def at_least(what: str, want: float, got: float | None, unit: str = "x") -> Iterator[Goal]:
    if got is not None:
        yield Goal(what, f">= {want:g}{unit}", f"{got:.3g}{unit}", got >= want)


def at_most(what: str, want: float, got: float | None, unit: str) -> Iterator[Goal]:
    if got is not None:
        yield Goal(what, f"<= {want:g}{unit}", f"{got:.3g}{unit}", got <= want)


def limit_goals(results: Results) -> Iterator[Goal]:
    """Shares of the rate at which the machine moves the same bytes."""
    large = [size for size in results.sizes if size >= MEMORY_BOUND]
    for op in ("forward-mean", "forward-sum"):
        for size in large:
            cell = (op, "none", "float32", size)
            yield from at_least(
                f"{cell_text(cell)}: share of the read rate", 0.95 if size >= FAR_BEYOND else 0.75, results.share(cell)
            )
    for size in large:
        full = results.time(("forward-mean", "none", "float32", size), OURS)
        for dtype in ("float16", "bfloat16"):
            half = results.time(("forward-mean", "none", dtype, size), OURS)
            if full is not None and half is not None:
                what = f"forward-mean, {size_name(size)}: elements/s of {dtype} / of float32"
                yield from at_least(what, 1.6, full / half)
        cell = ("forward-mean", "none", "float64", size)
        yield from at_least(f"{cell_text(cell)}: share of the read rate", 0.8, results.share(cell))
    for op in ("forward-none", "backward", "value_and_grad"):
        for size in large:
            cell = (op, "none", "float32", size)
            what = f"{cell_text(cell)}, kept output: share of the read + write rate"
            yield from at_least(what, 0.85, results.share(cell))


def option_goals(results: Results) -> Iterator[Goal]:
    """Weights and layouts against the plain case of the same run."""

    def pairs(options: Iterable[str]) -> Iterator[tuple[Cell, float, float]]:
        for cell in results.cells():
            plain = (cell[0], "none", *cell[2:])
            mine, base = results.time(cell, ours_for(cell)), results.time(plain, ours_for(cell))
            if cell[1] in options and mine is not None and base is not None:
                yield cell, mine, base

    for option in ("scalar", "weighted"):
        ratios = [(mine / base, cell) for cell, mine, base in pairs([option])]
        if ratios:
            worst, cell = max(ratios)
            yield from at_most(f"{option} / without, worst of {len(ratios)}: {cell_text(cell)}", 1.05, worst, "x")
    for cell, mine, base in pairs(("full-weight", "full")):
        bare, bare_base = results.limit(cell), results.limit((cell[0], "none", *cell[2:]))
        if cell[3] >= MEMORY_BOUND and bare is not None and bare_base is not None and bare > bare_base:
            extra = (mine - base) / (bare - bare_base)
            yield from at_most(f"{cell_text(cell)}: extra time / time of its traffic alone", 1.05, extra, "x")
    for option in LAYOUTS:
        speeds = [(base / mine, cell) for cell, mine, base in pairs([option])]
        if speeds:
            worst, cell = min(speeds)
            yield from at_least(f"contiguous / {option}, worst of {len(speeds)}: {cell_text(cell)}", 0.5, worst)


def thread_goals(results: Results) -> Iterator[Goal]:
    """What the other threads gain, and what they cost."""
    gains = [
        (gain, cell)
        for op in THREAD_OPS
        for size in results.sizes
        if size >= 1 << 16
        for cell in [(op, "none", "float32", size)]
        if (gain := results.ratio(cell, "bcelogits-1", ours_for(cell))) is not None
    ]
    threads = results.rows[0].threads
    if gains and threads == 2:
        worst, cell = min(gains)
        yield from at_least(f"one thread / two, worst of {len(gains)} from 2^16: {cell_text(cell)}", 1.9, worst)
    what = "hand-out of work: two threads - half of one thread, 2^16 elements"
    yield from at_most(what, 5, results.hand_out(), " us")


def overhead_goals(results: Results) -> Iterator[Goal]:
    """Calls that compute next to nothing."""
    for op, text in (("forward-mean", "loss"), ("value_and_grad", "loss and gradient")):
        cell = (op, "none", "float32", 64)
        mine, empty = results.time(cell, OURS), results.time(cell, "empty-call")
        if mine is not None and empty is not None:
            what = f"64 elements, {text}: NumPy call - empty nanobind call"
            yield from at_most(what, 1.0, (mine - empty) / 1e3, " us")
    for row in results.rows:
        if row.metric == "call_ns" and row.note == C_CALL:
            yield from at_most(f"64 elements, {row.op}, from C: {row.note}", 1.5, row.median / 1e3, " us")
    base, with_ours = results.import_time("numpy"), results.import_time(OURS)
    if base is not None and with_ours is not None:
        yield from at_most("import on top of NumPy's", 60, (with_ours - base) / 1e6, " ms")


def peer_goals(results: Results) -> Iterator[Goal]:
    """Times of peers over ours, and how often a peer is faster."""
    cell = ("forward-mean", "none", "float32", MEMORY_BOUND)
    yield from at_least(f"{cell_text(cell)}: torch / ours", 18, results.ratio(cell, "torch"))
    ratios = [(ratio, name) for name in plan.COMPILERS if (ratio := results.ratio(cell, name)) is not None]
    if ratios:
        ratio, name = min(ratios)
        yield from at_least(f"{cell_text(cell)}: best compiler ({name}) / ours", 6, ratio)
    duels = results.duels()
    if duels:
        lost = sum(duel.theirs < duel.mine for duel in duels)
        what = f"comparisons with peers that we lose, of {len(duels)} in {len({duel.cell for duel in duels})} cells"
        yield Goal(what, "0", str(lost), lost == 0)


def goals(results: Results) -> list[Goal]:
    """All lines for which the run has figures."""
    groups = (limit_goals, option_goals, thread_goals, overhead_goals, peer_goals)
    return [goal for group in groups for goal in group(results)]


def main() -> None:
    rows = read(Path(sys.argv[1]))
    body = [[goal.what, goal.wanted, goal.measured, "yes" if goal.met else "no"] for goal in goals(Results(rows))]
    print(table(["goal", "wanted", "measured", "met"], body))


if __name__ == "__main__":
    main()
