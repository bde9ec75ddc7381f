"""What every rank of a process group checks: `python ranks.py RANK WORLD STORE REPORT` runs all cases that fit.

Each case compares with the functions on plain tensors, which every rank computes for itself. The report is a JSON file:
the name of a case, and null or what went wrong. After the first failure a rank ends, so that nobody waits for it.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard, distribute_tensor

import bcelogits.torch
from bcelogits.torch import BCEWithLogitsLoss
from bcelogits.torch import binary_cross_entropy_with_logits as bce

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
REDUCTIONS = ("none", "sum", "mean")
Placements = tuple[Placement, ...]

CASES: dict[str, Callable[[], None]] = {}
NEEDS: dict[str, tuple[int, ...]] = {}


def case(*worlds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a case, for these numbers of ranks."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        CASES[function.__name__] = function
        NEEDS[function.__name__] = worlds or (2, 3, 4)
        return function

    return register


# ---- tools -----------------------------------------------------------------------------------------------------

_meshes: dict[tuple[int, ...], DeviceMesh] = {}


def mesh_of(*shape: int) -> DeviceMesh:
    if shape not in _meshes:
        _meshes[shape] = init_device_mesh("cpu", shape)
    return _meshes[shape]


def line() -> DeviceMesh:
    return mesh_of(dist.get_world_size())


def grid() -> DeviceMesh:
    n = dist.get_world_size()
    return mesh_of(2, 2) if n == 4 else mesh_of(n, 1)


def shard(t: Tensor, mesh: DeviceMesh, *placements: Placement) -> DTensor:
    """The same on all ranks, cut up without communication."""
    return distribute_tensor(t.detach().clone(), mesh, placements, src_data_rank=None)


def every(mesh: DeviceMesh, dims: int) -> Iterator[Placements]:
    one = [Replicate(), *(Shard(d) for d in range(dims))]
    return itertools.product(one, repeat=mesh.ndim)


def bits(t: Tensor) -> Tensor:
    size = {2: torch.int16, 4: torch.int32, 8: torch.int64}[t.element_size()]
    return torch.where(t.isnan(), torch.full_like(t, torch.nan), t).contiguous().view(size)


def same(ours: Tensor | None, theirs: Tensor | None, placements: Placements | None, what: str) -> None:
    """The same bits here as the part of `theirs` that belongs here."""
    assert ours is not None, what
    assert theirs is not None, what
    assert isinstance(ours, DTensor), what
    assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
    assert ours.dtype == theirs.dtype, (what, ours.dtype, theirs.dtype)
    if placements is not None:
        assert tuple(ours.placements) == tuple(placements), (what, ours.placements, placements)
    expected = shard(theirs, ours.device_mesh, *ours.placements).to_local()
    here = ours.detach().to_local()
    assert here.shape == expected.shape, (what, here.shape, expected.shape)
    assert torch.equal(bits(here), bits(expected)), f"{what}: {here} is not {expected}"


def close(ours: Tensor | None, theirs: Tensor | None, placements: Placements, what: str) -> None:
    """Sums over shards in floating point: close, and placed as said."""
    assert isinstance(ours, DTensor), what
    assert theirs is not None, what
    assert tuple(ours.placements) == tuple(placements), (what, ours.placements, placements)
    expected = shard(theirs, ours.device_mesh, *placements).to_local()
    torch.testing.assert_close(ours.detach().to_local(), expected, msg=lambda m: f"{what}: {m}")


def check(
    x: Tensor,
    t: Tensor,
    mesh: DeviceMesh,
    x_at: Placements,
    t_at: Placements | None = None,
    reduction: str = "mean",
    weight: tuple[Tensor, Placements] | None = None,
    pos_weight: tuple[Tensor, Placements] | None = None,
) -> None:
    """Loss and gradients of sharded tensors against those of whole ones."""
    what = f"{x.dtype} {tuple(x.shape)} {x_at} {t_at} {reduction} {weight and weight[1]} {pos_weight and pos_weight[1]}"
    t_at = x_at if t_at is None else t_at
    places = [x_at, t_at, weight and weight[1], pos_weight and pos_weight[1]]
    wholes = [x, t, weight and weight[0], pos_weight and pos_weight[0]]
    wholes = [None if v is None else v.detach().clone().requires_grad_() for v in wholes]
    parts = [
        None if v is None or p is None else shard(v, mesh, *p).requires_grad_()
        for v, p in zip(wholes, places, strict=True)
    ]
    theirs = bce(wholes[0], wholes[1], wholes[2], pos_weight=wholes[3], reduction=reduction)
    ours = bce(parts[0], parts[1], parts[2], pos_weight=parts[3], reduction=reduction)
    same(ours, theirs, x_at if reduction == "none" else (Replicate(),) * mesh.ndim, f"loss {what}")
    g = torch.rand(theirs.shape, generator=torch.Generator().manual_seed(1)).to(theirs.dtype)
    theirs.backward(g)
    ours.backward(shard(g, mesh, *ours.placements))
    same(parts[0].grad, wholes[0].grad, x_at, f"gradient of input {what}")
    same(parts[1].grad, wholes[1].grad, t_at, f"gradient of target {what}")
    for i, name in ((2, "weight"), (3, "pos_weight")):
        if parts[i] is not None:
            whole = wholes[i].shape == x.shape
            (same if whole else close)(parts[i].grad, wholes[i].grad, places[i], f"gradient of {name} {what}")


def data(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed + sum(shape))
    x = 4 * torch.randn(shape, generator=random, dtype=torch.float64)
    t = torch.rand(shape, generator=random, dtype=torch.float64)
    return x.to(dtype), torch.where(t < 0.3, 0.0, torch.where(t > 0.7, 1.0, t)).to(dtype)


# ---- cases -----------------------------------------------------------------------------------------------------


def _all_placements(dtype: torch.dtype) -> None:
    for shape in ((5, 7), (2, 3), (1, 1), (8,), ()):
        x, t = data(*shape, dtype=dtype)
        for at, reduction in itertools.product(every(line(), len(shape)), REDUCTIONS):
            check(x, t, line(), at, reduction=reduction)


@case()
def float32() -> None:
    _all_placements(torch.float32)


@case()
def bfloat16() -> None:
    _all_placements(torch.bfloat16)


@case()
def float16() -> None:
    _all_placements(torch.float16)


@case()
def float64() -> None:
    _all_placements(torch.float64)


@case()
def two_dimensional_mesh() -> None:
    for shape in ((5, 7), (3, 2), (2, 1, 3)):
        x, t = data(*shape)
        for at, reduction in itertools.product(every(grid(), len(shape)), REDUCTIONS):
            check(x, t, grid(), at, reduction=reduction)


@case()
def targets_elsewhere() -> None:
    x, t = data(5, 7)
    for x_at, t_at in itertools.product(every(line(), 2), repeat=2):
        check(x, t, line(), x_at, t_at)
        check(x, t.bfloat16(), line(), x_at, t_at, reduction="none")
    check(x, t, grid(), (Shard(0), Shard(1)), (Shard(1), Replicate()))
    check(x, t, grid(), (Replicate(), Shard(0)), (Shard(0), Shard(0)))


@case()
def weights() -> None:
    x, t = data(5, 7)
    reductions = itertools.cycle(REDUCTIONS)
    for shape in ((), (1,), (7,), (5, 1), (1, 7), (1, 1), (5, 7)):
        w, p = data(*shape, seed=1)[1] + 0.25, data(*shape, seed=2)[1] + 0.5
        for x_at, at in itertools.product(every(line(), 2), every(line(), len(shape))):
            check(x, t, line(), x_at, reduction=next(reductions), weight=(w, at), pos_weight=(p, at))
    w, p = data(7, seed=1)[1] + 0.25, data(5, 1, seed=2)[1] + 0.5
    for x_at in every(grid(), 2):
        check(x, t, grid(), x_at, weight=(w, (Shard(0), Replicate())), pos_weight=(p, (Replicate(), Shard(0))))


@case()
def weights_of_other_dtypes() -> None:
    for dtypes in itertools.product(DTYPES, repeat=2):
        (x, t), w, p = data(6, 5, dtype=dtypes[0]), data(6, 5, seed=1)[1] + 0.25, data(6, 5, seed=2)[1] + 0.5
        at = (Shard(0),)
        for x_at in every(line(), 2):
            check(x, t, line(), x_at, weight=(w.to(dtypes[1]), at), pos_weight=(p.to(dtypes[1]), at))


@case()
def gradients_of_shared_weights_are_added_wide() -> None:
    # 2^8 + 1 and so on are no bfloat16: partial sums of that type would be off.
    n = 257 * dist.get_world_size() + 1
    x, t = torch.full((n, 2), 64.0), torch.zeros(n, 2)
    w = shard(torch.ones(2, dtype=torch.bfloat16), line(), Replicate()).requires_grad_()
    bce(shard(x, line(), Shard(0)), shard(t, line(), Shard(0)), w, reduction="sum").backward()
    expected = torch.full((2,), 64.0 * n).bfloat16()
    same(w.grad, expected, (Replicate(),), "gradient of weight")


@case()
def special_values_on_one_rank() -> None:
    inf, nan = torch.inf, torch.nan
    for values, labels in (
        ([inf], [0.0]),
        ([inf], [1.0]),
        ([-inf], [0.0]),
        ([nan], [1.0]),
        ([inf, nan], [0.0, 0.0]),
        ([inf, -inf], [1.0, 1.0]),
    ):
        for at, dtype in itertools.product(every(line(), 1), DTYPES):
            x, t = data(9, dtype=dtype)
            for i, (value, label) in enumerate(zip(values, labels, strict=True)):
                x[8 * i], t[8 * i] = value, label
            for reduction in REDUCTIONS:
                check(x, t, line(), at, reduction=reduction)
    # +inf on the first rank and -inf on the last one: none of them alone is NaN
    x, t = torch.full((8,), inf), torch.zeros(8)
    w = torch.ones(8)
    w[-1] = -1
    check(x, t, line(), (Shard(0),), reduction="sum", weight=(w, (Shard(0),)))


@case()
def sums_that_partial_results_would_miss() -> None:
    n = dist.get_world_size()
    random = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        differ = 0
        for _ in range(10):
            x = 8 * torch.randn(64 * n, generator=random, dtype=torch.float64).to(dtype)
            w = torch.exp(3 * torch.randn(64 * n, generator=random, dtype=torch.float64))  # of a wide range
            w = torch.where(torch.rand(64 * n, generator=random) < 0.5, -w, w).to(dtype)
            t = torch.zeros_like(x)
            check(x, t, line(), (Shard(0),), reduction="sum", weight=(w, (Shard(0),)))
            check(x, t, line(), (Shard(0),), reduction="mean", weight=(w, (Shard(0),)))
            partial = sum(bce(*c, reduction="sum") for c in zip(x.chunk(n), t.chunk(n), w.chunk(n), strict=True))
            differ += int(partial != bce(x, t, w, reduction="sum"))
        assert differ > 0, f"{dtype}: partial sums would do"
    # every shard's sum is beyond float32, but not the mean; and they cancel
    x, t, w = torch.full((4 * n,), 1e30), torch.zeros(4 * n), torch.full((4 * n,), 2e8)
    check(x, t, line(), (Shard(0),), weight=(w, (Shard(0),)))
    w[: 2 * n] *= -1
    check(x, t, line(), (Shard(0),), reduction="sum", weight=(w, (Shard(0),)))


@case()
def bfloat16_is_rounded_once() -> None:
    # 257 and 259 lie halfway between two bfloat16; what is beside them shows only below the last bit of float32.
    x, t = torch.full((4,), 128.0).bfloat16(), torch.zeros(4).bfloat16()  # the losses are 128
    for half, rest, sign in itertools.product((257, 259), (0.0, 2.0**-40, -(2.0**-40)), (1, -1)):
        w = (sign * torch.tensor([1, (half - 128) / 128, rest, 0])).bfloat16()
        for reduction in ("sum", "mean"):
            check(x, t, line(), (Shard(0),), reduction=reduction, weight=(w, (Shard(0),)))


@case()
def nothing_at_all() -> None:
    for shape in ((0,), (0, 3), (4, 0)):
        x, t = torch.empty(shape), torch.empty(shape)
        for at, reduction in itertools.product(every(line(), len(shape)), REDUCTIONS):
            check(x, t, line(), at, reduction=reduction)
    empty = shard(torch.empty(0, 3), line(), Shard(0))
    assert bce(empty, empty).isnan().full_tensor().item()
    assert bce(empty, empty, reduction="sum").full_tensor().item() == 0


@case()
def partial_operands() -> None:
    (x, t), w, p = data(5, 7), data(7, seed=1)[1] + 0.25, data(5, 1, seed=2)[1] + 0.5

    def partial(whole: Tensor) -> DTensor:
        part = whole if dist.get_rank() == 0 else torch.zeros_like(whole)
        return DTensor.from_local(part.clone(), line(), [Partial()]).requires_grad_()

    for reduction in REDUCTIONS:
        wholes = [v.clone().requires_grad_() for v in (x, t, w, p)]
        parts = [partial(v) for v in (x, t, w, p)]
        theirs = bce(*wholes[:3], pos_weight=wholes[3], reduction=reduction)
        ours = bce(*parts[:3], pos_weight=parts[3], reduction=reduction)
        same(ours, theirs, (Replicate(),), f"loss {reduction}")
        theirs.sum().backward()
        ours.backward(torch.ones_like(ours))
        for ours_, theirs_ in zip(parts, wholes, strict=True):
            same(ours_.grad, theirs_.grad, (Replicate(),), f"gradient {reduction}")
    # Partial targets beside sharded logits
    whole, part = x.clone().requires_grad_(), shard(x, line(), Shard(1)).requires_grad_()
    bce(whole, t).backward()
    bce(part, partial(t).detach()).backward()
    same(part.grad, whole.grad, (Shard(1),), "gradient beside partial targets")


@case()
def any_strides() -> None:
    x, t = data(7, 6)
    for at, reduction in itertools.product(every(line(), 2), REDUCTIONS):
        whole = x.t().clone(memory_format=torch.preserve_format).requires_grad_()
        part = distribute_tensor(x.t(), line(), at, src_data_rank=None).requires_grad_()
        theirs, ours = (bce(v, w, reduction=reduction) for v, w in ((whole, t.t()), (part, shard(t.t(), line(), *at))))
        same(ours, theirs, None, f"loss of a transpose {at} {reduction}")
        theirs.sum().backward()
        ours.sum().backward()
        same(part.grad, whole.grad, at, f"gradient of a transpose {at} {reduction}")
    for at in every(line(), 2):
        whole, part = (v.t()[:, ::2] for v in (x, shard(x, line(), *at)))
        targets, target_parts = (v.t()[:, ::2] for v in (t, shard(t, line(), *at)))
        theirs, ours = bce(whole, targets, reduction="none"), bce(part, target_parts, reduction="none")
        same(ours, theirs, None, f"loss of a slice {at}")
        assert ours.stride() == theirs.stride(), (ours.stride(), theirs.stride())


@case()
def random_calls() -> None:
    random = torch.Generator().manual_seed(3)

    def pick(n: int) -> int:
        return int(torch.randint(n, (), generator=random))

    for seed in range(40):
        mesh = (line(), grid())[pick(2)]
        shape = tuple(1 + pick(6) for _ in range(1 + pick(3)))

        def at(dims: int, mesh: DeviceMesh = mesh) -> Placements:
            places = [Shard(d) if d < dims else Replicate() for d in (pick(dims + 1) for _ in range(mesh.ndim))]
            return tuple(places)

        def factor(dtype: torch.dtype, seed: int, shape: tuple[int, ...] = shape) -> tuple[Tensor, Placements] | None:
            if pick(3) == 0:
                return None
            kept = tuple(n if pick(3) else 1 for n in shape[pick(len(shape) + 1) :])
            return data(*kept, dtype=dtype, seed=seed)[1] + 0.25, at(len(kept))

        dtype = DTYPES[(0, 3)[pick(2)]]
        x, t = data(*shape, dtype=dtype, seed=seed)
        places, reduction = (at(len(shape)), at(len(shape))), REDUCTIONS[pick(3)]
        check(x, t, mesh, *places, reduction, factor(dtype, seed + 1), factor(dtype, seed + 2))


@case()
def gradients_come_from_anywhere() -> None:
    x, t = data(5, 7)
    for at, reduction in itertools.product(every(line(), 2), REDUCTIONS):
        for after in (
            lambda y: (3 * y).sum(),
            lambda y: (y.full_tensor() if isinstance(y, DTensor) else y).sum() * 2,
            lambda y: y.mean(),
        ):
            whole, part = x.clone().requires_grad_(), shard(x, line(), *at).requires_grad_()
            after(bce(whole, t, reduction=reduction)).backward()
            after(bce(part, shard(t, line(), *at), reduction=reduction)).backward()
            same(part.grad, whole.grad, at, f"gradient {at} {reduction}")


@case()
def no_gradient_is_wanted() -> None:
    x, t = data(5, 7)
    parts = shard(x, line(), Shard(0)).requires_grad_(), shard(t, line(), Shard(0))
    with torch.no_grad():
        loss = bce(*parts)
    assert not loss.requires_grad
    same(loss, bce(x, t), (Replicate(),), "loss")
    assert not bce(parts[0].detach(), parts[1]).requires_grad
    with torch.inference_mode():
        same(bce(*parts), bce(x, t), (Replicate(),), "loss in inference mode")


@case()
def module_and_patch() -> None:
    x, t = data(5, 7)
    weight = torch.rand(7, generator=torch.Generator().manual_seed(0))
    at = (Shard(1),)
    parts = shard(x, line(), *at), shard(t, line(), *at)
    ours = BCEWithLogitsLoss(pos_weight=shard(weight, line(), Shard(0)), reduction="sum")(*parts)
    same(ours, BCEWithLogitsLoss(pos_weight=weight, reduction="sum")(x, t), (Replicate(),), "loss of a module")
    # a plain tensor of one number passes for replicated, as it does for PyTorch's operators
    number = torch.tensor(3.0, requires_grad=True)
    whole = number.detach().clone().requires_grad_()
    loss = bce(*parts, pos_weight=number)
    same(loss, bce(x, t, pos_weight=whole), (Replicate(),), "loss with a number")
    loss.backward()
    bce(x, t, pos_weight=whole).backward()
    torch.testing.assert_close(number.grad, whole.grad)
    with bcelogits.torch.patch():
        same(torch.nn.BCEWithLogitsLoss()(*parts), bce(x, t), (Replicate(),), "loss of PyTorch's module")


@case()
def implicit_replication() -> None:
    from torch.distributed.tensor.experimental import implicit_replication

    x, t = data(5, 7)
    with implicit_replication():
        same(bce(shard(x, line(), Shard(1)), t), bce(x, t), (Replicate(),), "loss with plain targets")


@case()
def autocast() -> None:
    x, t = data(5, 7, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for reduction in REDUCTIONS:
            check(x, t, line(), (Shard(0),), reduction=reduction)


@case()
def bad_input() -> None:
    x, t = data(5, 7)
    at = (Shard(0),)
    xs, ts = shard(x, line(), *at), shard(t, line(), *at)
    other = mesh_of(1, dist.get_world_size())
    for kind, text, call in (
        (RuntimeError, "target: a plain tensor among DTensors", lambda: bce(xs, t)),
        (RuntimeError, "input: a plain tensor among DTensors", lambda: bce(x, ts)),
        (RuntimeError, "pos_weight: a plain tensor", lambda: bce(xs, ts, pos_weight=torch.ones(7))),
        (RuntimeError, "target: a DTensor on", lambda: bce(xs, shard(t, other, Shard(0), Shard(0)))),
        (ValueError, "target: shape (7, 5), expected (5, 7)", lambda: bce(xs, shard(t.t(), line(), *at))),
        (RuntimeError, "weight: shape (3,), expected one that", lambda: bce(xs, ts, shard(torch.ones(3), line(), *at))),
        (RuntimeError, "int64", lambda: bce(xs, shard(t.long(), line(), *at))),
        (ValueError, "reduction: 'avg'", lambda: bce(xs, ts, reduction="avg")),
        (TypeError, "target: a", lambda: bce(xs, 0.5)),
    ):
        with pytest.raises(kind, match=re.escape(text)):
            call()
    same(bce(xs, ts), bce(x, t), (Replicate(),), "loss after errors")


@case()
def second_derivatives_are_refused() -> None:
    x, t = data(5, 7)
    part = shard(x, line(), Shard(0)).requires_grad_()
    loss = bce(part, shard(t, line(), Shard(0)))
    with pytest.raises(RuntimeError, match="create_graph=True"):
        torch.autograd.grad(loss, part, create_graph=True)


@case(3, 4)
def ranks_outside_of_the_mesh() -> None:
    mesh = DeviceMesh("cpu", [0, 1])
    x, t = data(5, 7)
    for at, reduction in itertools.product(every(mesh, 2), REDUCTIONS):
        part = shard(x, mesh, *at).requires_grad_()
        loss = bce(part, shard(t, mesh, *at), reduction=reduction)
        loss.backward(torch.ones_like(loss))
        if mesh.get_coordinate() is not None:
            whole = x.clone().requires_grad_()
            theirs = bce(whole, t, reduction=reduction)
            theirs.sum().backward()
            same(loss, theirs, at if reduction == "none" else (Replicate(),), "loss")
            same(part.grad, whole.grad, at, "gradient")
        else:
            assert part.grad is not None
            assert part.grad.shape == x.shape
            assert part.grad.to_local().numel() == 0


@case(2)
def compiled_code_breaks_its_graph() -> None:
    x, t = data(5, 7)
    whole, part = x.clone().requires_grad_(), shard(x, line(), Shard(1)).requires_grad_()
    compiled = torch.compile(lambda x, t: bce(2 * x, t), backend="aot_eager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler looks at .grad of everything
        loss = compiled(part, shard(t, line(), Shard(1)))
    same(loss, bce(2 * whole, t), (Replicate(),), "loss")
    loss.backward()
    bce(2 * whole, t).backward()
    same(part.grad, whole.grad, (Shard(1),), "gradient")


# ---- running ---------------------------------------------------------------------------------------------------


def main(rank: int, world: int, store: str, report: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=world, timeout=timedelta(seconds=60)
    )
    results: dict[str, Any] = {}
    for name, function in CASES.items():
        if world not in NEEDS[name]:
            continue
        try:
            function()
            results[name] = None
        except Exception:
            results[name] = traceback.format_exc()
            break
    report.write_text(json.dumps(results), encoding="utf-8")
    if all(r is None for r in results.values()):
        dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
