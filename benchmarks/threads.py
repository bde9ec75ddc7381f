"""bcelogits with one thread, and after a pause: what another thread gains, and what its wake and join cost."""

from __future__ import annotations

import time
from typing import ClassVar

from benchmarks.cases import Case
from benchmarks.contenders import Ours, OursInPlace, Prepared

PAUSE = 1e-3  # seconds: longer than any pool spins before it sleeps
SIZES = tuple(1 << exponent for exponent in range(14, 21))
OPS = ("forward-mean", "value_and_grad")


class OneThread(OursInPlace):
    """One thread; array results go to kept memory, so that the system's handing out of pages plays no part."""

    name = "bcelogits-1"
    has_peak: ClassVar[bool] = False

    @classmethod
    def has(cls, case: Case) -> bool:
        return True

    def __init__(self, threads: int) -> None:
        super().__init__(1)

    def outputs(self, case: Case, inputs: object) -> dict[str, object]:
        return super().outputs(case, inputs) if case.writes else {}  # type: ignore[arg-type]


def rested(prepared: Prepared) -> Prepared:
    """The same call, each after a pause that is not timed."""

    def clock(calls: int) -> float:
        total = 0.0
        for _ in range(calls):
            time.sleep(PAUSE)
            start = time.perf_counter()
            prepared.call()
            total += time.perf_counter() - start
        return total

    return Prepared(prepared.call, prepared.answer, clock=clock)


class Rested(Ours):
    """All threads, each call after a pause in which they fall asleep."""

    name = "bcelogits-rested"
    has_peak: ClassVar[bool] = False

    @classmethod
    def has(cls, case: Case) -> bool:
        return not case.writes

    def prepare(self, case: Case) -> Prepared:
        return rested(super().prepare(case))


class OneThreadRested(Rested, OneThread):
    """One thread, each call after a pause."""

    name = "bcelogits-1-rested"
