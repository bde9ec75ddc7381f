"""What the environment may change (which instructions, how many threads) and what it may not (results)."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable

import pytest

import bcelogits

RunPython = Callable[..., subprocess.CompletedProcess[str]]
ISAS = bcelogits.info()["isas"]


@pytest.mark.parametrize("isa", ISAS)
def test_the_instruction_set_can_be_capped(isa: str, run_python: RunPython) -> None:
    done = run_python("import bcelogits; print(bcelogits.info()['isa'])", BCELOGITS_MAX_ISA=isa)
    assert done.stdout.strip() == isa, done.stderr


@pytest.mark.parametrize("cap", [{}, {"BCELOGITS_MAX_ISA": ""}], ids=["unset", "empty"])
def test_without_a_cap_it_is_the_best_one(cap: dict[str, str], run_python: RunPython) -> None:
    done = run_python("import bcelogits; print(bcelogits.info()['isa'])", **cap)
    assert done.stdout.strip() == ISAS[-1], done.stderr


@pytest.mark.parametrize("isa", ["nonsense", "AVX2", "avx", "avx2 ", "sse"])
def test_an_unknown_cap_is_refused_at_import(isa: str, run_python: RunPython) -> None:
    done = run_python("import bcelogits", BCELOGITS_MAX_ISA=isa)
    assert done.returncode == 1
    text = f"ImportError: BCELOGITS_MAX_ISA: '{isa}', expected one of "
    (line,) = (line for line in done.stderr.splitlines() if line.startswith(text))
    assert set(ISAS) <= set(line.removeprefix(text).split(", "))


@pytest.mark.parametrize("number", ["0", "-2", "4097", "many", "3x", "1.5", "99999999999999999999"])
def test_a_bad_number_of_threads_is_refused_at_import(number: str, run_python: RunPython) -> None:
    done = run_python("import bcelogits", BCELOGITS_NUM_THREADS=number)
    assert done.returncode == 1
    text = f"ImportError: BCELOGITS_NUM_THREADS: '{number}', expected 1 to 4096"
    assert any(line.startswith(text) for line in done.stderr.splitlines())


# Sets the control register of the floating-point unit by four bytes of machine code: ldmxcsr/stmxcsr [rdi]; ret.
CONTROL = """
import ctypes, mmap
import numpy as np, bcelogits
def code(machine):
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(machine)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address), memory
load, _a = code(b"\\x0f\\xae\\x17\\xc3")
store, _b = code(b"\\x0f\\xae\\x1f\\xc3")
usual, unusual, found = (ctypes.c_uint32(v) for v in (0x1F80, MODE, 0))
def both(call):
    expected = call()
    load(ctypes.byref(unusual))
    try:
        result = call()
        store(ctypes.byref(found))
    finally:
        load(ctypes.byref(usual))
    return expected, result
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="sets a register of x86")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "mode",
    [0x1F80 | 0x8040, 0x1F80 | 0x2000, 0x1F80 | 0x4000, 0x1F80 | 0x6000],
    ids=["subnormals flushed to zero", "round down", "round up", "round to zero"],
)
class TestFloatingPointModes:
    def run(self, run_python: RunPython, mode: int, threads: int, call: str) -> None:
        script = f"""
MODE = {mode}
{CONTROL}
bcelogits.set_num_threads({threads})
for dtype in (np.float32, np.float64, np.float16):
    tail = 104 if dtype is np.float32 else 745 if dtype is np.float64 else 17
    x = np.concatenate([np.linspace(-tail, tail, 20_000), np.linspace(-tail, -0.8 * tail, 20_000)]).astype(dtype)
    t = np.where(np.arange(40_000) < 20_000, np.linspace(0, 1, 40_000), 0).astype(dtype)
    tails, zeros = x[20_000:24_000], t[20_000:24_000]
    least = np.full(1, np.finfo(dtype).smallest_subnormal)
    expected, result = both(lambda: {call})
    assert expected == result, dtype
    assert found.value & ~0x3F == unusual.value, hex(found.value)
print("good")
"""
        done = run_python(script)
        assert done.stdout.strip() == "good", done.stderr

    def test_elementwise_results_do_not_depend_on_them(self, run_python: RunPython, mode: int, threads: int) -> None:
        self.run(
            run_python,
            mode,
            threads,
            "[a.tobytes() for a in bcelogits.value_and_grad(x, t, reduction='none')]"
            " + [a.tobytes() for a in bcelogits.value_and_grad(x, t, least, reduction='none')]"
            " + [bcelogits.binary_cross_entropy_with_logits_backward(least, x, t, reduction='none').tobytes()]",
        )

    def test_reductions_do_not_depend_on_them(self, run_python: RunPython, mode: int, threads: int) -> None:
        self.run(
            run_python,
            mode,
            threads,
            "[bcelogits.binary_cross_entropy_with_logits(*a, reduction=r).tobytes()"
            " for a in ((x, t), (tails, zeros)) for r in ('mean', 'sum')]",
        )

    def test_reductions_into_out_do_not_depend_on_them(self, run_python: RunPython, mode: int, threads: int) -> None:
        self.run(
            run_python,
            mode,
            threads,
            "[bcelogits.binary_cross_entropy_with_logits(*a, reduction=r, out=np.empty((), d)).tobytes()"
            " for a in ((x, t), (tails, zeros)) for r in ('mean', 'sum') for d in (np.float32, np.float64)]",
        )

    def test_gradients_of_a_mean_do_not_depend_on_them(self, run_python: RunPython, mode: int, threads: int) -> None:
        self.run(
            run_python,
            mode,
            threads,
            "[a.tobytes() for a in bcelogits.value_and_grad(x[:39_999], t[:39_999])]",
        )
