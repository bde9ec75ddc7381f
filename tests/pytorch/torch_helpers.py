"""What the tests of the PyTorch front-end share: arrays as tensors and back, bits, and the NumPy functions' results."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import torch
from oracle import BACKWARD, LOSS, TARGET_BACKWARD, Array
from torch import Tensor

import bcelogits
from bcelogits.torch import binary_cross_entropy_with_logits

THEIRS: Any = torch.nn.functional.binary_cross_entropy_with_logits
OURS: Any = binary_cross_entropy_with_logits
Operands = Mapping[str, Tensor | None]

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
}
NAMES = ("input", "target", "weight", "pos_weight")
REDUCTIONS = ("none", "mean", "sum")
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def tensor(array: Any) -> Tensor:
    """The array as a tensor over the same memory, of the same strides."""
    a = np.asarray(array)
    with warnings.catch_warnings():  # PyTorch knows no read-only tensors and says so
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) if a.dtype == _BFLOAT16 else torch.from_numpy(a)


def array(t: Any) -> Array:
    """The values of a tensor as an array of the same dtype."""
    t = t.detach()
    return t.view(torch.int16).numpy().view(_BFLOAT16) if t.dtype == torch.bfloat16 else t.numpy()


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    return array(torch.empty(0, dtype=dtype)).dtype


def bits(t: Any) -> bytes:
    """The bytes of a tensor in C order."""
    return np.ascontiguousarray(array(t)).tobytes()


def same(a: Any, b: Any) -> bool:
    """Whether two tensors agree in shape, dtype and every bit."""
    return a.shape == b.shape and a.dtype == b.dtype and bits(a) == bits(b)


def random_operands(shape: tuple[int, ...] = (5, 7), dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Logits, soft and hard targets and positive weights, under PyTorch's names."""
    target = torch.where(torch.rand(shape) < 0.5, torch.rand(shape).round(), torch.rand(shape))
    classes = shape[-1:]
    return {
        "input": (4 * torch.randn(shape)).to(dtype),
        "target": target.to(dtype),
        "weight": torch.exp2(2 * torch.rand(shape) - 1).to(dtype),
        "pos_weight": torch.exp2(4 * torch.rand(classes) - 2).to(dtype),
    }


def numpy_result(op: str, operands: Operands, reduction: str, dtype: torch.dtype, grad_output: Any = 1.0) -> Array:
    """What the NumPy function of this name gives, in a dtype: the loss, or the gradient for logits or targets."""
    x, t, w, p = (None if (v := operands.get(k)) is None else array(v) for k in NAMES)
    assert x is not None
    shape = () if op == LOSS and reduction != "none" else x.shape
    out = np.empty(shape, numpy_dtype(dtype))
    upstream = (array(grad_output) if isinstance(grad_output, Tensor) else grad_output,) if op != LOSS else ()
    function = getattr(bcelogits, op)
    function(*upstream, x, t, w, pos_weight=p, reduction=reduction, out=out)
    return out


def numpy_gradients(operands: Operands, reduction: str, grad_output: Any = 1.0) -> tuple[Array, Array]:
    """The NumPy gradients for logits and targets, in the dtype of each, as PyTorch has it."""
    x, t = operands["input"], operands["target"]
    assert x is not None
    assert t is not None
    return (
        numpy_result(BACKWARD, operands, reduction, x.dtype, grad_output),
        numpy_result(TARGET_BACKWARD, operands, reduction, t.dtype, grad_output),
    )


def call(operands: Operands, reduction: str, function: Any = OURS) -> Tensor:
    result: Tensor = function(**{k: operands.get(k) for k in NAMES}, reduction=reduction)
    return result


# Which of weight and pos_weight are given.
WEIGHTS: list[tuple[str, ...]] = [(), ("weight",), ("pos_weight",), ("weight", "pos_weight")]


def with_weights(operands: dict[str, Tensor], given: tuple[str, ...]) -> dict[str, Tensor | None]:
    return {k: v if k in ("input", "target", *given) else None for k, v in operands.items()}
