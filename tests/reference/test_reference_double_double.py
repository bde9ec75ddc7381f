"""precision="dd": at least 100 bits against mpmath, over every range of float64; limits, roots, sums, rounding."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from exact_operator import as_fraction, truths
from oracle import FORMATS, LONG
from test_reference_values import ANCHORS

from bcelogits import reference
from bcelogits.golden import Op
from bcelogits.reference import DoubleDouble, round_to, ulp_error

FUNCTIONS: dict[Op, Any] = {
    Op.LOSS: reference.binary_cross_entropy_with_logits,
    Op.BACKWARD: reference.binary_cross_entropy_with_logits_backward,
    Op.TARGET_BACKWARD: reference.binary_cross_entropy_with_logits_target_backward,
}
SMALLEST = Fraction(2) ** -1074


def call(op: Op, inputs: dict[str, Any], **options: Any) -> Any:
    kwargs = {name: value for name, value in inputs.items() if op is not Op.LOSS or name != "grad_output"}
    return FUNCTIONS[op](**kwargs, **{"reduction": "none", "precision": "dd"} | options)


def spread(rng: np.random.Generator, n: int, low: float, high: float) -> Any:
    """Positive numbers of every exponent."""
    return rng.uniform(1, 2, n) * 2.0 ** rng.integers(int(low), int(high), n)


def wide(seed: int, n: int = 700) -> dict[str, Any]:
    """Logits over the tails, subnormal and huge ones; targets everywhere in [0, 1]; operands of every magnitude."""
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1.0, 1.0], n)
    x = np.where(rng.random(n) < 0.5, rng.normal(0, 8, n), rng.uniform(-800, 800, n))
    x = np.where(rng.random(n) < 0.2, sign * spread(rng, n, -1074, 16), x)
    x[: n // 20] = spread(rng, n // 20, 16, 1023)
    t = np.where(rng.random(n) < 0.3, spread(rng, n, -1074, -1), rng.random(n))
    t = np.where(rng.random(n) < 0.3, 1.0 - rng.random(n) * 2.0**-50, t)
    t[::5] = rng.integers(0, 2, t[::5].size)
    return {
        "logits": x,
        "targets": t,
        "weight": spread(rng, n, -300, 300),
        "pos_weight": spread(rng, n, -60, 60),
        "grad_output": -spread(rng, n, -300, 300),
    }


def assert_hundred_bits(op: Op, inputs: dict[str, Any], result: DoubleDouble, count: int = 1) -> None:
    for i, (exact, larger) in enumerate(truths(op, inputs, count)):
        where = {name: float(value[i]) for name, value in inputs.items()}
        if math.isinf(result.hi[i]):
            assert abs(exact) >= Fraction(2) ** 1023, where
            continue
        assert float(result.hi[i]) == float(result.hi[i] + result.lo[i])
        got = Fraction(float(result.hi[i])) + Fraction(float(result.lo[i]))
        assert abs(got - exact) <= max(larger * Fraction(2) ** -100, SMALLEST / 2), where


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_bits_over_the_whole_range(op: Op, seed: int) -> None:
    inputs = wide(seed)
    assert_hundred_bits(op, inputs, call(op, inputs))


@pytest.mark.parametrize("op", Op)
def test_a_hundred_bits_for_ordinary_numbers(op: Op) -> None:
    rng = np.random.default_rng(11)
    n = 3000
    inputs = {
        "logits": np.concatenate([rng.normal(0, 5, n), rng.uniform(-40, 40, n)]),
        "targets": rng.random(2 * n),
        "weight": rng.uniform(0.1, 3, 2 * n),
        "pos_weight": np.exp(rng.uniform(-3, 5, 2 * n)),
        "grad_output": rng.normal(0, 1, 2 * n),
    }
    result = call(op, inputs)
    assert_hundred_bits(op, inputs, result)
    assert (np.abs(result.lo) <= np.spacing(np.abs(result.hi)) / 2).all()
    assert np.count_nonzero(result.lo) > 1.9 * n


@pytest.mark.parametrize("op", [Op.BACKWARD, Op.TARGET_BACKWARD])
def test_near_roots_the_larger_term_counts(op: Op) -> None:
    rng = np.random.default_rng(12)
    n = 1000
    t, p = rng.uniform(0.01, 0.99, n), np.exp(rng.uniform(-2, 4, n))
    x = np.log(p * t / (1 - t))
    if op is Op.TARGET_BACKWARD:  # softplus(x) = p * softplus(-x), by bisection
        low, high = np.full(n, -60.0), np.full(n, 60.0)
        for _ in range(80):
            x = (low + high) / 2
            above = np.logaddexp(0, x) > p * np.logaddexp(0, -x)
            low, high = np.where(above, low, x), np.where(above, x, high)
    inputs = {"logits": x, "targets": t, "pos_weight": p, "grad_output": np.ones(n)}
    result = call(op, inputs)
    assert np.median(np.abs(result.hi)) < 1e-14
    assert_hundred_bits(op, inputs, result)


@pytest.mark.parametrize(("x", "t", "p", "loss", "grad", "target_grad"), ANCHORS)
def test_anchor_values(x: float, t: float, p: float, loss: str, grad: str, target_grad: str) -> None:
    inputs = {"logits": np.array([x]), "targets": np.array([t]), "pos_weight": np.array([p])}
    for op, expected in zip(Op, (loss, grad, target_grad), strict=True):
        upstream = {} if op is Op.LOSS else {"grad_output": 1.0}
        got = call(op, inputs | upstream)
        exact = Fraction(expected)
        digits = len(expected.split("e")[0].replace(".", "").lstrip("-0"))
        # Half a unit of the last digit shown; x = -14.913008 is no float64, which costs half an ULP of it.
        allowed = abs(exact) * (Fraction(10) ** (1 - digits) + Fraction(2) ** -54)
        assert abs(Fraction(float(got.hi[0])) + Fraction(float(got.lo[0])) - exact) <= allowed


@pytest.mark.parametrize("op", Op)
def test_special_operands_give_what_the_other_precisions_give(op: Op) -> None:
    values = [-math.inf, -2.0, -0.0, 0.0, 1.0, math.inf, math.nan]
    rows = np.array(list(itertools.product(values, [0.0, 0.5, 1.0, math.nan], [0.0, 2.0, math.inf], values[2:])))
    names = ("logits", "targets", "weight", "pos_weight")
    inputs = dict(zip(names, rows.T.copy(), strict=True)) | {"grad_output": np.full(len(rows), 3.0)}
    got = call(op, inputs)
    expected = call(op, inputs, precision="f64")
    np.testing.assert_allclose(got.hi, expected, rtol=1e-14)
    assert (got.lo[~np.isfinite(got.hi)] == 0).all()


def test_an_infinite_logit_leaves_a_gradient_with_all_its_bits() -> None:
    got = call(Op.BACKWARD, {"logits": [math.inf], "targets": [1 / 3], "weight": [1 / 3], "grad_output": 1.0})
    assert got.hi[0] + got.lo[0] == got.hi[0]
    exact = (1 - Fraction(1 / 3)) * Fraction(1 / 3)
    assert abs(Fraction(float(got.hi[0])) + Fraction(float(got.lo[0])) - exact) <= exact / 2**105


def test_nothing_overflows_or_underflows_on_the_way() -> None:
    # w * exp(-800) with w = 2**900: float64 has no exp(-800).
    got = call(Op.LOSS, {"logits": [-800.0], "targets": [0.0], "weight": [2.0**900]})
    with mpmath.workprec(400):
        exact = as_fraction(mpmath.log1p(mpmath.exp(-800)) * mpmath.mpf(2) ** 900)
    assert abs(Fraction(float(got.hi[0])) + Fraction(float(got.lo[0])) - exact) <= exact / 2**100
    # p * w overflows, p * w * t does not.
    inputs = {"logits": [-1.0], "targets": [2.0**-1000], "weight": [2.0**600], "pos_weight": [2.0**600]}
    with mpmath.workprec(3000):
        t = mpmath.mpf(2) ** -1000
        core = (1 - t) * mpmath.log1p(mpmath.exp(-1)) + mpmath.mpf(2) ** -400 * mpmath.log1p(mpmath.exp(1))
        exact = as_fraction(core * mpmath.mpf(2) ** 600)
    got = call(Op.LOSS, inputs)
    assert abs(Fraction(float(got.hi[0])) + Fraction(float(got.lo[0])) - exact) <= exact / 2**100
    assert call(Op.LOSS, {"logits": [1e308], "targets": [0.0], "weight": [1e308]}).hi[0] == math.inf


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_sums_are_exact(reduction: str) -> None:
    rng = np.random.default_rng(13)
    x, t = np.concatenate([rng.normal(0, 9, 500), [1e30, 1e-30]]), rng.random(502)
    each = call(Op.LOSS, {"logits": x, "targets": t})
    exact = sum((Fraction(float(h)) + Fraction(float(v)) for h, v in zip(*each, strict=True)), Fraction())
    exact /= x.size if reduction == "mean" else 1
    got = call(Op.LOSS, {"logits": x, "targets": t}, reduction=reduction)
    assert float(got.hi) == float(exact)
    assert abs(got.fraction() - exact) <= abs(exact) / 2**105
    backwards = call(Op.LOSS, {"logits": x[::-1], "targets": t[::-1]}, reduction=reduction)
    assert backwards == got


def test_empty_zero_dimensional_and_special_reductions() -> None:
    loss = reference.binary_cross_entropy_with_logits
    empty = np.zeros((0, 3))
    assert math.isnan(loss(empty, empty, precision="dd").hi)
    assert loss(empty, empty, reduction="sum", precision="dd") == (0, 0)
    assert loss(empty, empty, reduction="none", precision="dd").hi.shape == (0, 3)
    assert loss(0.0, 1.0, reduction="none", precision="dd").lo.shape == ()
    infinite = np.array([math.inf, 0.0])
    assert loss(infinite, np.zeros(2), precision="dd") == (math.inf, 0)
    assert math.isnan(loss(np.full(2, math.inf), np.zeros(2), np.array([1.0, -1.0]), precision="dd").hi)
    huge = np.array([1.5e308, 1.5e308])
    assert loss(huge, np.zeros(2), precision="dd") == (1.5e308, 0)
    assert loss(huge, np.zeros(2), reduction="sum", precision="dd").hi == math.inf
    loss_and_gradient = reference.value_and_grad([0.0, 3.0], [1.0, 0.5], precision="dd")
    assert [type(part) for part in loss_and_gradient] == [DoubleDouble, DoubleDouble]


def test_a_mean_is_divided_once() -> None:
    x, t = np.array([0.3, -1.7, 2.2]), np.array([0.0, 1.0, 0.25])
    inputs = {"logits": x, "targets": t, "grad_output": np.full(3, 1 / 3)}
    for op in (Op.BACKWARD, Op.TARGET_BACKWARD):
        kwargs = inputs | {"grad_output": 1 / 3}
        assert_hundred_bits(op, inputs, call(op, kwargs, reduction="mean"), count=3)


# ---- rounding --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
def test_round_to_rounds_the_sum_of_a_pair_once(dtype: str) -> None:
    if dtype == "bf16":
        pytest.importorskip("ml_dtypes")
    bits, emin = FORMATS[LONG[dtype]]
    rng = np.random.default_rng(14)
    hi, lo = [], []
    for exponent in (0, 3, emin, emin - bits // 2, emin - bits, emin - bits - 1):
        for k in [*rng.integers(0, 2 ** min(bits, 20), 30).tolist(), 0, 1]:
            tie = math.ldexp(1.0, exponent) + (2 * k + 1) * math.ldexp(1.0, max(exponent, emin) - bits - 1)
            if tie == 0:  # below the smallest float64
                continue
            for nudge in (0.0, 2.0**-80, -(2.0**-80), 2.0**-54, -(2.0**-54)):
                hi.append(tie)
                lo.append(tie * nudge)
    pair = DoubleDouble(np.array(hi), np.array(lo))
    got = round_to(pair, dtype)
    with mpmath.workprec(1500):
        singly = [round_to(mpmath.mpf(h) + mpmath.mpf(v), dtype) for h, v in zip(hi, lo, strict=True)]
    assert got.tobytes() == np.array(singly, dtype=got.dtype).tobytes()
    assert (-np.asarray(round_to(DoubleDouble(-pair.hi, -pair.lo), dtype))).tobytes() == got.tobytes()
    specials = round_to(DoubleDouble(np.array([math.inf, -math.inf, math.nan, 0.0, 1e300]), np.zeros(5)), dtype)
    wanted = [math.inf, -math.inf, math.nan, 0.0, 1e300 if dtype == "f64" else math.inf]
    np.testing.assert_array_equal(specials.astype(np.float64), wanted)


def test_round_to_gives_a_scalar_for_a_scalar_pair() -> None:
    got = round_to(DoubleDouble(np.float64(1 + 2.0**-24), np.float64(2.0**-90)), "f32")
    assert isinstance(got, np.float32)
    assert got == 1 + 2.0**-23


def test_errors_of_float64_results_against_a_pair() -> None:
    truth = DoubleDouble(np.array([1.0, 1.0, 2.0]), np.array([2.0**-54, -(2.0**-55), 0.0]))
    # Just below 1 a unit is half of that above.
    assert ulp_error(np.array([1.0, 1.0, 2.0 + 2.0**-50]), truth, "f64").tolist() == [0.25, 0.25, 2.0]
    assert ulp_error(np.float64(1.0), DoubleDouble(np.float64(1.0), np.float64(2.0**-54)), "f64") == 0.25
    infinite = DoubleDouble(np.array([math.inf, math.nan]), np.zeros(2))
    assert ulp_error(np.array([math.inf, 1.0]), infinite, "f64").tolist() == [0.0, math.inf]
