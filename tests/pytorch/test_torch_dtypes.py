"""The dtype of the loss is PyTorch's for any operands, under autocast too; gradients have their operands' dtypes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from oracle import LOSS
from torch import Tensor
from torch.autograd import grad
from torch_helpers import (
    DTYPES,
    NAMES,
    OURS,
    REDUCTIONS,
    THEIRS,
    WEIGHTS,
    bits,
    call,
    numpy_result,
    random_operands,
    same,
    with_weights,
)

from bcelogits import reference

KINDS = list(DTYPES.values())
# Shapes of logits and targets, weight, and pos_weight: without dimensions, a tensor has less say in promotion.
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
    ((), (), ()),
    ((3,), (), ()),
    ((3,), (3,), ()),
    ((3,), (), (3,)),
    ((2, 3), (3,), (2, 1)),
]


def ones(shape: tuple[int, ...], dtype: torch.dtype | None) -> Tensor | None:
    return None if dtype is None else torch.ones(shape, dtype=dtype)


@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_the_dtype_of_the_loss_is_pytorchs_for_all_dtypes_of_all_operands(
    shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], autocast: torch.dtype | None
) -> None:
    shape, of_weight, of_pos_weight = shapes
    found: list[Any] = []
    with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
        for x, t, w, p in itertools.product(KINDS, KINDS, [*KINDS, None], [*KINDS, None]):
            operands = {
                "input": ones(shape, x),
                "target": ones(shape, t),
                "weight": ones(of_weight, w),
                "pos_weight": ones(of_pos_weight, p),
            }
            for reduction in ("none", "mean"):
                ours, theirs = (call(operands, reduction, f).dtype for f in (OURS, THEIRS))
                if ours is not theirs:
                    found.append((x, t, w, p, reduction, ours, theirs))
    assert not found


def test_the_dtype_of_the_loss_is_the_targets() -> None:
    """PyTorch's rule in words."""
    for x, t in itertools.product(KINDS, KINDS):
        assert OURS(torch.ones(3, dtype=x), torch.ones(3, dtype=t)).dtype is t


def test_operands_of_different_dtypes_are_read_exactly_and_the_loss_is_rounded_once() -> None:
    for x, t in itertools.product(KINDS, KINDS):
        operands: dict[str, Any] = random_operands()
        operands = operands | {"input": operands["input"].to(x), "target": operands["target"].to(t)}
        wide = torch.float64 if torch.float64 in (x, t) else torch.float32
        for reduction in REDUCTIONS:
            assert bits(call(operands, reduction)) == numpy_result(LOSS, operands, reduction, t).tobytes()
            read = {k: v.to(wide) for k, v in operands.items()}
            assert same(call(operands, "none"), call(read, "none").to(t))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("given", WEIGHTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_gives_the_float32_loss_of_narrow_operands(
    dtype: torch.dtype, given: tuple[str, ...], reduction: str
) -> None:
    operands = with_weights(random_operands(dtype=dtype), given)
    live = {k: None if v is None else v.detach().requires_grad_() for k, v in operands.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = call(live, reduction)
    wide = {k: None if v is None else v.detach().float().requires_grad_() for k, v in operands.items()}
    expected = call(wide, reduction)
    # The bits of the NumPy function with the same operands and a float32 result, and right to 1 ULP of it.
    assert bits(loss) == numpy_result(LOSS, operands, reduction, torch.float32).tobytes()
    x, t, w, p = (None if (v := operands.get(k)) is None else v.double().numpy() for k in NAMES)
    truth = np.asarray(reference.binary_cross_entropy_with_logits(x, t, w, pos_weight=p, reduction=reduction))
    error = np.abs(loss.detach().double().numpy() - truth) / np.spacing(np.abs(truth).astype(np.float32))
    assert error.max() < 1
    upstream = torch.rand_like(loss)
    gradients, wide_gradients = (
        grad(result, [v for v in o.values() if v is not None], upstream)
        for result, o in ((loss, live), (expected, wide))
    )
    for gradient, wide_gradient in zip(gradients, wide_gradients, strict=True):
        assert same(gradient, wide_gradient.to(dtype))


def test_autocast_leaves_float64_targets_as_pytorch_does() -> None:
    x, t = torch.randn(3), torch.rand(3, dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for a, b in ((x, t), (t, x), (t, t)):
            assert OURS(a, b).dtype == THEIRS(a, b).dtype


def test_a_model_under_autocast_trains() -> None:
    """The logits come in bfloat16 from the layer, and the gradient goes back to it in bfloat16."""
    layer, features, targets = torch.nn.Linear(4, 3), torch.randn(5, 4), torch.rand(5, 3).round()
    seen: list[torch.dtype] = []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = layer(features)
        logits.register_hook(lambda g: seen.append(g.dtype))
        loss = OURS(logits, targets)
    loss.backward()
    assert logits.dtype == torch.bfloat16
    assert loss.dtype == layer.weight.grad.dtype == torch.float32
    assert seen == [torch.bfloat16]


def test_the_default_dtype_plays_no_part() -> None:
    before = torch.get_default_dtype()
    x, t = torch.randn(3), torch.rand(3)
    expected = OURS(x, t)
    try:
        torch.set_default_dtype(torch.float64)
        assert same(OURS(x, t), expected)
    finally:
        torch.set_default_dtype(before)
