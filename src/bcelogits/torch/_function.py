"""``binary_cross_entropy_with_logits`` with PyTorch's signature, and which way a call takes."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.nn import _reduction as legacy
from torch.overrides import handle_torch_function

from bcelogits import _core
from bcelogits.torch import _derivatives, _engine
from bcelogits.torch._operators import NONE

__all__ = ["binary_cross_entropy_with_logits"]

# PyTorch's own, whatever patch() has put in its place.
_ORIGINAL = torch.nn.functional.binary_cross_entropy_with_logits
_CODES = {"none": 0, "mean": 1, "sum": 2}
_KNOWN = (Tensor, torch.nn.Parameter, FakeTensor, FunctionalTensor)  # the last two stand for the first in traces
_core.set_plain_types(Tensor, torch.nn.Parameter)


class _Eager(torch.autograd.Function):
    """A call on plain tensors that want a gradient.

    Where the logits want one of a mean or sum, the forward pass computes loss and gradient in one pass over memory and
    keeps the gradient: one array of the size of the logits lives from forward to backward instead of being made there.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        pos_weight: Tensor | None,
        reduction: int,
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.save_for_backward(input, target, weight, pos_weight)
        ctx.reduction = reduction
        ctx.grad = None
        if reduction == NONE or not ctx.needs_input_grad[0]:
            return _engine.loss(input, target, weight, pos_weight, reduction, dtype)
        value, ctx.grad = _engine.value_and_grad(input, target, weight, pos_weight, reduction, dtype)
        return value

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, t, w, p = ctx.saved_tensors
        need = ctx.needs_input_grad
        kept = vars(ctx).pop("grad", None)  # handed out once, whatever thread asks: the receiver may change it
        if torch.is_grad_enabled() or _is_watched() or not _core.are_plain(g, x, t, None):
            # create_graph=True, a batch of gradients, one whose memory holds the negatives
            gradient, target_gradient = _derivatives.backward, _derivatives.target_backward
            for_input = gradient(g, x, t, w, p, ctx.reduction) if need[0] else None
        else:
            target_gradient = _engine.target_backward
            for_input = None
            if need[0]:
                # Scaled anew from the operands rather than from what is kept, so that each result is rounded once.
                usable = kept is not None and g.item() == 1
                for_input = kept if usable else _engine.backward(g, x, t, w, p, ctx.reduction, out=kept)
        for_target = target_gradient(g, x, t, w, p, ctx.reduction) if need[1] else None
        factors: tuple[Tensor | None, Tensor | None] = (None, None)
        if need[2] or need[3]:
            factors = _derivatives.factor_gradients(g, x, t, w, p, ctx.reduction, (need[2], need[3]))
        return for_input, for_target, *factors, None, None


# Function.apply without its look at transforms, of which there are none where this is called.
_apply: Any = super(torch.autograd.Function, _Eager).apply


def _result_dtype(target: Tensor) -> torch.dtype:
    """PyTorch's: that of the target, whatever the others have; under autocast float32 if it is not float64."""
    dtype = target.dtype
    return torch.float32 if torch.is_autocast_enabled("cpu") and dtype != torch.float64 else dtype


def _is_ours(*tensors: Tensor | None) -> bool:
    """Dense tensors on the CPU of a type that the operators know."""
    for t in tensors:
        if t is None:
            continue
        if type(t) not in _KNOWN or t.device.type != "cpu" or t.layout is not torch.strided:
            return False
        if t.is_quantized or t.is_nested:
            return False
    return True


def _is_distributed(*tensors: Tensor | None) -> bool:
    """Whether there is a DTensor among them; none can be if nobody has imported its module."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and any(isinstance(t, module.DTensor) for t in tensors)


def _is_watched() -> bool:
    """Whether a mode or transform wants to see operators rather than results."""
    return torch._C._len_torch_dispatch_stack() != 0 or _derivatives.is_transformed() or torch._C._is_tracing()


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of logits against targets, as :func:`torch.nn.functional.binary_cross_entropy_with_logits`.

    ``-weight * (pos_weight * target * log(sigmoid(input)) + (1 - target) * log(1 - sigmoid(input)))``, averaged, summed
    or as it is.

    Args:
        input: logits, of any shape and strides; float32, float16, bfloat16 or float64.
        target: of the same shape, with values in [0, 1].
        weight: factor of each loss; broadcasts to the shape of ``target``.
        size_average: deprecated, see ``reduction``.
        reduce: deprecated, see ``reduction``.
        reduction: ``"mean"``, ``"sum"`` (both exact sums, rounded once) or ``"none"``.
        pos_weight: factor of the positive part; broadcasts to the shape of ``target``.

    Returns:
        A tensor without dimensions, or of the shape of ``input`` for ``"none"``; of the dtype of ``target`` (float32
        under autocast if that is not float64). Differentiable with respect to all four tensors, any number of times.

    Raises:
        ValueError: the shapes of input and target differ, or the reduction is none of the three.
        RuntimeError: a dtype that is not supported, or a weight that does not broadcast.
        TypeError: an operand is no tensor.

    Example:
        >>> import torch
        >>> from bcelogits.torch import binary_cross_entropy_with_logits
        >>> binary_cross_entropy_with_logits(torch.tensor([-5.0]).bfloat16(), torch.tensor([0.0]).bfloat16())
        tensor(0.0067, dtype=torch.bfloat16)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy.legacy_get_string(size_average, reduce)
    code = _CODES.get(reduction) if isinstance(reduction, str) else None
    if code is None:
        if reduction != "elementwise_mean":
            raise ValueError(f"reduction: {reduction!r}, expected 'none', 'mean' or 'sum'")
        reduction, code = "mean", legacy.get_enum(reduction)  # which warns
    if (
        torch.compiler.is_compiling()
        or input is None
        or target is None
        or not _core.are_plain(input, target, weight, pos_weight)
        or _is_watched()
    ):
        return _general(input, target, weight, pos_weight, code, reduction)
    dtype = _result_dtype(target)
    if torch.is_grad_enabled() and (
        input.requires_grad
        or target.requires_grad
        or (weight is not None and weight.requires_grad)
        or (pos_weight is not None and pos_weight.requires_grad)
    ):
        result: Tensor = _apply(input, target, weight, pos_weight, code, dtype)
        return result
    return _engine.loss(input, target, weight, pos_weight, code, dtype)


def _general(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, code: int, reduction: str
) -> Tensor:
    """Calls that the engine cannot take as they are: for compilers, modes, transforms, other devices, subclasses."""
    tensors = (input, target, weight, pos_weight)
    for name, t in zip(("input", "target", "weight", "pos_weight"), tensors, strict=True):
        if isinstance(t, Tensor) or (t is None and name in ("weight", "pos_weight")):
            continue
        if hasattr(t, "__torch_function__"):  # what stands for a tensor where torch.fx traces, say
            return handle_torch_function(
                binary_cross_entropy_with_logits,
                tensors,
                input,
                target,
                weight,
                reduction=reduction,
                pos_weight=pos_weight,
            )
        what = "None" if t is None else f"a {'Python ' * (type(t) in (int, float))}{type(t).__name__}"
        raise TypeError(f"{name}: {what}, expected a tensor of float32, float16, bfloat16 or float64")
    if _is_distributed(*tensors):
        from bcelogits.torch import _dtensor

        if _dtensor.is_ours(*tensors):
            return _dtensor.loss(input, target, weight, pos_weight, code, _result_dtype(target))
    elif _is_ours(*tensors) and not _derivatives.is_beyond_operators():
        return _derivatives.loss(input, target, weight, pos_weight, code, _result_dtype(target))
    return _ORIGINAL(input, target, weight, reduction=reduction, pos_weight=pos_weight)
