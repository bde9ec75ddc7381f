"""`bcelogits golden` and `bcelogits verify`: the whole job from a shell, exit statuses, reports, error lines."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bcelogits
from bcelogits import golden

SUITE = """
[[cases]]
name = "a"
op = ["loss", "backward"]
dtype = ["f32", "bf16"]
shape = [40, 6]
family = "calibrated"
pos_weight = "last"

[[cases]]
name = "b"
shape = [500]
reduction = "mean"
family = "easy-negatives"
"""


def command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bcelogits.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def compute(case: golden.Case) -> Any:
    given = dict(golden.make_operands(case).items())
    first = [given.pop("grad_output")] if case.op is not golden.Op.LOSS else []
    return np.asarray(getattr(bcelogits, case.op.function)(*first, **given, reduction=case.reduction))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a suite, its golden data, and right and wrong dumps."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "mine.toml").write_text(SUITE)
    done = command("golden", "golden", "--suite", "mine.toml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "golden: 5 cases, 961 golden elements, layout ttk\n"
    for case in golden.load_suite(folder / "mine.toml"):
        output = compute(case)
        lost = np.where(np.abs(output) < 1e-3, output.dtype.type(0), output)
        for name, array in (("right", output), ("wrong", lost)):
            path = folder / name / case.name / f"output_0_{array.dtype.name}.bin"
            path.parent.mkdir(parents=True)
            array.tofile(path)
    return folder


def test_right_dumps_pass_with_status_0(job: Path) -> None:
    done = command("verify", "folder", "golden", "--dump", "right", cwd=job)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 passed" in done.stdout or "pass" in done.stdout


def test_wrong_dumps_fail_with_status_1_and_name_the_case_and_the_profile(job: Path) -> None:
    done = command("verify", "folder", "golden", "--dump", "wrong", cwd=job)
    assert done.returncode == 1
    assert "a_loss_f32_40x6_none_p-last" in done.stdout
    assert "ulp" in done.stdout


def test_missing_dumps_cannot_be_judged_with_status_2(job: Path, tmp_path: Path) -> None:
    done = command("verify", "folder", job / "golden", "--dump", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "no output in" in done.stdout


def test_reports_are_written_for_people_and_for_programs(job: Path, tmp_path: Path) -> None:
    names = [f"--html={tmp_path}/r.html", f"--json={tmp_path}/r.json", f"--csv={tmp_path}/r.csv"]
    done = command("verify", "folder", "golden", "--dump", "wrong", *names, cwd=job)
    assert done.returncode == 1
    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "a_loss_f32_40x6_none_p-last" in page
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["status"] == "fail"
    assert len(document["cases"]) == 5
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    assert {row["case"] for row in rows} == {case.name for case in golden.load_suite(job / "mine.toml")}


def test_profiles_and_cases_are_chosen_by_name(job: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    done = command(
        *(
            "verify",
            "folder",
            "golden",
            "--dump",
            "right",
            "--case",
            "a_loss_*",
            "--profile",
            "torch,jax",
            "--profile=cann-mere",
        ),
        *("--json", report),
        cwd=job,
    )
    assert done.returncode == 0
    cases = json.loads(report.read_text())["cases"]
    assert len(cases) == 2
    assert [v["profile"] for v in cases[0]["verdicts"]] == ["torch", "jax", "cann-mere", "ulp"]


def test_single_files_are_judged_from_their_operands(job: Path, tmp_path: Path) -> None:
    x, t = np.float32([[-20, 3, 0.5], [1, -2, 9]]), np.float32([[0, 1, 1], [0, 0, 1]])
    out = bcelogits.binary_cross_entropy_with_logits(x, t, pos_weight=3.0, reduction="none")
    for name, array in (("x", x), ("t", t), ("out", out), ("bad", out + np.float32(1e-6))):
        np.save(tmp_path / f"{name}.npy", array)
        array.tofile(tmp_path / f"{name}.bin")
    files = ["--logits", "x.npy", "--targets", "t.npy", "--pos-weight", "3"]
    assert command("verify", "files", "out.npy", *files, cwd=tmp_path).returncode == 0
    assert command("verify", "files", "bad.npy", *files, cwd=tmp_path).returncode == 1
    assert command("verify", "files", "out.npy", "out.npy", *files, cwd=tmp_path).returncode == 0
    raw = ["--logits", "x.bin", "--targets", "t.bin", "--pos-weight", "3", "--dtype", "f32", "--shape", "2,3"]
    assert command("verify", "files", "out.bin", *raw, cwd=tmp_path).returncode == 0
    np.float32([2, 0.5]).tofile(tmp_path / "w.bin")
    weighted = bcelogits.binary_cross_entropy_with_logits(
        x, t, np.float32([[2], [0.5]]), pos_weight=3.0, reduction="none"
    )
    weighted.tofile(tmp_path / "weighted.bin")
    column = ["--weight", "w.bin", "--weight-shape", "2,1"]
    assert command("verify", "files", "weighted.bin", *raw, *column, cwd=tmp_path).returncode == 0
    assert command("verify", "files", "bad.npy", "--golden", "out.npy", cwd=tmp_path).returncode == 1
    assert command("verify", "files", "out.bin", "--golden", "out.bin", *raw[-4:], cwd=tmp_path).returncode == 0


def test_an_installed_implementation_is_judged_live(job: Path) -> None:
    done = command("verify", "backend", "ours", "--suite", "mine.toml", "--repeat", 2, cwd=job)
    assert (done.returncode, done.stderr) == (0, "")
    done = command("verify", "backend", "aclnn", "--suite", "mine.toml", "--op", "loss", cwd=job)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_function_of_mine_is_judged_live(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def loss(logits, targets, weight=None, *, pos_weight=None, reduction='mean'):\n"
        "    value = np.maximum(logits, 0) - logits * targets + np.log(1 + np.exp(-np.abs(logits)))\n"
        "    return value if reduction == 'none' else getattr(np, reduction)(value)\n"
    )
    done = command("verify", "backend", "mine.py:loss", "--case", "smoke-easy_loss_f32*", cwd=tmp_path)
    assert done.returncode == 1, done.stderr


def test_the_names_that_there_are_are_listed(tmp_path: Path) -> None:
    done = command("verify", "--list", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("cann-mixed", "cann-dual", "msprobe-bench", "torch-compile", "standard"):
        assert name in done.stdout
    done = command("golden", "--suite", "smoke", "--list", cwd=tmp_path)
    assert done.stdout.count("\n") == len(golden.load_suite("smoke"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["verify"], "verify: missing folder, backend or files"),
        (["verify", "golden", "--dump", "right"], "'golden' (choose from "),
        (["verify", "golden", "--dump", "right"], "as in: bcelogits verify folder golden/ --dump dumps/"),
        (["verify", "--backend", "ours"], "as in: bcelogits verify folder golden/ --dump dumps/"),
        (["verify", "folder"], "the following arguments are required: GOLDEN"),
        (["verify", "folder", "none"], "none/manifest.json: No such file or directory"),
        (["verify", "folder", "golden", "--profile", "isclose"], "isclose"),
        (["verify", "folder", "golden", "--special", "maybe"], "--special: 'maybe', expected one of limit, torch"),
        (["verify", "folder", "golden", "--op", "los"], "--op: 'los', expected one of loss, backward, target_backward"),
        (["verify", "folder", "golden", "--dump", "nosuch"], "dump: nosuch: no such folder"),
        (["verify", "folder", "golden", "--repeat", "3"], "unrecognized arguments: --repeat"),
        (["verify", "folder", "golden", "--logits", "x.npy"], "unrecognized arguments: --logits"),
        (["verify", "backend", "ours", "--dump", "right"], "unrecognized arguments: --dump"),
        (["verify", "backend", "ours", "--repeat", "0"], "--repeat: '0', expected a whole number, at least 1"),
        (["verify", "files", "x.npy", "--out-dtype", "f8"], "--out-dtype: 'f8', expected one of f16, bf16, f32, f64"),
        (
            ["verify", "folder", "golden", "--dump", "right", "--json", "golden/manifest.json"],
            "is one of the files that are judged",
        ),
        (["verify", "folder", "golden", "--dump", "right", "--json", "r", "--csv", "r"], "already used for --"),
        (["verify", "folder", "golden", "--dump", "right", "--html", ""], "--html: "),
        (["verify", "folder", "golden", "--case", "zzz*"], "no case is left to judge"),
        (["verify", "backend", "theirs"], "backend: 'theirs', expected one of "),
        (
            ["verify", "backend", "ours", "--suite", "nightly"],
            "suite: 'nightly', expected one of smoke, standard, tail",
        ),
        (["verify", "backend", "nowhere:loss"], "nowhere"),
        (["verify", "files", "x.npy"], "--logits: missing, expected its file (or --golden FILE instead"),
        (["verify", "files", "none.npy", "--golden", "none.npy"], "golden: none.npy: No such file"),
        (
            ["verify", "folder", "golden", "--dump", "right", "--html", "no/such/r.html"],
            "--html: no/such/r.html: no such directory: no/such",
        ),
        (["golden"], "FOLDER: missing, expected a new or empty folder to write to"),
        (["golden", "golden"], "golden: is not empty"),
        (["golden", "new", "--layout", "hdf5"], "layout: 'hdf5', expected one of ttk, sample, npy, safetensors"),
        (["golden", "new", "--suite", "x.toml"], "suite: x.toml: No such file or directory"),
        (["golden", "new", "--case", "zzz"], "--case: zzz: no case of smoke has such a name"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(arguments: list[str], text: str, job: Path) -> None:
    done = command(*arguments, cwd=job)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert text in lines[0]
    assert not (job / "new").exists()


def test_a_gradient_is_not_judged_as_a_loss_by_mistake(tmp_path: Path) -> None:
    for name in ("x", "t", "g", "out"):
        np.save(tmp_path / f"{name}.npy", np.zeros(3, np.float32))
    files = ["files", "out.npy", "--logits", "x.npy", "--targets", "t.npy", "--grad-output", "g.npy"]
    done = command("verify", *files, cwd=tmp_path)
    assert done.returncode == 2
    assert "--grad-output: given for the loss, expected it with --op backward" in done.stderr
    assert command("verify", *files, "--op", "backward", cwd=tmp_path).returncode == 0


def test_a_refused_report_leaves_what_is_judged_as_it_was(job: Path) -> None:
    files = [path for folder in ("golden", "right") for path in sorted((job / folder).rglob("*.*"))]
    before = [path.read_bytes() for path in files]
    dump = next((job / "right").rglob("*.bin"))
    for path in (dump, job / "golden" / "manifest.json"):
        assert command("verify", "folder", "golden", "--dump", "right", "--csv", path, cwd=job).returncode == 2
    assert [path.read_bytes() for path in files] == before


def test_golden_data_are_judged_by_the_truth_that_they_were_written_with(tmp_path: Path) -> None:
    case = "smoke-special_loss_f32_256_none"
    command("golden", "g", "--case", case, "--special", "torch", cwd=tmp_path)
    (tmp_path / "d" / case).mkdir(parents=True)
    (source,) = (tmp_path / "g" / case).glob("golden*")
    (tmp_path / "d" / case / "output_0_float32.bin").write_bytes(source.read_bytes())
    assert command("verify", "folder", "g", "--dump", "d", cwd=tmp_path).returncode == 0
    assert command("verify", "folder", "g", "--dump", "d", "--special", "limit", cwd=tmp_path).returncode == 1


def test_what_was_left_out_is_said_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from bcelogits import binary_cross_entropy_with_logits as bce\n")
    done = command("verify", "backend", "mine.py:bce", "--case", "smoke_*_f32_16x24_none", cwd=tmp_path)
    assert done.returncode == 0
    assert "cases left out: mine.py:bce is a function for loss" in done.stdout
    x = np.zeros(4)
    np.save(tmp_path / "o.npy", x)
    done = command("verify", "files", "o.npy", "--golden", "o.npy", "--profile", "cann-mere", cwd=tmp_path)
    assert "1 cases not judged by cann-mere: " in done.stdout


def test_op_says_which_operator_a_function_is(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import bcelogits\n"
        "def slope(g, x, t, w=None, *, pos_weight=None, reduction='mean'):\n"
        "    return bcelogits.binary_cross_entropy_with_logits_backward(\n"
        "        g, x, t, w, pos_weight=pos_weight, reduction=reduction)\n"
    )
    done = command("verify", "backend", "mine.py:slope", "--op", "backward", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "left out" not in done.stdout


def test_names_are_whole_where_the_output_is_no_terminal(job: Path) -> None:
    names = "torch,jax,ttk-close,msprobe-single,msprobe-ulp,cann-dual:L1,onnx,tf"
    done = command("verify", "folder", "golden", "--dump", "wrong", "--profile", names, cwd=job)
    for case in golden.load_suite(job / "mine.toml"):
        assert case.name in done.stdout
