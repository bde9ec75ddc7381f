"""ulp: errors in units in the last place of the unrounded truth, gates, zeros that nothing explains."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracle import FORMATS, LONG
from profile_cases import INF, NAN, metric, value, verdict

from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Status

# Bits of fraction, smallest subnormal, smallest normal, largest finite number.
FRACTION = {dtype: FORMATS[long][0] for dtype, long in LONG.items()}
SUBNORMAL = {"f16": 2.0**-24, "bf16": 2.0**-133, "f32": 2.0**-149, "f64": 5e-324}
NORMAL = {dtype: 2.0 ** FORMATS[long][1] for dtype, long in LONG.items()}
LARGEST = {"f16": 65504.0, "bf16": 3.3895313892515355e38, "f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}
GATES = {
    "ulp": {"f16": 1, "bf16": 1, "f32": 32, "f64": 4},
    "ulp:device": {"f16": 1, "bf16": 1, "f32": 32, "f64": 4},
    "ulp:libm": dict.fromkeys(FRACTION, 4),
}


@pytest.mark.parametrize("profile", GATES)
@pytest.mark.parametrize("dtype", FRACTION)
@pytest.mark.parametrize("exponent", [0, -5, 3])
def test_the_gate_holds_up_to_its_limit(profile: str, dtype: str, exponent: int) -> None:
    golden, limit = 2.0**exponent, GATES[profile][dtype]
    ulp = golden * 2.0 ** -FRACTION[dtype]
    assert verdict(profile, [golden + limit * ulp], [golden], dtype).status is Status.PASS
    judged = verdict(profile, [golden + (limit + 1) * ulp], [golden], dtype)
    assert judged.status is Status.FAIL
    assert value(judged, "max ULP") == limit + 1
    assert judged.why == f"max ULP is {limit + 1}, not <= {limit} (element 0)"


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32"])
def test_correctly_rounded_is_at_most_half_a_ulp_and_faithful_is_below_one(dtype: str) -> None:
    ulp = 2.0 ** -FRACTION[dtype]
    tie = [1 + ulp / 2]  # either neighbour is half a unit away
    assert verdict("ulp:cr", [1.0], tie, dtype).status is Status.PASS
    assert verdict("ulp:cr", [1 + ulp], tie, dtype).status is Status.PASS
    assert verdict("ulp:cr", [1 + ulp], [1 + 0.499 * ulp], dtype).status is Status.FAIL
    assert verdict("ulp:faithful", [1 + ulp], [1 + 0.001 * ulp], dtype).status is Status.PASS
    assert verdict("ulp:faithful", [1 + ulp], [1.0], dtype).status is Status.FAIL


def test_errors_are_signed_and_those_of_the_truth_not_of_its_rounding() -> None:
    ulp = 2.0**-23
    judged = verdict("ulp", [1.0, 1 + ulp, 1.0, 1.0], [1 + 0.25 * ulp, 1.0, 1.0, 1 + 0.75 * ulp])
    # errors: -1/4, +1, 0, -3/4
    assert value(judged, "mean ULP") == 2 / 4
    assert value(judged, "bias ULP") == 0
    assert value(judged, "share > 0.5 ULP") == 2 / 4
    assert value(judged, "share > 1 ULP") == 0
    assert value(judged, "not correctly rounded") == 2 / 4  # the second and the last


def test_shares_count_what_is_above() -> None:
    errors = np.array([0, 0.5, 0.75, 1, 1.5, 2, 3, 32, 33, 1024, 1025])
    judged = verdict("ulp", 1 + errors * 2.0**-23, np.ones(11))
    above = {"0.5": 9, "1": 7, "2": 5, "32": 3, "1024": 1}
    assert {k: value(judged, f"share > {k} ULP") for k in above} == {k: n / 11 for k, n in above.items()}


def test_quantiles_are_at_most_one_bin_too_large() -> None:
    errors = np.arange(1, 10_001)
    judged = verdict("ulp", 1 + np.random.default_rng(1).permutation(errors) * 2.0**-23, np.ones(errors.size))
    for name, exact in {"p50 ULP": 5_000, "p99 ULP": 9_900, "p99.9 ULP": 9_990}.items():
        assert exact <= value(judged, name) <= exact * (1 + 1 / 64)
    assert "1.6 %" in metric(judged, "p50 ULP").note


def test_no_quantile_is_above_the_maximum() -> None:
    judged = verdict("ulp", [1.0, 1 + 2.0**-23], [1.0, 1.0])
    assert value(judged, "p99 ULP") == value(judged, "max ULP") == 1


@pytest.mark.parametrize("dtype", SUBNORMAL)
def test_at_a_golden_zero_the_unit_is_the_smallest_subnormal(dtype: str) -> None:
    judged = verdict("ulp", [-SUBNORMAL[dtype]], [0.0], dtype)
    assert value(judged, "max ULP") == 1
    assert value(judged, "bias ULP") == -1


def test_float64_errors_are_against_both_parts_of_the_truth() -> None:
    judged = verdict("ulp", [1 + 2.0**-52], [1.0], "f64", low=[2.0**-54])
    assert value(judged, "max ULP") == 0.75


def test_errors_without_bound_leave_the_figures_numbers() -> None:
    judged = verdict("ulp", [1.0, -1.0], [0.0, 0.0], "f64")  # 2**1074 ULP: more than a float64 holds
    assert value(judged, "max ULP") == value(judged, "mean ULP") == value(judged, "p50 ULP") == 2.0**960
    assert value(judged, "bias ULP") == 0


# ---- zeros -----------------------------------------------------------------------------------------------------


def test_a_zero_for_a_nonzero_result_is_unexplained() -> None:
    judged = verdict("ulp", [0.0, 0.0], [1e-30, 0.0])
    assert value(judged, "unexplained zeros") == 1
    assert judged.status is Status.FAIL


def test_a_zero_next_to_the_smallest_subnormals_is_a_zero_all_the_same() -> None:
    tiny = 2.0**-149
    within = verdict("ulp", [0.0], [20 * tiny])  # 20 ULP: within the gate, but every bit is lost
    assert value(within, "max ULP") == 20
    assert within.why == "unexplained zeros is 1, not == 0"
    assert value(verdict("ulp", [0.0], [0.9 * tiny]), "unexplained zeros") == 0  # a neighbour of the truth
    assert value(verdict("ulp", [0.0], [0.4 * tiny]), "unexplained zeros") == 0  # its rounding


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32"])
def test_a_device_that_flushes_may_return_zero_below_the_normal_numbers(dtype: str) -> None:
    golden = [NORMAL[dtype] * 0.75, -NORMAL[dtype] * 0.75, NORMAL[dtype] / 2]
    actual = [0.0, 0.0, NORMAL[dtype] / 2]  # zero, or the nearest value
    judged = verdict("ulp:cr", actual, golden, dtype, context={"flush_subnormals": True})
    assert judged.status is Status.PASS
    assert value(judged, "flushed to zero") == 2
    assert value(judged, "max ULP") == 0
    assert verdict("ulp", actual, golden, dtype).status is Status.FAIL


def test_a_device_that_flushes_may_not_return_anything_else() -> None:
    context = {"flush_subnormals": True}
    assert value(verdict("ulp", [2.0**-127], [2.0**-128], context=context), "max ULP") == 2.0**21
    assert value(verdict("ulp", [1.25], [1.0], context=context), "max ULP") == 2.0**21


def test_a_device_that_flushes_may_not_return_zero_for_a_normal_number() -> None:
    judged = verdict("ulp", [0.0], [2.0**-125], context={"flush_subnormals": True})
    assert value(judged, "unexplained zeros") == 1


def test_flushing_contracts_the_gap_below_the_smallest_normal_number_to_one_ulp() -> None:
    golden = [2.0**-126 + 8 * 2.0**-149, -(2.0**-126) - 8 * 2.0**-149]
    judged = verdict("ulp", [0.0, 0.0], golden, context={"flush_subnormals": True})
    assert value(judged, "max ULP") == 9
    assert value(judged, "bias ULP") == 0
    assert judged.status is Status.PASS  # a device that errs by 9 ULP there computed a subnormal, and flushed it
    assert verdict("ulp:libm", [0.0, 0.0], golden, context={"flush_subnormals": True}).status is Status.FAIL


# ---- roots of a gradient ---------------------------------------------------------------------------------------


def test_near_a_root_errors_are_relative_to_the_larger_term() -> None:
    # sigmoid(x) - t with terms of 0.5: one ULP of the term is 2**-24.
    judged = verdict("ulp", [1e-9 + 2.0**-24], [1e-9], scale=[0.5])
    assert value(judged, "max ULP") == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(("units", "passes"), [(0.9, True), (20.0, True), (32.0, True), (33.0, False)])
def test_a_zero_near_a_root_is_explained_within_the_gate(units: float, passes: bool) -> None:
    judged = verdict("ulp", [0.0], [units * 2.0**-24], scale=[0.5])
    assert value(judged, "max ULP") == units
    assert value(judged, "unexplained zeros") == (not passes)
    assert judged.status is (Status.PASS if passes else Status.FAIL)


def test_flushing_costs_nothing_near_a_root() -> None:
    judged = verdict("ulp", [0.0], [1e-9], scale=[0.5], context={"flush_subnormals": True})
    assert value(judged, "max ULP") == 1e-9 * 2**24
    assert judged.status is Status.PASS


def test_a_lost_gradient_of_a_hard_label_is_no_root() -> None:
    golden = 1e-12  # t = 1: one of the two terms is 0, the other is the gradient
    judged = verdict("ulp", [0.0], [golden], scale=[golden])
    assert value(judged, "unexplained zeros") == 1


def test_a_scale_below_the_value_or_without_a_number_does_not_count() -> None:
    for scale in (0.25, NAN, INF):
        assert value(verdict("ulp", [1 + 2.0**-23], [1.0], scale=[scale]), "max ULP") == 1


# ---- infinities and NaN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "golden", "same"),
    [
        (NAN, NAN, True),
        (INF, INF, True),
        (-INF, -INF, True),
        (INF, -INF, False),
        (NAN, INF, False),
        (INF, NAN, False),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (LARGEST["f32"], INF, False),
        (-INF, LARGEST["f32"], False),
    ],
)
def test_inf_and_nan_have_to_be_the_same(actual: float, golden: float, same: bool) -> None:
    judged = verdict("ulp", [actual, 1.0], [golden, 1.0])
    assert value(judged, "inf/NaN mismatches") == (not same)
    assert judged.status is (Status.PASS if same else Status.FAIL)
    assert (judged.used, judged.masked) == (1, int(same))


@pytest.mark.parametrize(
    ("actual", "golden", "ulps"),
    [
        (INF, 65519.0, 17 / 32),  # 65536 takes the place of infinity; one ULP is 32
        (INF, 65520.0, 0),  # rounds to infinity
        (65504.0, 65520.0, 16 / 32),
        (65504.0, 70000.0, 32 / 32),
        (65472.0, 70000.0, 64 / 32),
        (INF, 70000.0, 0),
        (INF, 65504.0, 1),
        (-INF, -65504.0, 1),
        (INF, 65472.0, 2),
    ],
)
def test_infinity_stands_one_ulp_beyond_the_largest_number(actual: float, golden: float, ulps: float) -> None:
    judged = verdict("ulp", [actual], [golden], "f16")
    assert value(judged, "max ULP") == ulps
    assert judged.status is (Status.PASS if ulps <= 1 else Status.FAIL)


def test_an_infinity_far_from_the_threshold_is_no_near_overflow() -> None:
    judged = verdict("ulp", [INF], [1.0])
    assert value(judged, "max ULP") == 2.0**151  # (2**128 - 1) / 2**-23, to 53 bits
    assert judged.status is Status.FAIL


def test_a_float64_golden_that_overflows_is_known_by_its_flag() -> None:
    largest = LARGEST["f64"]
    flags = [int(Flag.OVERFLOW)] * 2
    judged = verdict("ulp", [largest, INF], [INF, INF], "f64", flags=flags)
    assert value(judged, "max ULP") == 1
    assert value(judged, "inf/NaN mismatches") == 0
    assert value(verdict("ulp", [largest], [INF], "f64"), "inf/NaN mismatches") == 1
    assert value(verdict("ulp", [INF], [largest], "f64"), "max ULP") == 1


def test_with_saturation_an_infinite_result_is_wrong() -> None:
    context = {"saturate": True}
    flags = [int(Flag.OVERFLOW), int(Flag.SPECIAL)]
    right = verdict("ulp:cr", [65504.0, 0.0], [65504.0, 0.0], "f16", flags=flags, context=context)
    assert right.status is Status.PASS
    wrong = verdict("ulp", [INF, NAN], [65504.0, 0.0], "f16", flags=flags, context=context)
    assert value(wrong, "inf/NaN mismatches") == 2


# ---- reductions ------------------------------------------------------------------------------------------------


def test_a_reduced_output_says_of_how_many_terms_it_is() -> None:
    context = {"reduction": "mean", "count": 1, "terms": 1000}
    judged = verdict("ulp", [1 + 2.0**-18], [1.0], context=context)
    assert metric(judged, "max ULP").note == "N=1, mean of 1000 terms"
    assert judged.status is Status.PASS  # 32 ULP


def test_nothing_measured_states_nothing() -> None:
    judged = verdict("ulp", [NAN], [NAN])
    assert judged.status is Status.PASS
    assert metric(judged, "p50 ULP").value is None
    assert value(judged, "max ULP") == 0
    assert not math.isnan(value(judged, "mean ULP"))
