"""The gradients are the derivatives of the loss: against central differences of the textbook form in mpmath."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp
from oracle import DTYPES, bits

import bcelogits
from bcelogits import reference

BACKWARD = bcelogits.binary_cross_entropy_with_logits_backward
TARGET_BACKWARD = bcelogits.binary_cross_entropy_with_logits_target_backward
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
BOTH = pytest.mark.parametrize("function", [BACKWARD, TARGET_BACKWARD], ids=["logits", "targets"])

BITS = 1200  # of mpmath's arithmetic: the textbook form loses as many as the answer is small
STEP_BITS = 300


def textbook_loss(x: Any, t: Any, w: Any, p: Any) -> Any:
    """-w * [p * t * log(s(x)) + (1 - t) * log(1 - s(x))], word for word."""
    sigmoid = 1 / (1 + mp.exp(-x))
    return -w * (p * t * mp.log(sigmoid) + (1 - t) * mp.log(1 - sigmoid))


def central_difference(function: Callable[[Any], Any], at: Any) -> Any:
    step = mp.mpf(2) ** -STEP_BITS
    return (function(at + step) - function(at - step)) / (2 * step)


def derivatives(x: float, t: float, w: float, p: float) -> tuple[Any, Any]:
    with mp.workprec(BITS):
        x, t, w, p = (mp.mpf(float(v)) for v in (x, t, w, p))
        return (
            central_difference(lambda v: textbook_loss(v, t, w, p), x),
            central_difference(lambda v: textbook_loss(x, v, w, p), t),
        )


LOGITS = [-80.0, -30.0, -16.5, -3.0, -1.0, -1e-3, 0.0, 0.3, 1.0, 4.0, 17.0, 40.0, 79.0]
TARGETS = [0.0, 1.0, 0.5, 0.1, 0.999]
WEIGHTS = [(1.0, 1.0), (3.0, 1.0), (-0.7, 1.0), (1.0, 5.0), (0.3, 0.2), (2.0, 0.0)]
POINTS = list(itertools.product(LOGITS, TARGETS, WEIGHTS))


@EVERY_DTYPE
def test_gradients_are_the_slope_of_the_loss(dtype: np.dtype[Any]) -> None:
    columns = np.array([(x, t, w, p) for x, t, (w, p) in POINTS]).astype(dtype).T
    x, t, w, p = (np.ascontiguousarray(column) for column in columns)
    results = [f(1.0, x, t, w, pos_weight=p, reduction="none") for f in (BACKWARD, TARGET_BACKWARD)]
    # 2 ULP of the arithmetic, of the larger of the two terms of the difference.
    lost = {"float32": 0, "float64": 0, "float16": 13, "bfloat16": 16}[dtype.name]
    allowed = 2.0 if not lost else 0.5 + 2.0 * 2.0**-lost
    for i, (xi, ti, wi, pi) in enumerate(zip(*(v.astype(float) for v in (x, t, w, p)), strict=True)):
        slopes = derivatives(xi, ti, wi, pi)
        only_negative, only_positive = (derivatives(xi, v, wi, pi)[0] for v in (0.0, 1.0))
        softplus = [abs(wi * float(np.logaddexp(0, xi))), abs(wi * pi * float(np.logaddexp(0, -xi)))]
        larger = [max(abs((1 - ti) * only_negative), abs(ti * only_positive)), max(softplus)]
        for result, slope, term in zip(results, slopes, larger, strict=True):
            unit = max(reference.ulp(term, dtype), reference.ulp(slope, dtype))
            with mp.workprec(BITS):
                error = abs(mp.mpf(float(result[i])) - slope) / mp.mpf(unit)
            assert error <= allowed, (xi, ti, wi, pi, result[i], mp.nstr(slope, 20), float(error))


@EVERY_DTYPE
@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_without_pos_weight_the_gradient_of_targets_is_minus_the_logits(
    dtype: np.dtype[Any], reduction: str, rng: np.random.Generator
) -> None:
    x = np.concatenate([rng.normal(0, 30, 3000), [0.0, -0.0, 1e-40, 3e4, np.inf, -np.inf]]).astype(dtype)
    t = rng.random(x.size).astype(dtype)
    assert bits(TARGET_BACKWARD(1.0, x, t, reduction=reduction) + 0) == bits(-x + 0)
    # ... and of float32, in bit space
    y = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    y = y[np.isfinite(y)]
    np.testing.assert_array_equal(TARGET_BACKWARD(1.0, y, np.zeros_like(y), reduction=reduction), -y)


@EVERY_DTYPE
def test_a_pos_weight_of_one_gives_minus_the_logits_too(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x = rng.normal(0, 30, 3000).astype(dtype)
    for one in (1.0, np.ones(1, dtype), np.ones(3000, dtype)):
        np.testing.assert_array_equal(TARGET_BACKWARD(1.0, x, x, pos_weight=one, reduction="none"), -x)


def test_the_gradient_of_a_confident_and_right_prediction_does_not_vanish() -> None:
    x = np.float32([17, 20, 40, 80, 100])
    gradient = BACKWARD(1.0, x, np.ones_like(x), reduction="sum")
    assert (gradient < 0).all()
    np.testing.assert_allclose(gradient, -np.exp(-x.astype(float)), rtol=1e-6, atol=1e-45)


class TestUpstream:
    """`grad_output` and the mean's 1/N are factors."""

    @BOTH
    @pytest.mark.parametrize("size", [1, 3, 7, 10, 1000, 2049])
    def test_the_mean_divides_by_the_number_of_elements(self, function: Any, size: int) -> None:
        x = np.linspace(-20, 20, size).astype(np.float32)
        t = np.linspace(0, 1, size).astype(np.float32)
        oracle = getattr(reference, function.__name__)
        mean = function(1.0, x, t, reduction="mean")
        exact = oracle(1.0, x, t, reduction="mean", precision="mp" if size < 50 else "f64")
        terms = np.maximum(1.0, np.abs(x) if function is TARGET_BACKWARD else 0) / size
        error = np.abs((mean.astype(object) - exact) / reference.ulp(terms, "f32")).astype(float)
        assert error.max() <= 1

    @BOTH
    @pytest.mark.parametrize("count", [1, 2, 64, 4096])
    def test_the_mean_of_a_power_of_two_is_exact(self, function: Any, count: int, rng: np.random.Generator) -> None:
        x, t = rng.normal(size=count).astype(np.float32), rng.random(count).astype(np.float32)
        np.testing.assert_array_equal(
            function(1.0, x, t, reduction="mean") * np.float32(count), function(1.0, x, t, reduction="sum")
        )

    @BOTH
    def test_sum_and_none_do_not_divide(self, function: Any, rng: np.random.Generator) -> None:
        x, t = rng.normal(size=(2, 333)).astype(np.float32)
        assert bits(function(1.0, x, t, reduction="sum")) == bits(function(1.0, x, t, reduction="none"))

    @BOTH
    @pytest.mark.parametrize("part", [(), (1,), (5,), (4, 1), (1, 5), (3, 1, 1), (1, 4, 1), (3, 1, 5), (3, 4, 5)])
    def test_grad_output_is_broadcast(self, function: Any, part: tuple[int, ...], rng: np.random.Generator) -> None:
        x, t, w = rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
        upstream = rng.normal(size=part).astype(np.float32)
        whole = np.ascontiguousarray(np.broadcast_to(upstream, x.shape))
        for weights in ((), (w,)):
            result = function(upstream, x, t, *weights, reduction="none")
            np.testing.assert_array_equal(result, function(whole, x, t, *weights, reduction="none"))

    @BOTH
    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_one_number_may_have_any_form(self, function: Any, reduction: str, rng: np.random.Generator) -> None:
        x, t = rng.normal(size=(2, 6, 7)).astype(np.float32)
        expected = bits(function(np.float32(2.5), x, t, reduction=reduction))
        for form in (2.5, np.float16(2.5), np.full(1, 2.5, np.float32), np.full((1, 1), 2.5, DTYPES["bfloat16"])):
            assert bits(function(form, x, t, reduction=reduction)) == expected

    @BOTH
    def test_powers_of_two_scale_exactly(self, function: Any, rng: np.random.Generator) -> None:
        x, t = rng.normal(size=(2, 999)).astype(np.float32)
        plain = function(1.0, x, t, reduction="mean")
        for factor in (-1.0, 0.25, -8.0, 2.0**30):
            np.testing.assert_array_equal(function(factor, x, t, reduction="mean"), plain * np.float32(factor))

    @BOTH
    def test_a_float64_grad_output_makes_the_arithmetic_float64(self, function: Any) -> None:
        x, t = np.float32([0.3, -2]), np.float32([0, 1])
        out = np.empty(2)
        function(np.float64(1 / 3), x, t, reduction="none", out=out)
        exact = getattr(reference, function.__name__)(np.float64(1 / 3), x, t, reduction="none", precision="mp")
        assert max(reference.ulp_error(out, exact, "f64")) <= 2


WEIGHT_FORMS: dict[str, Callable[[tuple[int, ...], Any], dict[str, Any]]] = {
    "no weights": lambda s, d: {},
    "weight": lambda s, d: {"weight": np.linspace(-2, 3, int(np.prod(s))).reshape(s).astype(d)},
    "pos_weight": lambda s, d: {"pos_weight": np.linspace(0, 3, s[-1]).astype(d)},
    "both": lambda s, d: {"weight": np.linspace(0, 9, s[0]).reshape(-1, 1).astype(d), "pos_weight": 2.5},
    "float64 weight": lambda s, d: {"weight": np.full(s, 0.1)},
}


@pytest.mark.parametrize("weights", WEIGHT_FORMS.values(), ids=WEIGHT_FORMS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("pair", list(itertools.product(DTYPES.values(), repeat=2)), ids=str)
def test_value_and_grad_is_loss_and_backward_bit_for_bit(
    pair: tuple[np.dtype[Any], np.dtype[Any]],
    reduction: str,
    weights: Callable[[tuple[int, ...], Any], dict[str, Any]],
    rng: np.random.Generator,
) -> None:
    shape = (61, 71)
    x, t = rng.normal(0, 20, shape), rng.random(shape)
    x[::7, ::5] = rng.choice([np.inf, -np.inf, 0.0, -0.0, 90.0, -100.0, 700.0, -740.0, 1e-30], x[::7, ::5].shape)
    t[::3] = rng.integers(0, 2, t[::3].shape)
    if reduction == "none":
        x[5, 5], t[6, 6] = np.nan, np.nan
    x, t = x.astype(pair[0]), t.astype(pair[1])
    more = weights(shape, pair[1])
    for a, b in ((x, t), (x.T.copy().T, t[::-1])):
        loss, gradient = bcelogits.value_and_grad(a, b, **more, reduction=reduction)
        assert bits(loss) == bits(bcelogits.binary_cross_entropy_with_logits(a, b, **more, reduction=reduction))
        assert bits(gradient) == bits(BACKWARD(1.0, a, b, **more, reduction=reduction))
