"""Derivatives of the three operators, for autograd, ``torch.func`` (grad, vmap, jvp) and forward mode.

First derivatives are the operators themselves. Those of the gradients (double backward) are put together from them and
PyTorch's: rare, and not what the package's accuracy is promised for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from bcelogits.torch import _operators
from bcelogits.torch._operators import MEAN, NONE

__all__ = ["backward", "factor_gradients", "loss", "target_backward"]

Partials = list[Tensor | None]


def is_transformed() -> bool:
    """Whether ``torch.func`` or forward mode is at work, which want an autograd function and not an operator."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def is_beyond_operators() -> bool:
    """Whether ``torch.func`` is at work where PyTorch has no place for operators and autograd functions of others.

    That is in compiled code (an operator would have no tangent there), under ``functionalize``, and in a ``jvp`` of a
    ``jvp`` (where an autograd function has no second tangent).
    """
    if not is_transformed():
        return False
    if torch.compiler.is_compiling():
        return True
    kinds = [level.key() for level in torch._C._functorch.get_interpreter_stack() or ()]
    transforms = torch._C._functorch.TransformType
    return transforms.Functionalize in kinds or kinds.count(transforms.Jvp) > 1


def _dispatch(operator: Any, function: Callable[[], Any]) -> Callable[..., Tensor]:
    def call(*arguments: Any) -> Tensor:
        if not torch.compiler.is_compiling() and is_transformed():
            result: Tensor = function().apply(*arguments)
        else:
            result = operator(*arguments)
        return result

    return call


# loss(input, target, weight, pos_weight, reduction, dtype); the gradients: (grad_output, input, ..., reduction)
loss = _dispatch(_operators.loss, lambda: _Loss)
backward = _dispatch(_operators.backward, lambda: _Backward)
target_backward = _dispatch(_operators.target_backward, lambda: _TargetBackward)


def _elementwise(grad_output: Tensor, input: Tensor, reduction: int) -> Tensor:
    """The factor of each element's derivative."""
    return grad_output / input.numel() if reduction == MEAN else grad_output


def _to(grad: Tensor, like: Tensor) -> Tensor:
    return grad.sum_to_size(like.shape).to(like.dtype)


def _wide(*tensors: Tensor | None) -> torch.dtype:
    """The dtype that the engine computes in."""
    return torch.float64 if any(t is not None and t.dtype == torch.float64 for t in tensors) else torch.float32


def _ones(like: Tensor) -> Tensor:
    return like.new_ones(()).expand(like.shape)


def _times(first: Tensor, *factors: Tensor | None) -> Tensor:
    """The product in the dtype of the first, which one without dimensions would not decide alone."""
    for f in factors:
        first = first if f is None else first * f.to(first.dtype)
    return first


# ---- of the loss -----------------------------------------------------------------------------------------------


def factor_gradients(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    reduction: int,
    needs: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients with respect to weight and pos_weight: losses with other weights, summed to their shapes."""
    dtype = _wide(input, target, weight, pos_weight)
    g = _elementwise(grad_output.to(dtype), input, reduction)
    for_weight = for_pos_weight = None
    if needs[0] and weight is not None:
        for_weight = _to(loss(input, target, g, pos_weight, NONE, dtype), weight)
    if needs[1] and pos_weight is not None:
        for_pos_weight = _to(loss(input, _ones(input), _times(g, weight, target), None, NONE, dtype), pos_weight)
    return for_weight, for_pos_weight


def _loss_reverse(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
    x, t, w, p = ctx.saved_tensors
    need = ctx.needs_input_grad
    for_input = backward(g, x, t, w, p, ctx.reduction) if need[0] else None
    for_target = target_backward(g, x, t, w, p, ctx.reduction) if need[1] else None
    factors = factor_gradients(g, x, t, w, p, ctx.reduction, (need[2], need[3]))
    return for_input, for_target, *factors, None, None


def _loss_forward(ctx: Any, *tangents: Tensor | None) -> Tensor:
    x, t, w, p = ctx.saved_tensors
    dx, dt, dw, dp = tangents[:4]
    dtype = _wide(x, t, w, p)
    parts: list[Tensor] = []
    if dx is not None:
        parts.append(backward(dx.to(dtype), x.to(dtype), t, w, p, NONE))
    if dt is not None:
        parts.append(target_backward(dt.to(dtype), x, t.to(dtype), w, p, NONE))
    if dw is not None:
        parts.append(loss(x, t, dw, p, NONE, dtype))
    if dp is not None:
        parts.append(loss(x, _ones(x), _times(t.to(dtype) * dp, w), None, NONE, dtype))
    total = sum(parts[1:], parts[0])
    reduced = total if ctx.reduction == NONE else total.mean() if ctx.reduction == MEAN else total.sum()
    return reduced.to(ctx.dtype)


# ---- of the gradients: elementwise partial derivatives by operand: grad_output, input, target, weight, pos_weight --


def _backward_partials(ctx: Any) -> Callable[[int], Tensor]:
    # g w ((1 - t) s(x) - p t s(-x)), s the logistic function; s'(x) = s(x) s(-x)
    g, x, t, w, p = ctx.saved_tensors
    dtype = _wide(g, x, t, w, p)
    xw, tw, factor = x.to(dtype), t.to(dtype), _elementwise(g.to(dtype), x, ctx.reduction)

    def partial(i: int) -> Tensor:
        rise, fall = torch.sigmoid(xw), torch.sigmoid(-xw)
        if i == 0:
            return _elementwise(backward(_ones(xw), xw, tw, w, p, NONE), x, ctx.reduction)
        if i == 1:
            return _times((1 - tw + (tw if p is None else p * tw)) * rise * fall, factor, w)
        if i == 2:
            return _times(-rise - (fall if p is None else p * fall), factor, w)
        if i == 3:
            return backward(factor.expand(x.shape), xw, tw, None, p, NONE)
        return _times(-tw * fall, factor, w)

    return partial


def _target_backward_partials(ctx: Any) -> Callable[[int], Tensor]:
    # g w (softplus(x) - p softplus(-x)): t plays no part
    g, x, t, w, p = ctx.saved_tensors
    dtype = _wide(g, x, t, w, p)
    xw, tw, factor = x.to(dtype), t.to(dtype), _elementwise(g.to(dtype), x, ctx.reduction)

    def partial(i: int) -> Tensor:
        if i == 0:
            return _elementwise(target_backward(_ones(xw), xw, tw, w, p, NONE), x, ctx.reduction)
        if i == 1:
            fall = torch.sigmoid(-xw)
            return _times(-torch.sigmoid(xw) - (fall if p is None else p * fall), factor, w)
        if i == 2:
            return torch.zeros_like(xw)
        if i == 3:
            return target_backward(factor.expand(x.shape), xw, tw, None, p, NONE)
        return loss(xw, _ones(xw), _times(factor, w), None, NONE, dtype)

    return partial


def _reverse(partials: Callable[[Any], Callable[[int], Tensor]]) -> Callable[..., tuple[Tensor | None, ...]]:
    def derivative(ctx: Any, gg: Tensor) -> tuple[Tensor | None, ...]:
        partial = partials(ctx)
        operands = ctx.saved_tensors
        grads = [
            _to(gg * partial(i), o) if o is not None and ctx.needs_input_grad[i] else None
            for i, o in enumerate(operands)
        ]
        return *grads, None

    return derivative


def _forward(partials: Callable[[Any], Callable[[int], Tensor]], like: int) -> Callable[..., Tensor]:
    def derivative(ctx: Any, *tangents: Tensor | None) -> Tensor:
        partial = partials(ctx)
        parts = [partial(i) * d for i, d in enumerate(tangents[:5]) if d is not None]
        return sum(parts[1:], parts[0]).to(ctx.saved_tensors[like].dtype)

    return derivative


# ---- registration ----------------------------------------------------------------------------------------------


def _save_loss(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.reduction, ctx.dtype = inputs
    _keep(ctx, tensors)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.reduction = inputs
    _keep(ctx, tensors)


def _keep(ctx: Any, tensors: list[Tensor | None]) -> None:
    ctx.save_for_backward(*tensors)
    if hasattr(ctx, "save_for_forward"):
        ctx.save_for_forward(*tensors)


def _each(operator: Any) -> Callable[..., tuple[Tensor, int]]:
    """For ``torch.vmap``, one call for each element of the batch: sums stay exact and no operand is copied."""

    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Tensor, int]:
        batched = list(zip(arguments, in_dims, strict=True))
        if info.batch_size == 0:  # none of a result, whose shape and dtype an element of zeros tells
            return operator(*(a if d is None else a.sum(d) for a, d in batched)).unsqueeze(0)[:0], 0
        results = [operator(*(a if d is None else a.select(d, i) for a, d in batched)) for i in range(info.batch_size)]
        return torch.stack(results), 0

    return rule


def _register(name: str, call: Callable[..., Tensor], save: Any, reverse: Any, forward: Any) -> Any:
    """Registers the derivatives of an operator, and makes the autograd function that transforms want."""
    operator = getattr(_operators, name)
    rule = _each(call)
    torch.library.register_autograd(f"bcelogits::{name}", reverse, setup_context=save)
    torch.library.register_vmap(f"bcelogits::{name}", _each(operator))
    members = {
        "forward": staticmethod(lambda *arguments: operator(*arguments)),
        "setup_context": staticmethod(save),
        "backward": staticmethod(reverse),
        "jvp": staticmethod(forward),
        "vmap": staticmethod(rule),
        "__doc__": f"{operator} for torch.func and forward mode.",
    }
    return type(f"_{name}", (torch.autograd.Function,), members)


_Loss: Any = _register("loss", loss, _save_loss, _loss_reverse, _loss_forward)
_Backward: Any = _register("backward", backward, _save, _reverse(_backward_partials), _forward(_backward_partials, 1))
_TargetBackward: Any = _register(
    "target_backward",
    target_backward,
    _save,
    _reverse(_target_backward_partials),
    _forward(_target_backward_partials, 2),
)
