"""The machine's limit as a contender: the programs of limit.cpp on arrays of the case's number and size.

Several are tried for every case (arrays read side by side, in pages, one by one; with prefetches; with stores that
bypass the caches) and the fastest is sampled in turn with the contenders. The arrays are NumPy's, so their pages are
of the kind that the contenders' arrays have; they begin on cache lines, which those of the contenders need not.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks import native
from benchmarks.cases import Case
from benchmarks.contenders import Contender, Prepared, load

SMALLEST_BYTES = 2048  # of one array; a thread gets at least some cache lines
STEP = 256  # limit.cpp goes in steps of this size
TRY_SECONDS = 1e-3


@dataclass(frozen=True)
class Program:
    """One way to move the bytes; `order` and the others as `limit_run` takes them."""

    name: str
    order: int = 0
    ahead: int = 0
    stream: int = 0


READ = (
    Program("side by side"),
    Program("side by side, prefetch 512", ahead=512),
    Program("side by side, prefetch 2048", ahead=2048),
    Program("in pages", order=1),
    Program("in pages, prefetch 1024", order=1, ahead=1024),
    Program("one by one", order=2),
    Program("one by one, prefetch 1024", order=2, ahead=1024),
)
WRITE = (
    Program("side by side"),
    Program("side by side, prefetch 1024", ahead=1024),
    Program("in pages", order=1),
    Program("side by side, non-temporal", stream=1),
    Program("side by side, prefetch 1024, non-temporal", ahead=1024, stream=1),
    Program("in pages, non-temporal", order=1, stream=1),
    Program("in pages, prefetch 1024, non-temporal", order=1, ahead=1024, stream=1),
)


class NativeLimit(Contender):
    """Memory traffic by a native program with pinned threads of its own."""

    name = "limit-native"
    modules = ("numpy",)
    is_limit: ClassVar[bool] = True
    has_peak: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or (None if native.compiler() else "a C++ compiler")

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.array_bytes >= SMALLEST_BYTES

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        path = native.shared_library([native.HERE / "limit.cpp"], ["-std=c++17", "-pthread"], "limit.so")
        self.library = ctypes.CDLL(str(path))
        self.library.limit_open.restype = ctypes.c_void_p
        self.library.limit_run.restype = ctypes.c_double
        self.library.limit_run.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.c_void_p,
            ctypes.c_int64,
            *[ctypes.c_int] * 4,
            ctypes.c_int64,
            ctypes.c_int64,
        ]
        cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        places = [cpus[i] if i < len(cpus) else -1 for i in range(threads)]
        self.pool = self.library.limit_open(threads, (ctypes.c_int * threads)(*places))
        if not self.pool:
            raise MemoryError("limit_open")
        self.best: tuple[Case, Program] | None = None

    def version(self) -> str:
        return "limit.cpp"

    def prepare(self, case: Case) -> Prepared:
        arrays = [aligned(case.array_bytes, index) for index in range(case.reads + case.writes)]
        addresses = [array.ctypes.data for array in arrays]
        inputs = (ctypes.c_void_p * 4)(*addresses[: case.reads])
        out = addresses[-1] if case.writes else None

        def clock_of(program: Program) -> Callable[[int], float]:
            def clock(calls: int) -> float:
                seconds: float = self.library.limit_run(
                    self.pool,
                    inputs,
                    out,
                    case.array_bytes,
                    case.reads,
                    int(case.writes),
                    program.order,
                    program.stream,
                    program.ahead,
                    calls,
                )
                return seconds

            clock.arrays = arrays  # type: ignore[attr-defined]  # the memory lives as long as the function
            return clock

        if self.best is None or self.best[0] != case:
            self.best = (case, quickest({program: clock_of(program) for program in (WRITE if case.writes else READ)}))
        clock = clock_of(self.best[1])
        return Prepared(call=lambda: clock(1), clock=clock, note=self.best[1].name)


def aligned(size: int, index: int) -> Any:
    """Bytes that begin on a cache line, every array on another one of its page, with room for a whole step."""
    np = load("numpy")
    raw = np.full(size + STEP + 4096, 1 + index, np.uint8)
    start = -raw.ctypes.data % 64 + 320 * index
    return raw[start : start + (size + STEP - 1) // STEP * STEP]


def quickest(programs: dict[Program, Callable[[int], float]]) -> Program:
    """The program with the best of three tries of about a millisecond, or of one call where that takes longer."""
    times: dict[Program, float] = {}
    for program, clock in programs.items():
        clock(1)
        count = 1
        while (seconds := clock(count)) < TRY_SECONDS:
            count *= 4
        times[program] = min(seconds, clock(count), clock(count)) / count
    return min(times, key=times.__getitem__)
