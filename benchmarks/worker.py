"""One process per contender: it keeps the arrays of the present case and times calls when it is asked to.

Frameworks in one process would share thread pools, allocators and OpenMP runtimes; here each has its own
process, and waits on a pipe (using no CPU) while another one is timed.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.cases import Case
from benchmarks.contenders import Contender, Prepared
from benchmarks.registry import CONTENDERS

SAMPLE_SECONDS = 2e-3  # a sample repeats short calls for at least this long
MAX_CALLS = 1 << 16


class WorkerError(Exception):
    """The contender failed on a case, or its process ended; the text says how."""


class Worker:
    """The parent's handle of one contender process."""

    def __init__(
        self, name: str, threads: int, extra_environment: dict[str, str] | None = None, timeout: float = 900.0
    ) -> None:
        self.name = name
        self.extra_environment = extra_environment or {}
        self.cls: type[Contender] = CONTENDERS[name]
        self.threads = threads
        self.timeout = timeout
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit loaded libraries
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(self.name, self.threads, theirs), daemon=True)
        with _environment({**self.cls.environment(self.threads), **self.extra_environment}):
            self._process.start()
        theirs.close()
        try:
            self.version, self.isa = self._receive()
        except WorkerError:
            self.close()
            raise

    def prepare(self, case: Case) -> tuple[int, float, str]:
        """Make the arrays, compile, warm up. Returns calls per sample, seconds per call, and a note."""
        if not self._process.is_alive():
            self._start()
        answer: tuple[int, float, str] = self._ask("prepare", case)
        return answer

    def peak(self, case: Case) -> int | None:
        """Peak extra bytes of one call, after one that is not counted; None where the system does not tell."""
        if not self._process.is_alive():
            self._start()
        peak: int | None = self._ask("peak", case)
        return peak

    def sample(self, calls: int, warm: bool) -> float:
        """Seconds per call over `calls` calls, after one that is not timed if `warm`."""
        seconds: float = self._ask("sample", (calls, warm))
        return seconds

    def answer(self) -> Any:
        return self._ask("answer")

    def release(self) -> None:
        """Drop the arrays of the present case."""
        if self._process.is_alive():
            self._ask("release")

    def cpu_seconds(self) -> float:
        """CPU time that the process and its threads have used so far; 0 where the system does not tell."""
        total = 0
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except (OSError, IndexError, ValueError):
                continue  # a thread that ended meanwhile
        return total / 1e9

    def close(self) -> None:
        """End the process; harmless when it has ended already."""
        with suppress(OSError):
            self._pipe.send(("quit", None))
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    def _ask(self, command: str, argument: Any = None) -> Any:
        try:
            self._pipe.send((command, argument))
        except OSError as error:
            raise WorkerError(f"the process is gone ({error})") from error
        return self._receive()

    def _receive(self) -> Any:
        if not self._pipe.poll(self.timeout):
            self._process.kill()
            self._process.join()
            raise WorkerError(f"no answer within {self.timeout:g} s")
        try:
            good, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(5)
            raise WorkerError(f"the process ended with code {self._process.exitcode}") from error
        if not good:
            raise WorkerError(value)
        return value


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The variables set for a child that is started meanwhile."""
    saved = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in saved.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def serve(name: str, threads: int, pipe: Connection) -> None:
    """The child's loop: answer `(True, value)` or `(False, text)` to every command until `quit` or the parent's end."""
    try:
        contender = CONTENDERS[name](threads)
        pipe.send((True, (contender.version(), contender.isa())))
    except Exception as error:
        pipe.send((False, _text(error)))
        return
    state = _State(contender)
    while True:
        try:
            command, argument = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        if command == "quit":
            return
        try:
            reply = (True, getattr(state, command)(argument))
        except KeyboardInterrupt:
            return
        except Exception as error:
            reply = (False, _text(error))
        pipe.send(reply)


def _text(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first[:200]}"


class _State:
    """What a child knows between commands; one method per command."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.case: Case | None = None
        self.prepared: Prepared | None = None

    def prepare(self, case: Case) -> tuple[int, float, str]:
        self.release()
        self.case, self.prepared = case, self.contender.prepare(case)
        self._seconds(1)  # compiles, starts threads
        seconds = self._seconds(1)
        calls = 1
        while seconds * calls < SAMPLE_SECONDS and calls < MAX_CALLS:
            calls *= 2
            seconds = self._seconds(calls) / calls
        return calls, seconds, self.prepared.note

    def sample(self, argument: tuple[int, bool]) -> float:
        calls, warm = argument
        if warm:
            self._seconds(1)
        return self._seconds(calls) / calls

    def peak(self, case: Case) -> int | None:
        self.release()
        prepared = self.contender.prepare(case)
        prepared.call()
        return memory.peak_extra_bytes(prepared.call)

    def answer(self, _: None = None) -> Any:
        prepared = self._ready()
        return None if prepared.answer is None else prepared.answer(prepared.call())

    def release(self, _: None = None) -> None:
        self.case = self.prepared = None
        memory.give_back()

    def _ready(self) -> Prepared:
        if self.prepared is None:
            raise RuntimeError("no case is prepared")
        return self.prepared

    def _seconds(self, calls: int) -> float:
        """Seconds of `calls` calls, with Python's cycle collector out of the way."""
        prepared = self._ready()
        call, loop = prepared.call, prepared.loop
        gc.disable()
        try:
            if prepared.clock is not None:
                return prepared.clock(calls)
            start = time.perf_counter()
            if loop is not None:
                loop(calls)
            else:
                for _ in range(calls):
                    call()
            return time.perf_counter() - start
        finally:
            gc.enable()
