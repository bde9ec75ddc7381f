"""The statistics of an output are what a plain computation on every element says."""

from __future__ import annotations

import itertools
import json
import math
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from statistics_chunks import DTYPES, chunk, cut, exact_ulp, statistics

from bcelogits._formats import FORMATS
from bcelogits.reference.truth import Flag, Op
from bcelogits.verify._model import Context
from bcelogits.verify._statistics import Statistics

Array = np.ndarray[Any, Any]


def _noisy(dtype: str, count: int = 400, seed: int = 1) -> tuple[Array, Array, Array]:
    """Golden values over many binades, their roundings with errors from none to thousands of ULP, and logits."""
    random = np.random.default_rng(seed)
    golden = random.uniform(1, 2, count) * 2.0 ** random.integers(-12, 6, count)
    rounded = golden.astype(DTYPES[dtype]).astype(np.float64)
    steps = np.trunc(2.0 ** random.uniform(-2, 9, count)) * random.choice([-1, 0, 1], count)
    actual = (rounded * (1 + steps * 2.0 ** -FORMATS[dtype].fraction_bits)).astype(DTYPES[dtype]).astype(np.float64)
    return actual, golden, random.uniform(-50, 50, count)


@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
def test_figures_in_ulp_agree_with_rational_arithmetic(dtype: str) -> None:
    actual, golden, _ = _noisy(dtype)
    low = (
        np.random.default_rng(2).uniform(-0.4, 0.4, golden.size) * np.spacing(golden) if dtype == "f64" else 0 * golden
    )
    found = statistics(chunk(actual, golden, dtype, low=low), dtype=dtype)["ulp"]
    errors = [exact_ulp(*values, dtype, float(rest)) for *values, rest in zip(actual, golden, low, strict=True)]
    sizes = sorted(abs(error) for error in errors)
    assert found["measured"] == len(errors)
    assert found["exact"] == sum(error == 0 for error in errors)
    assert found["max"] == pytest.approx(float(sizes[-1]), rel=1e-12)
    assert found["mean"] == pytest.approx(float(sum(sizes) / len(sizes)), rel=1e-12)
    assert found["bias"] == pytest.approx(float(sum(errors) / len(errors)), rel=1e-9)
    for limit in ("0.5", "1", "2", "32", "1024"):
        assert found["over"][limit] == sum(size > Fraction(limit) for size in sizes)
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
        quantile = float(sizes[math.ceil(share * len(sizes)) - 1])
        assert quantile <= found[name] * (1 + 1e-12)
        assert found[name] <= max(quantile * (1 + 1 / 64), 2**-10)
    rounded = golden.astype(DTYPES[dtype]).astype(np.float64)
    assert found["not_correctly_rounded"] == np.count_nonzero(actual != rounded)


def test_a_half_ulp_is_what_rounding_costs_at_most() -> None:
    golden = np.random.default_rng(3).uniform(0.001, 10, 1000)
    found = statistics(chunk(golden.astype(np.float32), golden))["ulp"]
    assert found["max"] <= 0.5
    assert found["not_correctly_rounded"] == 0


def test_the_signed_histogram_counts_every_element_once() -> None:
    actual, golden, _ = _noisy("f32")
    found = statistics(chunk(actual, golden))["histogram"]
    errors = [exact_ulp(a, g, "f32") for a, g in zip(actual, golden, strict=True)]
    edges = [float(edge) for edge in found["edges"]]
    assert edges[:3] == [0.0, 0.25, 0.5]
    assert all(b == 2 * a for a, b in itertools.pairwise(edges[1:]) if math.isfinite(b))
    for sign, counts in ((1, found["positive"]), (-1, found["negative"])):
        for low, high, count in zip(edges, edges[1:], counts, strict=False):
            assert count == sum(low <= error * sign < high and error != 0 for error in errors)
        assert len(counts) == len(edges) - 1
    assert found["exact"] == sum(error == 0 for error in errors)
    assert found["exact"] + sum(found["positive"]) + sum(found["negative"]) == len(errors)


@pytest.mark.parametrize("cuts", [[1], [399], [100, 100, 250], list(range(1, 400, 7))])
def test_cutting_the_output_into_other_chunks_changes_nothing(cuts: list[int]) -> None:
    actual, golden, logits = _noisy("f32")
    actual[7], actual[8], golden[9] = math.nan, math.inf, math.inf
    flags = np.random.default_rng(4).integers(0, 64, golden.size).astype(np.uint8)
    whole = chunk(actual, golden, flags=flags, third=golden.astype(np.float32), inputs={"logits": logits})
    one, many = statistics(whole), statistics(*cut(whole, cuts))
    _approximately(one, many)


def _approximately(one: Any, other: Any) -> None:
    """Equal, but for the last bits of sums of float64."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _approximately(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _approximately(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-12)
    else:
        assert one == other


def test_the_confusion_matrix_has_a_row_for_each_class_of_the_golden() -> None:
    values = [1.0, math.inf, -math.inf, math.nan]
    golden, actual = [g for g in values for _ in values], values * 4
    found = statistics(chunk(actual, golden))
    assert found["confusion"] == {"classes": ["finite", "+inf", "-inf", "nan"], "counts": [[1] * 4] * 4}
    # +inf for 1 is measured as 2**128; everything else off the diagonal is unbounded.
    assert found["mismatched"] == 11
    assert found["ulp"]["measured"] == 2
    assert found["ulp"]["max"] == (2.0**128 - 1) * 2.0**23


def test_a_golden_value_that_overflows_is_infinite_in_the_confusion_matrix() -> None:
    found = statistics(chunk([math.inf, 65504.0], [70000.0, 70000.0], "f16"), dtype="f16")
    assert found["confusion"]["counts"][1][:2] == [1, 1]
    assert found["mismatched"] == 0
    # 65536 stands for infinity, and one ULP of the largest binade is 32.
    assert found["ulp"]["max"] == 1.0


def test_flags_count_where_the_result_is_not_the_golden_rounded() -> None:
    flags = np.array([Flag.SUBNORMAL, Flag.SUBNORMAL | Flag.CHOICE, Flag.CHOICE, 0], np.uint8)
    found = statistics(chunk([1, 2.5, math.nan, 4.5], [1, 2, math.nan, 4], flags=flags))["flags"]
    assert found["subnormal"] == {"count": 2, "differ": 1}
    assert found["choice"] == {"count": 2, "differ": 1}
    assert found["overflow"] == found["zero"] == found["special"] == found["outside"] == {"count": 0, "differ": 0}


def test_zeros_are_explained_by_rounding_and_by_flushing() -> None:
    golden = [1e-3, 1e-60, 1e-40, 0.0]
    assert statistics(chunk([0.0] * 4, golden))["zeros"] == {"explained": 1, "unexplained": 2}
    flushed = statistics(chunk([0.0] * 4, golden), flush_subnormals=True)
    assert flushed["zeros"] == {"explained": 2, "unexplained": 1}


@pytest.mark.parametrize(
    ("dtype", "domains"),
    [
        ("f32", [("cann-dual", 2**-14, 2**-30, False), ("msprobe, MindSpore", 2**-20, 2**-30, True)]),
        (
            "f16",
            [
                ("cann-dual", 2**-11, 2**-16, False),
                ("msprobe, documented", 2**-10, 2**-16, True),
                ("msprobe and MindSpore, as coded", 2**-10, 1e-16, True),
            ],
        ),
        (
            "bf16",
            [
                ("cann-dual", 2**-8, 2**-16, False),
                ("msprobe, documented", 2**-10, 2**-16, True),
                ("msprobe and MindSpore, as coded", 2**-10, 1e-16, True),
            ],
        ),
    ],
)
def test_the_published_small_domains_of_each_dtype(dtype: str, domains: list[tuple[Any, ...]]) -> None:
    context = Context(Op.LOSS, FORMATS[dtype], count=0, terms=0)
    found = Statistics(context).result()["small_domains"]
    assert [(row["source"], row["small"], row["error"], row["inclusive"]) for row in found] == domains


def test_small_domains_count_elements_and_errors_of_both_columns() -> None:
    small = 2.0**-14
    golden = [small, small / 2, small / 2, small / 2, -(2.0**-20)]
    actual = [9.0, small / 2 + 2.0**-30, small / 2 + 2.0**-29, math.nan, 0.0]
    third = [9.0, small / 2, small, small / 2, -(2.0**-20)]
    dual, msprobe = statistics(chunk(actual, golden, third=np.array(third)))["small_domains"]
    assert (dual["count"], dual["errors"], dual["third_errors"], dual["ratio"]) == (4, 3, 1, 3.0)
    assert (msprobe["count"], msprobe["errors"], msprobe["third_errors"], msprobe["ratio"]) == (1, 1, 0, 1.0)
    alone = statistics(chunk(actual, golden))["small_domains"][0]
    assert (alone["errors"], alone["third_errors"], alone["ratio"]) == (3, None, None)


def test_the_ratios_of_the_dual_rules() -> None:
    golden = np.array([1.0, 2.0, 4.0])
    found = statistics(chunk(golden + np.array([0, 0.5, 1]), golden, third=golden + np.array([0, 0.25, 0.25])))["dual"]
    rows = {row["figure"]: row for row in found}
    assert rows["max absolute error"] == {"figure": "max absolute error", "actual": 1.0, "third": 0.25, "ratio": 4.0}
    assert rows["max relative error"]["ratio"] == pytest.approx(2.0, rel=1e-6)
    assert rows["mean relative error"]["actual"] == pytest.approx((0.25 + 0.25) / 3, rel=1e-6)
    assert rows["RMSE"]["actual"] == pytest.approx(math.sqrt(1.25 / 3))
    assert rows["RMSE"]["ratio"] == pytest.approx(math.sqrt(1.25 / 0.125))
    assert rows["max ULP"]["actual"] == 2.0**21
    assert statistics(chunk(golden, golden))["dual"] is None


def test_the_ratio_of_an_exact_third_party_is_guarded() -> None:
    found = statistics(chunk([1.5], [1.0], third=np.array([1.0])))["dual"]
    assert {row["figure"]: row["ratio"] for row in found}["max absolute error"] == pytest.approx(0.5 / 1e-7)


def test_nothing_but_nan() -> None:
    found = statistics(chunk([math.nan] * 50, np.arange(1.0, 51.0), inputs={"logits": np.arange(50.0)}))
    assert found["mismatched"] == 50
    assert found["ulp"]["measured"] == 0
    assert found["ulp"]["max"] is None
    assert found["by_logit"] is None
    assert [point["ulp"] for point in found["worst"]] == ["inf"] * 10
    json.dumps(found, allow_nan=False)


def test_nothing_at_all() -> None:
    found = statistics(chunk([], []))
    assert found["elements"] == 0
    assert found["ulp"]["max"] is None
    assert found["worst"] == []
    assert found["by_logit"] is None
    assert found["by_golden"] is None
    json.dumps(found, allow_nan=False)


def test_a_reduced_output_has_one_element_and_no_logits() -> None:
    found = statistics(chunk([0.75], [0.75]))
    assert found["by_logit"] is None
    assert [point["actual"] for point in found["worst"]] == ["0.75"]  # shown although it is right


def test_all_is_json_even_where_errors_are_beyond_float64() -> None:
    golden = np.array([5e-324, 1e308, 1.0])
    actual = np.array([1e308, -1e308, math.inf])
    found = statistics(chunk(actual, golden, "f64", inputs={"logits": [1e300, -1e300, 0.0]}), dtype="f64")
    assert found["ulp"]["max"] == "inf"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_memory_does_not_grow_with_the_output() -> None:
    random = np.random.default_rng(5)
    golden = random.uniform(0.01, 1, 1 << 18)
    part = chunk(golden.astype(np.float32), golden, inputs={"logits": random.uniform(-5, 5, golden.size)})
    found = Statistics(Context(Op.LOSS, FORMATS["f32"], count=16 << 18, terms=16 << 18))
    for small in part.parts():
        found.add(small)
    tracemalloc.start()
    try:
        for _ in range(15):
            for small in part.parts():
                found.add(small)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.result()["elements"] == 16 << 18
    assert peak < 32 << 20
