"""Random calls: good ones have the bits of the NumPy functions, nonsense gets an error and never a crash."""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from binding import BACKWARD, LOSS, PARAMETERS, TARGET_BACKWARD, Acl, Array
from calls import SUPPORTED, both, result_shape
from oracle import DTYPES

OPS = (LOSS, BACKWARD, TARGET_BACKWARD)


def random_view(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, *, out: bool = False) -> Array:
    """An array of the shape in a random layout: permuted, with gaps, from an offset; an input may also repeat."""
    axes = rng.permutation(len(shape))
    steps = rng.integers(1, 3, len(shape))
    starts = rng.integers(0, 3, len(shape))
    held = np.zeros(tuple(shape[a] * steps[a] + starts[a] for a in axes), DTYPES[dtype])
    view = held.transpose(np.argsort(axes))
    index: tuple[Any, ...] = tuple(slice(s, s + n * k, k) for s, n, k in zip(starts, shape, steps, strict=True))
    view = view[(*index, ...)]
    if not out:
        view[...] = np.asarray(rng.normal(0, 5, shape)).astype(DTYPES[dtype])
        for axis in range(len(shape)):
            if rng.random() < 0.1:
                view = np.broadcast_to(view[(slice(None),) * axis + (slice(0, 1),)], shape)
    return view


def random_part(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one."""
    part = tuple(1 if rng.random() < 0.3 else n for n in shape)
    return part[rng.integers(0, len(part) + 1) :]


@pytest.mark.parametrize("op", OPS)
def test_random_calls_have_the_bits_of_the_numpy_functions(op: str, acl: Acl) -> None:
    rng = np.random.default_rng(OPS.index(op))
    for _ in range(250):
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 5, 17], rng.integers(0, 6)))
        reduction = int(rng.integers(0, 3))
        kwargs: dict[str, Any] = {
            name: random_view(rng, shape, str(rng.choice(SUPPORTED))) for name in ("logits", "targets")
        }
        for name in ("weight", "pos_weight") + (() if op == LOSS else ("grad_output",)):
            if name == "grad_output" or rng.random() < 0.5:
                kwargs[name] = random_view(rng, random_part(rng, shape), str(rng.choice(SUPPORTED)))
        dtype = {LOSS: "targets", BACKWARD: str(rng.choice(["logits", "targets"]))}.get(op)
        wanted = kwargs[dtype].dtype.name if dtype else str(rng.choice(SUPPORTED))
        out = random_view(rng, result_shape(op, shape, reduction), wanted, out=True)
        actual, expected = both(acl, op, kwargs, reduction, out)
        assert oracle.bits(actual) == oracle.bits(expected), (shape, reduction, {k: v.dtype for k, v in kwargs.items()})


NUMBERS = (0, 1, 2, 3, 7, 1 << 20, 1 << 31, (1 << 31) - 1, 1 << 62, (1 << 63) - 1)
DATA_TYPES = (0, 1, 27, 11, 3, 12, 16, 33, 30, 40, -1)
FORMATS = (2, 0, 1, 47, 30, 3, 29, -1)
BLOCKS = (64, 256, 4096)


def random_tensor(rng: random.Random, acl: Acl, shape: list[int], blocks: list[int]) -> tuple[int | None, int]:
    """A tensor of the shape in one of the blocks, wrong in a random way at times, and how many elements it has."""
    wrong = rng.choice(("nothing",) * 24 + ("dims", "strides", "offset", "type", "format", "address", "null"))
    dims = [rng.choice(NUMBERS) for _ in range(rng.randrange(10))] if wrong == "dims" else shape
    made = acl.create_tensor(
        dims,
        rng.choice(DATA_TYPES if wrong == "type" else DATA_TYPES[:3]),
        rng.choice(blocks) + (rng.choice((1, 16, 60)) if wrong == "address" else 0),
        strides=[rng.choice(NUMBERS) for _ in dims] if wrong == "strides" else None,
        offset=rng.choice(NUMBERS) if wrong == "offset" else 0,
        form=rng.choice(FORMATS if wrong == "format" else FORMATS[:3]),
    )
    if wrong == "null":
        acl.destroy_tensor(made)
        made = None
    return made, math.prod(dims)


def nonsense(root: Path, seed: int) -> list[int]:
    """How often each status came back: 0, 161001, 161002; and the number of calls."""
    rng = random.Random(seed)
    acl = Acl.start(root)
    blocks = [acl.malloc(size) for size in BLOCKS]
    workspace = acl.malloc(1 << 24)
    found: dict[int, int] = {}
    for _ in range(4000):
        op = rng.choice(OPS)
        shape = [rng.choice(NUMBERS[:5]) for _ in range(rng.randrange(4))]
        made = [random_tensor(rng, acl, shape, blocks) for _ in PARAMETERS[op]]
        handles = [handle for handle, _ in made]
        one = acl.phase_one(op, handles, rng.choice((0, 1, 2) * 6 + (3, -1, 1 << 40)))
        status = one.status
        if status == 0 and max(size for _, size in made) <= 10_000:
            status = acl.phase_two(op, workspace, 1 << 24, one.executor)
            if status == 0:
                acl.synchronize()
        found[status] = found.get(status, 0) + 1
        for handle in handles:
            acl.destroy_tensor(handle)
        acl.recent()
    for block in (*blocks, workspace):
        acl.free(block)  # nothing was written beyond them
    return [found.get(status, 0) for status in (0, 161001, 161002)] + [sum(found.values())]


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
import test_random_calls
print(*test_random_calls.nonsense(Path({root!r}), {seed}))
"""


@pytest.mark.parametrize("seed", range(2))
def test_nonsense_gets_an_error_and_never_a_crash(
    seed: int, root: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    here = Path(__file__).parent
    done = run_python(SCRIPT.format(paths=[str(here), str(here.parent)], root=str(root), seed=seed))
    assert done.returncode == 0, done.stderr
    good, null, invalid, everything = map(int, done.stdout.split())
    assert good + null + invalid == everything
    assert min(good, null, invalid) > 200
