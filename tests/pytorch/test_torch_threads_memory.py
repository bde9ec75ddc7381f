"""Threads as PyTorch's settings have it, forked processes, and no memory of the operands' size but gradients."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch.autograd import grad
from torch_helpers import DTYPES, OURS, REDUCTIONS, THEIRS, call, random_operands, same

import bcelogits

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LARGE = (700, 1001)  # several times what one thread is given


def output(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


# ---- threads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_the_bits_do_not_depend_on_the_number_of_threads(dtype: torch.dtype) -> None:
    operands = random_operands(LARGE, dtype)
    for reduction in REDUCTIONS:
        results = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            live = {k: v.detach().requires_grad_() if k in ("input", "target") else v for k, v in operands.items()}
            loss = call(live, reduction)
            gradients = grad(loss, (live["input"], live["target"]), torch.full_like(loss, 3))
            results.append((loss.detach(), *gradients))
        for other in results[1:]:
            assert all(same(a, b) for a, b in zip(results[0], other, strict=True))


def test_the_engines_own_setting_is_left_alone() -> None:
    before = bcelogits.get_num_threads()
    torch.set_num_threads(before + 1)
    OURS(*list(random_operands(LARGE).values())[:2])
    assert bcelogits.get_num_threads() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_as_many_threads_work_as_pytorch_is_told(run_python: Run) -> None:
    script = """
import os, torch
from bcelogits.torch import binary_cross_entropy_with_logits as loss
x, t = torch.empty(4000, 1001).fill_(0.5), torch.empty(4000, 1001).fill_(1)
def threads():
    return len(os.listdir("/proc/self/task"))
for n in (1, 2, 3, 2, 1):
    torch.set_num_threads(n)
    before = threads()
    loss(x, t)
    print(threads() - before)  # those that have started stay
"""
    assert output(run_python(script, BCELOGITS_NUM_THREADS="7")) == ["0", "1", "1", "0", "0"]


def test_pytorchs_own_threads_and_ours_take_turns() -> None:
    operands = random_operands(LARGE)
    x, t = operands["input"].requires_grad_(), operands["target"]
    expected = grad(OURS(x, t), x)[0]
    for _ in range(5):
        logits = x * 1.0
        loss = OURS(logits, t) + 0 * THEIRS(logits, t)
        assert torch.equal(grad(loss, x)[0], expected)


# ---- processes ---------------------------------------------------------------------------------------------------

FORK = """
import os, sys, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
import torch
from bcelogits.torch import binary_cross_entropy_with_logits as loss
torch.manual_seed(0)
x, t = torch.randn(700, 1001, requires_grad=True), torch.rand(700, 1001)
torch.set_num_threads(2)
def bits():
    value = loss(x, t)
    (gradient,) = torch.autograd.grad(value, x)
    return [value.item(), gradient.double().square().sum().item()]
"""


def test_a_forked_child_computes_as_its_parent_does(run_python: Run) -> None:
    """Of PyTorch, it calls only what works there on one thread; ours uses as many as it is told."""
    script = f"""{FORK}
value = loss(x, t)
(gradient,) = torch.autograd.grad(value, x)
pid = os.fork()
if pid == 0:
    again = loss(x, t)
    (other,) = torch.autograd.grad(again, x)
    same = value.item() == again.item() and gradient.numpy().tobytes() == other.numpy().tobytes()
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(loss(x, t).item() == value.item())
"""
    assert output(run_python(script)) == ["0", "True"]


def test_workers_of_a_data_loader_compute_after_their_parent_did(run_python: Run) -> None:
    script = f"""{FORK}
expected = loss(x.detach(), t)
class Losses(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return loss(x.detach(), t)
loader = torch.utils.data.DataLoader(Losses(), num_workers=2, multiprocessing_context="fork", batch_size=None)
for value in loader:
    print(torch.equal(value, expected))
"""
    assert output(run_python(script)) == ["True"] * 4


# ---- memory --------------------------------------------------------------------------------------------------------

SLACK = 3  # megabytes that a process may grow by for other reasons

# What is done, and how many operands large the memory for it may be.
STEPS: dict[str, tuple[str, int]] = {
    "forward": ("loss(x.detach(), t)", 0),
    "forward without recording": ("torch.no_grad()(loss)(x, t)", 0),
    "forward with weights for classes": ("loss(x.detach(), t, w, pos_weight=w)", 0),
    "forward of a module": ("BCEWithLogitsLoss(reduction='sum')(x.detach(), t)", 0),
    "forward of elements": ("loss(x.detach(), t, reduction='none')", 1),
    "forward and backward": ("loss(x, t).backward()", 1),
    "forward and backward of a scaled loss": ("(3 * loss(x, t)).backward()", 1),
    "forward and backward with weights for classes": ("loss(x, t, w, pos_weight=w).backward()", 1),
    "forward and backward of logits and targets": ("loss(x, t.requires_grad_()).backward()", 2),
    "forward and backward of a transposed matrix": ("loss(x.t(), t.t()).backward()", 1),
}

# The high-water mark of resident memory over each step, after the mark was set back to what is in use.
MEMORY = """
import ctypes, gc, torch
from bcelogits.torch import binary_cross_entropy_with_logits as loss, BCEWithLogitsLoss
torch.set_num_threads(2)
dtype = torch.{dtype}
w = torch.rand(8).to(dtype)
def high_water():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
def operands(rows):
    return torch.empty(rows, 8, dtype=dtype).fill_(0.5).requires_grad_(), torch.empty(rows, 8, dtype=dtype).fill_(1)
for step in {steps}:
    code = compile(step, step, "eval")
    for rows in (4096, 2**24 // 8 + 1):  # the first loads and starts what is needed
        x, t = operands(rows)
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as marks:
            marks.write("5")
        before = high_water()
        result = eval(code)
        grown = high_water() - before
        del result, x, t
    print(grown)
"""


def can_set_the_mark_back() -> bool:
    try:
        with open("/proc/self/clear_refs", "w") as marks:
            marks.write("5")
    except OSError:
        return False
    return True


@pytest.mark.skipif(not can_set_the_mark_back(), reason="the peak of resident memory cannot be set back here")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_memory_of_the_operands_size_is_taken_but_for_results(dtype: str, run_python: Run) -> None:
    steps = [code for code, _ in STEPS.values()]
    grown = output(run_python(MEMORY.format(steps=steps, dtype=dtype)))
    size = 2**24 * DTYPES[dtype].itemsize / 2**20
    for (name, (_, operands)), kilobytes in zip(STEPS.items(), grown, strict=True):
        assert float(kilobytes) / 1024 <= operands * size + SLACK, name


def tensors_alive() -> int:
    return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())


def test_a_graph_gives_its_memory_back_at_once_whether_it_was_walked_or_not() -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(9)
    x.grad = torch.zeros(9)
    gc.collect()
    gc.disable()
    try:
        before = tensors_alive()
        for reduction in REDUCTIONS:
            loss = OURS(x, t, reduction=reduction)
            loss = OURS(x, t, reduction=reduction).sum()
            loss.backward(retain_graph=True)
            loss.backward()
            del loss
        assert tensors_alive() == before
    finally:
        gc.enable()
