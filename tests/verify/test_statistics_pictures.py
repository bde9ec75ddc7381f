"""What the pictures and the worst points are drawn from agrees with sorting every element by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from statistics_chunks import chunk, cut, exact_ulp, statistics

Array = np.ndarray[Any, Any]


def _data(reach: float, count: int = 3000) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(7)
    logits = random.uniform(-reach, reach, count).astype(np.float32).astype(np.float64)
    golden = random.uniform(0.5, 1, count)
    errors = 2.0 ** random.uniform(-3, 20, count) * random.choice([-1, 1], count)
    actual = (golden + errors * 2.0**-24).astype(np.float32).astype(np.float64)
    return actual, golden, logits


@pytest.mark.parametrize(
    ("reach", "axis"), [(1e-9, "linear"), (5, "linear"), (200, "linear"), (1e4, "symlog"), (3e38, "symlog")]
)
def test_every_logit_is_in_one_column_whatever_the_range(reach: float, axis: str) -> None:
    actual, golden, logits = _data(reach)
    found = statistics(chunk(actual, golden, inputs={"logits": logits}))["by_logit"]
    assert found["axis"] == axis
    assert found["span"] == [logits.min(), logits.max()]
    assert 1 < len(found["count"]) <= 160 or reach == 1e-9
    errors = np.array([float(abs(exact_ulp(a, g, "f32"))) for a, g in zip(actual, golden, strict=True)])
    edges = list(zip(found["low"], found["high"], strict=True))
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(edges))
    for k, (low, high) in enumerate(edges):
        # Bins below 0 have their closed end at the side of infinity.
        inside = (logits > low) & (logits <= high) if high <= 0 else (logits >= low) & (logits < high)
        mine = errors[inside]
        assert found["count"][k] == mine.size
        assert found["max"][k] == pytest.approx(mine.max())
        assert found["mean"][k] == pytest.approx(mine.mean(), rel=1e-5)
        assert found["golden_at_max"][k] == pytest.approx(golden[inside][mine.argmax()], rel=1e-5)
        p99 = sorted(mine)[math.ceil(0.99 * mine.size) - 1]
        assert p99 <= found["p99"][k] * (1 + 1e-9)
        assert found["p99"][k] <= max(1.5 * p99, 2**-4)
    assert sum(found["count"]) == logits.size


def test_logits_that_are_not_finite_have_no_column() -> None:
    logits = [math.inf, -math.inf, math.nan, 1.0]
    found = statistics(chunk([0.5] * 4, [0.5] * 4, inputs={"logits": logits}))["by_logit"]
    assert found["count"] == [1]
    assert found["span"] == [1.0, 1.0]


def test_results_are_grouped_by_the_size_of_the_golden() -> None:
    random = np.random.default_rng(8)
    golden = 10.0 ** random.uniform(-30, 3, 2000) * random.choice([-1, 1], 2000)
    actual = (golden * 10.0 ** random.uniform(-1, 1, 2000)).astype(np.float32).astype(np.float64)
    actual[::17] = 0.0
    actual[5::31] *= -1
    found = statistics(chunk(actual, golden))["by_golden"]
    assert sum(found["count"]) == 2000
    assert len(found["count"]) <= 160
    size = np.abs(golden)
    for k, (low, high) in enumerate(zip(found["low"], found["high"], strict=True)):
        inside = (size >= low) & (size < high)
        there = inside & (actual != 0)
        assert found["count"][k] == np.count_nonzero(inside)
        assert found["zeros"][k] == np.count_nonzero(inside & (actual == 0))
        assert found["sign_differs"][k] == np.count_nonzero(there & (np.sign(actual) != np.sign(golden)))
        assert found["golden"][k] == pytest.approx(_geometric(size[inside]), rel=1e-5)
        assert found["actual"][k] == pytest.approx(_geometric(np.abs(actual[there])), rel=1e-5)
        assert found["actual_min"][k] == pytest.approx(np.abs(actual[there]).min(), rel=1e-5)
        assert found["actual_max"][k] == pytest.approx(np.abs(actual[there]).max(), rel=1e-5)


def _geometric(values: Array) -> float:
    return math.exp(math.fsum(map(math.log, values)) / values.size)


def test_a_tail_that_is_lost_shows_as_zeros_without_a_mean() -> None:
    found = statistics(chunk([0.0, 0.0, 1.0], [1e-9, 1.1e-9, 1.0]))["by_golden"]
    assert found["zeros"] == [2, 0]
    assert found["actual"] == [None, 1.0]
    assert found["actual_min"] == [None, 1.0]


def test_the_worst_points_are_the_largest_errors_in_order() -> None:
    actual, golden, logits = _data(5)
    targets = np.linspace(0, 1, logits.size)
    whole = chunk(actual, golden, inputs={"logits": logits, "targets": targets})
    errors = [exact_ulp(a, g, "f32") for a, g in zip(actual, golden, strict=True)]
    order = sorted(range(len(errors)), key=lambda k: (-abs(errors[k]), k))[:10]
    for found in (statistics(whole)["worst"], statistics(*cut(whole, [5, 700, 701, 2999]))["worst"]):
        assert [point["index"] for point in found] == order
        for point in found:
            k = point["index"]
            assert float(point["ulp"]) == pytest.approx(float(errors[k]), rel=1e-5)
            # The texts give the values again.
            assert np.float32(point["inputs"]["logits"]) == logits[k]
            assert float(point["inputs"]["targets"]) == targets[k]
            assert np.float32(point["actual"]) == actual[k]
            assert float(point["golden"]) == golden[k]
            assert np.float32(point["rounded"]) == np.float32(golden[k])


def test_the_text_of_a_point_is_the_shortest_that_gives_the_value_again() -> None:
    value = float(np.float32(0.1))
    (point,) = statistics(chunk([value], [0.1], inputs={"logits": [value]}))["worst"]
    assert (point["inputs"]["logits"], point["actual"], point["golden"]) == ("0.1", "0.1", "0.1")
    (point,) = statistics(chunk([value], [0.1], "f64", inputs={"logits": [-0.0]}), dtype="f64")["worst"]
    assert (point["inputs"]["logits"], point["actual"]) == ("-0.0", "0.10000000149011612")


def test_of_points_that_are_alike_the_first_stands_for_all() -> None:
    golden, actual = [0.5] * 40 + [0.7], [0.75] * 40 + [0.8]
    found = statistics(chunk(actual, golden, inputs={"logits": [3.0] * 20 + [4.0] * 20 + [5.0]}))["worst"]
    assert [point["index"] for point in found] == [0, 20, 40]


def test_points_without_any_error_are_none_of_the_worst() -> None:
    golden = np.ones(100)
    actual = golden.copy()
    actual[60] += 2.0**-23
    assert [point["index"] for point in statistics(chunk(actual, golden))["worst"]] == [60]


def test_an_element_of_the_wrong_class_is_the_worst() -> None:
    golden = np.linspace(1, 2, 50)
    actual = golden + 0.25
    actual[33] = math.nan
    worst = statistics(chunk(actual, golden))["worst"]
    assert (worst[0]["index"], worst[0]["ulp"], worst[0]["actual"]) == (33, "inf", "nan")
    assert len(worst) == 10
