"""Builds two_phase.c with the C compiler, runs it for small arrays and prints a table; no peers exist on a CPU."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("two_phase.c")
ROWS = {
    "phase_one": "first phase",
    "phase_two": "second phase",
    "fresh": "both, a new executor each time",
    "repeatable": "second phase, repeatable executor",
    "repeatable_synchronized": "the same, synchronized each time",
    "repeatable_new_address": "the same, with a new address of an input each time",
    "tensor_create_destroy": "aclCreateTensor + aclDestroyTensor",
    "malloc_free": "aclrtMalloc + aclrtFree",
}
REDUCTIONS = {"none": 0, "mean": 1}


def build(folder: Path) -> Path:
    """The program, built as docs/cann.md says."""
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    config = [sys.executable, "-m", "bcelogits.cli", "config", "--cflags", "--libs"]
    flags = subprocess.run(config, check=True, capture_output=True, text=True).stdout.split()
    program = folder / "two_phase"
    command = [compiler, "-O2", "-std=c11", "-D_POSIX_C_SOURCE=199309L", str(SOURCE), *flags, "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def measure(program: Path, size: int, reduction: int, repeats: int) -> dict[str, float]:
    """Medians over `repeats` runs of the program, in nanoseconds."""
    runs: list[dict[str, float]] = []
    for _ in range(repeats):
        text = subprocess.run(
            [str(program), str(size), "100000", str(reduction)], check=True, capture_output=True, text=True
        ).stdout
        runs.append({name: float(value) for name, value in (line.split() for line in text.splitlines())})
    return {name: statistics.median(run[name] for run in runs) for name in ROWS}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cann", description=__doc__)
    parser.add_argument("--size", type=int, default=64, help="elements (default 64)")
    parser.add_argument("--repeats", type=int, default=7, help="runs of the program (default 7)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        found = {name: measure(program, given.size, code, given.repeats) for name, code in REDUCTIONS.items()}
    print(f"| {given.size} float32 elements, ns | {' | '.join(REDUCTIONS)} |\n| --- |" + " ---: |" * len(REDUCTIONS))
    for name, text in ROWS.items():
        print(f"| {text} | {' | '.join(f'{found[reduction][name]:.0f}' for reduction in REDUCTIONS)} |")


if __name__ == "__main__":
    main()
