"""Runs the jobs: every case by its contenders, one sample each in turn (A B C A B C ...)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import machine, memory
from benchmarks.cases import Answer, Case, expected
from benchmarks.plan import Job
from benchmarks.rows import Row, Run, Writer
from benchmarks.worker import Worker, WorkerError

SETTLE_SECONDS = 0.05  # between contenders: OpenMP and OpenBLAS threads spin for some milliseconds after their last job
FOREIGN_SHARE = 0.05  # CPUs used by other processes above which the run is called disturbed
IDLE_SHARE = 0.02  # CPU time of idle workers above this share of a turn is reported
PACE_SIZE = 1 << 16  # from here on a call's time tells that of a larger one: below, it is mostly the call
CHECK_SIZE = 4096  # up to this size the answers are compared with float64
TEMPORARIES = 6  # arrays of the case's size that the hungriest contender holds at its peak
# Not an accuracy test (the test suite has those): only that all contenders compute the same thing.
SAME = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}


@dataclass(frozen=True)
class Limits:
    """How long a run may take: seconds that may go into a contender's samples of one case, and into one call."""

    budget: float = 2.0
    slowest: float = 8.0


@dataclass
class _Turn:
    """One contender's state on one case."""

    worker: Worker
    calls: int
    seconds: float
    note: str
    repeats: int
    ready: bool = True  # its arrays are there
    samples: list[float] = field(default_factory=list)
    spent: float = 0.0

    def wants_more(self, limits: Limits) -> bool:
        if len(self.samples) >= self.repeats:
            return False
        enough = 3 if self.seconds < limits.budget / 4 else 1
        return len(self.samples) < enough or self.spent < limits.budget


class Runner:
    """Keeps the workers and writes the rows."""

    def __init__(
        self, run: Run, workers: list[Worker], writer: Writer, limits: Limits, say: Callable[[str], None]
    ) -> None:
        self.run, self.workers, self.writer, self.limits, self.say = run, workers, writer, limits, say
        self.pace: dict[tuple[str, str, str, str], float] = {}  # seconds per element at the last size
        self.spinning: dict[str, float] = {}
        self.timed = self.foreign = 0.0  # seconds of turns, and CPU seconds that others used meanwhile

    def run_jobs(self, jobs: Iterable[Job]) -> None:
        todo = list(jobs)
        for number, job in enumerate(todo, 1):
            started = time.perf_counter()
            parts = self._run_job(job)
            took = f"{time.perf_counter() - started:.0f} s"
            self.say(f"[{number}/{len(todo)}] {job.case} ({took}): {' | '.join(parts) or 'nothing ran'}")

    def measure_peaks(self, cases: list[Case]) -> None:
        """Peak memory of every contender, one after the other, each in a process made for it."""
        for timed in self.workers:
            mine = [case for case in cases if timed.cls.takes_part(case) and self._is_quick(timed, case)]
            if not timed.cls.has_peak or not mine:
                continue
            self.say(f"peak memory: {timed.name}")
            try:
                worker = Worker(timed.name, timed.threads, memory.ENVIRONMENT)
            except WorkerError as error:
                self.say(f"    not measured: {error}")
                continue
            for case in mine:
                self._measure_peak(worker, case)
            worker.close()

    def _is_quick(self, worker: Worker, case: Case) -> bool:
        pace = self.pace.get((worker.name, case.op, case.option, case.dtype), 0.0)
        return pace * case.size < self.limits.budget

    def _measure_peak(self, worker: Worker, case: Case) -> None:
        try:
            peak = worker.peak(case)
        except WorkerError as error:
            self.say(f"    {case} not measured: {error}")
            return
        if peak is not None:
            self._row(worker, case, "peak_bytes", 1, peak, peak)

    def remarks(self) -> list[str]:
        """What a reader has to know about how undisturbed the run was."""
        texts = [
            f"the idle process of {name} used up to {share:.0%} of a CPU while others were timed"
            for name, share in self.spinning.items()
        ]
        if self.timed:
            share = self.foreign / self.timed
            verdict = "disturbed, do not publish this run" if share > FOREIGN_SHARE else "undisturbed"
            texts.append(f"other processes used {share:.2f} CPUs while contenders were timed: {verdict}")
        return texts

    def _run_job(self, job: Job) -> list[str]:
        case = job.case
        workers = [
            worker
            for worker in self.workers
            if worker.name in job.contenders and worker.cls.takes_part(case) and self._in_time(worker, case)
        ]
        free = machine.available_bytes()
        arrays = case.reads + case.writes
        if case.array_bytes * (arrays + TEMPORARIES) > free * 0.9:
            for worker in workers:
                self._skip(worker, case, "not enough memory on this machine")
            return []
        # All arrays of all contenders at once, or (for the largest) one contender's at a time.
        hold = case.array_bytes * (arrays * len(workers) + TEMPORARIES) < free * 0.8
        turns: list[_Turn] = []
        for worker in workers:
            try:
                turn = _Turn(worker, *worker.prepare(case), job.repeats)
                if case.size <= CHECK_SIZE:
                    self._check(worker, case)
                if not hold:
                    self._sample(turn, case, hold)
                turns.append(turn)
            except WorkerError as error:
                self._skip(worker, case, str(error))
        done: list[_Turn] = []
        while turns:
            for turn in list(turns):
                if not turn.wants_more(self.limits):
                    turns.remove(turn)
                    done.append(turn)
                    continue
                try:
                    self._sample(turn, case, hold)
                except WorkerError as error:
                    turns.remove(turn)
                    self._skip(turn.worker, case, str(error))
        order = [worker.name for worker in self.workers]
        done.sort(key=lambda turn: order.index(turn.worker.name))
        parts = [self._finish(turn, case) for turn in done]
        for worker in workers:
            try:
                worker.release()
            except WorkerError:
                continue  # it died and was reported; the next case starts it again
        return parts

    def _in_time(self, worker: Worker, case: Case) -> bool:
        pace = self.pace.get((worker.name, case.op, case.option, case.dtype))
        if pace is not None and pace * case.size > self.limits.slowest:
            self._skip(worker, case, f"one call would take about {pace * case.size:.0f} s")
            return False
        return True

    def _sample(self, turn: _Turn, case: Case, hold: bool) -> None:
        if not turn.ready:
            turn.calls, turn.seconds, turn.note = turn.worker.prepare(case)
        time.sleep(SETTLE_SECONDS)
        others = [worker for worker in self.workers if worker is not turn.worker]
        before = [worker.cpu_seconds() for worker in others]
        busy, own = machine.busy_cpu_seconds(), turn.worker.cpu_seconds()
        start = time.perf_counter()
        turn.samples.append(turn.worker.sample(turn.calls, warm=hold and turn.seconds < 1.0))
        elapsed = time.perf_counter() - start
        turn.spent += elapsed
        busy_after = machine.busy_cpu_seconds()
        if busy is not None and busy_after is not None:
            # Both clocks tick coarsely: single turns may be off either way, their sum is not.
            self.foreign += busy_after - busy - (turn.worker.cpu_seconds() - own)
            self.timed += elapsed
        for worker, used in zip(others, before, strict=True):
            share = (worker.cpu_seconds() - used) / elapsed
            if share > IDLE_SHARE and elapsed > 1e-3:
                self.spinning[worker.name] = max(share, self.spinning.get(worker.name, 0.0))
        if not hold:
            turn.worker.release()
            turn.ready = False

    def _finish(self, turn: _Turn, case: Case) -> str:
        median, minimum = statistics.median(turn.samples), min(turn.samples)
        worker = turn.worker
        if case.size >= PACE_SIZE:
            self.pace[worker.name, case.op, case.option, case.dtype] = median / case.size
        self._row(worker, case, "time_ns", len(turn.samples), median * 1e9, minimum * 1e9, turn.note)
        return f"{worker.name} {seconds_text(median)}"

    def _check(self, worker: Worker, case: Case) -> None:
        got = worker.answer()
        if got is not None:
            wrong = difference(got, expected(case))
            if wrong > SAME[case.dtype]:
                raise WorkerError(f"computes something else: off by {wrong:.1e} of the largest value")

    def _skip(self, worker: Worker, case: Case, why: str) -> None:
        self.say(f"    {worker.name}: {case} not measured: {why}")
        self._row(worker, case, "skipped", 0, 0.0, 0.0, why)

    def _row(
        self, worker: Worker, case: Case, metric: str, samples: int, median: float, minimum: float, note: str = ""
    ) -> None:
        shared: dict[str, Any] = vars(self.run)
        self.writer.add(
            Row(
                **shared,
                contender=worker.name,
                version=worker.version,
                isa=worker.isa,
                metric=metric,
                op=case.op,
                option=case.option,
                dtype=case.dtype,
                size=case.size,
                samples=samples,
                median=median,
                minimum=minimum,
                note=note,
            )
        )


def difference(got: Answer, want: Answer) -> float:
    """The largest deviation of any part, relative to that part's largest value; inf for a wrong shape or a NaN."""
    import numpy as np

    worst = 0.0
    for mine, theirs in ((got.loss, want.loss), (got.grad, want.grad)):
        if (mine is None) != (theirs is None):
            return float("inf")
        if mine is None or theirs is None:
            continue
        if mine.shape != theirs.shape:
            return float("inf")
        deviation = float(np.max(np.abs(mine - theirs)) / np.max(np.abs(theirs)))
        worst = max(worst, deviation if deviation == deviation else float("inf"))
    return worst


def seconds_text(seconds: float) -> str:
    """Three digits with a fitting unit."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
