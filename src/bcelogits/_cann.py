"""Where the parts of the installed tree are: a folder laid out like an installation of CANN, and its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bcelogits import _core

__all__ = ["DEFAULTS", "NOT_BUILT", "environment", "flags", "folders", "is_built", "root", "variables"]

LIBRARIES = ("ascendcl", "nnopbase", "opapi")
# What a user may choose otherwise. torch_npu hands operators to a thread of its own, reports the failure of one later,
# and drops those that follow; with this, the line that calls an operator raises its error.
DEFAULTS = {"TASK_QUEUE_ENABLE": "0"}
NOT_BUILT = "this build of bcelogits has no C API, which exists for Linux on x86-64 and AArch64"


def root() -> Path:
    """The folder that stands for an installation of CANN."""
    # Beside the native module: in an editable install the Python files are elsewhere.
    return Path(_core.__file__).resolve().parent / "cann"


def folders() -> dict[str, Path]:
    """The folders of the tree by the names of the options of `bcelogits config`."""
    top = root()
    lib = top / "lib64"
    return {
        "root": top,
        "include-dir": top / "include",
        "lib-dir": lib,
        "cmake-dir": lib / "cmake" / "bcelogits",
        "pkgconfig-dir": lib / "pkgconfig",
    }


def is_built() -> bool:
    """Whether this build has the C API, which exists for Linux on x86-64 and AArch64."""
    return (root() / "lib64" / "libascendcl.so").is_file()


def flags() -> dict[str, list[str]]:
    """What a compiler needs, by the names of the options of `bcelogits config`."""
    where = folders()
    include, lib = where["include-dir"], where["lib-dir"]
    return {
        "cflags": [f"-I{include}", f"-I{include / 'aclnn'}"],
        # The run path is searched after LD_LIBRARY_PATH: a sourced CANN still wins.
        "libs": [f"-L{lib}", f"-Wl,-rpath,{lib}", *(f"-l{name}" for name in LIBRARIES)],
    }


def variables() -> tuple[dict[str, str], dict[str, str]]:
    """The environment variables that set_env.sh sets, and those that it puts a folder in front of."""
    top = root()
    plain = {"ASCEND_HOME_PATH": top, "ASCEND_TOOLKIT_HOME": top, "ASCEND_OPP_PATH": top / "opp"}
    paths = {"LD_LIBRARY_PATH": top / "lib64", "PYTHONPATH": top / "python" / "site-packages"}
    return {k: str(v) for k, v in plain.items()}, {k: str(v) for k, v in paths.items()}


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` with our tree in the place of CANN, as after sourcing set_env.sh.

    >>> environment({"LD_LIBRARY_PATH": "/x"})["LD_LIBRARY_PATH"].endswith("/bcelogits/cann/lib64:/x")
    True
    """
    plain, paths = variables()
    result = {**base, **plain}
    for name, value in DEFAULTS.items():
        result[name] = base.get(name) or value
    for name, folder in paths.items():
        before = base.get(name, "")
        if before.split(":")[0] != folder:
            result[name] = f"{folder}:{before}" if before else folder
    return result
