"""Measure the errors of the package, in ULP, against oracles that share nothing with it; see docs/accuracy.md.

    python tools/accuracy.py [--quick | --full] [--markdown docs/accuracy.md] [--json FILE] [--jobs 2]

Prints every class of operands that breaks the accuracy contract, with its worst point, and then exits with 1.
Needs the extra `test` (gmpy2, ml_dtypes); PyTorch and optax are compared where they are installed.
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
from accuracy_report.peers import PeerRow, compare_peers
from accuracy_report.rows import Row, merged
from accuracy_report.sweeps import FULL, QUICK, Task, tasks

import bcelogits


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="half a minute (default)")
    effort.add_argument("--full", action="store_true", help="all float32 logits, and minutes of climbing")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="rewrite the results block of this page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to this file")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 16), help="processes (all processors)")
    parser.add_argument("--no-peers", action="store_true", help="measure this package alone")
    return parser.parse_args(argv)


def _run(task: Task) -> list[Row]:
    bcelogits.set_num_threads(1)  # the processes are the parallelism
    return task()


def _measure(work: Sequence[Task], jobs: int) -> list[Row]:
    """All rows, in an order that does not depend on which process was first."""
    found: dict[int, list[Row]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        futures = {pool.submit(_run, task): number for number, task in enumerate(work)}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            if sys.stderr.isatty():
                print(f"\r{len(found)}/{len(work)} pieces", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return merged(row for number in sorted(found) for row in found[number])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; 1 if the contract is broken somewhere."""
    arguments = _arguments(argv)
    effort = FULL if arguments.full else QUICK
    start = time.monotonic()
    rows = _measure(tasks(effort), max(1, arguments.jobs))
    peers: list[PeerRow] = [] if arguments.no_peers else list(compare_peers())
    if arguments.markdown:
        report.rewrite(arguments.markdown, report.markdown(rows, peers, effort.name))
    else:
        print(report.markdown(rows, peers, effort.name))
    if arguments.json:
        report.write_json(arguments.json, rows, peers, effort.name)
    violated = [row for row in rows if not row.within]
    for row in violated:
        print(f"contract broken: {row}")
    points = sum(row.points for row in rows)
    seconds = time.monotonic() - start
    print(f"{points:,} results in {seconds:.0f} s, {len(violated)} of {len(rows)} rows break the contract")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
