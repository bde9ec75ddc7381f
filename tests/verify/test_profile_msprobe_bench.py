"""msprobe-bench: stage A against the golden alone, then stage B against a third party."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from profile_cases import INF, NAN, metric, value, verdict

from bcelogits.verify._model import Status, Verdict

FLOOR = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-14}
SMALL = {"f16": 2.0**-10, "bf16": 2.0**-10, "f32": 2.0**-20}
SMALL_ERROR = {"f16": 2.0**-16, "bf16": 2.0**-16, "f32": 2.0**-30}
GUARD = {"f16": 2.0**-23, "bf16": 2.0**-8, "f32": 2.0**-52}


def names(judged: Verdict, stage: str) -> list[str]:
    return [m.name for m in judged.metrics if m.name.startswith(f"{stage}:")]


# ---- stage A ---------------------------------------------------------------------------------------------------


def stage_a(actual: object, golden: object, dtype: str = "f32", **context: object) -> Verdict:
    """With a third party that is right: stage B passes as long as its own ratios do."""
    return verdict("msprobe-bench", actual, golden, dtype, third=actual, context=context)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cosine", "passes"), [(0.9901, True), (0.9899, False)])
def test_the_cosine_has_to_be_above_0_99(cosine: float, passes: bool) -> None:
    actual, golden = [cosine, math.sqrt(1 - cosine**2)], [1.0, 0.0]
    judged = stage_a(actual, golden)
    assert value(judged, "A: cosine") == pytest.approx(cosine, rel=1e-14)
    assert metric(judged, "A: cosine").passed is passes
    if not passes:
        assert judged.status is Status.FAIL
        assert names(judged, "A") == ["A: cosine"]  # the stage ends here


def test_the_cosine_of_one_element_or_of_two_zeros_is_skipped_and_of_one_zero_fails() -> None:
    assert metric(stage_a([5.0], [1.0]), "A: cosine").passed is None
    assert metric(stage_a([0.0, 0.0], [0.0, 0.0]), "A: cosine").passed is None
    for actual, golden in (([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 0.0])):
        judged = stage_a(actual, golden)
        assert judged.status is Status.FAIL
        assert "alone is all zero" in judged.why


def test_up_to_the_eps_of_float64_a_column_counts_as_zero() -> None:
    assert metric(stage_a([0.0, 0.0], [2.0**-52, 1e-20]), "A: cosine").passed is None
    assert metric(stage_a([0.0, 0.0], [2.0**-51, 1e-20]), "A: cosine").passed is False


def test_an_absolute_error_below_a_thousandth_ends_the_stage() -> None:
    judged = stage_a([9.99e-4, 1.0], [0.0, 1.0])  # a relative error without bound
    assert names(judged, "A") == ["A: cosine", "A: max absolute error"]
    assert judged.status is Status.PASS
    judged = stage_a([1e-3, 1.0], [0.0, 1.0])
    assert metric(judged, "A: max absolute error").passed is None
    assert len(names(judged, "A")) > 2


@pytest.mark.parametrize(
    ("dtype", "error", "warning"), [("f16", 1e-2, 1e-3), ("bf16", 1e-2, 1e-3), ("f32", 1e-3, 1e-4)]
)
def test_the_share_of_small_relative_errors_has_to_exceed_1_minus_d(dtype: str, error: float, warning: float) -> None:
    count = 10_000
    golden = np.full(count, 64.0)

    def status(out: float, bad: int) -> Status:
        actual = golden.copy()
        actual[:bad] *= 1 + out
        return stage_a(actual, golden, dtype).status

    allowed = round(warning * count)  # errors above the warning's d: the share has to exceed 1 - d
    assert status(2 * warning, allowed - 1) is Status.PASS
    assert status(2 * warning, allowed) is Status.WARN
    allowed = round(error * count)
    assert status(2 * error, allowed - 1) is Status.WARN
    assert status(2 * error, allowed) is Status.FAIL


def test_a_warning_names_its_share() -> None:
    judged = stage_a(np.full(10, 64 * (1 + 2e-4)), np.full(10, 64.0))
    assert judged.status is Status.WARN
    assert judged.why == "A: share of relative errors < 0.0001 is 0, not > 0.9999 (a warning)"


@pytest.mark.parametrize("dtype", GUARD)
def test_the_guard_is_the_eps_of_the_golden_one_step_up(dtype: str) -> None:
    # 64 golden zeros with an error of guard/2: re = 1/2; with guard/2000: re = 1/2000.
    count = 100
    third = np.ones(count)
    for part, share in ((2, 0.99), (20_000, 1.0)):
        actual, golden = np.ones(count), np.ones(count)
        golden[0], actual[0] = 0.0, GUARD[dtype] / part
        actual[1] = golden[1] + 0.5  # so that the stage goes on
        judged = verdict("msprobe-bench", actual, golden, dtype, third=third)
        found = [m for m in judged.metrics if "share of relative" in m.name]
        assert found[0].value == pytest.approx(share - 0.01)


@pytest.mark.parametrize(("actual", "golden"), [(INF, 1.0), (NAN, 1.0), (1.0, NAN), (1.0, INF), (-INF, INF)])
def test_inf_or_nan_on_one_side_makes_the_cosine_nan_and_that_fails(actual: float, golden: float) -> None:
    judged = stage_a([actual, 1.0], [golden, 1.0])
    assert judged.status is Status.FAIL
    assert math.isnan(value(judged, "A: cosine"))


def test_equal_inf_and_nan_are_left_out_but_not_by_the_tool_itself() -> None:
    columns = [INF, NAN, 1.0, 2.0]
    assert stage_a(columns, columns).status is Status.PASS
    assert stage_a(columns, columns, msprobe_exact=True).status is Status.FAIL
    assert stage_a(columns[2:], columns[2:], msprobe_exact=True).status is Status.PASS


# ---- stage B ---------------------------------------------------------------------------------------------------


def test_every_figure_of_stage_b_by_hand() -> None:
    golden = [1.0, 2.0, 2.0**-11, 0.5]
    device = [1 + 2.0**-9, 2 - 2.0**-8, 2.0**-11 + 2.0**-15, 0.5]  # normal, normal, small, normal and right
    judged = verdict("msprobe-bench", device, golden, "f16", third=golden)
    floor = Fraction(1, 2**11)  # the third party is right: every ratio is the figure by the floor
    guard = Fraction(1, 2**23)
    first, second = Fraction(1, 2**9) / (1 + guard), Fraction(1, 2**8) / (2 + guard)
    squares = Fraction(1, 2**18) + Fraction(1, 2**16)
    factor = 4 / (3 + Fraction(1, 10_000)) + Fraction(1, 10_000)
    expected = {
        "B: small-value error share ratio": 1 / floor,
        "B: max relative error ratio": max(first, second) / floor,
        "B: mean relative error ratio": (first + second) / 3 / floor,
        "B: error balance ratio": Fraction(1, 4) / floor,  # two above the golden, one below
    }
    for name, exact in expected.items():
        assert value(judged, name) == pytest.approx(float(exact), rel=1e-14)
    rmse = math.sqrt(squares / 4 * factor)
    assert value(judged, "B: RMSE ratio") == pytest.approx(rmse * 2**11, rel=1e-14)
    assert (judged.used, judged.masked) == (3, 1)


@pytest.mark.parametrize("dtype", SMALL)
def test_small_values_are_up_to_s_and_their_errors_above_e(dtype: str) -> None:
    small, limit = SMALL[dtype], SMALL_ERROR[dtype]
    golden = [small, small, small, small, 2 * small]
    device = [small + limit, small - limit, small + 2 * limit, small, 2 * small + 4 * limit]
    judged = verdict("msprobe-bench", device, golden, dtype, third=golden)
    assert value(judged, "B: small-value error share ratio") == 1 / 4 / FLOOR[dtype]
    assert judged.used == 1


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_the_tool_counts_errors_above_1e_16_for_2_to_the_minus_16(dtype: str) -> None:
    golden, device = [2.0**-12] * 2, [2.0**-12 + 2.0**-20, 2.0**-12]
    name = "B: small-value error share ratio"
    documented = verdict("msprobe-bench", device, golden, dtype, third=golden)
    assert value(documented, name) == 0
    exact = verdict("msprobe-bench", device, golden, dtype, third=golden, context={"msprobe_exact": True})
    assert value(exact, name) == 1 / 2 / FLOOR[dtype]


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_the_limit_of_the_tool_is_1e_16_itself(dtype: str) -> None:
    context = {"msprobe_exact": True}
    golden, at, above = [0.0, 1.0], [1e-16, 1.0], [1.5e-16, 1.0]
    name = "B: small-value error share ratio"
    assert value(verdict("msprobe-bench", at, golden, dtype, third=golden, context=context), name) == 0
    assert value(verdict("msprobe-bench", above, golden, dtype, third=golden, context=context), name) > 0


@pytest.mark.parametrize(
    ("factor", "size", "failing"),
    [
        (2.0, 100, ""),
        (2.0 + 2.0**-20, 100, "B: RMSE ratio"),  # everywhere: RMSE is the first of the ratios to fail
        (10.0, 10_000, ""),  # of one element: the ratio of maxima alone
        (10.0 + 2.0**-20, 10_000, "B: max relative error ratio"),
    ],
)
def test_ratios_may_be_two_and_that_of_the_maxima_ten(factor: float, size: int, failing: str) -> None:
    golden = np.full(size, 1 - 2.0**-52)  # the denominator of a relative error is 1 exactly
    step = 2.0**-12  # above the floor
    third = golden - step
    device = golden.copy()
    device[: 1 if size == 10_000 else size] -= factor * step
    judged = verdict("msprobe-bench", device, golden, third=third)
    failures = [m.name for m in judged.metrics if m.passed is False and m.name.startswith("B:")]
    assert failures[:1] == ([failing] if failing else [])


@pytest.mark.parametrize(("device", "third", "passes"), [(4, 2, True), (5, 2, False), (1, 0, False), (0, 0, True)])
def test_the_share_of_small_errors_is_a_ratio_too(device: int, third: int, passes: bool) -> None:
    golden = np.full(16, 2.0**-21)
    columns = []
    for errors in (device, third):
        column = golden.copy()
        column[:errors] += 2.0**-29
        columns.append(column)
    judged = verdict("msprobe-bench", columns[0], golden, third=columns[1])
    assert metric(judged, "B: small-value error share ratio").passed is passes
    assert judged.status is (Status.PASS if passes else Status.FAIL)


def test_the_error_balance_is_for_information() -> None:
    golden = np.full(64, 1.0)
    judged = verdict("msprobe-bench", golden + 2.0**-23, golden, third=golden)
    assert value(judged, "B: error balance ratio") == 2.0**14
    assert judged.status is Status.PASS


def test_a_pass_of_stage_a_does_not_hide_a_failure_of_stage_b() -> None:
    golden = np.full(100, 2.0**-21)
    judged = verdict("msprobe-bench", np.zeros(100), golden, third=golden)
    assert judged.status is Status.FAIL
    assert judged.why.startswith("A: cosine")  # all zero on one side
    device = golden.copy()
    device[:50] = 0
    judged = verdict("msprobe-bench", [*device, 1.0], [*golden, 1.0], third=[*golden, 1.0])
    assert judged.why.startswith("B: small-value error share ratio is ")
    assert judged.status is Status.FAIL


def test_without_a_third_party_stage_a_alone_can_fail() -> None:
    passing = verdict("msprobe-bench", [1.0, 2.0], [1.0, 2.0])
    assert passing.status is Status.NOT_JUDGED
    assert passing.why == "stage A says pass; stage B needs the results of a third party"
    assert verdict("msprobe-bench", [1.0, -2.0], [1.0, 2.0]).status is Status.FAIL


def test_float64_is_not_covered() -> None:
    assert verdict("msprobe-bench", [1.0], [1.0], "f64", third=[1.0]).status is Status.NOT_JUDGED
