"""Reduced losses: exact sums that are rounded once, of the exact losses and of rounded ones."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from exact_operator import truths
from oracle import DTYPES, LONG, round_exactly

from bcelogits.golden import Flag, Op, Special, elementwise
from bcelogits.reference.reduced import ReducedLoss, reduce_losses


def some(n: int = 700, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(n) < 0.5, rng.normal(-20, 5, n), rng.normal(0, 30, n)).astype(np.float32)
    inputs: dict[str, Any] = {"logits": x, "targets": rng.integers(0, 2, n), "weight": rng.random(n).astype(np.float32)}
    return {name: values.astype(np.float64) for name, values in inputs.items()}


def added(inputs: dict[str, Any], dtype: str, mean: bool, **options: Any) -> ReducedLoss:
    total = ReducedLoss(dtype, mean, **options)
    total.add(inputs)
    return total


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("mean", [False, True])
def test_the_ideal_result_is_the_sum_of_exact_losses_rounded_once(mean: bool, dtype: str) -> None:
    inputs = some()
    exact = sum((value for value, _ in truths(Op.LOSS, inputs)), Fraction()) / (700 if mean else 1)
    total = added(inputs, dtype, mean)
    truth = total.truth()
    kind = DTYPES[LONG[dtype]]
    assert total.decided
    assert truth.rounded.dtype == kind
    assert truth.rounded[0] == round_exactly(exact, kind)
    value = Fraction(float(truth.value[0]))
    assert abs(value - exact) <= exact / 2**47
    assert truth.scale[0] == truth.value[0]
    if dtype == "f64":
        assert abs(value + Fraction(float(truth.low[0])) - exact) <= exact / 2**98


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("mean", [False, True])
def test_the_contract_is_the_sum_of_rounded_losses_rounded_once(mean: bool, dtype: str) -> None:
    inputs = some(seed=1)
    compute = DTYPES["float64" if dtype == "f64" else "float32"]
    losses = [Fraction(float(round_exactly(value, compute))) for value, _ in truths(Op.LOSS, inputs)]
    exact = sum(losses, Fraction()) / (700 if mean else 1)
    got = added(inputs, dtype, mean).contract()
    assert got.dtype == DTYPES[LONG[dtype]]
    assert got == round_exactly(exact, DTYPES[LONG[dtype]])


def test_the_dtype_of_the_computation_can_be_wider_than_the_output() -> None:
    inputs = some(seed=2)
    total = added(inputs, "f16", True, compute="f64")
    exact = sum((Fraction(float(round_exactly(v, DTYPES["float64"]))) for v, _ in truths(Op.LOSS, inputs)), Fraction())
    assert total.contract("f64") == round_exactly(exact / 700, DTYPES["float16"])
    with pytest.raises(ValueError, match="compute: 'f32', expected 'f64'"):
        total.contract("f32")


@pytest.mark.parametrize("dtype", LONG)
def test_neither_order_nor_runs_matter(dtype: str) -> None:
    inputs = some(1000, seed=3)
    inputs["logits"][::7] *= 1e6
    once = added(inputs, dtype, True)
    order = np.random.default_rng(1).permutation(1000)
    cut = ReducedLoss(dtype, True)
    for part in np.split(order, [1, 50, 50, 333]):
        cut.add({name: values[part] for name, values in inputs.items()})
    for name in ("value", "low", "rounded", "flags"):
        assert getattr(cut.truth(), name).tobytes() == getattr(once.truth(), name).tobytes()
    assert cut.contract().tobytes() == once.contract().tobytes()


def test_nothing() -> None:
    for dtype, (mean, expected) in ((d, case) for d in LONG for case in ((True, math.nan), (False, 0.0))):
        total = ReducedLoss(dtype, mean)
        np.testing.assert_equal(float(total.truth().rounded[0]), expected)
        np.testing.assert_equal(float(total.contract()), expected)
        assert total.truth().flags[0] == 0
        total.add({"logits": np.zeros(0), "targets": np.zeros(0)})
        np.testing.assert_equal(total.truth().value[0], expected)


@pytest.mark.parametrize(("n", "overflows"), [(94_502, False), (94_503, True)])
def test_a_float16_sum_of_log_2_overflows_beyond_94502_elements(n: int, overflows: bool) -> None:
    # docs/precision.md 5.5; 94,502 * log 2 = 65503.8, and from 65520 on it rounds to infinity.
    more = 24 if overflows else 0
    total = added({"logits": np.zeros(n + more), "targets": np.zeros(n + more)}, "f16", False)
    truth = total.truth()
    assert truth.value[0] == pytest.approx((n + more) * math.log(2), rel=1e-14)
    assert math.isinf(truth.rounded[0]) == bool(Flag(int(truth.flags[0])) & Flag.OVERFLOW) == overflows


def test_the_sum_of_losses_beyond_float64_overflows_and_its_mean_does_not() -> None:
    huge = {"logits": np.full(3, 1.5e308), "targets": np.zeros(3)}
    total = added(huge, "f64", False).truth()
    assert (total.rounded[0], total.flags[0]) == (math.inf, Flag.OVERFLOW)
    mean = added(huge, "f64", True).truth()
    assert (mean.rounded[0], mean.flags[0]) == (1.5e308, 0)


def test_subnormal_and_vanishing_results_are_flagged() -> None:
    for x, flag in ((-95.0, Flag.SUBNORMAL), (-110.0, Flag.ZERO), (-800.0, Flag.ZERO)):
        truth = added({"logits": np.full(2, x), "targets": np.zeros(2)}, "f32", True).truth()
        assert truth.flags[0] == flag
        assert truth.value[0] > 0 or x == -800
    beyond = {"logits": np.full(1, 1e308), "targets": np.zeros(1), "weight": np.full(1, 100.0)}
    assert added(beyond, "f64", True).truth().flags[0] == Flag.OVERFLOW


@pytest.mark.parametrize("mean", [False, True])
def test_special_losses(mean: bool) -> None:
    def result(x: list[float], t: list[float], special: Special = Special.LIMIT) -> tuple[float, Flag]:
        total = added({"logits": np.array(x), "targets": np.array(t)}, "f32", mean, special=special)
        assert total.decided
        return float(total.truth().rounded[0]), Flag(int(total.truth().flags[0]))

    infinity, nan = math.inf, math.nan
    assert result([infinity, 0.0], [0.0, 0.0]) == (infinity, Flag.SPECIAL)
    assert result([-infinity, 0.0], [0.0, 0.0])[0] == pytest.approx(math.log(2) / (2 if mean else 1))
    assert result([-infinity, 0.0], [0.0, 0.0])[1] == Flag.SPECIAL | Flag.CHOICE
    value, flags = result([-infinity, 0.0], [0.0, 0.0], Special.TORCH)
    assert math.isnan(value)
    assert flags == Flag.SPECIAL | Flag.CHOICE
    value, flags = result([nan, -infinity], [0.0, 0.0])
    assert math.isnan(value)
    assert flags == Flag.SPECIAL
    opposite = {"logits": np.full(2, infinity), "targets": np.zeros(2), "weight": np.array([1.0, -1.0])}
    truth = added(opposite, "f32", mean).truth()
    assert math.isnan(truth.rounded[0])
    assert truth.flags[0] & Flag.OUTSIDE


# ---- where float64 does not decide -----------------------------------------------------------------------------


def test_a_sum_too_near_to_a_boundary_is_added_again_in_double_double() -> None:
    # One element: a float32 logit whose loss is not rounded correctly from float64.
    x = np.array([float(np.float32(4.46809921e-4))])
    inputs: dict[str, Any] = {"logits": x, "targets": np.zeros(1)}
    assert not added(inputs, "f32", False).decided
    total = reduce_losses(lambda: [inputs], "f32", False)
    assert total.decided
    assert total.precise
    assert total.truth().rounded[0] == elementwise(Op.LOSS, inputs, "f32").rounded[0]
    (exact, _), *_ = truths(Op.LOSS, inputs)
    assert total.truth().rounded[0] == round_exactly(exact, DTYPES["float32"])
    assert not reduce_losses(lambda: [some()], "f32", True).precise


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("x", [64.0, 128.0, 2048.0, 131072.0])
def test_tails_that_vanish_beside_the_sum_break_a_tie(x: float, sign: float) -> None:
    # The losses add up to 2049 + tails: a tie of float16 but for them.
    inputs = {"logits": np.array([x, x]), "targets": np.zeros(2), "weight": sign * np.array([1024.0, 1025.0]) / x}
    exact = sum((value for value, _ in truths(Op.LOSS, inputs)), Fraction())
    total = reduce_losses(lambda: [inputs], "f16", False)
    assert total.truth().rounded[0] == round_exactly(exact, DTYPES["float16"]) == sign * 2050


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype: 'float16', expected one of f16"):
        ReducedLoss("float16", True)
