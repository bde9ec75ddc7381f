"""A folder of golden data: files under documented names, a manifest that finds them, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from bcelogits import golden
from bcelogits._files.errors import InputError
from bcelogits.golden import Case, Op

pytest.importorskip("ml_dtypes")

CASES = [
    Case("loss", Op.LOSS, "f32", (5, 3), pos_weight=(3,), family="calibrated", seed=1),
    Case("grad", Op.BACKWARD, "bf16", (4,), weight=(4,), grad_output=(), family="normal", seed=2),
    Case("mean", Op.LOSS, "f16", (7, 2), reduction="mean", seed=3),
    Case("view", Op.LOSS, "f32", (3, 4), seed=4, layouts={"logits": "transposed", "targets": "strided"}),
    Case("f64", Op.TARGET_BACKWARD, "f64", (6,), grad_output=(6,), pos_weight=(), seed=5),
    Case("empty", Op.LOSS, "f32", (0, 4), seed=6),
]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_names_of_the_ttk_layout_say_what_the_files_are(tmp_path: Path) -> None:
    golden.write(CASES, tmp_path)
    names = set(files(tmp_path))
    assert {
        "loss/input_0_float32.bin",
        "loss/input_1_float32.bin",
        "loss/input_2_none.bin",
        "loss/input_3_float32.bin",
        "loss/golden_0_float32__shape_5x3.bin",
        "grad/input_0_bfloat16.bin",
        "grad/input_4_none.bin",
        "grad/golden_0_bfloat16__shape_4.bin",
        "mean/golden_0_float16__shape_scalar.bin",
        "manifest.json",
    } <= names
    # An optional operand that is not given is a file of no bytes; nothing else lies beside what the test kit reads.
    assert (tmp_path / "loss/input_2_none.bin").stat().st_size == 0
    assert all("/input_" in name or "/golden_" in name for name in names if name.startswith(("loss/", "view/")))


def test_raw_files_are_the_elements_in_c_order_and_nothing_else(tmp_path: Path) -> None:
    golden.write(CASES, tmp_path)
    case = CASES[3]
    raw = np.fromfile(tmp_path / "view/input_0_float32.bin", "<f4").reshape(case.shape)
    assert np.array_equal(raw, golden.make_operands(case).logits)


def test_the_memory_of_a_view_lies_apart_with_its_strides_and_offset_in_elements(tmp_path: Path) -> None:
    manifest = golden.write(CASES, tmp_path)
    (entry,) = (e for e in manifest["cases"] if e["name"] == "view")
    operands = golden.make_operands(CASES[3])
    for name in ("logits", "targets"):
        view = entry["inputs"][name]["storage"]
        memory = np.fromfile(tmp_path / view["file"], "<f4")
        assert [memory.size] == view["shape"]
        strides = [4 * stride for stride in view["strides"]]
        seen = np.lib.stride_tricks.as_strided(memory[view["offset"] :], (3, 4), strides)
        assert np.array_equal(seen, getattr(operands, name))
        assert view["strides"] != [4, 1]
    assert all("storage" not in entry["inputs"]["logits"] for entry in manifest["cases"] if entry["name"] != "view")


@pytest.mark.parametrize("layout", golden.FILE_LAYOUTS)
def test_every_layout_gives_back_what_was_written(layout: str, tmp_path: Path) -> None:
    golden.write(CASES, tmp_path, layout=layout)
    manifest = golden.read_manifest(tmp_path)
    assert manifest.layout == layout
    assert [entry.case for entry in manifest.entries] == CASES
    for entry in manifest.entries:
        wanted = golden.make_operands(entry.case).items()
        found = entry.inputs()
        assert found.keys() == wanted.keys()
        for name, array in wanted.items():
            assert found[name].dtype == array.dtype
            assert found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()
        assert entry.golden().shape == entry.case.out_shape
        assert entry.truth()["value"].dtype == np.float64


@pytest.mark.parametrize("layout", golden.FILE_LAYOUTS)
def test_the_same_cases_give_the_same_bytes(layout: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    golden.write(CASES, one, layout=layout, suite="s")
    golden.write(CASES, two, layout=layout, suite="s")
    assert files(one) == files(two)


def test_the_manifest_has_the_hash_of_every_file_and_how_many_elements_are_special(tmp_path: Path) -> None:
    case = Case("easy", Op.LOSS, "f16", (500,), family="easy-negatives", seed=9)
    golden.write([case], tmp_path)
    entry = json.loads((tmp_path / "manifest.json").read_text())["cases"][0]
    found = files(tmp_path)
    for described in (*entry["inputs"].values(), entry["golden"]):
        assert found[described["file"]] == described["sha256"]
    rounded = np.fromfile(tmp_path / entry["golden"]["file"], "<f2")
    assert entry["counts"]["elements"] == 500
    assert entry["counts"]["zero"] == np.count_nonzero(rounded == 0) > 0
    subnormal = (rounded > 0) & (rounded < 2.0**-14)
    assert entry["counts"]["subnormal"] == np.count_nonzero(subnormal) > 0


def test_a_reduced_loss_states_the_ideal_sum_and_that_of_rounded_losses(tmp_path: Path) -> None:
    golden.write([Case("sum", Op.LOSS, "f32", (1000,), reduction="sum", family="normal")], tmp_path)
    entry = json.loads((tmp_path / "manifest.json").read_text())["cases"][0]
    ideal, contract = (float(entry["reduced"][name]) for name in ("ideal", "contract"))
    assert ideal == pytest.approx(contract, rel=1e-6)
    assert ideal != contract


def test_compact_folders_leave_the_truth_out(tmp_path: Path) -> None:
    golden.write(CASES, tmp_path, compact=True)
    assert not (tmp_path / "truth").exists()
    assert golden.read_manifest(tmp_path).entries[0].truth() == {}


def test_nothing_is_written_into_a_folder_that_has_files(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(InputError, match="is not empty"):
        golden.write(CASES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged manifest"),
        ("{}", "damaged manifest"),
        ('{"schema": 2}', "schema 2, expected 1"),
        ('{"schema": 1, "suite": "", "layout": "ttk", "special": "limit", "cases": [{}]}', "damaged manifest"),
    ],
)
def test_a_damaged_manifest_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=message):
        golden.read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json: No such file"):
        golden.read_manifest(tmp_path)
