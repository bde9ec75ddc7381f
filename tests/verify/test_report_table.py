"""The report in a terminal: what failed comes first, with the figure that decides."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

pytest.importorskip("rich")

import report_cases
from report_cases import everything, good, reduced, run, two_term, unusable
from rich.console import Console

from bcelogits.verify import profiles
from bcelogits.verify._model import Metric, RunResult, Status, Verdict
from bcelogits.verify.report import print_table


def _printed(given: RunResult, width: int = 120, verbose: bool = False) -> str:
    file = io.StringIO()
    print_table(given, Console(file=file, width=width), verbose)
    return file.getvalue()


def test_failures_come_first_then_what_could_not_be_judged() -> None:
    text = _printed(everything())
    names = ["all-nan", "wide", "two-term", "missing", "good", "mean", "empty", "one-element"]
    places = [re.search(rf"^ {name} ", text, re.MULTILINE) for name in names]
    starts = [match.start() for match in places if match]
    assert len(starts) == len(names)
    assert starts == sorted(starts)


def test_each_verdict_has_the_figure_that_decides_and_its_limit() -> None:
    text = _printed(run(two_term(), good(), reduced()))
    assert re.search(r"two-term +loss +f32 +none +pass 1 >= 0.99 +FAIL 1\.67\d*e7 > 32 +1\.67\d*e7", text)
    assert re.search(r"good +loss +f32 +none +pass 1 >= 0.99 +pass 0\.[45]\d* <= 32 +0\.[45]\d*", text)
    assert re.search(r"mean +loss +f32 +mean ", text)


def test_the_last_line_sums_up() -> None:
    lines = _printed(everything()).splitlines()
    assert lines[-1] == "8 cases: 3 failed, 1 not judged, 4 passed. FAIL"
    assert _printed(run(good())).splitlines()[-1] == "1 case: 1 passed. pass"
    assert _printed(run()) == "0 cases: pass\n"


def test_why_a_case_could_not_be_judged_is_said() -> None:
    assert "missing: output.bin: 76 bytes, not 80" in _printed(run(good(), unusable()))


def test_the_worst_points_are_shown_for_one_case_or_on_request() -> None:
    one, two = run(two_term()), run(two_term(), good())
    for text in (_printed(one), _printed(two, verbose=True)):
        assert "two-term: the worst 10 points" in text
        assert re.search(r"index +logits +targets +actual +golden +ULP", text)
    assert "worst" not in _printed(two)


def test_verbose_names_the_standards_the_reasons_and_every_figure() -> None:
    text = " ".join(_printed(run(two_term(), good()), width=200, verbose=True).split())
    assert "two-term: cann-mixed (CANN operator precision standard, mixed tolerance, v2" in text
    assert re.search(r"two-term: ulp \(bcelogits ULP rule, \d+\) FAIL: max ULP is", text)
    for metric in (metric for case in (two_term(), good()) for verdict in case.verdicts for metric in verdict.metrics):
        assert f" {metric.name}: " in text


def test_many_profiles_stand_below_each_other() -> None:
    names = ["cann-mixed", "ulp", "cann-mere", "torch", "jax"]
    text = _printed(run(two_term(names=names), good()), width=90)
    for name in names:
        assert re.search(rf" {name} +(pass|FAIL) ", text)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_the_largest_error_is_whole(width: int) -> None:
    text = _printed(run(two_term("a-rather-long-name/of-a-case-in-a-suite/with-many-parts-017"), good()), width)
    assert max(map(len, text.splitlines())) <= width
    assert re.search(r"1\.67\d*e7 *$", text, re.MULTILINE)


def test_hostile_names_are_printed_not_obeyed() -> None:
    text = _printed(run(report_cases.hostile(), good()), width=400, verbose=True)
    assert "\x1b" not in text
    assert "[bold]\\x1b[31m\\udcff" in text


def _decided(*metrics: Metric) -> str:
    status = Status.FAIL if any(metric.passed is False for metric in metrics) else Status.PASS
    case = replace(good(), verdicts=(Verdict("p", "s", "v", status, metrics),), status=status)
    return " ".join(_printed(run(case, good())).split())


def test_the_deciding_figure_is_the_first_that_failed_or_the_one_nearest_to_its_limit() -> None:
    far, near = Metric("far", 0.1, 1.0, "<=", True), Metric("near", 9.5, 10.0, "<", True)
    assert "pass 9.5 < 10" in _decided(far, near)
    assert "FAIL 3 > 2" in _decided(near, Metric("bad", 3.0, 2.0, "<=", False), Metric("worse", 9.0, 2.0, "<=", False))
    assert "FAIL 0.98 < 0.99" in _decided(Metric("matched", 0.98, 0.99, ">=", False))
    assert "pass 0.999 >= 0.99" in _decided(far, Metric("matched", 0.999, 0.99, ">=", True))
    # A figure that agrees with its limit to four digits is printed to the digit that differs.
    assert "FAIL 0.50000012 > 0.5" in _decided(Metric("max", 0.50000012, 0.5, "<=", False))


def test_the_names_of_all_profiles_fit_into_the_table() -> None:
    assert _printed(run(good(names=list(profiles.PROFILES)), good()), width=80)
