"""Sum and mean are the exact sum of the elementwise losses, rounded once, whatever the data.

The losses that are added up are those of `reduction="none"` in the compute dtype; their accuracy is tested elsewhere.
A loss can be given any size and sign by its weight: at logit 0, loss = weight * log(2).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import DTYPES, Array, bits, exact_sum, reduce_exactly, round_exactly
from zoo import BLOCK

import bcelogits

LOSS = bcelogits.binary_cross_entropy_with_logits
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
COMPUTE_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
LOG2 = math.log(2)


def losses_of(x: Array, t: Array, w: Any = None, **more: Any) -> Array:
    wide = any(np.asarray(a).dtype == np.float64 for a in (x, t, w) if a is not None)
    losses = np.empty(x.shape, np.float64 if wide else np.float32)
    LOSS(x, t, w, **more, reduction="none", out=losses)
    return losses


def assert_exact(x: Array, t: Array, w: Any = None, dtype: Any = None) -> None:
    losses = losses_of(x, t, w)
    for reduction in ("sum", "mean"):
        result = LOSS(x, t, w, reduction=reduction)
        expected = reduce_exactly(losses, reduction, result.dtype)
        assert bits(result) == bits(expected), (reduction, result, expected)
        with_gradient = bcelogits.value_and_grad(x, t, w, reduction=reduction)[0]
        assert bits(with_gradient) == bits(expected)
        for out_dtype in DTYPES.values():
            out = np.empty((), out_dtype)
            LOSS(x, t, w, reduction=reduction, out=out)
            assert bits(out) == bits(reduce_exactly(losses, reduction, out_dtype))


def assert_weights_add_up(w: Array) -> None:
    """The losses w * log(2), in this order."""
    zeros = np.zeros(w.shape, w.dtype)
    assert_exact(zeros, zeros, w)


class TestTheOracle:
    def test_exact_sums_are_those_of_fractions(self, rng: np.random.Generator) -> None:
        v = np.ldexp(rng.normal(size=300), rng.integers(-1074, 900, 300))
        assert exact_sum(v) == sum(map(Fraction, v.tolist()))
        assert float(exact_sum(v)) == math.fsum(v)

    @EVERY_DTYPE
    def test_rounding_is_that_of_casts_where_casts_round_once(
        self, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        v = np.ldexp(rng.normal(size=2000), rng.integers(-160, 140, 2000))
        v = np.concatenate([v, np.arange(0.5, 40) * 2.0**-149, np.arange(0.5, 40) * 2.0**-24, 65519.0 + np.arange(3)])
        with np.errstate(over="ignore", under="ignore"):
            expected = (v.astype(np.float32) if dtype == np.float16 else v).astype(dtype)
        exact = [round_exactly(Fraction(e), dtype) for e in v.tolist()]
        same = np.array([bits(a) == bits(b) for a, b in zip(exact, expected, strict=True)])
        # Casts from float64 to the 16-bit formats may round twice; only there may they differ.
        assert same.all() or dtype.itemsize == 2
        assert same.mean() > 0.999


@EVERY_DTYPE
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 70_001])
def test_ordinary_losses(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> None:
    x, t = rng.normal(0, 6, size).astype(dtype), rng.random(size).astype(dtype)
    assert_exact(x, t)
    assert_exact(x, t, rng.random(size).astype(dtype))


@COMPUTE_DTYPES
def test_the_sum_is_that_of_fsum(dtype: type, rng: np.random.Generator) -> None:
    x, t = rng.normal(0, 12, 50_000).astype(dtype), rng.integers(0, 2, 50_000).astype(dtype)
    assert LOSS(x, t, reduction="sum") == dtype(math.fsum(LOSS(x, t, reduction="none").tolist()))


@COMPUTE_DTYPES
@pytest.mark.parametrize("bits_of_range", [0, 20, 30, 40, 60, 90, 120, 200])
@pytest.mark.parametrize("signs", ["positive", "both", "cancelling"])
def test_a_large_dynamic_range(dtype: type, bits_of_range: int, signs: str, rng: np.random.Generator) -> None:
    for size in (100, BLOCK, 5 * BLOCK + 77):
        exponents = rng.uniform(-bits_of_range / 2, bits_of_range / 2, size)
        w = (rng.uniform(1, 2, size) * np.exp2(exponents)).astype(dtype)
        if signs != "positive":
            w *= rng.choice(np.array([-1, 1], dtype), size)
        if signs == "cancelling":
            w[size // 2 : 2 * (size // 2)] = -w[: size // 2]
            rng.shuffle(w)
        assert_weights_add_up(w)


@COMPUTE_DTYPES
def test_one_large_loss_hides_no_small_ones(dtype: type) -> None:
    for place in (0, 1, 1000, BLOCK - 1):
        w = np.full(3 * BLOCK, np.finfo(dtype).eps / 8, dtype)
        w[place] = 1
        assert_weights_add_up(w)
        w[place + BLOCK] = -1
        assert_weights_add_up(w)


@COMPUTE_DTYPES
def test_losses_that_cancel_leave_what_is_left(dtype: type) -> None:
    tiny = np.finfo(dtype).tiny
    w = np.array([1e30, 1, tiny, -1e30, -1], dtype)
    assert_weights_add_up(w)
    zero = np.zeros(5, dtype)
    assert LOSS(zero, zero, w, reduction="sum") == dtype(losses_of(zero, zero, w)[2])


@COMPUTE_DTYPES
def test_exactly_cancelling_losses_give_positive_zero(dtype: type) -> None:
    zero = np.zeros(2, dtype)
    for reduction in ("sum", "mean"):
        assert bits(LOSS(zero, zero, np.array([3, -3], dtype), reduction=reduction)) == bits(dtype(0.0))


@pytest.mark.parametrize("exponent", range(-148, 128, 12))
def test_every_magnitude_of_float32(exponent: int, rng: np.random.Generator) -> None:
    spread = rng.uniform(-30, 0, BLOCK + 100)
    w = np.ldexp(rng.uniform(1, 2, spread.size), np.maximum(exponent + spread, -149).astype(int)).astype(np.float32)
    assert_weights_add_up(w)
    assert_weights_add_up(w * rng.choice(np.float32([-1, 1]), w.size))
    assert_weights_add_up(rng.permutation(np.concatenate([w, -w, w[:100] * np.float32(2.0**-40)])))


@pytest.mark.parametrize("spread", [0, 30, 60, 100, 1000])
@pytest.mark.parametrize("exponent", [*range(-1072, -900, 6), *range(-900, 1020, 120), 990, 1000, 1010, 1022])
def test_every_magnitude_of_float64(exponent: int, spread: int, rng: np.random.Generator) -> None:
    down = rng.uniform(-spread, 0, 700)
    w = np.ldexp(rng.uniform(1, 2, down.size), np.maximum(exponent + down, -1074).astype(int))
    assert_weights_add_up(w)
    assert_weights_add_up(w * rng.choice([-1.0, 1.0], w.size))
    # Only what is left after cancellation counts: nothing may have been lost anywhere.
    left = np.ldexp(rng.uniform(1, 2, 200), np.maximum(exponent - spread - 20, -1074))
    assert_weights_add_up(rng.permutation(np.concatenate([w, -w, left])))


def test_a_float64_loss_next_to_subnormal_ones() -> None:
    x = np.array([-702.0] + [-744.0] * (BLOCK - 1))
    assert_exact(x, np.zeros_like(x))


@COMPUTE_DTYPES
def test_subnormal_losses(dtype: type) -> None:
    x = -np.linspace(*((80, 104) if dtype is np.float32 else (690, 745)), 4000).astype(dtype)
    assert_exact(x, np.zeros_like(x))
    least = float(np.finfo(dtype).smallest_subnormal)
    assert_weights_add_up(np.full(3, least, dtype))
    assert_weights_add_up(np.full(5000, least, dtype))


@EVERY_DTYPE
def test_ties_of_the_mean_go_to_even(dtype: np.dtype[Any]) -> None:
    # The mean of two neighbours lies half-way between them. At logit 0 and pos_weight p, loss = (p + 1) / 2 * log(2)
    # would do; here the weights are chosen so that the losses themselves are neighbours.
    compute = np.float64 if dtype == np.float64 else np.float32
    w = np.linspace(1, 2, 4001).astype(compute)
    zero = np.zeros(2, compute)
    losses = losses_of(np.zeros(w.size, compute), np.zeros(w.size, compute), w)
    for i in range(0, 4000, 7):
        pair = w[i : i + 2]
        out = np.empty((), dtype)
        LOSS(zero, zero, pair, out=out)
        assert bits(out) == bits(round_exactly(exact_sum(losses[i : i + 2]) / 2, dtype))


@EVERY_DTYPE
def test_the_order_of_the_elements_does_not_matter(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    size = 40_003
    x, t = rng.normal(0, 9, size).astype(dtype), rng.random(size).astype(dtype)
    w = np.where(rng.random(size) < 0.5, -1, 1) * np.exp2(rng.uniform(-12, 4, size))
    w = w.astype(dtype)
    expected = [bits(LOSS(x, t, w, reduction=r)) for r in ("sum", "mean")]
    for _ in range(5):
        order = rng.permutation(size)
        assert [bits(LOSS(x[order], t[order], w[order], reduction=r)) for r in ("sum", "mean")] == expected


class TestNarrowDtypes:
    def test_a_float16_sum_overflows_only_if_the_true_sum_does(self) -> None:
        zero = np.zeros(100_000, np.float16)
        assert 100_000 * LOG2 > 65_520
        assert LOSS(zero, zero, reduction="sum") == np.inf
        assert LOSS(zero, zero) == np.float16(LOG2)
        out = np.empty((), np.float32)
        assert LOSS(zero, zero, reduction="sum", out=out) is out
        assert out == np.float32(np.float64(np.float32(LOG2)) * 100_000)

    def test_the_largest_float16_sum_is_finite(self) -> None:
        # 94523 * log(2) = 65518.4 rounds to 65504, 94526 * log(2) = 65520.4 to infinity.
        for count, expected in [(94_523, 65_504), (94_526, np.inf)]:
            zero = np.zeros(count, np.float16)
            assert LOSS(zero, zero, reduction="sum") == expected

    def test_a_bfloat16_sum_does_not_stagnate(self) -> None:
        zero = np.zeros(100_000, DTYPES["bfloat16"])
        assert LOSS(zero, zero, reduction="sum") == round_exactly(
            Fraction(float(np.float32(LOG2))) * 100_000, DTYPES["bfloat16"]
        )
        assert float(LOSS(zero, zero)) == 0.69140625

    def test_the_mean_of_losses_that_overflow_in_sum(self) -> None:
        for dtype in (np.float32, np.float64):
            zero = np.zeros(1000, dtype)
            w = np.full(1000, np.finfo(dtype).max / 2, dtype)
            assert LOSS(zero, zero, w, reduction="sum") == np.inf
            assert_weights_add_up(w)
            w[::2] *= -1
            assert LOSS(zero, zero, w, reduction="sum") == 0
            w[0] *= -1
            assert_weights_add_up(w)

    @EVERY_DTYPE
    def test_results_round_once(self, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
        """Every few elements a new rounding; a second one by way of float32 or float64 would show."""
        x, t = rng.normal(0, 2, 3000).astype(np.float32), rng.random(3000).astype(np.float32)
        losses = losses_of(x, t)
        for n in range(1, 3000, 5):
            for reduction in ("sum", "mean"):
                out = np.empty((), dtype)
                LOSS(x[:n], t[:n], reduction=reduction, out=out)
                assert bits(out) == bits(reduce_exactly(losses[:n], reduction, dtype))


@COMPUTE_DTYPES
@pytest.mark.parametrize("place", [0, 5, BLOCK - 1, BLOCK, 40_000])
def test_not_a_number_and_infinities_are_seen_anywhere(dtype: type, place: int) -> None:
    size = 40_001
    zero, ones = np.zeros(size, dtype), np.ones(size, dtype)
    for value, expected in [(np.nan, np.nan), (np.inf, np.inf), (-np.inf, -np.inf)]:
        w = ones.copy()
        w[place] = value
        for reduction in ("sum", "mean"):
            np.testing.assert_equal(LOSS(zero, zero, w, reduction=reduction), dtype(expected))
        w[(place + 17) % size] = -value
        for reduction in ("sum", "mean"):
            assert np.isnan(LOSS(zero, zero, w, reduction=reduction))


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 60),
        elements=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    )
)
def test_any_float64_losses(w: Array) -> None:
    assert_weights_add_up(w)


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_any_float32_losses(w: Array) -> None:
    assert_weights_add_up(w)


@pytest.mark.exhaustive
@COMPUTE_DTYPES
def test_hostile_losses_at_length(dtype: type, rng: np.random.Generator) -> None:
    limits = np.finfo(dtype)
    for _ in range(300):
        size = int(rng.integers(1, 3 * BLOCK))
        low, high = np.sort(rng.uniform(np.log2(float(limits.smallest_subnormal)), np.log2(float(limits.max)) - 1, 2))
        w = np.exp2(rng.uniform(low, high, size)).astype(dtype)
        w *= rng.choice(np.array([-1, 1], dtype), size)
        if rng.random() < 0.5:
            w[: size // 2] = -w[size - size // 2 :]
        assert_weights_add_up(w)
