"""The loss and its gradient on npu:0 have the bits of our results on the CPU."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch_npu  # noqa: F401
from npu_helpers import FLOATS, NPU, assert_same_bits, layouts, on_npu
from torch.nn.functional import binary_cross_entropy_with_logits

import bcelogits
import bcelogits.torch

SHAPES = ((), (0, 3), (64,), (7, 5), (33, 129), (2, 3, 4, 5))


def operands(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    row = shape[-1:]
    return {
        "input": (torch.randn(shape, generator=g) * 8).to(dtype),
        "target": torch.rand(shape, generator=g).to(dtype),
        "weight": torch.rand(shape, generator=g).to(dtype),
        "pos_weight": (torch.rand(row, generator=g) * 4).to(dtype),
        "grad": torch.randn(shape, generator=g).to(dtype),
    }


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_forward_and_backward(dtype: torch.dtype, shape: tuple[int, ...], reduction: str) -> None:
    given = operands(shape, dtype, 1)
    for has_weight, has_pos_weight in itertools.product((False, True), repeat=2):
        weights = {
            "weight": given["weight"] if has_weight else None,
            "pos_weight": given["pos_weight"] if has_pos_weight else None,
        }
        for layout in layouts(given["input"]):
            x, t = layouts(given["input"])[layout], layouts(given["target"])[layout]
            here, there = x.detach().requires_grad_(), on_npu(x).requires_grad_()
            assert there.stride() == x.stride()
            expected = bcelogits.torch.binary_cross_entropy_with_logits(here, t, reduction=reduction, **weights)
            moved = {k: None if w is None else w.npu() for k, w in weights.items()}
            actual = binary_cross_entropy_with_logits(there, on_npu(t), reduction=reduction, **moved)
            assert actual.device.type == "npu"
            assert_same_bits(actual, expected)
            upstream = given["grad"] if reduction == "none" else torch.tensor(0.75, dtype=dtype)
            expected.backward(upstream)
            actual.backward(upstream.npu())
            assert there.grad is not None
            assert here.grad is not None
            assert_same_bits(there.grad, here.grad)


def test_the_result_is_that_of_the_numpy_functions() -> None:
    given = operands((7, 5), torch.float32, 2)
    x, t = given["input"].numpy(), given["target"].numpy()
    actual = binary_cross_entropy_with_logits(given["input"].npu(), given["target"].npu())
    assert np.float32(actual.item()) == bcelogits.binary_cross_entropy_with_logits(x, t)


def test_the_module_moves_with_its_weights() -> None:
    given = operands((10, 64), torch.float32, 3)
    for weight, pos_weight in ((given["weight"], given["pos_weight"]), (given["weight"][:, :1], given["weight"])):
        module = torch.nn.BCEWithLogitsLoss(weight=weight, pos_weight=pos_weight)
        expected = bcelogits.torch.binary_cross_entropy_with_logits(
            given["input"], given["target"], weight, pos_weight=pos_weight
        )
        assert_same_bits(module.to(NPU)(given["input"].npu(), given["target"].npu()), expected)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_what_the_test_of_op_plugin_checks(dtype: torch.dtype, reduction: str) -> None:
    """Near PyTorch's CPU result in float32, as test/test_base_ops/test_binary_cross_entropy_with_logits.py asks for."""
    g = torch.Generator().manual_seed(4)
    x, t = torch.rand(10, 64, generator=g) * 2, torch.randint(0, 2, (10, 64), generator=g).float()
    x = x.to(dtype)
    wide = torch.rand(10, 64, generator=g).to(dtype)
    for weight, pos_weight in ((None, None), (wide[:, :1], None), (None, wide[0]), (wide, wide)):
        as_float = [None if w is None else w.float() for w in (weight, pos_weight)]
        expected = binary_cross_entropy_with_logits(
            x.float(), t, weight=as_float[0], pos_weight=as_float[1], reduction=reduction
        )
        moved = [None if w is None else w.npu() for w in (weight, pos_weight)]
        actual = binary_cross_entropy_with_logits(
            x.npu(), t.to(dtype).npu(), weight=moved[0], pos_weight=moved[1], reduction=reduction
        )
        tolerance = 1e-4 if dtype == torch.float32 else 1e-3
        torch.testing.assert_close(actual.cpu().float(), expected, rtol=tolerance, atol=tolerance)


def test_a_loss_of_a_leaf_on_the_cpu_reaches_it() -> None:
    given = operands((5, 5), torch.float32, 5)
    here, there = given["input"].clone().requires_grad_(), given["input"].clone().requires_grad_()
    bcelogits.torch.binary_cross_entropy_with_logits(here, given["target"]).backward()
    binary_cross_entropy_with_logits(there.npu(), given["target"].npu()).backward()
    assert there.grad is not None
    assert here.grad is not None
    assert_same_bits(there.grad, here.grad)


def test_autocast_calculates_the_loss_in_float32() -> None:
    given = operands((7, 5), torch.float16, 6)
    with torch.autocast("npu", dtype=torch.float16):
        actual = binary_cross_entropy_with_logits(given["input"].npu(), given["target"].npu())
    assert_same_bits(
        actual,
        bcelogits.torch.binary_cross_entropy_with_logits(given["input"].float(), given["target"].float()),
    )
