"""The commands as a user types them: output, JSON, error lines and exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bcelogits
from bcelogits.cli import main

ml_dtypes = pytest.importorskip("ml_dtypes")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Logits, targets, weight and pos_weight in the current folder, in several formats."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    arrays: dict[str, Any] = {
        "x": rng.normal(0, 6, (20, 4)).astype(np.float32),
        "t": (rng.random((20, 4)) < 0.3).astype(np.float32),
        "w": rng.random(4).astype(np.float32),
        "p": (rng.random((20, 1)) * 3).astype(np.float32),
    }
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
        array.tofile(f"{name}.bin")
    np.savez("all.npz", **arrays)
    pytest.importorskip("safetensors.numpy").save_file(arrays, "all.safetensors")
    return arrays


def invoke(*arguments: str) -> SimpleNamespace:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    return SimpleNamespace(status=status, stdout=out.getvalue(), stderr=err.getvalue())


def loss_of(files: dict[str, Any], **kwargs: Any) -> Any:
    return bcelogits.binary_cross_entropy_with_logits(files["x"], files["t"], **kwargs)


# ---- loss ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["{}.npy", "all.npz:{}", "all.safetensors:{}", "{}.bin"])
def test_loss_from_every_format(pattern: str, files: dict[str, Any]) -> None:
    raw = ["--dtype", "f32", "--shape", "20,4", "--pos-weight-shape", "20,1"] if pattern.endswith("bin") else []
    weights = ["--weight", pattern.format("w"), "--pos-weight", pattern.format("p")]
    result = invoke("loss", pattern.format("x"), pattern.format("t"), *weights, *raw)
    assert result.status == 0, result.stderr
    expected = loss_of(files, weight=files["w"], pos_weight=files["p"])
    assert np.float32(result.stdout) == expected  # enough digits to give back the same number
    assert result.stdout == str(expected) + "\n"
    assert result.stderr == ""


def test_numbers_as_weights(files: dict[str, Any]) -> None:
    result = invoke("loss", "x.npy", "t.npy", "--weight", "0.5", "--pos-weight", "2", "--reduction", "sum")
    assert np.float32(result.stdout) == loss_of(files, weight=0.5, pos_weight=2.0, reduction="sum")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_printed_digits_give_back_the_dtype(dtype: str, files: dict[str, Any]) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype).type
    x, t = files["x"].astype(kind), files["t"].astype(kind)
    np.save("xd.npy", x)
    np.save("td.npy", t)
    expected = bcelogits.binary_cross_entropy_with_logits(x, t)
    assert kind(float(invoke("loss", "xd.npy", "td.npy").stdout)) == expected
    record = json.loads(invoke("loss", "xd.npy", "td.npy", "--json").stdout)
    assert kind(record["loss"]) == expected
    assert record["dtype"] == dtype


def test_json_and_files(files: dict[str, Any]) -> None:
    result = invoke("loss", "x.npy", "t.npy", "--grad", "g.npy", "--out", "l.safetensors", "--json")
    loss, gradient = bcelogits.value_and_grad(files["x"], files["t"])
    record = json.loads(result.stdout)
    assert np.float32(record.pop("loss")) == loss
    assert record == {
        "reduction": "mean",
        "count": 80,
        "shape": [20, 4],
        "dtype": "float32",
        "grad": "g.npy",
        "out": "l.safetensors",
    }
    assert np.load("g.npy").tobytes() == gradient.tobytes()
    written = pytest.importorskip("safetensors.numpy").load_file("l.safetensors")
    assert written["loss"].tobytes() == loss.tobytes()


def test_elementwise(files: dict[str, Any]) -> None:
    result = invoke("loss", "x.npy", "t.npy", "--reduction", "none", "--out", "l.npy", "--grad", "g.bin")
    assert result.status == 0, result.stderr
    assert result.stdout == "grad: g.bin (float32, shape (20, 4))\nout: l.npy (float32, shape (20, 4))\n"
    losses, gradient = bcelogits.value_and_grad(files["x"], files["t"], reduction="none")
    assert np.load("l.npy").tobytes() == losses.tobytes()
    assert np.fromfile("g.bin", np.float32).tobytes() == gradient.tobytes()
    record = json.loads(invoke("loss", "x.npy", "t.npy", "--reduction", "none", "--out", "l.npy", "--json").stdout)
    assert record["loss"] is None
    assert record["grad"] is None


@pytest.mark.parametrize(("weight", "text"), [("inf", "inf"), ("-inf", "-inf"), ("nan", "nan")])
def test_json_writes_non_finite_numbers_as_text(weight: str, text: str, files: dict[str, Any]) -> None:
    result = invoke("loss", "x.npy", "t.npy", "--weight", weight, "--json")
    assert json.loads(result.stdout)["loss"] == text
    assert invoke("loss", "x.npy", "t.npy", "--weight", weight).stdout == f"{text}\n"


def test_info(files: dict[str, Any]) -> None:
    facts = bcelogits.info()
    assert json.loads(invoke("info", "--json").stdout) == facts
    lines = dict(line.split(": ") for line in invoke("info").stdout.splitlines())
    assert lines["version"] == facts["version"]
    assert lines["isas"].split() == list(facts["isas"])


# ---- errors ----------------------------------------------------------------------------------------------------

BAD = [
    (["loss", "no.npy", "t.npy"], "logits: no.npy: No such file or directory"),
    (["loss", "x.npy", "w.npy"], "targets: shape (4,), expected (20, 4), the shape of logits"),
    (["loss", "x.npy", "t.txt"], "targets: t.txt: unknown suffix '.txt', expected .npy, .npz, .safetensors, .bin"),
    (["loss", "all.npz", "t.npy"], "logits: all.npz: holds several arrays; add :NAME, one of p, t, w, x"),
    (["loss", "all.safetensors:y", "t.npy"], "logits: all.safetensors: no array 'y'; it holds p, t, w, x"),
    (["loss", "x.bin", "t.bin", "--dtype", "f32"], "logits: x.bin: a raw file needs its shape, as in --shape 128,10"),
    (["loss", "x.bin", "t.bin", "--shape", "20,4"], "logits: x.bin: a raw file needs --dtype"),
    (["loss", "x.bin", "t.bin", "--dtype", "f16", "--shape", "20,4"], "logits: x.bin: 320 bytes, expected 160"),
    (["loss", "x.bin", "t.bin", "--dtype", "f32", "--shape", "4.5"], "--shape: '4.5', expected whole numbers"),
    (["loss", "x.npy", "t.npy", "--weight", "x"], "weight: x: unknown suffix"),
    (["loss", "x.npy", "t.npy", "--pos-weight", "none.npy"], "pos_weight: none.npy: No such file or directory"),
    (["loss", "x.npy", "t.npy", "--grad", "x.npy"], "--grad: x.npy: already used for logits"),
    (["loss", "x.npy", "t.npy", "--weight", "all.npz:w", "--out", "w.npz"], "--out: w.npz: unknown suffix '.npz'"),
    (["loss", "x.npy", "t.npy", "--weight", "w.npy", "--out", "w.npy"], "--out: w.npy: already used for weight"),
    (["loss", "x.npy", "t.npy", "--grad", "g.npy", "--out", "./g.npy"], "--out: g.npy: already used for --grad"),
    (["loss", "x.npy", "t.npy", "--grad", "none/g.npy"], "--grad: none/g.npy: no such directory"),
    (["loss", "x.npy", "t.npy", "--reduction", "none"], "--reduction none: needs --out FILE or --grad FILE"),
]


@pytest.mark.parametrize(("arguments", "expected"), BAD)
def test_bad_input(arguments: list[str], expected: str, files: dict[str, Any]) -> None:
    before = sorted(os.listdir())
    result = invoke(*arguments)
    assert result.status == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {expected}")
    assert result.stderr.count("\n") == 1
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["loss", "x.npy"], "TARGETS"),
        (["loss", "x.npy", "t.npy", "--reduction", "max"], "--reduction: invalid choice: 'max' (choose from "),
        (["loss", "x.npy", "t.npy", "--dtype", "f8"], "--dtype: 'f8', expected one of f16, bf16, f32, f64, float16"),
        (["loss", "x.npy", "t.npy", "--weight"], "--weight: expected one argument"),
        (["loss", "x.npy", "t.npy", "--red", "sum"], "--red"),
        (["loss", "x.npy", "t.npy", "--nonsense"], "--nonsense"),
        (["los"], "'los'"),
        *BAD[:2],
    ],
)
def test_main_prints_one_line(
    arguments: list[str], expected: str, files: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert expected in captured.err
    assert captured.err.count("\n") == 1


def test_main_without_arguments_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "loss" in capsys.readouterr().out


def test_as_a_process(files: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "bcelogits.cli"]
    done = subprocess.run([*command, "loss", "x.npy", "t.npy", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert np.float32(json.loads(done.stdout)["loss"]) == loss_of(files)
    assert done.stderr == ""
    done = subprocess.run([*command, "loss", "x.npy", "none.npy"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: targets: none.npy: No such file or directory\n"
    assert done.stdout == ""
