"""Peak extra memory of one call: how far the resident set of the process rises above its level before it.

Runs in a process of its own per contender, after a call that is not counted (threads started, code
compiled). Linux lets a process reset its own high-water mark; elsewhere there is no answer (`None`) rather
than a wrong one: ru_maxrss never goes down, so after the uncounted call it would say 0. Memory that an
allocator keeps for the next call would not raise the mark either; `ENVIRONMENT` and `give_back` see to that.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

# For the processes that measure memory, not for those that measure time: every block of 64 KiB or more
# goes back to the system when it is freed, TensorFlow leaves out the pool that its oneDNN mode brings, and nobody
# rounds memory up to huge pages (contenders.HUGE_PAGES).
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "GLIBC_TUNABLES": "",
    "THP_MEM_ALLOC_ENABLE": "0",
}
TRIES = 3  # the largest counts: a buffer freed late by another thread can only hide memory

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def peak_extra_bytes(call: Callable[[], Any]) -> int | None:
    """Bytes that `call` needed at its peak beyond what was resident before, its result included."""
    largest = 0
    for _ in range(TRIES):
        give_back()
        try:
            CLEAR_REFS.write_text("5")  # sets VmHWM to the present VmRSS, see proc(5)
            before = _status_bytes("VmRSS")
            result = call()
            peak = _status_bytes("VmHWM")
        except OSError:
            return None
        del result
        largest = max(largest, peak - before)
    return largest


def give_back() -> None:
    """Hand freed memory back to the system: reused heap pages would not raise the high-water mark."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _status_bytes(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{STATUS}: no field {field}")
