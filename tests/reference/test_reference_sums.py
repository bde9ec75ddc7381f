"""The oracle's sum is that of rational arithmetic, whatever is added and however it is cut into chunks."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcelogits.reference.sums import IntegerSum, to_float

Array = np.ndarray[Any, np.dtype[np.float64]]
LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324
AT_ONCE = 1 << 13  # numbers that are added at once


def total(*chunks: Array) -> IntegerSum:
    found = IntegerSum()
    for chunk in chunks:
        found.add(chunk)
    return found


def exactly(values: Array) -> Fraction:
    return sum(map(Fraction, values.tolist()), Fraction())


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=60),
    at=st.lists(st.integers(0, 60), max_size=8),
)
def test_a_sum_is_exact_and_the_same_however_it_is_cut(values: list[float], at: list[int]) -> None:
    array = np.array(values, dtype=np.float64)
    ends = [0, *sorted(at), array.size]
    whole, cut = total(array), total(*(array[a:b] for a, b in itertools.pairwise(ends)))
    assert whole.fraction() == cut.fraction() == exactly(array)
    assert whole.count == cut.count == array.size
    assert whole.value == to_float(exactly(array))
    assert whole.mean == (to_float(exactly(array) / array.size) if array.size else 0)


@pytest.mark.parametrize("value", [LARGEST, -LARGEST, SMALLEST, math.nextafter(1, 0), 2.0**1008, 2.0**-1022])
@pytest.mark.parametrize("count", [AT_ONCE - 1, AT_ONCE, 3 * AT_ONCE + 5])
def test_many_equal_numbers_are_a_multiple(value: float, count: int) -> None:
    found = total(np.full(count, value))
    assert found.fraction() == count * Fraction(value)
    assert found.mean == value


def test_numbers_of_all_magnitudes_in_one_chunk() -> None:
    bits = np.random.default_rng(3).integers(0, 2**64, 3 * AT_ONCE, dtype=np.uint64)
    values = bits.view(np.float64)
    values = values[np.isfinite(values)]
    assert total(values).fraction() == exactly(values)


@pytest.mark.parametrize("values", [*itertools.permutations((1e16, 1.0, 1.0, -1e16))])
def test_a_large_number_that_goes_again_takes_no_small_one_with_it(values: tuple[float, ...]) -> None:
    assert total(*(np.array([value]) for value in values)).value == 2


def test_infinities_and_nan_make_the_sum_what_ieee_says() -> None:
    found = total(np.array([1.0, math.inf]), np.ones(AT_ONCE))
    assert found.value == found.mean == math.inf
    found.add(np.array([-math.inf]))
    assert math.isnan(found.value)
    assert math.isnan(total(np.array([math.nan, 1.0])).mean)


def test_a_sum_beyond_float64_is_infinite_and_its_mean_is_not() -> None:
    found = total(np.full(4, LARGEST))
    assert (found.value, found.mean) == (math.inf, LARGEST)
