"""Threads and callbacks of pyACL: Python functions that the runtime calls, kept until it has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import CFUNCTYPE, c_void_p, cast
from typing import Any

__all__ = ["callback", "check_stopped", "start", "stop"]

_numbers = itertools.count(1)
_callbacks: dict[int, tuple[Callable[[Any], Any], Any]] = {}
_threads: dict[int, threading.Thread] = {}
_told_to_stop: dict[int, int] = {}  # how often it has asked for work since


class _Stopped(BaseException):
    """Ends a thread that was told to stop; not one of those that programs catch."""


def _call(number: int) -> None:
    fn, user_data = _callbacks.pop(number)
    fn(user_data)


_entry = CFUNCTYPE(None, c_void_p)(_call)


@contextmanager
def callback(fn: Callable[[Any], Any], user_data: Any) -> Iterator[tuple[c_void_p, int, Callable[[], None]]]:
    """C function and argument that make one call of ``fn(user_data)``, forgotten unless told to keep."""
    number = next(_numbers)
    _callbacks[number] = fn, user_data
    kept = []
    try:
        yield cast(_entry, c_void_p), number, lambda: kept.append(number)
    finally:
        if not kept:
            _callbacks.pop(number, None)


def start(fn: Callable[[Any], Any], arguments: Any) -> int:
    """Run ``fn(arguments)`` in a thread; its id."""

    def run() -> None:
        with suppress(_Stopped):
            fn(arguments)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert thread.ident is not None
    _threads[thread.ident] = thread
    return thread.ident


def stop(thread_id: int) -> bool:
    """Wait for the end of a thread of :func:`start`; False if there is none of that id."""
    thread = _threads.pop(thread_id, None)
    if thread is None:
        return False
    _told_to_stop[thread_id] = 0
    thread.join()
    del _told_to_stop[thread_id]
    return True


def check_stopped() -> None:
    """End this thread if it has been told to stop.

    Not at once: a thread that looks at a flag of its own between two reports then ends by itself.
    """
    thread_id = threading.get_ident()
    if thread_id in _told_to_stop:
        if _told_to_stop[thread_id] > 0:
            raise _Stopped
        _told_to_stop[thread_id] += 1
