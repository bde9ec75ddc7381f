"""Every planted fault is caught by name, at its place, and the correct implementation passes on the same data."""

from __future__ import annotations

from typing import Any

import planted
import pytest
from planted import FAULTS, Fault

from bcelogits.verify import Status
from bcelogits.verify.profiles import PROFILES

by_name = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


@by_name
def test_a_planted_fault_is_caught_by_the_profiles_that_can_see_it(fault: Fault) -> None:
    result = planted.judged(fault)
    assert result.status is Status.FAIL
    failed = {verdict.profile: verdict for verdict in result.verdicts if verdict.status is Status.FAIL}
    assert set(fault.seen_by) <= set(failed)
    assert all(verdict.why for verdict in failed.values())


@by_name
def test_the_correct_implementation_passes_every_profile_on_the_same_data(fault: Fault) -> None:
    result = planted.judged_correct(fault)
    assert {v.profile: v.why for v in result.verdicts if v.status not in (Status.PASS, Status.NOT_JUDGED)} == {}
    assert {v.profile for v in result.verdicts} >= set(PROFILES)
    # Of each fault's own profiles none may have stood aside.
    assert all(v.status is Status.PASS for v in result.verdicts if v.profile in fault.seen_by)


def _number(point: dict[str, Any]) -> dict[str, float]:
    return {"index": point["index"], **{name: float(text) for name, text in point["inputs"].items()}}


@by_name
def test_the_worst_points_of_the_report_lie_where_the_fault_is(fault: Fault) -> None:
    if fault.seen_by == ("determinism",):
        verdict = next(v for v in planted.judged(fault).verdicts if v.profile == "determinism")
        assert verdict.why.startswith("760 elements differ between 5 repeats, the first at ")
        return
    worst = planted.judged(fault).statistics["worst"]
    assert worst
    wrong = [point for point in worst if point["ulp"] == "inf" or abs(float(point["ulp"])) > 1]
    assert all(fault.place(_number(point)) for point in wrong or worst)


def test_every_fault_of_a_formula_is_seen_by_the_profile_that_is_always_on() -> None:
    blind = [f.name for f in FAULTS if planted.columns(f)["ulp"] is not Status.FAIL]
    assert blind == ["another result at every run", "float16 by truncation"]


def test_the_two_term_formula_passes_what_people_compare_with() -> None:
    """A loss of 0 for every confident negative: precision reference, 5.3."""
    found = planted.columns(FAULTS[0])
    assert FAULTS[0].name == "two-term formula"
    blind = ("cann-mixed", "msprobe-single", "thousandth", "ascendoptest", "sample-isclose", "torch", "jax", "tf")
    assert {name: found[name] for name in blind} == dict.fromkeys(blind, Status.PASS)
    against = [status for name, status in found.items() if name.endswith("against the two-term form")]
    assert against == [Status.PASS, Status.PASS], "a third party with the same fault hides it"


def test_the_table_in_the_documentation_is_what_the_profiles_say() -> None:
    text = planted.PAGE.read_text()
    assert planted.page(text) == text, f"python tests/verify/planted.py writes {planted.PAGE.name} anew"
