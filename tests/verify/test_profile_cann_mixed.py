"""cann-mixed: |a - g| <= atol + rtol |g| for 99 of 100 elements, and no error above max(floor, 32 ULP)."""

from __future__ import annotations

import numpy as np
import pytest
from profile_cases import INF, NAN, metric, value, verdict

from bcelogits.verify._model import Status

# docs/precision.md 2.2: rtol and atol by dtype as exponents of 2, the ULP at 1, and the floor.
V2 = {"f16": (-10, -10, -10, 1e-1), "bf16": (-7, -7, -7, 1e-1), "f32": (-13, -13, -23, 1e-2)}
V1 = {"f16": (-9, -9, -10, 1e-1), "bf16": (-6, -6, -7, 1.0), "f32": (-10, -16, -23, 1e-2)}
ROWS = [("cann-mixed", d, *row) for d, row in V2.items()] + [("cann-mixed:v1", d, *row) for d, row in V1.items()]


@pytest.mark.parametrize(("profile", "dtype", "rtol", "atol", "ulp", "floor"), ROWS)
def test_an_element_matches_up_to_atol_plus_rtol(
    profile: str, dtype: str, rtol: int, atol: int, ulp: int, floor: float
) -> None:
    limit = 2.0**rtol + 2.0**atol  # at a golden 1
    steps = {1 + limit: 1.0, 1 + limit + 2.0**ulp: 0.0, 1 + limit - 2.0**ulp: 1.0, 1 - limit: 1.0}
    for actual, matched in steps.items():
        assert value(verdict(profile, [actual], [1.0], dtype), "matched ratio") == matched
    assert value(verdict(profile, [2.0**atol], [0.0], dtype), "matched ratio") == 1
    assert value(verdict(profile, [2.0**atol * (1 + 2.0**ulp)], [0.0], dtype), "matched ratio") == 0


@pytest.mark.parametrize(("profile", "dtype", "floor"), [(p, d, row[-1]) for p, d, *row in ROWS])
def test_the_floor_limits_the_largest_error(profile: str, dtype: str, floor: float) -> None:
    golden = np.zeros(100)  # one error of 100 is allowed, if it is not too large
    for error, status in ((floor, Status.PASS), (np.nextafter(floor, 9), Status.FAIL)):
        actual = golden.copy()
        actual[37] = -error
        judged = verdict(profile, actual, golden, dtype)
        assert judged.status is status
        assert value(judged, "max absolute error") == error
        assert metric(judged, "max absolute error").threshold == floor


def test_one_of_a_hundred_elements_may_be_off_and_two_may_not() -> None:
    actual = np.zeros(100)
    actual[0] = 0.005
    assert verdict("cann-mixed", actual, np.zeros(100)).status is Status.PASS
    actual[1] = 0.005
    judged = verdict("cann-mixed", actual, np.zeros(100))
    assert judged.status is Status.FAIL
    assert judged.why == "matched ratio is 0.98, not >= 0.99"


def test_the_limit_grows_with_the_ulp_of_the_golden_at_the_worst_point() -> None:
    # 65536 in float32: one ULP is 2**-7, 32 of them are 0.25.
    for error, status in ((0.25, Status.PASS), (0.25 + 2.0**-7, Status.FAIL)):
        judged = verdict("cann-mixed", [65536 + error], [65536.0])
        assert judged.status is status
        assert metric(judged, "max absolute error").threshold == 0.25
    assert verdict("cann-mixed:v1", [65536.25], [65536.0]).status is Status.FAIL  # v1 has the floor alone


def test_the_anchor_is_the_golden_rounded_to_the_dtype() -> None:
    # 2048 - 2**-10 rounds to 2048 in float16, where one ULP is 2, not 1: the limit is 64.
    golden, actual = np.full(100, 2048 - 2.0**-10), np.full(100, 2048.0)
    actual[5] = 2048 + 48
    judged = verdict("cann-mixed", actual, golden, "f16")
    assert metric(judged, "max absolute error").threshold == 64
    assert judged.status is Status.PASS


def test_the_anchor_is_that_of_the_worst_point_and_not_of_the_largest_golden() -> None:
    golden, actual = np.zeros(100), np.zeros(100)
    golden[0] = actual[0] = 2.0**20
    actual[1] = 0.02
    judged = verdict("cann-mixed", actual, golden)
    assert metric(judged, "max absolute error").threshold == 1e-2
    assert judged.status is Status.FAIL


def test_of_equal_errors_the_first_is_the_worst_point() -> None:
    golden = np.zeros(30_000)
    golden[[9_001, 25_000]] = 65536, 2**20  # one ULP is 2**-7 and 2**-3
    actual = golden.copy()
    actual[[9_001, 25_000]] += 0.125
    judged = metric(verdict("cann-mixed", actual, golden), "max absolute error")
    assert judged.note == "element 9001, golden 65536"
    assert judged.threshold == 0.25


@pytest.mark.parametrize(
    ("actual", "golden", "matches"),
    [
        (NAN, NAN, True),
        (INF, INF, True),
        (-INF, -INF, True),
        (INF, -INF, False),
        (NAN, INF, False),
        (INF, NAN, False),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (INF, 1.0, False),
        (3e38, INF, False),
    ],
)
def test_nan_matches_nan_and_an_infinity_itself(actual: float, golden: float, matches: bool) -> None:
    others = [1.0] * 199  # so that the share of matches passes in any case
    judged = verdict("cann-mixed", [actual, *others], [golden, *others])
    assert judged.status is (Status.PASS if matches else Status.FAIL)
    assert value(judged, "inf/NaN mismatches") == (not matches)
    assert value(judged, "matched ratio") == (1 if matches else 199 / 200)


def test_the_golden_is_narrowed_before_infinities_are_compared() -> None:
    assert verdict("cann-mixed", [INF], [70000.0], "f16").status is Status.PASS
    assert verdict("cann-mixed", [65504.0], [70000.0], "f16").status is Status.FAIL


def test_points_that_are_not_finite_do_not_enter_the_largest_error() -> None:
    judged = verdict("cann-mixed", [INF, 1.0], [INF, 1.0])
    assert value(judged, "max absolute error") == 0


def test_float64_is_judged_by_the_row_of_float32_and_says_so() -> None:
    judged = verdict("cann-mixed", [1 + 2.0**-12], [1.0], "f64")
    assert judged.status is Status.PASS
    assert "f64 is not listed" in metric(judged, "matched ratio").note
    assert verdict("cann-mixed", [1 + 2.0**-12 + 2.0**-52], [1.0], "f64").status is Status.FAIL


def test_float64_errors_are_taken_against_both_parts_of_the_truth() -> None:
    assert value(verdict("cann-mixed", [1.0], [1.0], "f64", low=[2.0**-60]), "max absolute error") == 2.0**-60


def test_saturation_compares_with_the_largest_finite_number() -> None:
    largest = 65504.0
    judged = verdict("cann-mixed", [largest, 0.0], [largest, 0.0], "f16", flags=[8, 8], context={"saturate": True})
    assert judged.status is Status.PASS
