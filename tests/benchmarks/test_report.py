"""The benchmark's arithmetic on made-up rows: plan, merging, goals, lost cells, report and plot. Nothing is timed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import goals, plan, report
from benchmarks.cases import DTYPES, OPTIONS, Case, expected, grid, make_inputs
from benchmarks.results import Results
from benchmarks.rows import Row, Run, Writer, figure_row, merge, read, text_row

RUN = Run("2026-01-02", "A processor", "Linux x86_64", "3.12.0", 2)


def row(contender: str, ns: float, case: Case, metric: str = "time_ns", note: str = "") -> Row:
    cell = vars(case)
    return Row(**vars(RUN), contender=contender, version=f"{contender} 1", isa="", metric=metric, **cell, samples=3,
               median=ns, minimum=ns, note=note)  # fmt: skip


def mean(size: int, option: str = "none", dtype: str = "float32", op: str = "forward-mean") -> Case:
    return Case(op, option, dtype, size)


def met(rows: list[Row]) -> dict[str, tuple[str, bool]]:
    return {goal.what: (goal.measured, goal.met) for goal in goals.goals(Results(rows))}


def test_a_cell_never_mixes_runs() -> None:
    first = [row("bcelogits", 1, mean(64)), row("torch", 2, mean(64)), row("torch", 5, mean(4096)), text_row(RUN, "a")]
    second = [row("bcelogits", 3, mean(64)), text_row(RUN, "b")]
    got = merge([first, second])
    assert [(r.contender, r.size, r.median) for r in got if r.metric == "time_ns"] == [
        ("torch", 4096, 5),
        ("bcelogits", 64, 3),
    ]
    assert [r.note for r in got if r.metric == "note"] == ["a", "b"]


def test_what_a_later_run_skips_replaces_the_time_of_an_earlier_one() -> None:
    got = merge([[row("torch", 2, mean(64))], [row("torch", 0, mean(64), "skipped", "why")]])
    assert [r.metric for r in got] == ["skipped"]


def test_runs_of_different_machines_are_refused() -> None:
    with pytest.raises(ValueError, match="different machines"):
        merge([[row("torch", 2, mean(64))], [replace(row("torch", 2, mean(64)), cpu="Another")]])


def test_rows_survive_the_file(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "rows.csv")
    rows = [row("torch", 2.5, mean(64), note="a, b"), figure_row(RUN, "cache_bytes", "", 65536, 65536, "L1")]
    for one in rows:
        writer.add(one)
    writer.close()
    assert read(tmp_path / "rows.csv") == rows


def test_the_fastest_limit_counts() -> None:
    case = mean(1 << 24)
    rows = [row("bcelogits", 10, case), row("limit-native", 8, case), row("limit-torch", 9, case)]
    assert met(rows)["forward-mean, float32, 2^24: share of the read rate"] == ("0.8x", True)
    assert met([*rows, row("limit-numpy", 7, case)])["forward-mean, float32, 2^24: share of the read rate"] == (
        "0.7x",
        False,
    )


def test_an_array_result_is_held_against_the_limit_in_kept_memory() -> None:
    case = mean(1 << 24, op="backward")
    rows = [row("bcelogits", 100, case), row("bcelogits-out", 10, case), row("limit-native", 9, case)]
    what = "backward, float32, 2^24, kept output: share of the read + write rate"
    assert met(rows)[what] == ("0.9x", True)


def test_full_weights_are_held_against_their_traffic() -> None:
    full = mean(1 << 24, "full")
    rows = [row("bcelogits", 10, mean(1 << 24)), row("limit-native", 8, mean(1 << 24))]
    rows += [row("bcelogits", 19, full), row("limit-native", 16, full)]
    what = "forward-mean, full, float32, 2^24: extra time / time of its traffic alone"
    assert met(rows)[what] == ("1.12x", False)


def test_the_worst_case_stands_for_an_option() -> None:
    rows = [row("bcelogits", 100, mean(size, option)) for size in (1 << 16, 1 << 20) for option in ("none", "scalar")]
    rows[-1] = replace(rows[-1], median=110)
    assert met(rows)["scalar / without, worst of 2: forward-mean, scalar, float32, 2^20"] == ("1.1x", False)


def test_hand_out_is_what_exceeds_the_share_of_one_thread() -> None:
    case = mean(1 << 16)
    found = met([row("bcelogits", 30_000, case), row("bcelogits-1", 50_000, case)])
    assert found["hand-out of work: two threads - half of one thread, 2^16 elements"] == ("5 us", True)
    assert found["one thread / two, worst of 1 from 2^16: forward-mean, float32, 2^16"] == ("1.67x", False)


def test_peers_meet_ours_that_works_as_they_do() -> None:
    case = mean(1 << 20, op="forward-none")
    rows = [row("bcelogits", 20, case), row("bcelogits-out", 10, case)]
    rows += [row("torch.compile", 15, case), row("torch.compile-out", 12, case), row("limit-native", 1, case)]
    assert [(duel.peer, duel.ours, duel.theirs < duel.mine) for duel in Results(rows).duels()] == [
        ("torch.compile", "bcelogits", True),
        ("torch.compile-out", "bcelogits-out", False),
    ]
    text = report.losses(Results(rows))
    assert "| forward-none, float32, 2^20 | torch.compile | time | 20 ns | 15 ns | 1.33x |" in text
    assert "torch.compile-out" not in text


def test_the_best_compiler_is_the_fastest() -> None:
    case = mean(1 << 24)
    rows = [row("bcelogits", 10, case), row("torch.compile", 70, case), row("optax", 50, case)]
    assert met(rows)["forward-mean, float32, 2^24: best compiler (optax) / ours"] == ("5x", False)


def test_a_case_of_several_parts_is_measured_once() -> None:
    case = mean(64)
    got = plan.merged([plan.Job(case, ("a", "b"), 3), plan.Job(mean(1), ("a",), 3), plan.Job(case, ("b", "c"), 9)])
    assert got == [plan.Job(mean(1), ("a",), 3), plan.Job(case, ("a", "b", "c"), 9)]


def test_the_default_plan_compares_every_operation_dtype_and_size() -> None:
    jobs = {job.case: job for job in plan.planned(tuple(plan.PARTS))}
    for case in grid((1, 64, 4096, 1 << 16, 1 << 20, 1 << 24), DTYPES, plan.MAIN_OPS, ("none",)):
        assert {*plan.NEW, "bcelogits-out"} <= {*jobs[case].contenders}
    for option in OPTIONS:  # the plain case stands beside every option
        assert {"bcelogits", "limit-native"} <= {*jobs[mean(1 << 24, option)].contenders}


@pytest.mark.parametrize("option", OPTIONS)
def test_inputs_have_the_layout_of_their_option(option: str) -> None:
    case = mean(4096, option)
    inputs = make_inputs(case)
    assert inputs.logits.shape == inputs.targets.shape == case.shape
    contiguous = (inputs.logits.flags.c_contiguous, inputs.targets.flags.c_contiguous)
    wanted = {"transposed-targets": (True, False), "transposed": (False, False), "strided": (False, False)}
    assert contiguous == wanted.get(option, (True, True))
    assert expected(case).loss is not None


def example() -> list[Row]:
    """Some rows of every kind."""
    rows = [figure_row(RUN, "cache_bytes", "", size, size, f"L{level}") for level, size in ((1, 1 << 16), (2, 1 << 20))]
    rows += [
        figure_row(RUN, "import_ns", name, 5e7, 5e7, f"import {name}", "import") for name in ("numpy", "bcelogits")
    ]
    rows += [text_row(RUN, "a note")]
    for op, dtype in plan.PANELS:
        for size in (64, 1 << 14, 1 << 20, 1 << 24):
            for name, rate in (("bcelogits", 2.0), ("bcelogits-out", 1.5), ("torch", 20.0), ("limit-native", 1.0)):
                if name != "bcelogits-out" or op != "forward-mean":
                    rows.append(row(name, 1e3 + rate * size, mean(size, dtype=dtype, op=op)))
    return rows


def test_the_report_has_every_section() -> None:
    text = report.markdown(example(), "plot.svg")
    for title in ("Where we lose", "Overhead", "Threads", "Share of the machine's limit", "All times"):
        assert f"## {title}\n" in text
    assert "](plot.svg)" in text
    assert "Nowhere in this run." in text


def test_the_plot_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks import plot

    paths = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in paths:
        plot.draw(example(), path)
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == 1
    assert "prefers-color-scheme: dark" in paths[0].read_text()
    assert ">forward-mean, float32</text>" in paths[0].read_text()  # letters, not outlines
