"""What does not grow with the data: importing the package, and a two-phase call from C."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row, Run, figure_row

IMPORTS = {"numpy": "import numpy", "bcelogits": "import numpy, bcelogits"}
C_SIZE = 64
C_CALL = "second phase, repeatable executor, synchronized each time"  # the one that has done its work when it is over


def import_rows(run: Run, repeats: int = 15) -> list[Row]:
    """Wall time of a fresh interpreter that imports NumPy, and of one that imports bcelogits as well, in turn."""
    codes = {name: code for name, code in IMPORTS.items() if importlib.util.find_spec(name) is not None}
    samples: dict[str, list[float]] = {name: [] for name in codes}
    for repeat in range(repeats + 1):
        for name, code in codes.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            if repeat:  # the first round reads the files from disk
                samples[name].append((time.perf_counter() - start) * 1e9)
    return [
        figure_row(run, "import_ns", name, statistics.median(times), min(times), codes[name], "import", repeats)
        for name, times in samples.items()
    ]


def c_rows(run: Run, repeats: int = 5) -> list[Row]:
    """The calls of benchmarks/cann on 64 elements; OSError or CalledProcessError where they cannot be built."""
    from benchmarks.cann import __main__ as cann

    moved = "second phase, repeatable executor, with a new address of an input each time"
    names = {**cann.ROWS, "repeatable_synchronized": C_CALL, "repeatable_new_address": moved}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        program = cann.build(Path(folder))
        for reduction, code in cann.REDUCTIONS.items():
            found = cann.measure(program, C_SIZE, code, repeats)
            op = f"forward-{reduction}"
            rows += [
                figure_row(run, "call_ns", "bcelogits", found[name], found[name], text, op, repeats)
                for name, text in names.items()
            ]
    return rows
