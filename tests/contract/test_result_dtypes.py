"""The dtype of every result: promoted from logits and targets, or that of `out`; one rounding either way."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from oracle import DTYPES, bits

import bcelogits
from bcelogits import _core

F32, F16, BF16, F64 = (DTYPES[name] for name in ("float32", "float16", "bfloat16", "float64"))

# Written out, not computed: this is the specification.
TABLE = {
    (F32, F32): F32,
    (F32, F16): F32,
    (F32, BF16): F32,
    (F32, F64): F64,
    (F16, F32): F32,
    (F16, F16): F16,
    (F16, BF16): F32,
    (F16, F64): F64,
    (BF16, F32): F32,
    (BF16, F16): F32,
    (BF16, BF16): BF16,
    (BF16, F64): F64,
    (F64, F32): F64,
    (F64, F16): F64,
    (F64, BF16): F64,
    (F64, F64): F64,
}


def operands(x: np.dtype[Any], t: np.dtype[Any]) -> tuple[Any, Any]:
    return np.array([-2, 0.5, 3]).astype(x), np.array([0, 1, 0.25]).astype(t)


@pytest.mark.parametrize(("pair", "expected"), TABLE.items(), ids=lambda v: str(v) if isinstance(v, tuple) else v.name)
def test_results_have_the_promoted_dtype_of_logits_and_targets(
    pair: tuple[np.dtype[Any], np.dtype[Any]], expected: np.dtype[Any]
) -> None:
    x, t = operands(*pair)
    assert _core.check(x, t) == expected
    for reduction in ("none", "mean", "sum"):
        loss, gradient = bcelogits.value_and_grad(x, t, reduction=reduction)
        assert loss.dtype == gradient.dtype == expected
        assert bcelogits.binary_cross_entropy_with_logits(x, t, reduction=reduction).dtype == expected
        for function in (
            bcelogits.binary_cross_entropy_with_logits_backward,
            bcelogits.binary_cross_entropy_with_logits_target_backward,
        ):
            assert function(1.0, x, t, reduction=reduction).dtype == expected


@pytest.mark.parametrize("operand", ["weight", "pos_weight"])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_weights_do_not_change_the_dtype_of_the_result(operand: str, dtype: np.dtype[Any]) -> None:
    x, t = operands(F16, F16)
    weight = {operand: np.ones(3, dtype)}
    assert bcelogits.binary_cross_entropy_with_logits(x, t, **weight).dtype == np.float16
    assert bcelogits.binary_cross_entropy_with_logits(x, t, **weight, reduction="none").dtype == np.float16
    assert bcelogits.value_and_grad(x, t, **weight)[1].dtype == np.float16


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_grad_output_does_not_change_the_dtype_of_the_result(dtype: np.dtype[Any]) -> None:
    x, t = operands(F16, F16)
    upstream = np.ones(3, dtype)
    assert bcelogits.binary_cross_entropy_with_logits_backward(upstream, x, t, reduction="none").dtype == np.float16


def test_reduced_results_are_numpy_scalars() -> None:
    for dtype in DTYPES.values():
        x, t = operands(dtype, dtype)
        assert type(bcelogits.binary_cross_entropy_with_logits(x, t)) is dtype.type
        assert type(bcelogits.value_and_grad(x, t, reduction="sum")[0]) is dtype.type
    assert type(bcelogits.binary_cross_entropy_with_logits(*operands(BF16, BF16))) is ml_dtypes.bfloat16


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_float64_operand_makes_the_arithmetic_float64(dtype: np.dtype[Any]) -> None:
    """Seen in a wide `out`: the result of float32 arithmetic would end after 24 bits."""
    x, t = np.array([0.5]).astype(dtype), np.array([1.0]).astype(dtype)
    wide, narrow = np.empty(1), np.empty(1)
    bcelogits.binary_cross_entropy_with_logits(x, t, np.ones(1), reduction="none", out=wide)
    bcelogits.binary_cross_entropy_with_logits(x, t, np.ones(1, np.float32), reduction="none", out=narrow)
    exact = 0.47407698418010668  # log(1 + exp(-1/2))
    assert abs(wide[0] - exact) < 2**-53
    assert (abs(narrow[0] - exact) < 2**-53) == (dtype == np.float64)
    assert (np.float32(narrow[0]) == narrow[0]) == (dtype != np.float64)


def test_a_python_float_does_not_make_the_arithmetic_float64() -> None:
    x, t = operands(F32, F32)
    with_number, with_array = np.empty(3), np.empty(3)
    bcelogits.binary_cross_entropy_with_logits(x, t, 3.0, reduction="none", out=with_number)
    bcelogits.binary_cross_entropy_with_logits(x, t, np.full(3, 3, np.float32), reduction="none", out=with_array)
    assert bits(with_number) == bits(with_array)


def test_a_result_is_rounded_once_into_a_narrower_out() -> None:
    """bfloat16 of a float32 sum of float16 losses: not by way of float16."""
    # log(2) = 0.693147...: bfloat16 0.69140625 or 0.6953125; float16 0.6933594, which lies between them.
    x = np.zeros(3, np.float16)
    out = np.empty(3, BF16)
    bcelogits.binary_cross_entropy_with_logits(x, x, reduction="none", out=out)
    assert bits(out) == bits(np.full(3, np.log(2)).astype(BF16))
