"""Calls of the native engine with dense CPU tensors: makes the outputs, nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from bcelogits import _core

__all__ = ["backward", "loss", "target_backward", "value_and_grad"]


def _result(target: Tensor, reduction: int, dtype: torch.dtype) -> Tensor:
    return torch.empty_like(target, dtype=dtype) if reduction == 0 else target.new_empty((), dtype=dtype)


def loss(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> Tensor:
    """The loss; 0-d for reduction 1 (mean) and 2 (sum)."""
    out = _result(target, reduction, dtype)
    _core.tensor_loss(input, target, weight, pos_weight, reduction, out, torch.get_num_threads())
    return out


def value_and_grad(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient with respect to `input`, in one pass over memory."""
    out, grad = _result(target, reduction, dtype), torch.empty_like(input)
    threads = torch.get_num_threads()
    _core.tensor_value_and_grad(input, target, weight, pos_weight, reduction, out, grad, threads)
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
    threads = torch.get_num_threads()
    _core.tensor_backward(grad_output, input, target, weight, pos_weight, reduction, out, threads, mean_over)
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
    threads = torch.get_num_threads()
    _core.tensor_target_backward(grad_output, input, target, weight, pos_weight, reduction, out, threads, mean_over)
    return out
