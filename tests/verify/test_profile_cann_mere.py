"""cann-mere: re = |a - g| / (|g| + 1e-7); its mean is below T, its maximum below 10 T."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from profile_cases import INF, NAN, metric, value, verdict

from bcelogits.verify._model import Status

T = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-13}
UNIT = 1 - 1e-7  # the denominator of re is 1 exactly here


def test_the_denominator_of_the_cases_below_is_one() -> None:
    assert UNIT + 1e-7 == 1.0


@pytest.mark.parametrize("dtype", T)
def test_the_mean_has_to_be_below_the_threshold(dtype: str) -> None:
    for error, status in ((T[dtype], Status.FAIL), (T[dtype] - 2.0**-40, Status.PASS)):
        judged = verdict("cann-mere", [UNIT - error], [UNIT], dtype)
        assert value(judged, "MERE") == value(judged, "MARE") == error
        assert judged.status is status


@pytest.mark.parametrize("dtype", T)
def test_the_maximum_has_to_be_below_ten_times_the_threshold(dtype: str) -> None:
    golden = np.full(100, UNIT)
    for error, status in ((10 * T[dtype], Status.FAIL), (10 * T[dtype] - 2.0**-40, Status.PASS)):
        actual = golden.copy()
        actual[42] -= error
        judged = verdict("cann-mere", actual, golden, dtype)
        assert value(judged, "MARE") == error
        assert metric(judged, "MARE").threshold == 10 * T[dtype]
        assert judged.status is status


def test_the_guard_damps_errors_of_goldens_far_below_it() -> None:
    # docs/precision.md 2.3: a zero instead of 1e-9 gives 1e-9 / 1.01e-7 = 0.0099.
    judged = verdict("cann-mere", [0.0], [1e-9])
    exact = Fraction(1e-9) / (Fraction(1e-9) + Fraction(1e-7))
    assert value(judged, "MARE") == pytest.approx(float(exact), rel=1e-15)
    assert value(judged, "MARE") == pytest.approx(0.0099, abs=1e-6)


def test_the_mean_is_over_all_finite_points() -> None:
    judged = verdict("cann-mere", [UNIT - 2.0**-12, UNIT, UNIT - 2.0**-14, INF, NAN], [UNIT, UNIT, UNIT, INF, NAN])
    assert value(judged, "MERE") == (2.0**-12 + 2.0**-14) / 3
    assert (judged.used, judged.masked) == (3, 2)


@pytest.mark.parametrize(("actual", "golden"), [(NAN, 1.0), (1.0, NAN), (INF, 1.0), (INF, -INF), (1.0, INF)])
def test_inf_or_nan_on_one_side_fails_before_anything_is_computed(actual: float, golden: float) -> None:
    judged = verdict("cann-mere", [actual, 1.0], [golden, 1.0])
    assert judged.status is Status.FAIL
    assert [m.name for m in judged.metrics] == ["inf/NaN mismatches"]
    assert judged.why == "inf/NaN mismatches is 1, not == 0"


def test_no_finite_point_at_all_passes_if_all_agree() -> None:
    assert verdict("cann-mere", [INF, NAN], [INF, NAN]).status is Status.PASS


def test_float64_is_not_judged() -> None:
    judged = verdict("cann-mere", [1.0], [1.0], "f64")
    assert judged.status is Status.NOT_JUDGED
    assert "no threshold for f64, only for f16, bf16, f32" in judged.why


def test_a_mean_of_losses_that_is_one_ulp_off_is_called_so() -> None:
    # 1 + 2**-7 for 1 in bfloat16: re is 2**-7 / (1 + 1e-7), just below T; for 1 - 2**-8 as golden it is above.
    context = {"reduction": "mean", "count": 1, "terms": 1000}
    golden = 1 - 2.0**-8
    passing = verdict("cann-mere", [1.0], [golden], "bf16", context=context)
    assert passing.status is Status.PASS
    off = verdict("cann-mere", [0.5 + 2.0**-8], [0.5], "bf16", context=context)
    assert off.status is Status.PASS  # re = 2**-7 / (1 + 2e-7)
    failing = verdict("cann-mere", [0.5 + 2.0**-8], [0.5 - 2.0**-10], "bf16", context=context)
    assert failing.status is Status.FAIL
    assert failing.why.startswith("1-ulp, N=1: ")
