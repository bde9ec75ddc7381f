"""cann-dual: the device's MARE, MERE and RMSE against a third party's, small values, inf and NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from profile_cases import INF, NAN, value, verdict

from bcelogits.reference.truth import Flag
from bcelogits.verify import profiles
from bcelogits.verify._model import Status

LIMITS = {"L0": (10, 2, 2), "L1": (5, 1.5, 1.5), "L2": (2, 1.2, 1.2)}
UNIT = 1 - 1e-7  # the denominator of a relative error is 1 exactly here
STEP = 2.0**-20


@pytest.mark.parametrize("level", LIMITS)
def test_one_large_error_is_seen_by_the_ratio_of_maxima(level: str) -> None:
    golden = np.full(10_000, UNIT)
    third = golden - STEP
    for factor, passes in ((LIMITS[level][0], True), (LIMITS[level][0] + 2.0**-10, False)):
        device = golden.copy()
        device[7] -= factor * STEP
        judged = verdict(f"cann-dual:{level}", device, golden, third=third)
        assert value(judged, "MARE ratio") == factor
        assert judged.status is (Status.PASS if passes else Status.FAIL)


@pytest.mark.parametrize("level", LIMITS)
def test_errors_everywhere_are_seen_by_the_ratio_of_means(level: str) -> None:
    golden = np.full(256, UNIT)
    for factor in (1.0, 1.25, 1.5, 2.0, 2.5):
        judged = verdict(f"cann-dual:{level}", golden - factor * STEP, golden, third=golden - STEP)
        assert value(judged, "MERE ratio") == factor
        assert value(judged, "RMSE ratio") == pytest.approx(factor, rel=1e-15)
        limits = LIMITS[level]
        assert judged.status is (Status.PASS if factor <= min(limits) else Status.FAIL)


def test_rmse_is_the_root_of_the_mean_square() -> None:
    golden = np.zeros(4)
    device, third = [3e-3, 0, 4e-3, 0], [1e-3, 1e-3, 1e-3, 1e-3]
    judged = verdict("cann-dual:L0", device, golden, third=third)
    assert value(judged, "RMSE") == pytest.approx(math.sqrt((9e-6 + 16e-6) / 4), rel=1e-14)
    assert value(judged, "RMSE ratio") == pytest.approx(2.5, rel=1e-14)


def test_the_denominator_of_a_ratio_is_at_least_1e_7() -> None:
    judged = verdict("cann-dual:L2", [UNIT - STEP], [UNIT], third=[UNIT])
    assert value(judged, "MARE ratio") == STEP / 1e-7
    assert judged.status is Status.FAIL
    judged = verdict("cann-dual:L2", [UNIT - 2.0**-24], [UNIT], third=[UNIT])  # 0.6 of the guard
    assert judged.status is Status.PASS


@pytest.mark.parametrize(
    ("dtype", "small", "limit"),
    [("f16", 2.0**-11, 2.0**-16), ("bf16", 2.0**-8, 2.0**-16), ("f32", 2.0**-14, 2.0**-30)],
)
def test_errors_of_small_values_are_counted(dtype: str, small: float, limit: float) -> None:
    below = small / 2
    golden = [small, below, below, below, below]
    device = [0.0, below - limit, below - 2 * limit, below + 2 * limit, below]  # at small itself; at the limit; above
    judged = verdict("cann-dual:L0", device, golden, dtype, third=golden)
    assert value(judged, "small-value errors ratio") == 2


@pytest.mark.parametrize(
    ("device", "third", "ratio", "passes"), [(2, 0, 2, True), (3, 0, 3, False), (4, 2, 2, True), (5, 2, 2.5, False)]
)
def test_small_errors_may_be_twice_those_of_the_third_party(
    device: int, third: int, ratio: float, passes: bool
) -> None:
    golden = np.full(10, 2.0**-20)
    golden[9] = 1.0
    columns = []
    for errors in (device, third):
        column = golden.copy()
        column[:errors] += 2.0**-29
        columns.append(column)
    columns[1][9] = 1.01  # an error of the third party that makes its other figures large
    judged = verdict("cann-dual:L0", columns[0], golden, third=columns[1])
    assert value(judged, "small-value errors ratio") == ratio
    assert judged.status is (Status.PASS if passes else Status.FAIL)


@pytest.mark.parametrize(
    ("actual", "golden", "third", "says"),
    [
        (NAN, NAN, NAN, "right"),
        (INF, INF, 1.0, "right"),  # the device has the golden
        (NAN, 0.0, NAN, "right"),  # the device has what the third party has
        (1.0, INF, 1.0, "right"),
        (1.0, INF, INF, "wrong"),
        (NAN, INF, INF, "wrong"),
        (-INF, INF, INF, "wrong"),
        (INF, NAN, NAN, "wrong"),
        (NAN, 1.0, 1.0, "wrong"),  # the only one that is not finite
        (1.0, INF, NAN, "unclear"),
        (NAN, INF, 1.0, "unclear"),
        (INF, 1.0, NAN, "unclear"),
        (1.0, 1.0, NAN, "right"),  # the third party alone is off
    ],
)
def test_inf_and_nan(actual: float, golden: float, third: float, says: str) -> None:
    judged = verdict("cann-dual:L0", [actual, 1.0], [golden, 1.0], third=[third, 1.0])
    assert value(judged, "inf/NaN wrong") == (says == "wrong")
    assert value(judged, "inf/NaN to investigate") == (says == "unclear")
    assert judged.status is {"right": Status.PASS, "wrong": Status.FAIL, "unclear": Status.WARN}[says]
    assert (judged.used, judged.masked) == (1, 1)


def test_infinite_goldens_are_narrowed_ones() -> None:
    assert verdict("cann-dual:L0", [INF], [70000.0], "f16", third=[1.0]).status is Status.PASS


def test_saturation_leaves_out_golden_infinities_and_compares_the_rest() -> None:
    flags = [int(Flag.SPECIAL), int(Flag.OVERFLOW), int(Flag.SPECIAL)]
    golden = [65504.0, -65504.0, 1.0]
    for third in ([INF, -INF, 1.0], golden):
        judged = verdict(
            "cann-dual:L2", [1.0, 2.0, 1.0], golden, "f16", third=third, flags=flags, context={"saturate": True}
        )
        assert judged.status is Status.PASS
        assert (judged.used, judged.masked) == (1, 2)
    assert verdict("cann-dual:L2", [1.0], [65504.0], "f16", third=[65504.0], context={"saturate": True}).status is (
        Status.FAIL  # 65504 by computation, not by saturation
    )


def test_a_third_party_with_the_same_fault_hides_it() -> None:
    judged = verdict("cann-dual:L2", [0.0, 0.0], [1e-5, 1e-6], third=[0.0, 0.0])
    assert judged.status is Status.PASS
    assert value(judged, "MARE") > 0.9  # stated all the same


def test_without_a_third_party_nothing_is_judged() -> None:
    judged = verdict("cann-dual:L0", [1.0], [1.0])
    assert judged.status is Status.NOT_JUDGED
    assert "third party" in judged.why


def test_float64_has_no_small_values_and_is_not_judged() -> None:
    assert verdict("cann-dual:L0", [1.0], [1.0], "f64", third=[1.0]).status is Status.NOT_JUDGED


def test_a_failure_says_that_the_recheck_is_not_done() -> None:
    judged = verdict("cann-dual:L0", [2.0], [1.0], third=[1.0])
    assert "recheck" in judged.why
    assert judged.why.startswith("MARE ratio is ")


@pytest.mark.parametrize("level", LIMITS)
def test_the_summary_says_how_many_cases_the_level_asks_for(level: str) -> None:
    cases = {"L0": "5,000", "L1": "10,000", "L2": "30,000"}[level]
    assert cases in profiles.get(f"cann-dual:{level}").summary
