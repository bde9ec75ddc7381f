"""msprobe's absolute threshold, its ULP comparison, and its single benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from profile_cases import INF, NAN, metric, value, verdict

from bcelogits.verify._model import Status

RTOL = {"f16": 2.0**-10, "bf16": 2.0**-8, "f32": 2.0**-20}
GUARD = {"f16": 2.0**-23, "bf16": 2.0**-8, "f32": 2.0**-52}
SMALL = {"f16": 2.0**-10, "bf16": 2.0**-10, "f32": 2.0**-20}
SMALL_ERROR = {"f16": 2.0**-16, "bf16": 2.0**-16, "f32": 2.0**-30}
LARGEST = {"f16": 65504.0, "bf16": 3.3895313892515355e38, "f32": 3.4028234663852886e38}


# ---- absolute threshold ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", RTOL)
def test_no_normal_value_may_be_off_by_more_than_rtol(dtype: str) -> None:
    golden = 1 - GUARD[dtype]  # the denominator is 1
    for error, passes in ((RTOL[dtype], True), (RTOL[dtype] + 2.0**-40, False)):
        judged = verdict("msprobe-abs", [golden - error, golden], [golden, golden], dtype)
        assert value(judged, "relative error rate") == (0 if passes else 1 / 2)
        assert judged.status is (Status.PASS if passes else Status.FAIL)


@pytest.mark.parametrize("dtype", RTOL)
def test_no_small_value_may_be_off_by_more_than_its_absolute_error(dtype: str) -> None:
    small, limit = SMALL[dtype], SMALL_ERROR[dtype]
    for error, passes in ((limit, True), (-limit, True), (limit * 1.25, False)):
        judged = verdict("msprobe-abs", [small + error, 0.0, 0.0], [small, 0.0, 0.0], dtype)
        assert value(judged, "small-value error rate") == (0 if passes else 1 / 3)
        assert judged.status is (Status.PASS if passes else Status.FAIL)
    above = np.nextafter(small, 1)
    assert value(verdict("msprobe-abs", [above + 2 * limit], [above], dtype), "small-value error rate") == 0


def test_the_tool_has_1e_16_for_bfloat16_alone() -> None:
    for dtype, passes in (("bf16", False), ("f16", True), ("f32", True)):
        golden, actual = [2.0**-21], [2.0**-21 + 2.0**-40]
        assert verdict("msprobe-abs", actual, golden, dtype).status is Status.PASS
        exact = verdict("msprobe-abs", actual, golden, dtype, context={"msprobe_exact": True})
        assert exact.status is (Status.PASS if passes else Status.FAIL)


@pytest.mark.parametrize("dtype", LARGEST)
def test_infinities_are_clipped_to_the_largest_finite_number(dtype: str) -> None:
    largest = LARGEST[dtype]
    pairs = [(INF, INF, True), (largest, INF, True), (INF, largest, True), (NAN, NAN, True)]
    pairs += [(-INF, INF, False), (1.0, INF, False), (INF, 1.0, False), (NAN, 1.0, False), (1.0, NAN, False)]
    for actual, golden, passes in pairs:
        judged = verdict("msprobe-abs", [actual, 1.0], [golden, 1.0], dtype)
        assert value(judged, "inf/NaN error rate") == (not passes)
        assert judged.status is (Status.PASS if passes else Status.FAIL)


def test_in_the_tool_an_infinite_golden_excuses_any_number() -> None:
    assert verdict("msprobe-abs", [1.0], [INF], context={"msprobe_exact": True}).status is Status.PASS
    assert verdict("msprobe-abs", [NAN], [INF], context={"msprobe_exact": True}).status is Status.FAIL


# ---- ULP -------------------------------------------------------------------------------------------------------

ULP = 2.0**-23


def test_float32_passes_by_a_mean_below_64_ulp() -> None:
    judged = verdict("msprobe-ulp", [1 + 127 * ULP, 1.0], [1.0, 1.0])
    assert value(judged, "mean ULP") == 63.5
    assert judged.status is Status.PASS


def test_a_mean_of_64_ulp_is_not_below_64() -> None:
    for error, status in ((64, Status.FAIL), (63, Status.PASS)):
        judged = verdict("msprobe-ulp", [1 + error * ULP], [1.0], third=[1 + error * ULP])
        assert value(judged, "mean ULP") == error
        assert judged.status is status


def test_float32_passes_by_fewer_than_5_in_100_above_32_ulp() -> None:
    golden, third = np.ones(100), np.ones(100)
    third[:5] += 1e4 * ULP  # the share of the third party is 0.05
    for count, passes in ((4, True), (5, False)):
        actual = golden.copy()
        actual[:count] += 1e6 * ULP
        judged = verdict("msprobe-ulp", actual, golden, third=third)
        assert value(judged, "mean ULP") == count * 1e4
        assert value(judged, "share > 32 ULP") == count / 100
        assert judged.status is (Status.PASS if passes else Status.FAIL)


def test_32_ulp_are_not_above_32() -> None:
    judged = verdict("msprobe-ulp", [1 + 32 * ULP, 1 + 33 * ULP], [1.0, 1.0])
    assert value(judged, "share > 32 ULP") == 1 / 2


def test_a_worse_third_party_excuses_the_device() -> None:
    golden = np.ones(100)
    actual, third = golden.copy(), golden.copy()
    actual[:5] += 1e6 * ULP
    third[:6] += 1e6 * ULP
    judged = verdict("msprobe-ulp", actual, golden, third=third)
    assert value(judged, "share ratio") == (5 / 100) / (6 / 100)
    assert judged.status is Status.PASS


@pytest.mark.parametrize(("dtype", "ulp"), [("f16", 2.0**-10), ("bf16", 2.0**-7)])
def test_16_bits_pass_by_fewer_than_1_in_1000_above_1_ulp(dtype: str, ulp: float) -> None:
    golden = np.ones(2000)
    for count, passes in ((1, True), (2, False)):
        actual = golden.copy()
        actual[:count] += 2 * ulp
        actual[count:500] += ulp  # 1 ULP is not above 1
        judged = verdict("msprobe-ulp", actual, golden, dtype, third=golden)
        assert value(judged, "share > 1 ULP") == count / 2000
        floor = {"f16": 2.0**-11, "bf16": 2.0**-8}[dtype]
        assert value(judged, "share ratio") == count / 2000 / floor
        by_ratio = count / 2000 / floor < 1
        assert judged.status is (Status.PASS if passes or by_ratio else Status.FAIL)


def test_an_error_at_a_golden_zero_is_nearly_free() -> None:
    judged = verdict("msprobe-ulp", [2.0**-24], [0.0])
    assert value(judged, "mean ULP") == 0.5  # 2**-24 * 2**23


def test_below_the_normal_numbers_the_unit_stays() -> None:
    assert value(verdict("msprobe-ulp", [5 * 2.0**-149], [2.0**-149]), "mean ULP") == 4


def test_inf_or_nan_of_the_mean_has_to_be_that_of_the_third_party() -> None:
    for special in (NAN, INF):
        same = verdict("msprobe-ulp", [special, 1.0], [special, 1.0], third=[special, 1.0])
        assert same.status is Status.PASS  # by the share: the means of both are NaN
    for actual, golden, third in (([NAN, 1.0], [1.0, 1.0], [1.0, 1.0]), ([INF, 1.0], [1.0, 1.0], [1.0, 1.0])):
        judged = verdict("msprobe-ulp", actual, golden, third=third)
        assert judged.status is Status.FAIL
        assert "inf or NaN" in judged.why


def test_what_only_a_third_party_could_excuse_is_not_judged_without_one() -> None:
    judged = verdict("msprobe-ulp", [1 + 1e6 * ULP], [1.0])
    assert judged.status is Status.NOT_JUDGED
    assert "third party" in judged.why


# ---- single benchmark ------------------------------------------------------------------------------------------

SINGLE = {"f16": (-11, -7, -10), "bf16": (-8, -6, -7), "f32": (-14, -11, -14), "f64": (-14, -11, -14)}


@pytest.mark.parametrize("dtype", SINGLE)
@pytest.mark.parametrize(("profile", "column"), [("msprobe-single", 0), ("msprobe-single:normal", 1)])
def test_errors_are_absolute_below_one_and_relative_from_there(profile: str, column: int, dtype: str) -> None:
    limit = 2.0 ** SINGLE[dtype][column]
    others = np.zeros(63)  # they keep the balance small

    def status(golden: float, error: float) -> Status:
        return verdict(profile, [golden + error, *others], [golden, *others], dtype).status

    for golden in (0.0, 0.5, 0.875):
        assert status(golden, limit) is Status.PASS
        assert status(golden, -limit) is Status.PASS
        assert status(golden, limit * 1.0625) is Status.FAIL
    for golden in (1.0, 4.0, -4.0):
        assert status(golden, golden * limit) is Status.PASS  # re is below the limit by the guard
        assert status(golden, golden * limit * 1.0625) is Status.FAIL


def test_the_guard_of_the_relative_error_is_2_to_the_minus_23() -> None:
    judged = verdict("msprobe-single", [1 + 2.0**-15], [1.0])
    assert value(judged, "max relative error, |golden| >= 1") == 2.0**-15 / (1 + 2.0**-23)
    assert value(judged, "max absolute error, |golden| < 1") == 0
    judged = verdict("msprobe-single", [0.5 + 2.0**-15], [0.5])
    assert value(judged, "max absolute error, |golden| < 1") == 2.0**-15
    assert value(judged, "max relative error, |golden| >= 1") == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_balance_is_the_mean_of_the_signed_errors_without_its_sign(sign: int) -> None:
    golden = np.full(8, 0.5)
    for error, passes in ((2.0**-14, True), (2.0**-14 + 2.0**-20, False)):
        judged = verdict("msprobe-single:normal", golden + sign * error, golden)
        assert value(judged, "error balance") == sign * error
        assert metric(judged, "|error balance|").passed is passes
        assert judged.status is (Status.PASS if passes else Status.FAIL)
    balanced = golden + np.array([1, -1] * 4) * 2.0**-12
    assert verdict("msprobe-single:normal", balanced, golden).status is Status.PASS


def test_a_golden_with_inf_or_nan_passes_unseen_and_a_device_alone_fails() -> None:
    for special in (INF, -INF, NAN):
        unseen = verdict("msprobe-single", [5.0, 1.0], [1.0, special])
        assert unseen.status is Status.PASS
        assert "without looking" in unseen.why
        assert verdict("msprobe-single", [special, 1.0], [1.0, 1.0]).status is Status.FAIL
