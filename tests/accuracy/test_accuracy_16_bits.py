"""float16 and bfloat16: correctly rounded for targets 0 and 1, on every finite logit.

With other targets or weights: what 2 ULP of float32 and one rounding to 16 bits amount to. Reductions add losses in
float32, which are right to one rounding where the logit agrees with the target, and to less than 1 ULP elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from accuracy_report.measure import call, compare
from accuracy_report.operands import FUNCTIONS, LOSS, Operands
from accuracy_report.rows import Row
from accuracy_report.sweeps import NINE_TARGETS, OPTIONS, every_16_bit_logit, random_operands
from accuracy_report.ulp import all_finite

from bcelogits import reference
from bcelogits._formats import FORMATS

Check = Callable[[Iterable[Row]], None]
Scale = Callable[[int], int]
SIXTEEN = pytest.mark.parametrize("dtype", ["f16", "bf16"])


@SIXTEEN
@pytest.mark.parametrize("target", NINE_TARGETS)
def test_every_logit(dtype: str, target: float, assert_within_contract: Check) -> None:
    rows = every_16_bit_logit(dtype, (target,))
    assert_within_contract(rows)
    assert min(row.points for row in rows) >= 63_488  # the finite numbers of float16


@SIXTEEN
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("function", FUNCTIONS[:2])
def test_correctly_rounded_by_another_oracle(dtype: str, target: int, function: str) -> None:
    """The numbers that the mpmath oracle of the package gives, on some hundred logits (either zero for a zero)."""
    form = FORMATS[dtype]
    x = all_finite(form)[target::131]
    t = np.full(x.shape, target).astype(form.dtype)
    arguments: tuple[Any, ...] = (x, t) if function == LOSS else (1.0, x, t)
    oracle = {LOSS: reference.binary_cross_entropy_with_logits}.get(
        function, reference.binary_cross_entropy_with_logits_backward
    )
    reduction = "none" if function == LOSS else "sum"
    exact = reference.round_to(oracle(*arguments, reduction=reduction, precision="mp"), form.dtype)
    np.testing.assert_array_equal(call(function, Operands(x, t)).astype(float), exact.astype(float))


@SIXTEEN
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_random_operands(dtype: str, soft: bool, assert_within_contract: Check, scaled: Scale) -> None:
    assert_within_contract(random_operands(dtype, soft, 3, scaled(100_000), OPTIONS[1:]))


def float32_losses(dtype: str, target: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The errors in ULP of the float32 losses of every finite 16-bit logit; `target` is a number or one for each."""
    x = all_finite(FORMATS[dtype])
    operands = Operands(x, np.broadcast_to(target, x.shape).astype(x.dtype))
    return compare(LOSS, operands, call(LOSS, operands, out=np.empty(x.shape, np.float32)))[2]


@SIXTEEN
def test_float32_losses_of_right_answers_are_correctly_rounded(dtype: str) -> None:
    right = ~np.signbit(all_finite(FORMATS[dtype]))
    assert float32_losses(dtype, right).max() < 0.5 + 1e-6  # what the oracle in float64 can tell


@SIXTEEN
@pytest.mark.parametrize("target", NINE_TARGETS)
def test_float32_losses_are_within_one_ulp(dtype: str, target: float) -> None:
    assert float32_losses(dtype, target).max() < 1


@SIXTEEN
def test_weighted_float32_losses_are_almost_correctly_rounded(dtype: str, scaled: Scale) -> None:
    """For targets 0 and 1 every term keeps what its rounding lost: the last rounding is left."""
    rng = np.random.default_rng(5)
    x = rng.normal(0, 4, scaled(100_000)).astype(FORMATS[dtype].dtype)
    t = rng.integers(0, 2, x.shape).astype(x.dtype)
    w, p = rng.uniform(0.25, 4, (2, *x.shape)).astype(np.float32)
    operands = Operands(x, t, w, p)
    assert compare(LOSS, operands, call(LOSS, operands, out=np.empty(x.shape, np.float32)))[2].max() < 0.501
