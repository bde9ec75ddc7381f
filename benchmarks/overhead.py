"""What does not grow with the data: the cost of one call on 64 elements, and of importing the package."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time

from benchmarks.cases import Case, grid
from benchmarks.rows import Row, Run

CALL_SIZE = 64
IMPORTS = {"numpy": "import numpy", "bcelogits": "import numpy, bcelogits"}


def call_cases() -> list[Case]:
    """The cells that the overhead table is made from; they run with the rest of the grid."""
    return grid((CALL_SIZE,), ("float32",), ("forward-mean", "value_and_grad"), ("none",))


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
        Row(
            **vars(run),
            contender=name,
            version="",
            isa="",
            metric="import_ns",
            op="import",
            option="none",
            dtype="",
            size=0,
            samples=repeats,
            median=statistics.median(times),
            minimum=min(times),
            note=codes[name],
        )
        for name, times in samples.items()
    ]
