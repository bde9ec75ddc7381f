"""The rules of one form: how many elements may be how far off. isclose and its kin, thousandth, AscendOpTest."""

from __future__ import annotations

import numpy as np
import pytest
from profile_cases import INF, NAN, rounded_to, value, verdict

from bcelogits.verify._model import Status

# profile, dtype, rtol, atol, share: docs/precision.md 2.7 and 3.
ISCLOSE = [
    ("sample-isclose", "f16", 1e-3, 1e-5, 1e-3),
    ("sample-isclose", "bf16", 1e-3, 1e-3, 1e-3),
    ("sample-isclose", "f32", 1e-4, 1e-6, 1e-3),
    ("sample-isclose:1e-5", "f32", 1e-4, 1e-5, 1e-3),
    ("ttk-close", "f16", 1e-3, 1e-8, 1e-3),
    ("ttk-close", "bf16", 1e-3, 1e-8, 1e-3),
    ("ttk-close", "f32", 1e-4, 1e-8, 1e-4),
    ("torch", "f16", 1e-3, 1e-5, 0),
    ("torch", "bf16", 1.6e-2, 1e-5, 0),
    ("torch", "f32", 1.3e-6, 1e-5, 0),
    ("torch", "f64", 1e-7, 1e-7, 0),
    ("jax", "f16", 1e-3, 1e-3, 0),
    ("jax", "bf16", 1e-2, 1e-2, 0),
    ("jax", "f32", 1e-6, 1e-6, 0),
    ("jax", "f64", 1e-15, 1e-15, 0),
    ("tf", "f16", 1e-3, 1e-3, 0),
    ("tf", "bf16", 1e-2, 1e-2, 0),
    ("tf", "f32", 1e-6, 1e-6, 0),
    ("tf", "f64", 1e-6, 1e-6, 0),
    ("onnx", "f16", 1e-3, 1e-7, 0),
    ("onnx", "bf16", 1e-3, 1e-7, 0),
    ("onnx", "f32", 1e-3, 1e-7, 0),
    ("onnx", "f64", 1e-3, 1e-7, 0),
]
# profile, dtype, tolerance, share
SHARES = [
    ("thousandth", "f16", 1e-3, 1e-3),
    ("thousandth", "bf16", 4e-3, 4e-3),
    ("thousandth", "f32", 1e-4, 1e-4),
    ("ascendoptest", "f16", 1e-3, 1e-3),
    ("ascendoptest", "bf16", 4e-3, 4e-3),
    ("ascendoptest", "f32", 1e-4, 1e-4),
]
ALL = [(p, d, share) for p, d, _, _, share in ISCLOSE] + [(p, d, share) for p, d, _, share in SHARES]


def passes(profile: str, dtype: str, actual: float, golden: float) -> bool:
    return verdict(profile, [actual], [golden], dtype).status is Status.PASS


@pytest.mark.parametrize(("profile", "dtype", "rtol", "atol", "share"), ISCLOSE)
def test_isclose_is_atol_plus_rtol_times_golden(
    profile: str, dtype: str, rtol: float, atol: float, share: float
) -> None:
    assert passes(profile, dtype, atol, 0.0)
    assert passes(profile, dtype, -atol, 0.0)
    assert not passes(profile, dtype, np.nextafter(atol, 1), 0.0)
    for golden in (1.0, -8.0, 1000.0):
        limit = atol + rtol * abs(golden)
        # float64 holds a - g to within an ULP of the golden only: a margin of 8 of those.
        margin = 8 * np.spacing(abs(golden))
        assert passes(profile, dtype, golden + limit - margin, golden)
        assert passes(profile, dtype, golden - limit + margin, golden)
        assert not passes(profile, dtype, golden + limit + margin, golden)
        assert not passes(profile, dtype, golden - limit - margin, golden)


@pytest.mark.parametrize(("dtype", "tolerance"), [(d, t) for p, d, t, _ in SHARES if p == "thousandth"])
def test_thousandth_wants_an_error_that_is_large_both_ways(dtype: str, tolerance: float) -> None:
    more, less = tolerance * 1.01, tolerance * 0.99
    assert not passes("thousandth", dtype, 1 + more, 1.0)
    assert passes("thousandth", dtype, 1 + less, 1.0)
    assert passes("thousandth", dtype, 100 + 50 * tolerance, 100.0)  # relative: half the tolerance
    assert passes("thousandth", dtype, 0.0, less)  # relative: 1; absolute: less than the tolerance
    assert not passes("thousandth", dtype, 0.0, more)
    assert passes("thousandth", dtype, tolerance, 0.0)
    assert not passes("thousandth", dtype, more, 0.0)


@pytest.mark.parametrize(("dtype", "tolerance"), [(d, t) for p, d, t, _ in SHARES if p == "ascendoptest"])
def test_ascendoptest_is_relative_from_one_on_and_absolute_below(dtype: str, tolerance: float) -> None:
    assert passes("ascendoptest", dtype, tolerance, 0.0)
    assert not passes("ascendoptest", dtype, np.nextafter(tolerance, 1), 0.0)
    assert passes("ascendoptest", dtype, 4 + 4 * tolerance * 0.999, 4.0)
    assert not passes("ascendoptest", dtype, 4 + 4 * tolerance * 1.001, 4.0)
    assert passes("ascendoptest", dtype, 0.5 + tolerance * 0.999, 0.5)  # relative: twice the tolerance
    assert not passes("ascendoptest", dtype, 0.5 + tolerance * 1.001, 0.5)
    assert not passes("ascendoptest", dtype, -4 - 4 * tolerance * 1.001, -4.0)


@pytest.mark.parametrize(("profile", "dtype", "share"), ALL)
def test_so_many_elements_may_be_out_and_not_one_more(profile: str, dtype: str, share: float) -> None:
    count = 20_000
    allowed = round(share * count)
    actual, golden = np.zeros(count), np.zeros(count)
    actual[:allowed] = 1.0
    judged = verdict(profile, actual, golden, dtype)
    assert judged.status is Status.PASS
    assert value(judged, "share out of tolerance") == share
    actual[allowed] = -1.0
    assert verdict(profile, actual, golden, dtype).status is Status.FAIL


@pytest.mark.parametrize(("profile", "dtype"), [(p, d) for p, d, _ in ALL])
@pytest.mark.parametrize(
    ("actual", "golden", "same"),
    [
        (INF, INF, True),
        (-INF, -INF, True),
        (INF, -INF, False),
        (INF, 1.0, False),
        (1.0, INF, False),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (NAN, INF, False),
    ],
)
def test_an_infinity_is_close_to_itself_alone(
    profile: str, dtype: str, actual: float, golden: float, same: bool
) -> None:
    assert passes(profile, dtype, actual, golden) is same


@pytest.mark.parametrize(("profile", "dtype"), [(p, d) for p, d, _ in ALL])
def test_nan_equals_nan_except_in_assert_close(profile: str, dtype: str) -> None:
    assert passes(profile, dtype, NAN, NAN) is (profile != "torch")


@pytest.mark.parametrize(("profile", "dtype"), [(p, d) for p, d, _ in ALL])
def test_a_correctly_rounded_output_has_no_error(profile: str, dtype: str, rng: np.random.Generator) -> None:
    golden = rng.normal(0, 10, 1000)
    judged = verdict(profile, rounded_to(dtype, golden), golden, dtype)
    assert value(judged, "share out of tolerance") == 0


@pytest.mark.parametrize("profile", ["sample-isclose", "thousandth", "ascendoptest"])
def test_float64_is_not_judged_where_there_is_no_row(profile: str) -> None:
    assert verdict(profile, [1.0], [1.0], "f64").status is Status.NOT_JUDGED


def test_ttk_close_judges_float64_by_the_row_of_other_floats() -> None:
    assert passes("ttk-close", "f64", 1 + 0.99e-4, 1.0)
    assert not passes("ttk-close", "f64", 1 + 1.01e-4, 1.0)


def test_a_bfloat16_mean_that_is_one_ulp_off_fails_ascendoptest_and_is_called_so() -> None:
    context = {"reduction": "mean", "count": 1, "terms": 4096}
    judged = verdict("ascendoptest", [1 + 2.0**-7], [1.0], "bf16", context=context)
    assert judged.status is Status.FAIL
    assert judged.why.startswith("1-ulp, N=1: the only element is one ULP of bf16 off")
    two = verdict("ascendoptest", [1 + 2.0**-6], [1.0], "bf16", context=context)
    assert not two.why.startswith("1-ulp")
    elementwise = verdict("ascendoptest", [1 + 2.0**-7], [1.0], "bf16")
    assert not elementwise.why.startswith("1-ulp")


def test_the_largest_error_is_named() -> None:
    judged = verdict("torch", [1.0, 1.5, 3.0], [1.0, 1.0, 1.0])
    assert judged.why == (
        "share out of tolerance is 0.666666667, not <= 0 (the largest error out of tolerance is 2, element 2)"
    )
    assert "element 0" in verdict("torch", [2.0, 1.5], [1.0, 1.0]).why
