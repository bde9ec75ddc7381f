"""Which libraries are loaded: ours, those of ASCEND_HOME_PATH, or those of a folder that is named; one per process."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bcelogits import aclnn
from bcelogits.aclnn import _prototypes

CORE = "libbcelogits_cann.so"
SCRIPT = """
import sys
import numpy as np
from bcelogits import aclnn
root = sys.argv[1] if len(sys.argv) > 1 else None
with aclnn.Device(root=root) as device:
    print(device.library.root)
    x = np.float32([0, 1, 2])
    print(aclnn.binary_cross_entropy_with_logits(x, x))
    for line in open("/proc/self/maps"):
        if ".so" in line and "/cann" in line:
            print("mapped", line.split()[-1])
"""


def copy(root: Path, to: Path, *names: str) -> Path:
    """A folder of libraries."""
    to.mkdir(parents=True)
    for name in (*names, CORE):
        shutil.copy(root / "lib64" / name, to)
    return to


MACHINE = f"{platform.machine()}-linux"
# Kinds of installations: folder of the libraries, and the libraries.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "one operator library": ("lib64", ("libascendcl.so", "libnnopbase.so", "libopapi.so")),
    "split operator libraries": ("lib64", ("libacl_rt.so", "libnnopbase.so", "libopapi_nn.so", "libopapi_math.so")),
    "old operator libraries": (
        "lib64",
        ("libascendcl.so", "libnnopbase.so", "libaclnn_math.so", "libaclnn_ops_infer.so", "libaclnn_ops_train.so"),
    ),
    "a folder for the processor": (f"{MACHINE}/lib64", ("libascendcl.so", "libnnopbase.so", "libopapi.so")),
}


@pytest.mark.parametrize("named_by", ["argument", "environment"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_installation_that_is_named(
    kind: str, named_by: str, root: Path, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    folder, names = KINDS[kind]
    top = tmp_path / "cann"
    copy(root, top / folder, *names)
    if named_by == "argument":
        done = run_python(SCRIPT.replace("sys.argv[1] if len(sys.argv) > 1 else None", repr(str(top))))
    else:
        done = run_python(SCRIPT, ASCEND_HOME_PATH=str(top))
    assert done.returncode == 0, done.stderr
    where, value, *mapped = done.stdout.splitlines()
    assert where == str(top)
    assert value == str(aclnn.binary_cross_entropy_with_logits(*[__import__("numpy").float32([0, 1, 2])] * 2))
    assert mapped
    assert all(line.startswith(f"mapped {top / folder}/") for line in mapped), mapped


def test_ours_is_the_default_and_is_ours_when_it_is_named(root: Path, run_python: Callable[..., Any]) -> None:
    for environment in ({}, {"ASCEND_HOME_PATH": str(root)}, {"ASCEND_HOME_PATH": ""}):
        done = run_python(SCRIPT, **environment)
        assert done.stdout.splitlines()[0] == str(root), done.stderr


@pytest.mark.parametrize("missing", ["libascendcl.so", "libnnopbase.so", "libopapi.so"])
def test_a_folder_without_the_libraries_is_refused(
    missing: str, root: Path, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    names = [name for name in ("libascendcl.so", "libnnopbase.so", "libopapi.so") if name != missing]
    copy(root, tmp_path / "cann" / "lib64", *names)
    done = run_python("from bcelogits import aclnn; aclnn.load()", ASCEND_HOME_PATH=str(tmp_path / "cann"))
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"OSError: {tmp_path / 'cann'}: no {missing}"), done.stderr
    assert f"{tmp_path / 'cann' / 'lib64'}" in last


def test_a_library_that_cannot_be_loaded_is_named(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    lib = tmp_path / "cann" / "lib64"
    lib.mkdir(parents=True)
    for name in ("libascendcl.so", "libnnopbase.so", "libopapi.so"):
        (lib / name).write_text("not a library")
    done = run_python("from bcelogits import aclnn; aclnn.load()", ASCEND_HOME_PATH=str(tmp_path / "cann"))
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"OSError: {lib / 'libascendcl.so'}: ")
    assert "set_env.sh" in last


def test_a_function_that_an_installation_lacks(root: Path, tmp_path: Path, run_python: Callable[..., Any]) -> None:
    copy(root, tmp_path / "cann" / "lib64", "libascendcl.so", "libnnopbase.so")
    shutil.copy(root / "lib64" / "libnnopbase.so", tmp_path / "cann" / "lib64" / "libopapi.so")
    script = """
from bcelogits import aclnn
try:
    aclnn.load().function("aclnnBinaryCrossEntropyWithLogits")
except NotImplementedError as error:
    print(error)
"""
    done = run_python(script, ASCEND_HOME_PATH=str(tmp_path / "cann"))
    assert done.stdout == f"aclnnBinaryCrossEntropyWithLogits: not in the libraries of {tmp_path / 'cann'}\n", (
        done.stderr
    )


def test_a_process_uses_one_installation(root: Path, tmp_path: Path) -> None:
    aclnn.load()
    assert aclnn.load() is aclnn.load(root) is aclnn.load(str(root) + "/")
    with pytest.raises(RuntimeError, match=f"^{tmp_path}: this process uses the libraries of {root}$"):
        aclnn.load(tmp_path)


@pytest.mark.parametrize("name", _prototypes.PROTOTYPES)
def test_every_function_that_is_declared_is_there(name: str) -> None:
    function = aclnn.load().function(name)
    result, *parameters = _prototypes.PROTOTYPES[name]
    assert function.restype == result
    assert function.argtypes == parameters


def test_statuses_are_checked_and_texts_read_once(device: aclnn.Device) -> None:
    library = aclnn.load()
    assert library.function("aclrtFree")(None) != 0
    assert "aclrtFree" in library.recent_message()
    assert library.recent_message() == ""
    with pytest.raises(aclnn.AclError, match=r"^aclrtFree returned 107000 ACL_ERROR_RT_PARAM_INVALID: .*aclrtFree"):
        library.call("aclrtFree", None)
    assert library.recent_message() == ""
    assert repr(library) == f"Library({str(library.root)!r})"
