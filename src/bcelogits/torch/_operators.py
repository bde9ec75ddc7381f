"""The operators ``torch.ops.bcelogits.*``, which ``torch.compile``, ``torch.export`` and fake tensors see.

``loss``, ``backward`` (gradient with respect to input) and ``target_backward``, each with an implementation for the CPU
and one for fake tensors. Their derivatives are in ``_derivatives.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bcelogits import _core
from bcelogits.torch import _engine

__all__ = ["NONE", "backward", "loss", "target_backward"]

NONE, MEAN = 0, 1  # codes of the reduction

_OPERANDS = "Tensor input, Tensor target, Tensor? weight, Tensor? pos_weight, int reduction"
_library = torch.library.Library("bcelogits", "DEF")
_tags = (torch.Tag.pt2_compliant_tag,)
_library.define(f"loss({_OPERANDS}, ScalarType dtype) -> Tensor", tags=_tags)
_library.define(f"backward(Tensor grad_output, {_OPERANDS}) -> Tensor", tags=_tags)
_library.define(f"target_backward(Tensor grad_output, {_OPERANDS}) -> Tensor", tags=_tags)

loss = torch.ops.bcelogits.loss.default
backward = torch.ops.bcelogits.backward.default
target_backward = torch.ops.bcelogits.target_backward.default

_library.impl("loss", _engine.loss, "CPU")
_library.impl("backward", _engine.backward, "CPU")
_library.impl("target_backward", _engine.target_backward, "CPU")


# ---- fake tensors: shapes and dtypes without data ----------------------------------------------------------------


def _check(input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None) -> None:
    operands = [t for t in (input, target, weight, pos_weight) if t is not None]
    for other in operands:
        if other.device != input.device:
            raise RuntimeError(f"operands on {input.device} and {other.device}, expected all on one device")
    # Sizes that are symbols are left to the call itself: asking for their values would compile for these alone.
    if not any(isinstance(n, torch.SymInt) for t in operands for n in t.shape):
        _core.check_tensors(input, target, weight, pos_weight)


@torch.library.register_fake("bcelogits::loss")
def _(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int, dtype: torch.dtype
) -> Tensor:
    _check(input, target, weight, pos_weight)
    return torch.empty_like(target, dtype=dtype) if reduction == NONE else target.new_empty((), dtype=dtype)


@torch.library.register_fake("bcelogits::backward")
def _(
    grad_output: Tensor, input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int
) -> Tensor:
    _check(input, target, weight, pos_weight)
    return torch.empty_like(input)


@torch.library.register_fake("bcelogits::target_backward")
def _(
    grad_output: Tensor, input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int
) -> Tensor:
    _check(input, target, weight, pos_weight)
    return torch.empty_like(target)
