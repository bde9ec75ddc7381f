"""Many Python threads at once, forked children, and the number of threads."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from meanwhile import others_run_during
from oracle import bits

import bcelogits

RunPython = Callable[..., subprocess.CompletedProcess[str]]


def a_call(seed: int, size: int) -> Callable[[], list[bytes]]:
    rng = np.random.default_rng(seed)
    x, t, w = rng.normal(0, 8, (3, size)).astype(np.float32)

    def call() -> list[bytes]:
        loss, gradient = bcelogits.value_and_grad(x, t, w)
        total = bcelogits.binary_cross_entropy_with_logits(x, t, w, reduction="sum")
        each = bcelogits.binary_cross_entropy_with_logits(x[::-1], t[::-1], pos_weight=2.0, reduction="none")
        return [bits(v) for v in (loss, gradient, total, each)]

    return call


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_concurrent_calls_give_what_each_gives_alone(threads: int) -> None:
    bcelogits.set_num_threads(threads)
    calls = [a_call(seed, 10 ** (2 + seed % 4) + seed) for seed in range(8)]
    expected = [call() for call in calls]
    start = threading.Barrier(8)

    def many(call: Callable[[], list[bytes]]) -> list[list[bytes]]:
        start.wait(timeout=30)
        return [call() for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        for results, right in zip(pool.map(many, calls), expected, strict=True):
            assert all(result == right for result in results)


def test_concurrent_calls_may_read_the_same_arrays() -> None:
    call = a_call(3, 200_000)
    expected = call()
    with ThreadPoolExecutor(8) as pool:
        assert all(result == expected for result in pool.map(lambda _: call(), range(64)))


FIRST_CALLS = """
import os, threading, warnings, numpy as np, bcelogits
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
x = np.random.default_rng(1).normal(0, 8, 5000).astype(np.float16)
t = (x > 0).astype(x.dtype)
start, results = threading.Barrier(8), []
def call():
    start.wait(timeout=30)
    each = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
    results.append([each.tobytes(), *(r.tobytes() for r in bcelogits.value_and_grad(x, t, 0.5))])
def of_a_child():
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, bcelogits.binary_cross_entropy_with_logits(x[:50], t[:50], reduction="none").tobytes())
        os._exit(0)
    os.waitpid(pid, 0)
    return os.read(reader, 1000)
threads = [threading.Thread(target=call) for _ in range(7)]
for thread in threads:
    thread.start()
start.wait(timeout=30)
child = of_a_child()  # while they fill what is looked up for 16 bits
for thread in threads:
    thread.join()
call = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none").tobytes()
assert len(results) == 7 and all(r == results[0] for r in results) and results[0][0] == call and child == call[:100]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_first_calls_on_16_bits_may_come_at_the_same_time_and_from_a_forked_child(run_python: RunPython) -> None:
    for _ in range(5):
        done = run_python(FIRST_CALLS)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("threads", [2, 3, 32, 33, 70])
def test_every_element_is_computed_once_by_any_number_of_threads(threads: int) -> None:
    size = 1_000_003  # 123 chunks: no multiple of the threads
    x = np.random.default_rng(5).normal(0, 4, size).astype(np.float32)
    t = (x > 1).astype(np.float32)
    results = []
    for number in (1, threads):
        bcelogits.set_num_threads(number)
        out = np.full_like(x, np.nan)
        bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none", out=out)
        results.append([bits(out), bits(bcelogits.binary_cross_entropy_with_logits(x, t, reduction="sum"))])
    assert results[0] == results[1]


def test_the_number_of_threads_may_change_while_calls_run() -> None:
    call = a_call(4, 300_000)
    expected = call()
    stop = threading.Event()

    def change() -> None:
        n = 1
        while not stop.is_set():
            bcelogits.set_num_threads(n)
            n = n % 7 + 1

    with ThreadPoolExecutor(3) as pool:
        changing = pool.submit(change)
        try:
            assert all(result == expected for result in pool.map(lambda _: call(), range(40)))
        finally:
            stop.set()
        changing.result()


def test_one_accumulator_may_be_fed_from_many_threads() -> None:
    rng = np.random.default_rng(6)
    x, t = rng.normal(size=(2, 64, 20_000)).astype(np.float32)
    accumulator = bcelogits.LossAccumulator()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(accumulator.update, x, t))
    assert accumulator.count == x.size
    assert bits(accumulator.result()) == bits(bcelogits.binary_cross_entropy_with_logits(x, t))


def test_other_threads_run_during_a_long_call() -> None:
    """The interpreter's lock is released."""
    x = np.zeros(1, np.float32)
    x = np.broadcast_to(x, (1 << 26,))
    bcelogits.set_num_threads(1)
    assert others_run_during(lambda: bcelogits.binary_cross_entropy_with_logits(x, x))


@pytest.mark.parametrize("size", [1 << 15, (1 << 16) + 3, (1 << 17) - 1])
@pytest.mark.parametrize("threads", [2, 5])
def test_small_calls_that_follow_each_other_give_what_one_thread_gives(size: int, threads: int) -> None:
    """Threads that are awake take part from 2^15 elements on; which call finds them awake is chance."""
    call = a_call(7, size)
    bcelogits.set_num_threads(1)
    expected = call()
    bcelogits.set_num_threads(threads)
    for _ in range(100):
        assert call() == expected


def test_threads_without_work_go_to_sleep(run_python: RunPython) -> None:
    """They look for the next call for a moment only: an idle process uses no processor."""
    done = run_python(
        """
import time, numpy as np, bcelogits
bcelogits.set_num_threads(2)
x = np.zeros(1 << 18, np.float32)
for _ in range(50):
    bcelogits.binary_cross_entropy_with_logits(x, x)
before = time.process_time()
time.sleep(1)
print(time.process_time() - before)
"""
    )
    assert float(done.stdout) < 0.1, done.stderr


class TestNumberOfThreads:
    @pytest.mark.parametrize("n", [1, 2, 17, 4096])
    def test_it_can_be_set(self, n: int) -> None:
        bcelogits.set_num_threads(n)
        assert bcelogits.get_num_threads() == bcelogits.info()["threads"] == n

    @pytest.mark.parametrize("n", [0, -1, 4097, 2**31, 2**64, -(2**70)])
    def test_a_bad_number_is_named(self, n: int) -> None:
        before = bcelogits.get_num_threads()
        with pytest.raises(ValueError, match=f"^n: {n}, expected 1 to 4096 threads$"):
            bcelogits.set_num_threads(n)
        assert bcelogits.get_num_threads() == before

    @pytest.mark.parametrize("n", [1.0, "2", True, None, np.float32(2), [1]])
    def test_what_is_no_number_is_named(self, n: Any) -> None:
        with pytest.raises(TypeError, match=r"^n: .*, expected an int$"):
            bcelogits.set_num_threads(n)

    def test_4096_threads_are_not_made_for_a_small_array(self) -> None:
        bcelogits.set_num_threads(4096)
        before = threading.active_count()
        call = a_call(1, 40_000)
        assert call() == call()
        assert threading.active_count() == before

    @pytest.mark.parametrize("n", [1, 3])
    def test_it_is_read_from_the_environment(self, n: int, run_python: RunPython) -> None:
        done = run_python("import bcelogits; print(bcelogits.get_num_threads())", BCELOGITS_NUM_THREADS=str(n))
        assert done.stdout.strip() == str(n), done.stderr

    def test_by_default_it_is_the_number_of_processors_that_may_be_used(self, run_python: RunPython) -> None:
        done = run_python("import bcelogits; print(bcelogits.get_num_threads())")
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert done.stdout.strip() == str(count), done.stderr


PREPARE = """
import os, sys, threading, time, warnings
import numpy as np, bcelogits
warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
bcelogits.set_num_threads(3)
x = np.linspace(-30, 30, 500_000, dtype=np.float32)
t = np.linspace(0, 1, 500_000, dtype=np.float32)
def call():
    loss, gradient = bcelogits.value_and_grad(x, t)
    return loss.tobytes() + gradient.tobytes()
def in_child(function):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if function() else 1)
        except BaseException:
            os._exit(2)
    return pid
def code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@needs_fork
class TestFork:
    def run(self, run_python: RunPython, script: str) -> None:
        done = run_python(PREPARE + script, timeout=60)
        assert (done.returncode, done.stdout.strip()) == (0, "good"), done.stderr

    def test_a_child_of_a_process_that_has_computed_can_compute(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            """
expected = call()
codes = [code(in_child(lambda: call() == expected and call() == expected)) for _ in range(5)]
print("good" if codes == [0] * 5 and call() == expected else codes)
""",
        )

    def test_a_child_of_a_process_that_has_not_computed_can_compute(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            """
codes = [code(in_child(lambda: len(call()) > 0)) for _ in range(3)]
print("good" if codes == [0] * 3 and call() else codes)
""",
        )

    def test_a_child_forked_while_another_thread_computes_can_compute(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            """
expected = call()
stop = threading.Event()
def busy():
    while not stop.is_set():
        call()
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
codes = []
for _ in range(20):
    codes.append(code(in_child(lambda: call() == expected)))
stop.set()
for thread in threads: thread.join()
print("good" if codes == [0] * 20 and call() == expected else codes)
""",
        )

    def test_a_grandchild_can_compute(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            """
expected = call()
def child():
    return call() == expected and code(in_child(lambda: call() == expected)) == 0
print("good" if code(in_child(child)) == 0 else "bad")
""",
        )

    def test_a_pool_of_processes_can_compute(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            """
import multiprocessing
expected = call()
def task(i):
    return call() == expected
with multiprocessing.get_context("fork").Pool(3) as pool:
    print("good" if all(pool.map(task, range(12))) else "bad")
""",
        )


def test_the_interpreter_ends_while_the_threads_wait(run_python: RunPython) -> None:
    done = run_python(PREPARE + "call(); print('good')")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "good", "")


def test_the_interpreter_ends_while_a_daemon_computes(run_python: RunPython) -> None:
    script = """
def forever():
    while True:
        call()
threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
print('good')
"""
    done = run_python(PREPARE + script)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "good", "")


def test_threads_that_were_moved_off_the_callers_processor_may_use_all_of_them_again(run_python: RunPython) -> None:
    done = run_python("""
import os, time
import numpy as np, bcelogits

ours = os.sched_getaffinity(0)
before = set(os.listdir("/proc/self/task"))
x = np.zeros(1 << 18, np.float32)
bcelogits.set_num_threads(len(ours))
bcelogits.binary_cross_entropy_with_logits(x, x)
helpers = set(os.listdir("/proc/self/task")) - before
assert len(helpers) == len(ours) - 1
for thread in helpers:  # so that all of them were last on one processor
    os.sched_setaffinity(int(thread), {min(ours)})
os.sched_setaffinity(0, {min(ours)})
for _ in range(20):
    bcelogits.binary_cross_entropy_with_logits(x, x)
os.sched_setaffinity(0, ours)
for thread in helpers:
    os.sched_setaffinity(int(thread), ours)
end = time.monotonic() + 30
while True:
    time.sleep(0.002)
    for _ in range(5):
        bcelogits.binary_cross_entropy_with_logits(x, x)
    if all(os.sched_getaffinity(int(thread)) == ours for thread in helpers):
        break
    assert time.monotonic() < end, [os.sched_getaffinity(int(thread)) for thread in helpers]
assert os.sched_getaffinity(0) == ours
""")
    assert done.returncode == 0, done.stderr


def test_threads_stay_on_the_processor_that_someone_else_pins_them_to(run_python: RunPython) -> None:
    done = run_python("""
import os, time
import numpy as np, bcelogits

ours = os.sched_getaffinity(0)
before = set(os.listdir("/proc/self/task"))
x = np.zeros(1 << 18, np.float32)
bcelogits.set_num_threads(len(ours))
bcelogits.binary_cross_entropy_with_logits(x, x)
helpers = set(os.listdir("/proc/self/task")) - before
for processor in sorted(ours):
    for thread in helpers:
        os.sched_setaffinity(int(thread), {processor})
    for _ in range(30):
        time.sleep(0.002)
        bcelogits.binary_cross_entropy_with_logits(x, x)
    for thread in helpers:
        assert os.sched_getaffinity(int(thread)) == {processor}
""")
    assert done.returncode == 0, done.stderr
