"""Cross checks of the machine's limit (benchmarks/limit.cpp): the bare traffic of a case through NumPy and PyTorch.

An operation that only reads (`forward-mean`) is held against reading two arrays of its size; one that
also writes against reading two and writing a third. Nothing that computes the loss can be faster than the
best program that moves these bytes, so several simple ones are tried and the fastest is kept:

- read: a dot product of the two arrays; a sum over each of them.
- read and write: an addition into the third array; a copy of one array and a sum over the other.

Each through NumPy (a Python thread per core, each looping over its own part, so that no thread start is
timed) and through PyTorch (its own threads). The report takes the best of all. The arrays are float32 of
the same number of bytes, whatever the dtype of the case: only the traffic counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, ClassVar

from benchmarks.cases import Case
from benchmarks.contenders import Contender, Prepared, TorchEager, load

Loop = Callable[[int], None]
SMALLEST = 1 << 10  # elements: below, it is not memory that takes the time


def two_arrays(case: Case) -> bool:
    """Whether the case reads as much as two arrays: these programs know no other."""
    return case.reads == 2 and case.size >= SMALLEST


def fastest(loops: dict[str, Loop]) -> Prepared:
    """The quickest of several loops (best of 3 tries of about a millisecond each), as a prepared case."""
    best_name, best_time = "", float("inf")
    for name, loop in loops.items():
        loop(1)
        count = 1
        while (elapsed := _seconds(loop, count)) < 1e-3:
            count *= 4
        elapsed = min(elapsed, _seconds(loop, count), _seconds(loop, count)) / count
        if elapsed < best_time:
            best_name, best_time = name, elapsed
    chosen = loops[best_name]
    return Prepared(call=lambda: chosen(1), loop=chosen, note=best_name)


def _seconds(loop: Loop, count: int) -> float:
    start = time.perf_counter()
    loop(count)
    return time.perf_counter() - start


class NumpyLimit(Contender):
    """Memory traffic through NumPy in Python threads (NumPy releases the lock inside these functions)."""

    name = "limit-numpy"
    modules = ("numpy",)
    is_limit: ClassVar[bool] = True
    has_peak: ClassVar[bool] = False

    @classmethod
    def has(cls, case: Case) -> bool:
        return two_arrays(case)

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.pool = ThreadPoolExecutor(threads)

    def version(self) -> str:
        return f"numpy {load('numpy').__version__}"

    def prepare(self, case: Case) -> Prepared:
        import numpy as np

        count = case.array_bytes // 4
        a, b, c = (np.full(count, value, np.float32) for value in (1.0, 0.5, 0.0))
        edges = [count * i // self.threads for i in range(self.threads + 1)]
        parts = [(a[i:j], b[i:j], c[i:j], np.zeros((), np.float32)) for i, j in pairwise(edges) if j > i]

        def threaded(body: Callable[[Any, Any, Any, Any], object]) -> Loop:
            def loop(calls: int) -> None:
                def work(part: tuple[Any, Any, Any, Any]) -> None:
                    for _ in range(calls):
                        body(*part)

                list(self.pool.map(work, parts))

            return loop

        def copy_and_sum(a: Any, b: Any, c: Any, s: Any) -> None:
            np.copyto(c, a)
            b.sum(out=s)

        if not case.writes:
            return fastest(
                {
                    "dot": threaded(lambda a, b, c, s: np.dot(a, b)),
                    "sum of each": threaded(lambda a, b, c, s: (a.sum(out=s), b.sum(out=s))),
                }
            )
        return fastest(
            {
                "add": threaded(lambda a, b, c, s: np.add(a, b, out=c)),
                "copy and sum": threaded(copy_and_sum),
            }
        )


class TorchLimit(Contender):
    """Memory traffic through PyTorch's own threads."""

    name = "limit-torch"
    modules = ("numpy", "torch")
    is_limit: ClassVar[bool] = True
    has_peak: ClassVar[bool] = False

    @classmethod
    def has(cls, case: Case) -> bool:
        return two_arrays(case)

    environment = staticmethod(TorchEager.environment)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.torch = load("torch")
        self.torch.set_num_threads(threads)

    def version(self) -> str:
        return f"torch {self.torch.__version__}"

    def prepare(self, case: Case) -> Prepared:
        import numpy as np

        torch = self.torch
        count = case.array_bytes // 4
        # NumPy's memory, as all contenders get it: where the system hands out huge pages, they matter here.
        a, b, c = (torch.from_numpy(np.full(count, value, np.float32)) for value in (1.0, 0.5, 0.0))

        def repeated(body: Callable[[], object]) -> Loop:
            def loop(calls: int) -> None:
                for _ in range(calls):
                    body()

            return loop

        if not case.writes:
            return fastest(
                {"dot": repeated(lambda: torch.dot(a, b)), "sum of each": repeated(lambda: (a.sum(), b.sum()))}
            )
        return fastest(
            {
                "add": repeated(lambda: torch.add(a, b, out=c)),
                "copy and sum": repeated(lambda: (c.copy_(a), b.sum())),
            }
        )
