"""float16 and bfloat16: correctly rounded for targets 0 and 1, on every finite logit.

With other targets or weights: what 2 ULP of float32 and one rounding to 16 bits amount to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from accuracy_report.measure import call
from accuracy_report.operands import FUNCTIONS, LOSS, Operands
from accuracy_report.rows import Row
from accuracy_report.sweeps import NINE_TARGETS, OPTIONS, every_16_bit_logit, random_operands
from accuracy_report.ulp import FORMATS, all_finite

from bcelogits import reference

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
