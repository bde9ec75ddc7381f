"""How often a thread that slept takes part in the next call: `python -m benchmarks.wakes`, on Linux.

Woken on the caller's processor, it would wait behind the caller and come too late. On an idle machine it should take
part in nearly every call; on a busy one the scheduler decides. So this is a measurement, and no test.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

ROUNDS, CALLS = 5, 100
PAUSE = 0.01  # seconds: longer than the pool's threads look for the next call before they sleep
SIZE = 1 << 20


def times_run(thread: str) -> int:
    """How many times a thread of this process has been given a processor."""
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[2])


def measure() -> list[int]:
    """The number of calls of each round in which the second thread ran."""
    import numpy as np

    import bcelogits

    tasks = Path("/proc/self/task")
    before = {task.name for task in tasks.iterdir()}
    x = np.zeros(SIZE, np.float32)
    bcelogits.set_num_threads(2)
    bcelogits.binary_cross_entropy_with_logits(x, x)
    (helper,) = {task.name for task in tasks.iterdir()} - before
    found = []
    for _ in range(ROUNDS):
        took_part = 0
        for _ in range(CALLS):
            time.sleep(PAUSE)
            before_call = times_run(helper)
            bcelogits.binary_cross_entropy_with_logits(x, x)
            took_part += times_run(helper) > before_call
        found.append(took_part)
    return found


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("one processor: there is no second thread to wake")
    print(f"of {CALLS} calls after a pause, the second thread took part in {', '.join(map(str, measure()))}")
