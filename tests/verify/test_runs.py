"""A folder of golden data and a device's dumps give one result a case, and what cannot be judged says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bcelogits
from bcelogits import golden, verify
from bcelogits._files.errors import InputError
from bcelogits.golden import Case, Op
from bcelogits.verify import Options, Status, backends

pytest.importorskip("ml_dtypes")

CASES = [
    Case("loss", Op.LOSS, "f32", (50, 3), pos_weight=(3,), family="calibrated", seed=1),
    Case("grad", Op.BACKWARD, "bf16", (64,), grad_output=(), family="normal", seed=2),
    Case("mean", Op.LOSS, "f16", (7, 20), reduction="mean", seed=3),
]


def compute(case: Case) -> Any:
    given = golden.make_operands(case).items()
    first = [given.pop("grad_output")] if case.op is not Op.LOSS else []
    return np.asarray(getattr(bcelogits, case.op.function)(*first, **given, reduction=case.reduction))


NAMES = {
    "ttk": lambda case, array: f"{case.name}/output_0_{array.dtype.name}.bin",
    "sample": lambda case, array: f"{case.name}/output/output.bin",
    "npy": lambda case, array: f"{case.name}/output.npy",
    "beside": lambda case, array: f"{case.name}.bin",
}


def dump(folder: Path, names: str = "ttk", change: Any = lambda case, array: array) -> Path:
    for case in CASES:
        array = change(case, compute(case))
        path = folder / NAMES[names](case, array)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, array.view(np.void) if array.dtype.name == "bfloat16" else array)
        else:
            array.tofile(path)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    golden.write(CASES, tmp_path / "golden")
    return tmp_path / "golden"


@pytest.mark.parametrize("names", NAMES)
def test_dumps_are_found_under_every_documented_name(names: str, folder: Path, tmp_path: Path) -> None:
    run = verify.verify_folder(folder, [dump(tmp_path / "dumps", names)])
    assert run.status is Status.PASS
    assert [case.name for case in run.cases] == ["loss", "grad", "mean"]


def test_dumps_may_lie_in_the_golden_folder_itself(folder: Path) -> None:
    dump(folder)
    assert verify.verify_folder(folder).status is Status.PASS


@pytest.mark.parametrize("layout", golden.FILE_LAYOUTS)
@pytest.mark.parametrize("compact", [False, True])
def test_written_and_computed_truth_give_the_same_verdicts(layout: str, compact: bool, tmp_path: Path) -> None:
    golden.write(CASES, tmp_path / "g", layout=layout, compact=compact)
    dumps = dump(tmp_path / "dumps", change=lambda case, array: (array * array.dtype.type(1.02)).astype(array.dtype))
    run = verify.verify_folder(tmp_path / "g", [dumps])
    wanted = verify.verify_backend(Slightly(), CASES)
    assert [case.verdicts for case in run.cases] == [case.verdicts for case in wanted.cases]
    assert [case.statistics for case in run.cases] == [case.statistics for case in wanted.cases]
    assert run.status is Status.FAIL


class Slightly(backends.Backend):
    name, version = "slightly", "wrong"

    def limit(self, case: Case) -> str:
        return ""

    def result_dtype(self, case: Case) -> str:
        return case.dtype

    def compute(self, case: Case, operands: Any) -> Any:
        array = compute(case)
        return (array * array.dtype.type(1.02)).astype(array.dtype)


def test_the_operands_are_needed_only_where_the_truth_was_not_written(folder: Path, tmp_path: Path) -> None:
    for path in folder.rglob("input_*"):
        path.unlink()
    dumps = dump(tmp_path / "dumps")
    assert verify.verify_folder(folder, [dumps]).status is Status.PASS
    run = verify.verify_folder(folder, [dumps], options=Options(special=golden.Special.TORCH))
    assert run.status is Status.NOT_JUDGED
    assert "input_0_float32.bin: No such file" in run.cases[0].error


def test_repeated_dumps_are_compared_byte_by_byte(folder: Path, tmp_path: Path) -> None:
    one, two = dump(tmp_path / "one"), dump(tmp_path / "two")
    assert verify.verify_folder(folder, [one, two]).status is Status.PASS
    path = two / "loss/output_0_float32.bin"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    run = verify.verify_folder(folder, [one, two])
    assert run.status is Status.FAIL
    assert "1 elements differ between 2 repeats, the first at 10" in [v.why for v in run.cases[0].verdicts]


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-4])
    elif how == "longer":
        path.write_bytes(path.read_bytes() + b"\0" * 4)
    else:
        path.unlink()
        np.save(path.with_name("output.npy"), np.zeros((50, 3), np.float16 if how == "dtype" else np.float32).T)
        if how == "dtype":
            np.save(path.with_name("output.npy"), np.zeros((50, 3), np.float16))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("missing", "no output in "),
        ("truncated", "output_0_float32.bin: 596 bytes, expected 600 for f32 (50, 3)"),
        ("longer", "output_0_float32.bin: 604 bytes, expected 600 for f32 (50, 3)"),
        ("dtype", "actual: dtype float16, expected f32"),
        ("shape", "actual: shape (3, 50), expected (50, 3)"),
    ],
)
def test_an_unusable_dump_is_not_judged_and_says_why(how: str, text: str, folder: Path, tmp_path: Path) -> None:
    dumps = dump(tmp_path / "dumps")
    damage(dumps / "loss/output_0_float32.bin", how)
    run = verify.verify_folder(folder, [dumps])
    assert run.status is Status.NOT_JUDGED
    assert [case.status for case in run.cases] == [Status.NOT_JUDGED, Status.PASS, Status.PASS]
    assert text in run.cases[0].error


def test_a_failure_counts_more_than_a_missing_file(folder: Path, tmp_path: Path) -> None:
    dumps = dump(tmp_path / "dumps", change=lambda case, array: array * 0)
    damage(dumps / "loss/output_0_float32.bin", "missing")
    assert verify.verify_folder(folder, [dumps]).status is Status.FAIL


def test_a_choice_of_cases(folder: Path, tmp_path: Path) -> None:
    dumps = dump(tmp_path / "dumps")
    run = verify.verify_folder(folder, [dumps], only=lambda case: case.op is Op.LOSS)
    assert [case.name for case in run.cases] == ["loss", "mean"]
    with pytest.raises(InputError, match="no case is left to judge"):
        verify.verify_folder(folder, [dumps], only=lambda case: False)


def test_what_a_backend_does_not_take_is_skipped_with_its_reason() -> None:
    class Half(Slightly):
        def limit(self, case: Case) -> str:
            return "no gradients" if case.op is Op.BACKWARD else ""

        def compute(self, case: Case, operands: Any) -> Any:
            return compute(case)

    run = verify.verify_backend(Half(), CASES, repeats=2)
    assert run.status is Status.PASS
    assert run.cases[1].status is Status.NOT_JUDGED
    assert run.cases[1].facts["skipped"] == "no gradients"
    assert all(case.verdicts[-1].profile == "determinism" for case in (run.cases[0], run.cases[2]))


def test_a_backend_that_fails_is_not_judged_with_its_words() -> None:
    class Broken(Slightly):
        def compute(self, case: Case, operands: Any) -> Any:
            raise ArithmeticError("no such kernel")

    run = verify.verify_backend(Broken(), CASES)
    assert run.status is Status.NOT_JUDGED
    assert all("no such kernel" in case.error for case in run.cases)


def test_the_run_says_what_was_judged_and_how() -> None:
    run = verify.verify_backend(Slightly(), CASES[:1])
    assert run.facts["subject"] == "slightly (wrong)"
    assert run.facts["bcelogits"] == bcelogits.__version__
    assert run.facts["profiles"] == ["cann-mixed", "ulp"]
    assert run.facts["special"] == "limit"


@pytest.mark.parametrize(
    "name", ["loss/input_0_float32.bin", "loss/golden_0_float32__shape_50x3.bin", "truth/loss/value.npy"]
)
def test_golden_data_that_were_changed_are_not_judged_by(name: str, folder: Path, tmp_path: Path) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    run = verify.verify_folder(folder, [dump(tmp_path / "dumps")])
    assert [case.status for case in run.cases] == [Status.NOT_JUDGED, Status.PASS, Status.PASS]
    assert f"{name}: not the file that was written: its SHA-256 differs" in run.cases[0].error


def test_a_truth_that_was_removed_is_computed_again(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "truth" / "loss").iterdir():
        path.unlink()
    assert verify.verify_folder(folder, [dump(tmp_path / "dumps")]).status is Status.PASS


def test_a_folder_of_dumps_that_does_not_exist_is_named_once(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dump: .*nosuch: no such folder"):
        verify.verify_folder(folder, [tmp_path / "nosuch"])
