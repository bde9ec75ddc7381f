"""The fast float32 oracle: right to 2**-96 by mpmath and MPFR, and its comparison sees a bit, a tie and a NaN."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from accuracy_report import logit_bins, oracle
from accuracy_report.float32 import FLOAT32_MAGNITUDES
from accuracy_report.oracle import SIGMOID, SIGMOID_OF_NEGATIVE, SOFTPLUS, SOFTPLUS_OF_NEGATIVE, Truths, Verdict
from accuracy_report.ulp import Array

# Zero, subnormal numbers, where a table's next entry begins, where results turn subnormal or vanish, where exp(-a)
# counts as nothing, and the largest number.
POINTS = [0.0, 1e-45, 1e-40, 1.1754942e-38, 1e-30, 6e-8, 0.005415, 0.010830425, 0.34657359, 0.6931472, 1.0, 4.15888]
POINTS += [17.32868, 87.33654, 88.72284, 103.27893, 103.97208, 150.0, 299.99997, 300.0, 300.00003, 745.2, 3.4028235e38]


def _f32(values: list[float]) -> Array:
    return np.array(values, np.float32)


def _judge(truths: Truths, got: Array, which: int, sign: float = 1.0) -> Verdict:
    bins = logit_bins.empty()
    verdict = truths.judge(got, which, sign, logit_bins.bins(truths.magnitude.view(np.uint32)), bins)
    errors = bins[bins >= 0]
    assert errors.max() == (math.inf if verdict.not_finite else verdict.worst)
    return verdict


def test_truths_by_mpmath() -> None:
    """Another library than the one that the constants are from."""
    found = oracle.truths(_f32(POINTS))
    with mpmath.workprec(900):
        for index, value in enumerate(found.magnitude.tolist()):
            a: Any = mpmath.mpf(value)
            e = mpmath.exp(-a)
            tail = mpmath.log(1 + e) if a < 200 else e - e * e / 2 + e**3 / 3
            for which, exact in enumerate((a + tail, tail, 1 / (1 + e), e / (1 + e))):
                got = mpmath.mpf(float(found.high[which, index])) + mpmath.mpf(float(found.low[which, index]))
                scale = exact if a <= oracle.NOTHING or got else 1
                assert abs(got - exact) <= oracle.BOUND * scale, (value, which)


@pytest.mark.parametrize(
    ("low", "high"), [(0, FLOAT32_MAGNITUDES), (0, 1 << 23), (0x30000000, 0x43960000), (0x3F000000, 0x42D00000)]
)
def test_truths_by_mpfr(low: int, high: int) -> None:
    """All, subnormal logits, all that matters, and the tails."""
    bits = np.sort(np.random.default_rng(3).integers(low, high, 1_003, dtype=np.uint32))
    found = oracle.truths(bits.view(np.float32))
    assert max(oracle.deviation(found, index) for index in range(bits.size)) <= oracle.BOUND


def test_deviation_sees_a_wrong_truth() -> None:
    found = oracle.truths(_f32([0.5, 2.0]))
    found.low[SIGMOID, 1] += 2.0**-90
    assert oracle.deviation(found, 0) <= oracle.BOUND < oracle.deviation(found, 1)


@pytest.mark.parametrize("which", [SOFTPLUS, SOFTPLUS_OF_NEGATIVE, SIGMOID, SIGMOID_OF_NEGATIVE])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_one_bit_is_seen(which: int, sign: float) -> None:
    """Among a thousand right results, in whole vectors and in the rest of one."""
    found = oracle.truths(np.linspace(0.01, 80, 1_501).astype(np.float32))
    right = (sign * (found.high[which] + found.low[which])).astype(np.float32)
    assert _judge(found, right, which, sign).worst <= 0.5
    for index in (0, 1, 777, 1_024, 1_500):
        got = right.copy()
        got.view(np.uint32)[index] += 1
        verdict = _judge(found, got, which, sign)
        assert (verdict.where, verdict.not_nearest, verdict.lost, verdict.not_finite) == (index, 1, 0, 0)
        # Where the truth is a little less than 1, the next number above 1 is 2 ULP of it away.
        assert 0.5 <= verdict.worst <= (2.001 if right[index] == sign else 1.5)


def test_errors_are_those_of_the_definition() -> None:
    """By mpmath, with errors of any size, also next to a power of two and among subnormal numbers."""
    magnitude = _f32([1e-9, 0.7, 16.9, 17.4, 80.0, 95.0, 103.5])
    found = oracle.truths(magnitude)
    for which in range(4):
        for factor in (0.0, 0.5, 0.999, 1.0, 1 + 2e-7, 1e10):
            got = (found.high[which] * factor).astype(np.float32)
            for index in range(magnitude.size):
                one = oracle.truths(magnitude[index : index + 1])
                with mpmath.workprec(200):
                    exact: Any = mpmath.mpf(float(one.high[which, 0])) + mpmath.mpf(float(one.low[which, 0]))
                    exponent = max(int(mpmath.floor(mpmath.log(exact, 2))), -126)
                    expected = float(abs(mpmath.mpf(float(got[index])) - exact) / mpmath.mpf(2) ** (exponent - 23))
                assert _judge(one, got[index : index + 1], which).worst == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_a_tie_that_float64_cannot_tell() -> None:
    """sigmoid(-x) of x = 2**-24 is 2**-76 / 48 above the middle of two float32 numbers."""
    found = oracle.truths(_f32([2.0**-24]))
    assert found.high[SIGMOID_OF_NEGATIVE, 0] == 0.5 - 2.0**-26
    assert found.low[SIGMOID_OF_NEGATIVE, 0] > 0
    assert _judge(found, _f32([0.5]), SIGMOID_OF_NEGATIVE).not_nearest == 0
    assert _judge(found, _f32([0.5 - 2.0**-25]), SIGMOID_OF_NEGATIVE).not_nearest == 1


def test_lost_infinite_and_nan_results() -> None:
    found = oracle.truths(_f32([1.0, 20.0, 100.0, 104.0]))
    right = (found.high[SOFTPLUS_OF_NEGATIVE]).astype(np.float32)
    assert right[3] == 0  # by rounding: not lost
    lost = _judge(found, np.zeros(4, np.float32), SOFTPLUS_OF_NEGATIVE)
    assert (lost.lost, lost.not_nearest, lost.not_finite, lost.where) == (3, 3, 0, 0)
    for wrong in (np.nan, np.inf, -np.inf):
        got = right.copy()
        got[1:3] = wrong
        verdict = _judge(found, got, SOFTPLUS_OF_NEGATIVE)
        assert (verdict.not_finite, verdict.first_bad, verdict.not_nearest, verdict.lost) == (2, 1, 2, 0)
        assert verdict.worst <= 0.5  # of the rest


def test_bins() -> None:
    edges = logit_bins.edges()
    assert (edges.size, edges[0], edges[-1]) == (logit_bins.COUNT - 1, 2.0**logit_bins.LEAST, 2.0**logit_bins.MOST)
    values = np.concatenate([edges, np.nextafter(edges.astype(np.float32), np.float32(0))]).astype(np.float32)
    expected = [*range(1, logit_bins.COUNT), *range(logit_bins.COUNT - 1)]
    assert logit_bins.bins(values.view(np.uint32)).tolist() == expected
    assert logit_bins.bins(_f32([0.0, 3e38]).view(np.uint32)).tolist() == [0, logit_bins.COUNT - 1]
