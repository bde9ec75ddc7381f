"""The emulated third parties: their formulas in the dtype's own arithmetic, and where these break."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from oracle import DTYPES, FORMATS, LONG

from bcelogits.golden import Op, elementwise
from bcelogits.golden.emulations import THIRD, reduce_chunks


def operands(dtype: str, n: int = 2000, weights: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(6)
    made = {"logits": rng.normal(0, 6, n), "targets": rng.random(n), "grad_output": rng.normal(0, 1, n)}
    made["targets"][::3] = rng.integers(0, 2, made["targets"][::3].size)
    if weights:
        made |= {"weight": rng.uniform(0.5, 2, n), "pos_weight": rng.uniform(0.5, 9, n)}
    return {name: values.astype(DTYPES[LONG[dtype]]) for name, values in made.items()}


def ulps(actual: Any, op: Op, given: dict[str, Any], dtype: str, count: int = 1) -> Any:
    """Errors in ULP of the larger of the two terms of the result."""
    inputs = {name: values.astype(np.float64) for name, values in given.items()}
    truth = elementwise(op, inputs, dtype, count=count)
    bits, emin = FORMATS[LONG[dtype]]
    unit = np.ldexp(1.0, np.maximum(np.frexp(truth.scale)[1] - 1, emin) - bits)
    return np.abs(actual.astype(np.float64) - truth.value) / unit


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("op", Op)
def test_the_stable_form_is_right_to_a_few_ulp_everywhere(op: Op, weights: bool, dtype: str) -> None:
    given = operands(dtype, weights=weights)
    got = THIRD["stable-form"](op, given, dtype, 1 if op is Op.LOSS else 7)
    assert got.dtype == DTYPES[LONG[dtype]]
    error = ulps(got, op, given, dtype, 7)
    # 16 bits are computed in float32 and rounded once.
    assert error.max() < (0.51 if dtype in ("f16", "bf16") else 6)
    # Rounding every step to 16 bits is another matter.
    native = ulps(THIRD["stable-form-native"](op, given, dtype, 7), op, given, dtype, 7)
    assert native.max() > (0.9 if dtype in ("f16", "bf16") else 0.5)


@pytest.mark.parametrize(
    ("x", "device"),
    [(-5.0, 6.715298e-3), (-8.0, 3.356934e-4), (-10.0, 4.577637e-5), (-15.0, 0.0), (-20.0, 0.0), (-80.0, 0.0)],
)
def test_the_two_term_form_loses_easy_negatives(x: float, device: float) -> None:
    # docs/precision.md 5.3 has these results of a float32 kernel.
    given = {"logits": np.array([x], np.float32), "targets": np.zeros(1, np.float32)}
    got = THIRD["torch-form"](Op.LOSS, given, "f32", 1)
    assert float(got[0]) == pytest.approx(device, rel=2e-7, abs=0)
    stable = THIRD["stable-form"](Op.LOSS, given, "f32", 1)
    assert float(stable[0]) == pytest.approx(math.log1p(math.exp(x)), rel=3e-7)


def test_the_two_term_gradient_loses_easy_positives() -> None:
    given = {"logits": np.array([20.0], np.float32), "targets": np.ones(1, np.float32)}
    assert THIRD["torch-form"](Op.BACKWARD, given, "f32", 1)[0] == 0
    assert THIRD["stable-form"](Op.BACKWARD, given, "f32", 1)[0] == pytest.approx(-2.0611536e-09, rel=1e-6)


def test_the_two_term_form_gives_nan_at_a_matching_infinite_logit() -> None:
    given = {"logits": np.array([math.inf, -math.inf], np.float32), "targets": np.array([1, 0], np.float32)}
    assert np.isnan(THIRD["torch-form"](Op.LOSS, given, "f32", 1)).all()


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("op", Op)
def test_the_torch_form_is_what_torch_computes(op: Op, weights: bool) -> None:
    torch = pytest.importorskip("torch")
    given = operands("f64", weights=weights)
    tensors = {name: torch.from_numpy(values) for name, values in given.items()}
    x, t = tensors["logits"].requires_grad_(), tensors["targets"].requires_grad_()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        x, t, tensors.get("weight"), pos_weight=tensors.get("pos_weight"), reduction="none"
    )
    if op is Op.LOSS:
        expected = loss.detach()
    else:
        loss.backward(tensors["grad_output"])
        expected = x.grad if op is Op.BACKWARD else t.grad
    got = THIRD["torch-form"](op, given, "f64", 1)
    # The same roundings but for the exponential's: what cancels in one cancels in the other.
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-13, atol=4e-15)


def test_grad_output_is_not_applied_to_the_loss() -> None:
    given = operands("f32", 10)
    without = {name: values for name, values in given.items() if name != "grad_output"}
    for third in THIRD.values():
        assert third(Op.LOSS, given, "f32", 1).tobytes() == third(Op.LOSS, without, "f32", 1).tobytes()


# ---- accumulation ----------------------------------------------------------------------------------------------


def test_accumulation_is_pairwise_in_float32() -> None:
    # A running float32 sum of ones stops at 2**24; a pairwise one does not.
    ones = np.ones(2**24 + 8, np.float32)
    assert reduce_chunks([ones], False, "f32") == 2**24 + 8
    assert reduce_chunks([ones], True, "f32") == 1
    # float16 and bfloat16 are added in float32 and rounded once.
    assert reduce_chunks([np.full(4096, 1.0, np.float16)], False, "f16") == 4096
    assert reduce_chunks([np.full(300, 1.0, ml_dtypes.bfloat16)], False, "bf16") == 300
    assert reduce_chunks([np.full(70_000, 1.0, np.float16)], False, "f16") == math.inf
    assert reduce_chunks([np.full(3, 2.0**60 + 2.0**8)], False, "f64") == 3 * (2.0**60 + 2.0**8)


@pytest.mark.parametrize("dtype", LONG)
def test_runs_add_up(dtype: str) -> None:
    kind = DTYPES[LONG[dtype]]
    chunks = [np.full(n, 0.5, kind) for n in (100, 0, 28)]
    total = reduce_chunks(chunks, False, dtype)
    assert (total.dtype, total.shape, float(total)) == (kind, (), 64.0)
    assert float(reduce_chunks(chunks, True, dtype)) == 0.5
    assert float(reduce_chunks([], False, dtype)) == 0
    assert math.isnan(float(reduce_chunks([], True, dtype)))
