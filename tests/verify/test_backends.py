"""Backends that are always there, and what holds of all of them: clear errors, no import too early, no output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backend_cases import PATTERNS, assert_right, case, operands

import bcelogits
from bcelogits import _cann
from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify import backends
from bcelogits.verify.backends._base import Backend

OURS = [
    "ours",
    "reference",
    pytest.param("aclnn", marks=pytest.mark.skipif(not _cann.is_built(), reason=_cann.NOT_BUILT)),
]
RunPython = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("name", OURS)
def test_our_backends_run_every_operator(name: str, op: Op, dtype: str, reduction: str, pattern: str) -> None:
    backend, wanted = backends.get(name), case(op, dtype, reduction, pattern)
    given = operands(wanted)
    assert backend.unsupported(wanted) == ""
    assert_right(backend.run(wanted, given), wanted, given, units=2)


@pytest.mark.parametrize("op", Op)
def test_ours_has_float64_and_outputs_of_another_dtype(op: Op) -> None:
    backend = backends.get("ours")
    for wanted in (case(op, "f64", "none"), case(op, "bf16", "none", dtypes={"out": "f32", "weight": "f16"})):
        given = operands(wanted)
        assert_right(backend.run(wanted, given), wanted, given, units=2)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("op", Op)
def test_operands_keep_their_memory_layout_and_their_values(name: str, op: Op) -> None:
    backend, wanted = backends.get(name), case(op, "f32", "none", "full weights")
    plain = operands(wanted)
    views = replace(plain, logits=np.asfortranarray(plain.logits), targets=np.flip(np.flip(plain.targets).copy()))
    before = {key: array.tobytes() for key, array in views.items().items()}
    np.testing.assert_array_equal(backend.run(wanted, views), backend.run(wanted, plain))
    assert {key: array.tobytes() for key, array in views.items().items()} == before


@pytest.mark.skipif(not _cann.is_built(), reason=_cann.NOT_BUILT)
def test_aclnn_says_what_the_library_refuses() -> None:
    backend = backends.get("aclnn")
    why = backend.unsupported(case(Op.LOSS, "f64", "none"))
    assert why == "phase one returns 161002 ACLNN_ERR_PARAM_INVALID: self: dtype float64, expected a tensor of " + (
        "float32, float16 or bfloat16"
    )
    with pytest.raises(backends.BackendError, match="161002"):
        backend.run(case(Op.LOSS, "f64", "none"), operands(case(Op.LOSS, "f64", "none")))


@pytest.mark.skipif(not _cann.is_built(), reason=_cann.NOT_BUILT)
def test_aclnn_names_the_installation_that_it_judges(run_python: RunPython, tmp_path: Path) -> None:
    assert backends.get("aclnn").version.endswith(f"of bcelogits {bcelogits.__version__}")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(_cann.root(), elsewhere, symlinks=True)
    script = "from bcelogits.verify import backends; print(backends.get('aclnn').version)"
    result = run_python(script, ASCEND_HOME_PATH=str(elsewhere))
    assert result.stdout.strip().endswith(f" in {elsewhere}"), result.stderr


@pytest.mark.skipif(not _cann.is_built(), reason=_cann.NOT_BUILT)
def test_aclnn_without_an_installation_says_so(run_python: RunPython, tmp_path: Path) -> None:
    script = "from bcelogits.verify import backends; backends.get('aclnn')"
    result = run_python(script, ASCEND_HOME_PATH=str(tmp_path / "nowhere"))
    assert result.returncode != 0
    assert "BackendError: aclnn: " in result.stderr
    assert "nowhere" in result.stderr


def test_every_name_is_listed_in_the_error_for_another_one() -> None:
    with pytest.raises(ValueError, match="expected one of aclnn, ") as error:
        backends.get("pytorch")
    assert all(name in str(error.value) for name in backends.NAMES)


@pytest.mark.parametrize(
    ("name", "module", "command"),
    [
        ("torch", "torch", "pip install torch"),
        ("torch-compile", "torch", "pip install torch"),
        ("optax", "jax", "pip install jax optax"),
        ("tensorflow", "tensorflow", "pip install tensorflow-cpu"),
        ("tensorflow-xla", "tensorflow", "pip install tensorflow-cpu"),
    ],
)
def test_a_framework_that_is_missing_is_named_with_the_command_that_installs_it(
    name: str, module: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(backends.BackendError, match=f"^{module} is not installed: {command}$"):
        backends.get(name)


def test_no_framework_is_imported_before_it_is_used(run_python: RunPython) -> None:
    script = """
import sys
from bcelogits.verify import backends
backends.get("ours")
print(sorted({"torch", "jax", "optax", "tensorflow", "ml_dtypes", "mpmath"} & set(sys.modules)))
"""
    assert run_python(script).stdout.strip() == "[]"


class Broken(Backend):
    name, version = "broken", "1"

    def __init__(self, result: Any) -> None:
        self.result = result

    def limit(self, case: Case) -> str:
        return ""

    def result_dtype(self, case: Case) -> str:
        return "f32"

    def compute(self, case: Case, operands: Operands) -> Array:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (np.zeros((4, 5), np.float16), "result of dtype float16, expected float32"),
        (np.zeros((5, 4), np.float32), r"result of shape \(5, 4\), expected \(4, 5\)"),
        (np.zeros(20, np.float32), r"result of shape \(20,\), expected \(4, 5\)"),
        (RuntimeError("\n  device lost\nframe 1\n"), "failed on case loss f32 none plain: RuntimeError: device lost"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_wrong_result_or_a_failure_is_an_error_that_says_what(result: Any, text: str) -> None:
    wanted = case(Op.LOSS, "f32", "none")
    with pytest.raises(backends.BackendError, match=text):
        Broken(result).run(wanted, operands(wanted))


def test_a_result_of_another_dtype_is_foreseen_where_the_backend_knows_it() -> None:
    why = Broken(None).unsupported(case(Op.LOSS, "f16", "none"))
    assert why == "its result would be f32, and the case's output is f16"


def test_a_reduced_result_may_have_one_dimension_as_in_the_c_api() -> None:
    wanted = case(Op.LOSS, "f32", "mean")
    assert Broken(np.ones(1, np.float32)).run(wanted, operands(wanted)).shape == ()


LOUD = """
import ctypes, os, sys
import numpy as np

print("python, at import")

def loss(logits, targets, *, reduction):
    print("python")
    os.write(1, b"descriptor\\n")
    ctypes.CDLL(None).puts(b"c library")
    os.system("echo child")
    return np.zeros_like(logits)
"""


def test_what_a_backend_prints_goes_to_standard_error(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from backend_cases import case, operands
from bcelogits.reference.truth import Op
from bcelogits.verify import backends
wanted = case(Op.LOSS, "f32", "none")
print("before")
backends.get("loud.py:loss").run(wanted, operands(wanted))
print("after")
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert result.stdout == "before\nafter\n"
    assert sorted(result.stderr.split("\n")) == sorted(
        ["python, at import", "python", "descriptor", "c library", "child", ""]
    )
