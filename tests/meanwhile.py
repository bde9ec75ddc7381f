"""Whether a call lets go of the interpreter's lock."""

from __future__ import annotations

import threading
from collections.abc import Callable


def others_run_during(call: Callable[[], object]) -> bool:
    """Whether another Python thread gets on while `call` runs."""
    ran, done, counted = threading.Event(), threading.Event(), 0

    def count() -> None:
        nonlocal counted
        ran.set()
        while not done.is_set():
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    ran.wait()
    before = counted
    call()
    after = counted
    done.set()
    thread.join()
    return after > before
