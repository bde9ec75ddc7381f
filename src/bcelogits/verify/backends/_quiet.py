"""Whatever a framework prints while it is loaded or runs goes to standard error: standard output is the report's."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

__all__ = ["stdout_to_stderr"]


def _flush_c() -> None:
    # What C code has printed waits in its buffer, and would come out after the descriptor is put back. Where no C
    # library is to be had by that name there is nothing to flush.
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect `sys.stdout` and file descriptor 1, which C code writes to."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # closed: nothing can be printed there
        with redirect_stdout(sys.stderr):
            yield
        return
    _flush_c()
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_c()
        os.dup2(saved, 1)
        os.close(saved)
