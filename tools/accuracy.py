"""Measure the errors of the package, in ULP, against oracles that share nothing with it; see docs/accuracy.md.

    python tools/accuracy.py [--quick | --full] [--only PART ...] [--markdown docs/accuracy.md] [--json FILE] [--jobs 2]

Prints every class of operands that breaks the accuracy contract, with its worst point, and then exits with 1.
Needs the dependency group `test` (gmpy2) and a C++ compiler; PyTorch, optax and TensorFlow are compared where they are
installed. --only leaves the other parts as they are in the JSON file, so that parts can be measured one by one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from accuracy_report import report
from accuracy_report.contenders import PEERS
from accuracy_report.rows import Row, merged
from accuracy_report.run import FULL, PARTS, QUICK, Task, tasks

import bcelogits


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="a minute or two (default)")
    effort.add_argument("--full", action="store_true", help="all float32 logits, and minutes of climbing")
    parser.add_argument(
        "--only",
        nargs="*",
        choices=list(PARTS),
        metavar="PART",
        help=f"measure these alone ({', '.join(PARTS)}; none: write the page again), taking the rest from --json",
    )
    parser.add_argument(
        "--markdown", type=Path, metavar="PAGE", help="rewrite the results block of this page, and plots"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to this file")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 16), help="processes (all processors)")
    parser.add_argument("--no-peers", action="store_true", help="measure this package alone")
    return parser.parse_args(argv)


def _run(task: Task) -> list[Row]:
    bcelogits.set_num_threads(1)  # the processes are the parallelism
    return task()


def _measure(part: str, work: Sequence[Task], pool: ProcessPoolExecutor) -> list[Row]:
    """All rows, in an order that does not depend on which process was first."""
    found: dict[int, list[Row]] = {}
    futures = {pool.submit(_run, task): number for number, task in enumerate(work)}
    for future in as_completed(futures):
        found[futures[future]] = future.result()
        if sys.stderr.isatty():
            print(f"\r{part}: {len(found)}/{len(work)} tasks", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return merged(row for number in sorted(found) for row in found[number])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; 1 if the contract is broken somewhere."""
    arguments = _arguments(argv)
    effort = FULL if arguments.full else QUICK
    jobs = max(1, arguments.jobs)
    chosen = list(PARTS) if arguments.only is None else arguments.only
    kept = {}
    if arguments.only is not None and arguments.json and arguments.json.exists():
        kept = report.read_json(arguments.json)
    start = time.monotonic()
    parts = dict(kept)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for name in chosen:
            begun = time.monotonic()
            rows = _measure(name, tasks(name, effort, () if arguments.no_peers else PEERS), pool)
            parts[name] = report.part(rows, effort.name, time.monotonic() - begun, jobs)
            if arguments.json:  # what is done is done, whatever comes
                report.write_json(arguments.json, parts)
    parts = {name: parts[name] for name in PARTS if name in parts}
    if arguments.markdown:
        figures = report.figures(arguments.markdown.parent, parts)
        report.rewrite(arguments.markdown, report.markdown(parts, figures))
    else:
        print(report.markdown(parts))
    ours = [row for found in parts.values() for row in found.rows if not row.contender]
    violated = [row for row in ours if not row.within]
    for row in violated:
        print(f"contract broken: {row}")
    points = sum(row.points for row in ours)
    seconds = time.monotonic() - start
    print(f"{points:,} results in {seconds:.0f} s, {len(violated)} of {len(ours)} rows break the contract")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
