"""Scripts that import torch_npu, unmodified, under `bcelogits run`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from bcelogits import _cann

Start = Callable[..., subprocess.CompletedProcess[str]]


def test_on_the_device(inside: Callable[..., str]) -> None:
    """One process for all of them, as it takes seconds to start; what disturbs most comes last."""
    out = inside(*(f"npu_{part}.py" for part in ("tensors", "loss", "streams", "training", "errors")))
    assert " passed" in out
    assert "skipped" not in out


@pytest.mark.skipif(not shutil.which("nm"), reason="no binutils")
def test_every_function_that_it_links_is_exported(npu: Start) -> None:
    """torch_npu binds all of them when it is loaded; so this is said by name before it fails as a whole."""

    def names(library: Path, which: str) -> set[str]:
        lines = subprocess.run(["nm", "-D", which, library], capture_output=True, text=True, check=True).stdout
        return {line.split()[-1].split("@")[0] for line in lines.splitlines()}

    package = Path(str(metadata.distribution("torch-npu").locate_file("torch_npu")))
    linked = [*package.glob("lib/libtorch_npu.so"), *package.glob("lib/libtensorpipe.so"), *package.glob("_C*.so")]
    assert len(linked) == 3
    theirs = {name for library in linked for name in names(library, "--undefined-only")}
    ours = {name for library in (_cann.root() / "lib64").glob("*.so") for name in names(library, "--defined-only")}
    of_cann = re.compile(r"(acl|Acl|Hccl|Msprof|rt[A-Z])\w+")
    assert {name for name in theirs if of_cann.fullmatch(name)} - ours == set()


DEVICES = """
import torch
print(torch.ones(2).to("npu").device, torch.npu.device_count())
there = torch.zeros(2).to("npu:1").to("npu:2")
loss = torch.nn.functional.binary_cross_entropy_with_logits(there, torch.ones(2).to("npu:2"))
print(loss.device, loss.item())
"""


def test_import_torch_alone_brings_the_device(npu: Start) -> None:
    done = npu("-c", DEVICES, BCELOGITS_DEVICE_COUNT="3")
    assert done.stdout.split() == ["npu:0", "3", "npu:2", "0.6931471824645996"]


def test_operators_beside_the_caller(inside: Callable[..., str]) -> None:
    """With the task queue of torch_npu, which `bcelogits run` turns off unless told otherwise."""
    assert " passed" in inside("npu_training.py", TASK_QUEUE_ENABLE="1")


STEPS = """
import resource, torch, torch_npu
from torch.nn.functional import binary_cross_entropy_with_logits
x = torch.randn(64, 32).npu().requires_grad_()
t = torch.rand(64, 32).npu()

def steps(n):
    for _ in range(n):
        loss = binary_cross_entropy_with_logits(x, t)
        loss.backward()
        with torch.no_grad():
            x.sub_(x.grad, alpha=0.1)
        x.grad = None
    torch.npu.synchronize()
    return loss.item()

first = steps(500)
reserved, resident = torch.npu.memory_reserved(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
last = steps(10_000)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
assert torch.npu.memory_reserved() == reserved
assert grown < 4096, f"{grown} KiB more after 10^4 steps"
assert last < first
print("done")
"""


def test_ten_thousand_steps_do_not_grow(npu: Start) -> None:
    assert "done" in npu("-c", STEPS).stdout
