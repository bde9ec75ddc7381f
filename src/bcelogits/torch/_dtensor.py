"""The loss of sharded tensors (``DTensor``): every rank computes its shard; what is added up over ranks stays exact.

A reduced loss is merged as states of :class:`bcelogits.ExactSum`, whose integers any number of ranks may add in
any order, and each rank reads the same bits out of the same state. Only conversion and communication is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.distributed
from torch import Tensor
from torch.distributed._functional_collectives import AsyncCollectiveTensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard

from bcelogits import _core
from bcelogits.torch import _derivatives, _engine
from bcelogits.torch._operators import MEAN, NONE

__all__ = ["is_ours", "loss"]

Placements = tuple[Placement, ...]


# ---- where the parts are ---------------------------------------------------------------------------------------


class _Operand(NamedTuple):
    """What has to be known of an operand to make its gradient."""

    mesh: DeviceMesh
    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    given: Placements  # as the caller has it, Partial apart: the gradient's
    used: Placements  # as it was for the computation

    def wrap(self, local: Tensor, placements: Placements) -> DTensor:
        """A tensor of the operand's shape, whose part on this rank is `local`; its strides are said alike on all."""
        whole = torch.empty_like(torch.empty_strided(self.shape, self.stride, device="meta"))
        return DTensor.from_local(local, self.mesh, placements, shape=whole.shape, stride=whole.stride())

    def gradient(self, local: Tensor, placements: Placements | None = None) -> Tensor:
        """The gradient, where the operand is, of local ones that lie as the operand was used if nothing is said."""
        whole = _place(self.wrap(local, self.used if placements is None else placements), self.given)
        return whole.to(self.dtype)


def _without_partial(placements: Sequence[Placement]) -> Placements:
    return tuple(Replicate() if p.is_partial() else p for p in placements)


def _beside(factor: DTensor, input: DTensor, placements: Placements) -> Placements:
    """Where the parts of a factor have to be, so that they broadcast to the shards of `input` at `placements`."""
    missing = input.dim() - factor.dim()

    def along(p: Placement) -> Placement:
        if not isinstance(p, Shard) or p.dim < missing or factor.shape[p.dim - missing] == 1:
            return Replicate()
        return Shard(p.dim - missing)

    return tuple(map(along, placements))


def _place(t: DTensor, placements: Placements) -> DTensor:
    return t if tuple(t.placements) == placements else t.redistribute(placements=placements)


def _local(t: DTensor) -> Tensor:
    with torch.no_grad():
        local = t.to_local()
    return local.wait() if isinstance(local, AsyncCollectiveTensor) else local


# ---- exact sums over ranks -------------------------------------------------------------------------------------


def _merge(shard: _core.Accumulator, mesh: DeviceMesh, placements: Placements) -> _core.Accumulator:
    """The sum over all shards; ranks along a replicated dimension of the mesh hold the same and are counted once."""
    parts = torch.frombuffer(bytearray(shard.integers()), dtype=torch.int64)
    for i, p in enumerate(placements):
        if not p.is_replicate() and mesh.size(i) > 1:
            torch.distributed.all_reduce(parts, group=mesh.get_group(i))
    return _core.Accumulator.from_integers(parts.numpy().tobytes())


# ---- the loss --------------------------------------------------------------------------------------------------


class _Sharded(torch.autograd.Function):
    """The loss of distributed tensors, all of them on one mesh."""

    @staticmethod
    def forward(
        ctx: Any,
        input: DTensor,
        target: DTensor,
        weight: DTensor | None,
        pos_weight: DTensor | None,
        reduction: int,
        dtype: torch.dtype,
    ) -> DTensor:
        mesh, placements = input.device_mesh, _without_partial(input.placements)
        operands: list[_Operand | None] = []
        parts: list[Any] = []
        for o in (input, target, weight, pos_weight):
            if o is None:
                operands.append(None)
                parts.append(None)
                continue
            used = placements if o is input or o is target else _beside(o, input, placements)
            operands.append(_Operand(mesh, o.shape, o.stride(), o.dtype, _without_partial(o.placements), used))
            parts.append(_local(_place(o, used)))
        x, t, w, p = parts
        ctx.save_for_backward(x, t, w, p)
        ctx.reduction, ctx.operands, ctx.is_member = reduction, operands, mesh.get_coordinate() is not None
        if reduction == NONE:
            local = (
                _engine.loss(x, t, w, p, NONE, dtype) if ctx.is_member else torch.empty(0, dtype=dtype, device="cpu")
            )
            return cast(_Operand, operands[1]).wrap(local, placements)  # strides are those of the target
        local = torch.zeros((), dtype=dtype, device="cpu")
        if ctx.is_member:
            shard = _core.Accumulator()
            shard.add_tensor_losses(x, t, w, p, torch.get_num_threads())
            total = _merge(shard, mesh, placements)
            ctx.count = total.count
            total.read_into_tensor(reduction, local)
        return DTensor.from_local(local, mesh, [Replicate()] * mesh.ndim)

    @staticmethod
    def backward(ctx: Any, grad_output: DTensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        if torch.is_grad_enabled():
            raise RuntimeError(
                "create_graph=True: the loss of DTensors has no second derivative, expected plain tensors (full_tensor)"
            )
        gradients: list[Tensor | None] = [None] * 4
        wanted = [i for i in range(4) if ctx.needs_input_grad[i]]
        if not ctx.is_member:
            for i in wanted:
                gradients[i] = ctx.operands[i].gradient(torch.empty(0, dtype=ctx.operands[i].dtype, device="cpu"))
            return *gradients, None, None
        (x, t, w, p), reduction = ctx.saved_tensors, ctx.reduction
        used = ctx.operands[0].used if reduction == NONE else (Replicate(),) * len(ctx.operands[0].used)
        g = _local(_place(grad_output, used))
        over = ctx.count if reduction == MEAN else 0
        for i in wanted:
            if i < 2:
                function = (_engine.backward, _engine.target_backward)[i]
                gradients[i] = ctx.operands[i].gradient(function(g, x, t, w, p, reduction, mean_over=over))
            else:
                gradients[i] = _factor_gradient(i, g, (x, t, w, p), ctx.operands, over)
        return *gradients, None, None


def _factor_gradient(which: int, g: Tensor, parts: Sequence[Any], operands: Sequence[_Operand], over: int) -> Tensor:
    """The gradient with respect to weight (2) or pos_weight (3)."""
    wide = torch.float64 if any(t is not None and t.dtype == torch.float64 for t in parts) else torch.float32
    parts, operand = list(parts), operands[which]
    pairs = zip(operand.used, operands[0].used, strict=True)
    placements = tuple(Partial() if u.is_replicate() and not p.is_replicate() else u for u, p in pairs)
    if placements != operand.used:
        # It served several shards and has a gradient from each: they are added in the dtype of the arithmetic.
        parts[which] = parts[which].to(wide)
    if over:
        g = g.to(wide) / over
    x, t, w, p = parts
    local = _derivatives.factor_gradients(g, x, t, w, p, NONE, (which == 2, which == 3))[which - 2]
    return operand.gradient(cast(Tensor, local), placements)


# ---- calls ---------------------------------------------------------------------------------------------------


def is_ours(input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None) -> bool:
    """Whether what this rank holds are tensors that the engine takes, and not ones on another device or fake ones."""
    x, t, w, p = (_local(t) if isinstance(t, DTensor) else t for t in (input, target, weight, pos_weight))
    return _core.are_plain(cast(Tensor, x), cast(Tensor, t), w, p)


def _distributed(name: str, t: Tensor, mesh: DeviceMesh) -> DTensor:
    """The operand as a DTensor on the mesh; a plain tensor of one number passes for replicated, as PyTorch has it."""
    if isinstance(t, DTensor):
        if t.device_mesh != mesh:
            raise RuntimeError(f"{name}: a DTensor on {t.device_mesh}, expected one on {mesh}, the mesh of the others")
        return t
    if t.numel() != 1 and not getattr(DTensor._op_dispatcher, "_allow_implicit_replication", False):
        raise RuntimeError(
            f"{name}: a plain tensor among DTensors, expected a DTensor (torch.distributed.tensor.distribute_tensor)"
        )
    return DTensor.from_local(t, mesh, [Replicate()] * mesh.ndim)


def _check(input: DTensor, target: DTensor, weight: DTensor | None, pos_weight: DTensor | None) -> None:
    """Refuse, on all ranks alike, what no rank could compute."""
    for p in input.placements:
        if not (isinstance(p, Shard) or p.is_replicate() or p.is_partial()):
            raise RuntimeError(f"input: placement {p}, expected Shard, Replicate or Partial")
    _core.check_tensors(input, target, weight, pos_weight)


def _loss(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> Tensor:
    """The loss, placed like the logits for reduction 0 (none), else replicated; one operand at least is a DTensor."""
    tensors = (input, target, weight, pos_weight)
    mesh = next(t.device_mesh for t in tensors if isinstance(t, DTensor))
    names = ("input", "target", "weight", "pos_weight")
    x, t, w, p = (None if t is None else _distributed(name, t, mesh) for name, t in zip(names, tensors, strict=True))
    assert x is not None
    assert t is not None
    _check(x, t, w, p)
    result: Tensor = _Sharded.apply(x, t, w, p, reduction, dtype)
    return result


# Compiled code leaves its graph for it: states of exact sums are Python's and the engine's, and no tensors.
loss: Callable[..., Tensor] = torch.compiler.disable(_loss, reason="bcelogits merges exact sums of DTensors in Python")
