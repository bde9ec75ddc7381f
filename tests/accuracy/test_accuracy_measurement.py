"""The measurement itself: it must see an error of one bit, and its oracles must agree with another one."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import accuracy
import numpy as np
import pytest
from accuracy_report import report, truth
from accuracy_report.contenders import CONTENDERS, OURS
from accuracy_report.float32 import hard_float32, special_float32
from accuracy_report.measure import HARD, call, climb, compare
from accuracy_report.operands import FUNCTIONS, GRADIENT, LOSS, Operands, Options, draw, mutate
from accuracy_report.peers import compare_16_bits, compare_float64
from accuracy_report.rows import Row, merged
from accuracy_report.run import FULL, PARTS, QUICK, tasks
from accuracy_report.sweeps import OPTIONS
from accuracy_report.ulp import Array, all_finite, errors

import bcelogits
from bcelogits import reference
from bcelogits._formats import FORMATS

FORMAT_NAMES = pytest.mark.parametrize("name", list(FORMATS))


def _f32(values: list[float]) -> Array:
    return np.array(values, np.float32)


def _f16(values: list[float]) -> Array:
    return np.array(values, np.float16)


def _reference(function: str, operands: Operands) -> Array:
    """The oracle that ships with the package, as mpf."""
    x, t, g = operands.x, operands.t, operands.g
    weights: dict[str, Any] = {"pos_weight": operands.p, "precision": "mp"}
    if function == LOSS:
        found = reference.binary_cross_entropy_with_logits(x, t, operands.w, reduction="none", **weights)
    else:
        backward = {
            GRADIENT: reference.binary_cross_entropy_with_logits_backward,
        }.get(function, reference.binary_cross_entropy_with_logits_target_backward)
        reduction = "mean" if operands.mean else "none" if isinstance(g, np.ndarray) else "sum"
        found = backward(1.0 if g is None else g, x, t, operands.w, reduction=reduction, **weights)
    return np.asarray(found)


@FORMAT_NAMES
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.title)
def test_errors_agree_with_the_reference(name: str, options: Options) -> None:
    form = FORMATS[name]
    operands = draw(np.random.default_rng(5), 60, form, True, options)
    for function in options.functions():
        got = call(function, operands)
        _, error, own = compare(function, operands, got)
        expected = reference.ulp_error(got, _reference(function, operands), form.dtype)
        # A float64 truth is that good relative to the larger term, and worse relative to a difference near its root.
        cancelled = own / np.maximum(error, 1e-300)
        assert (np.abs(own - expected) <= 1e-6 * np.maximum(1, cancelled) + 1e-5 * own).all()
        assert (error <= own).all()


@FORMAT_NAMES
def test_one_bit_off_is_one_ulp_more(name: str) -> None:
    form = FORMATS[name]
    x = np.array([-50.0, -3.0, -0.1, 0.1, 3.0, 50.0]).astype(form.dtype)
    operands = Operands(x, np.zeros_like(x))
    got = call(LOSS, operands)
    _, before, _ = compare(LOSS, operands, got)
    up = (got.view(form.bits) + form.bits.type(1)).view(form.dtype)
    _, after, _ = compare(LOSS, operands, up)
    assert ((after > 0.4) & (after < 1.6)).all()
    np.testing.assert_allclose(np.where(after > 1, after - before, after + before), 1.0, atol=1e-6)


def test_nan_infinity_and_overflow() -> None:
    nan, inf = _f32([np.nan]), _f32([np.inf])
    one = np.array([1.0])
    assert errors(nan, one)[0][0] == np.inf
    assert errors(inf, one)[0][0] > 1e38
    # Infinity stands where the next number would be.
    top = float(np.finfo(np.float32).max)
    assert errors(inf, np.array([top]))[0][0] == 1.0
    assert errors(inf, np.array([top + 2.0**103]))[0][0] == 0.5
    assert errors(inf, np.array([1e39]))[0][0] == 0.0


def test_a_nan_and_a_lost_result_reach_the_row() -> None:
    row = Row("f32", LOSS, HARD, "none", 1.0)
    x = _f32([-20.0, -30.0, 1.0])
    operands = Operands(x, np.zeros_like(x))
    got = _f32([0.0, 9.357623e-14, np.nan])
    value, error, own = compare(LOSS, operands, got)
    row.add(got, value, error, own, operands.describe)
    assert (row.points, row.lost, row.not_rounded, row.worst, row.within) == (3, 1, 2, np.inf, False)
    assert row.where == {"x": "1.0", "t": "0.0"}


def test_near_ties_of_16_bits_are_decided_exactly() -> None:
    # The truth is 0.499997 ULP from one number and 0.500003 from the next.
    x = _f16([-6.389617919921875e-05])
    operands = Operands(x, np.zeros_like(x))
    for candidate, low, high in ((_f16([0.693]), 0.49, 0.5), (_f16([0.6934]), 0.5, 0.51)):
        _, _, own = compare(LOSS, operands, candidate)
        assert low < own[0] < high


def test_float64_truth_is_good_to_a_millionth_of_an_ulp_of_float32() -> None:
    for soft in (False, True):
        operands = draw(np.random.default_rng(6), 400, FORMATS["f32"], soft, Options(weight=True, pos_weight=True))
        for function in FUNCTIONS:
            value, terms = truth.in_float64(function, operands)
            exact, scale = truth.in_mpfr(function, operands, truth.Functions(operands.x))
            distance = np.array([abs(float(a - b)) for a, b in zip(exact, value.tolist(), strict=True)])
            larger = np.array([float(v) for v in scale])
            assert terms is None or np.allclose(terms, larger, rtol=1e-12)
            assert (distance <= np.abs(larger) * 2.0**-49).all()


@FORMAT_NAMES
def test_moved_operands_stay_in_range(name: str) -> None:
    rng = np.random.default_rng(8)
    options = Options(weight=True, pos_weight=True, grad_output=True)
    operands = draw(rng, 500, FORMATS[name], True, options)
    first = operands
    for _ in range(20):
        operands = mutate(rng, operands, True)
    for label, values in operands.arrays():
        assert np.isfinite(values).all(), label
        assert (values != getattr(first, label)).any(), label
    assert operands.w is not None
    assert operands.p is not None
    assert ((operands.t >= 0) & (operands.t <= 1)).all()
    assert ((operands.w >= 2.0**-20) & (operands.w <= 2.0**20)).all()
    assert ((operands.p >= 2.0**-14) & (operands.p <= 2.0**14)).all()


def test_climbing_does_not_lose_what_it_has_found() -> None:
    form = FORMATS["f32"]
    short, long = (climb(form, GRADIENT, True, Options(), 4, 50, n) for n in (0, 30))
    assert long.worst >= short.worst
    assert long.points == short.points + 30 * 50


def test_all_finite() -> None:
    assert all_finite(FORMATS["f16"]).size == 63_488
    assert all_finite(FORMATS["bf16"]).size == 65_280


def test_the_tasks_of_a_full_run_cover_every_float32() -> None:
    spans = [task.args[:3] for task in tasks("float32", FULL) if task.func in (hard_float32, special_float32)]
    assert spans[0][0] == 0
    assert spans[-1][1] == 1 << 31  # all magnitudes: the sign is the bit that is left
    assert all(one[1] == next_one[0] for one, next_one in itertools.pairwise(spans))
    assert {step for _, _, step in spans} == {1}
    assert all(len(tasks(part, QUICK)) <= len(tasks(part, FULL)) for part in PARTS)


def test_rows_merge() -> None:
    one = Row("f32", LOSS, HARD, "none", 1.0, 10, 0.6, 3, 0, {"x": "1"}, "a", "b")
    two = replace(one, points=5, worst=0.7, where={"x": "2"})
    other = replace(one, function=GRADIENT)
    rows = merged([replace(one), two, other])
    assert [(row.function, row.points, row.worst, row.where["x"]) for row in rows] == [
        (LOSS, 15, 0.7, "2"),
        (GRADIENT, 10, 0.6, "1"),
    ]


def test_the_page_is_rewritten_between_its_marks(tmp_path: Path) -> None:
    rows = [
        Row("f32", LOSS, HARD, "none", 1.0, 10, 0.6, 3, 0, {"x": "1"}, "a", "b"),
        Row("f32", LOSS, HARD, "none", 1.0, 9, 2e7, 3, 5, {"x": "2"}, "a", "b", "NumPy, one line 2"),
    ]
    others = [Row("f64", GRADIENT, "in [0, 1]", "weight", 2.0, 10_000, 2.5, 3, 1, {"x": "1", "t": "0.5"}, "a", "b")]
    parts = {"float32": report.part(rows, "quick", 1, 1), "float64": report.part(others, "full", 2, 1)}
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nprevious\n{report.END}\nafter\n")
    for _ in range(2):  # twice: the marks must survive
        report.rewrite(page, report.markdown(parts))
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "previous" not in text
    assert "| gradient | in [0, 1] | weight | 10,000 | **2.5000** | 2 | 99.970 % | 1 | x=1 t=0.5 |" in text
    assert f"| float32 | loss | bcelogits {bcelogits.__version__} | 10 | 0.6000 | x=1 | 70 % | 0 | 0 |" in text
    assert "| float32 | loss | NumPy, one line 2 | 9 | 2e+07 | x=2 | 67 % | 5 | 0 |" in text
    assert "1 of 2 rows break the contract" in text
    assert "- float64: `--full` run of" in text
    report.write_json(tmp_path / "all.json", parts)
    assert json.loads((tmp_path / "all.json").read_text())["parts"]["float64"]["rows"][0]["within"] is False
    assert report.read_json(tmp_path / "all.json") == parts
    page.write_text("no marks")
    with pytest.raises(ValueError, match="expected one"):
        report.rewrite(page, "")


def test_the_repository_has_the_page() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
    text = page.read_text(encoding="utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_contenders_compute_the_same_function() -> None:
    x = _f32([-2.0, 0.5, 3.0])
    t = _f32([1.0, 0.0, 1.0])
    for contender in ("bcelogits", "NumPy, one line"):
        _, run = CONTENDERS[contender]()
        loss, gradient = run(x, t)
        assert loss.dtype == gradient.dtype == np.float32
        np.testing.assert_allclose(loss, [2.126928, 0.974077, 0.04858735], rtol=1e-5)
        np.testing.assert_allclose(gradient, [-0.8807971, 0.62245935, -0.04742587], rtol=1e-5)


def test_others_are_compared_on_the_same_points() -> None:
    """NumPy is always there; `exp` and a difference lose small gradients."""
    name = ("NumPy, one line",)
    rows = hard_float32(0x3F800000, 0x42C80000, 1_000_003, name)
    rows += compare_16_bits("f16", name) + compare_float64(400, name)
    for dtype in ("f32", "f16", "f64"):
        theirs = [row for row in rows if row.dtype == dtype and row.contender.startswith(name[0])]
        ours = [row for row in rows if row.dtype == dtype and row.contender in ("", f"{OURS} {bcelogits.__version__}")]
        assert [row.function for row in theirs] == [LOSS, GRADIENT]
        assert all(row.worst <= row.bound for row in ours)
        assert theirs[1].worst > 1
        assert theirs[1].lost > 0
        assert theirs[1].within  # they have promised nothing
        assert theirs[0].points == next(row for row in ours if row.function == LOSS).points


def test_plots(tmp_path: Path) -> None:
    rows = hard_float32(0, 0x7F800000, 1_000_003, ("NumPy, one line",))
    rows[0].by_logit["+x, target 0"][-1] = np.inf
    parts = {"float32": report.part(rows, "quick", 1, 1)}
    files = report.figures(tmp_path, parts)
    first = [(tmp_path / file).read_bytes() for file in files]
    assert len(set(first)) == len(files) == 2
    for content in first:
        root = ElementTree.fromstring(content)
        lines = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if "error" in path.get("class", "")]
        assert len(lines) == 4  # two targets
        assert all(set(path.attrib["d"]) <= set("MHV 0123456789.") for path in lines)  # no NaN
    assert report.figures(tmp_path, report_again := dict(parts)) == files
    assert [(tmp_path / file).read_bytes() for file in files] == first
    assert all(f"]({file})" in report.markdown(report_again, files) for file in files)
    assert report.figures(tmp_path, {}) == []


def test_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A very small run, in processes of its own as always; what it finds is for other tests to judge."""
    few = replace(QUICK, float32_step=2_000_003, shares=2, float32=500, float64=50, climbs=0)
    monkeypatch.setattr(accuracy, "QUICK", few)
    page, file = tmp_path / "page.md", tmp_path / "all.json"
    page.write_text(f"{report.BEGIN}\n{report.END}\n")
    arguments = ["--quick", "--markdown", str(page), "--json", str(file), "--jobs", "2", "--no-peers"]
    accuracy.main([*arguments, "--only", "float32", "--jobs", "1"])
    code = accuracy.main([*arguments, "--only", "16-bit", "float64"])
    found = [row for part in json.loads(file.read_text())["parts"].values() for row in part["rows"]]
    broken = [row for row in found if not row["within"]]
    assert code == (1 if broken else 0)
    assert {row["dtype"] for row in found} == {*FORMATS, "f16 to f32", "bf16 to f32"}
    text = page.read_text()
    assert "### Largest error" in text
    assert "![Largest error of the float32 loss](accuracy-loss.svg)" in text
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"{len(broken)} of {len(found)} rows break the contract")
    accuracy.main([*arguments, "--only"])  # the page again, from the file
    assert page.read_text() == text
