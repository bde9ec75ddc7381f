"""The report for programs: JSON has the documented keys and every figure, CSV a row for each."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import pytest
import report_cases
from report_cases import everything, good, run, two_term, unusable

from bcelogits.verify._model import Metric, Status, Verdict
from bcelogits.verify.report import to_csv, to_json


def _strict(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    tree: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return tree


def test_json_has_the_documented_keys() -> None:
    tree = _strict(to_json(everything()))
    assert set(tree) == {"schema", "version", "status", "summary", "facts", "cases"}
    assert (tree["schema"], tree["version"]) == ("bcelogits-verify", 1)
    assert tree["summary"] == {"cases": 8, "pass": 4, "warn": 0, "fail": 3, "not judged": 1}
    assert tree["facts"] == {"subject": "a kernel", "date": "2026-11-25"}
    for case in tree["cases"]:
        keys = ["name", "op", "dtype", "shape", "reduction", "status", "error", "facts", "verdicts", "statistics"]
        assert list(case) == keys
        for verdict in case["verdicts"]:
            assert set(verdict) == {"profile", "standard", "version", "status", "used", "masked", "why", "metrics"}
            for metric in verdict["metrics"]:
                assert set(metric) == {"name", "value", "comparison", "threshold", "passed", "note"}


def test_json_gives_every_figure_again() -> None:
    given = everything()
    for case, entry in zip(given.cases, _strict(to_json(given))["cases"], strict=True):
        assert entry["name"] == case.name
        assert entry["shape"] == list(case.shape)
        assert entry["status"] == case.status
        assert entry["statistics"] == case.statistics
        for verdict, found in zip(case.verdicts, entry["verdicts"], strict=True):
            metrics = tuple(Metric(**metric) for metric in found["metrics"])
            fields = {**found, "metrics": metrics, "status": Status(found["status"])}
            assert Verdict(**fields) == verdict


def test_json_writes_what_is_no_number_as_text() -> None:
    metrics = (Metric("a", math.inf, -math.inf, passed=False), Metric("b", math.nan), Metric("c", np.float64(2.5)))
    case = replace(good(), verdicts=(Verdict("p", "s", "v", Status.FAIL, metrics),), facts={"n": np.int64(3)})
    (found,) = _strict(to_json(run(case)))["cases"]
    values = [(metric["value"], metric["threshold"]) for metric in found["verdicts"][0]["metrics"]]
    assert values == [("inf", "-inf"), ("nan", None), (2.5, None)]
    assert found["facts"] == {"n": 3}


def test_json_can_be_written_as_utf8_whatever_a_file_is_called() -> None:
    text = to_json(run(report_cases.hostile()))
    assert _strict(text.encode().decode())["cases"][0]["name"].endswith("\\udcff")


def test_csv_has_a_row_for_every_figure() -> None:
    given = everything()
    rows = list(csv.DictReader(io.StringIO(to_csv(given)), strict=True))
    expected = [
        (case.name, verdict.profile, metric.name)
        for case in given.cases
        for verdict in case.verdicts
        for metric in verdict.metrics
    ]
    assert [(r["case"], r["profile"], r["metric"]) for r in rows if r["metric"]] == expected
    assert {r["case"] for r in rows} == {case.name for case in given.cases}


def test_csv_columns() -> None:
    header = to_csv(run()).splitlines()[0].split(",")
    assert header == [
        *("case", "operator", "dtype", "shape", "reduction", "case_status", "profile", "standard", "standard_version"),
        *("status", "used", "masked", "metric", "value", "comparison", "threshold", "passed", "note", "message"),
    ]


def test_csv_gives_value_and_threshold_again() -> None:
    case = two_term()
    rows = list(csv.DictReader(io.StringIO(to_csv(run(case)))))
    metrics = {(v.profile, m.name): m for v in case.verdicts for m in v.metrics}
    for row in rows:
        metric = metrics[row["profile"], row["metric"]]
        assert float(row["value"]) == metric.value
        assert (float(row["threshold"]) if row["threshold"] else None) == metric.threshold
        assert row["passed"] == {None: "", True: "true", False: "false"}[metric.passed]
        assert bool(row["comparison"]) == (metric.threshold is not None)
    (worst,) = (row for row in rows if (row["profile"], row["metric"]) == ("ulp", "max ULP"))
    assert (worst["status"], worst["passed"], worst["shape"]) == ("fail", "false", "5000")
    assert "max ULP" in worst["message"]


def test_csv_names_what_could_not_be_judged_and_why() -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv(run(unusable()))))
    assert (row["case"], row["shape"], row["case_status"]) == ("missing", "4x5", "not judged")
    assert row["message"] == "output.bin: 76 bytes, not 80"
    assert row["profile"] == row["metric"] == row["value"] == ""


@pytest.mark.parametrize("write", [to_json, to_csv])
def test_the_same_run_gives_the_same_text(write: Any) -> None:
    assert write(everything()) == write(everything())
