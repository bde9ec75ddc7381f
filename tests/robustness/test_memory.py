"""Nothing leaks, and nothing proportional to the number of elements is allocated but the output."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bcelogits

RunPython = Callable[..., subprocess.CompletedProcess[str]]
linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


def resident_bytes() -> int:
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def many_calls(n: int) -> None:
    x, t = np.linspace(-5, 5, 200).astype(np.float32), np.linspace(0, 1, 200).astype(np.float32)
    w, out = np.ones((200, 1), np.float32)[:, 0], np.empty(200, np.float32)
    accumulator = bcelogits.LossAccumulator()
    for _ in range(n):
        bcelogits.binary_cross_entropy_with_logits(x, t, w, pos_weight=2.0)
        bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
        bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none", out=out)
        bcelogits.value_and_grad(x, t, grad_out=out)
        bcelogits.binary_cross_entropy_with_logits_target_backward(w, x, t, reduction="none")
        accumulator.update(x, t)
        accumulator.result()
        bcelogits.LossAccumulator().merge(accumulator)
        for bad in ((x, t[:3]), (x, None), ([1.0], t), (x, t, w[:3])):
            with contextlib.suppress(TypeError, ValueError):
                bcelogits.binary_cross_entropy_with_logits(*bad)


@linux
def test_ten_thousand_calls_leave_nothing_behind() -> None:
    many_calls(200)
    gc.collect()
    before = resident_bytes()
    many_calls(10_000)
    gc.collect()
    assert resident_bytes() - before < 2 << 20  # a leak of one small array a call would be 8 MiB and more


def growth_over(calls: int) -> int:
    """Bytes of Python objects that outlive so many calls."""
    gc.collect()
    before = tracemalloc.take_snapshot()
    many_calls(calls)
    gc.collect()
    grown = tracemalloc.take_snapshot().compare_to(before, "filename")
    return sum(s.size_diff for s in grown if "tracemalloc" not in str(s.traceback))


def test_no_python_object_is_left_behind() -> None:
    many_calls(50)
    tracemalloc.start()
    try:
        many_calls(20)
        # what leaks does so every time; what another part of the process happens to cache does not
        assert min(growth_over(500) for _ in range(3)) < 20_000
    finally:
        tracemalloc.stop()


def test_references_are_given_back() -> None:
    x, t, w, g, out = (np.ones(10, np.float32) for _ in range(5))
    bad = np.ones(3, np.float32)
    arrays: list[Any] = [x, t, w, g, out, bad]
    before = [sys.getrefcount(a) for a in arrays]
    for _ in range(10):
        bcelogits.binary_cross_entropy_with_logits(x, t, w, pos_weight=w, reduction="none", out=out)
        bcelogits.binary_cross_entropy_with_logits_backward(g, x, t, w, reduction="none", out=out)
        bcelogits.value_and_grad(x, t, w, grad_out=out)
        with pytest.raises(ValueError, match="targets"):
            bcelogits.value_and_grad(x, bad, w, grad_out=out)
    assert [sys.getrefcount(a) for a in arrays] == before


PEAK = """
import resource, sys
import numpy as np, bcelogits
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
bcelogits.set_num_threads(2)
small = np.ones(100_000, np.float32)
bcelogits.value_and_grad(small, small)  # threads and their scratch exist
%s
before = peak()
%s
grown = peak() - before
assert grown < (16 << 20) + %s, f"{grown / 2**20} MiB"
print("good")
"""

N = 1 << 26


LAYOUTS = {
    "transposed": "x = np.full((4096, 4096), 0.5, np.float32).T; t = np.full((4096, 4096), 1, np.float32)",
    "every second": "x = np.full((1 << 25), 0.5, np.float32)[::2]; t = x[::-1]",
    "unaligned": "b = np.ones((1 << 26) + 1, np.uint8); x = t = b[1:].view(np.float32)",
    "mixed dtypes": "x = np.full(1 << 24, 0.5, np.float16); t = np.full(1 << 24, 1, np.float64)",
    "expanded": "x = np.broadcast_to(np.float32(0.5), (1 << 24,)); t = np.full(1 << 24, 1, np.float32)",
}


class TestPeak:
    """`ru_maxrss` before and after; N float32 are 256 MiB."""

    def run(self, run_python: RunPython, prepare: str, call: str, output: int = 0) -> None:
        done = run_python(PEAK % (prepare, call, output))
        assert done.stdout.strip() == "good", done.stderr

    def test_a_mean(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            f"x, t = np.full({N}, 0.5, np.float32), np.full({N}, 1, np.float32)",
            "bcelogits.binary_cross_entropy_with_logits(x, t)",
        )

    @pytest.mark.parametrize("prepare", LAYOUTS.values(), ids=LAYOUTS)
    def test_layouts_and_dtypes_are_not_copied(self, run_python: RunPython, prepare: str) -> None:
        call = """
for reduction in ("mean", "sum"):
    bcelogits.binary_cross_entropy_with_logits(x, t, reduction=reduction)
    accumulator = bcelogits.LossAccumulator()
    accumulator.update(x, t)
"""
        self.run(run_python, prepare, call)

    def test_weights_are_not_expanded(self, run_python: RunPython) -> None:
        self.run(
            run_python,
            "x = np.full((1 << 12, 1 << 12), 0.5, np.float32); w = np.ones((1 << 12, 1), np.float16)",
            "bcelogits.binary_cross_entropy_with_logits(x, x, w, pos_weight=w[0] + x[0].astype(np.float64))",
        )

    def test_gradients_allocate_the_output_alone(self, run_python: RunPython) -> None:
        size = 1 << 24
        for output, more in ((4 * size, ""), (0, ", grad_out=x")):
            self.run(
                run_python,
                f"x, t = np.full({size}, 0.5, np.float32), np.full({size}, 1, np.float32)",
                f"result = bcelogits.value_and_grad(x, t{more})",
                output,
            )


# A process at its memory limit: small allocations still succeed, large ones fail.
AT_THE_LIMIT = """
import ctypes, resource
import numpy as np
import bcelogits

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
x = np.zeros((700, 700), np.float32)
t = np.asfortranarray(x)  # transposed against the logits, so that the plan is divided into tiles
loss = bcelogits.binary_cross_entropy_with_logits
right = loss(x, t)  # threads and scratch exist
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size, size))
for large in (1 << 20, 1 << 16, 1 << 14, 8000, 4000):
    while libc.malloc(large):
        pass
try:
    print("right" if loss(x, t) == right else "wrong")
except MemoryError:
    print("MemoryError")
"""


@linux
def test_a_call_without_memory_is_a_memory_error_and_no_crash(run_python: RunPython) -> None:
    done = run_python(AT_THE_LIMIT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("right", "MemoryError")
