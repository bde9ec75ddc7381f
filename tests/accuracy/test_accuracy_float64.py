"""float64 results: at most 2 ULP, against MPFR at 320 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from accuracy_report.operands import Options
from accuracy_report.rows import Row
from accuracy_report.sweeps import OPTIONS, climbing, hard_float64, random_operands

Check = Callable[[Iterable[Row]], None]


def test_targets_0_and_1(assert_within_contract: Check) -> None:
    assert_within_contract(hard_float64(1, 40_000))


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.title)
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_random_operands(soft: bool, options: Options, assert_within_contract: Check) -> None:
    assert_within_contract(random_operands("f64", soft, 1, 10_000, (options,)))


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_climbing_to_the_worst_operands(soft: bool, assert_within_contract: Check) -> None:
    assert_within_contract(climbing("f64", soft, 2, 60, 15))


@pytest.mark.exhaustive
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_more_operands(soft: bool, assert_within_contract: Check) -> None:
    assert_within_contract(hard_float64(2, 200_000))
    assert_within_contract(random_operands("f64", soft, 2, 60_000))
    assert_within_contract(climbing("f64", soft, 3, 300, 40))
