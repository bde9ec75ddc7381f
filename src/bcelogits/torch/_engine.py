"""Calls of the native engine with dense CPU tensors: makes the outputs and translates errors, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bcelogits import _core

__all__ = ["backward", "loss", "result", "target_backward", "update", "value_and_grad"]


def _call(function: Callable[..., None], *arguments: Any, **options: Any) -> None:
    # The types of PyTorch's own errors for the same mistakes.
    try:
        function(*arguments, **options)
    except ValueError as error:
        if "broadcasts" in str(error):
            raise RuntimeError(str(error)) from None
        raise
    except TypeError as error:
        raise RuntimeError(str(error)) from None


def _result(target: Tensor, reduction: int, dtype: torch.dtype) -> Tensor:
    return torch.empty_like(target, dtype=dtype) if reduction == 0 else target.new_empty((), dtype=dtype)


def loss(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> Tensor:
    """The loss; 0-d for reduction 1 (mean) and 2 (sum)."""
    out = _result(target, reduction, dtype)
    _call(_core.tensor_loss, input, target, weight, pos_weight, reduction, out, torch.get_num_threads())
    return out


def value_and_grad(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient with respect to `input`, in one pass over memory."""
    out, grad = _result(target, reduction, dtype), torch.empty_like(input)
    threads = torch.get_num_threads()
    _call(_core.tensor_value_and_grad, input, target, weight, pos_weight, reduction, out, grad, threads)
    return out, grad


def backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    reduction: int,
    out: Tensor | None = None,
    mean_over: int = 0,
) -> Tensor:
    """The gradient with respect to `input`, in its dtype, into `out` if that is given."""
    if out is None:
        out = torch.empty_like(input)
    operands = (grad_output, input, target, weight, pos_weight, reduction, out, torch.get_num_threads())
    _call(_core.tensor_backward, *operands, mean_over=mean_over)
    return out


def target_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    reduction: int,
    mean_over: int = 0,
) -> Tensor:
    """The gradient with respect to `target`, in its dtype."""
    out = torch.empty_like(target)
    operands = (grad_output, input, target, weight, pos_weight, reduction, out, torch.get_num_threads())
    _call(_core.tensor_target_backward, *operands, mean_over=mean_over)
    return out


def update(
    into: _core.ExactSum, input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None
) -> None:
    """Add the losses of a piece."""
    _call(_core.tensor_update, into, input, target, weight, pos_weight, torch.get_num_threads())


def result(accumulator: _core.ExactSum, reduction: int, dtype: torch.dtype) -> Tensor:
    """The accumulated sum or mean, rounded once."""
    out = torch.empty((), dtype=dtype)
    _call(_core.tensor_result, accumulator, reduction, out)
    return out
