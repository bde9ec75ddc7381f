"""Compilers, programs built from the clients and examples, and how they are started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLIENTS = HERE / "clients"
EXAMPLES = ROOT / "examples" / "cann"

# The libraries: one with all code and state, and thin ones under the names that programs link and open.
CORE = "libbcelogits_cann.so"
RUNTIME = ("libascendcl.so", "libacl_rt.so", "libruntime.so")
BASE = ("libnnopbase.so",)
OPERATORS = (
    *("libopapi.so", "libopapi_nn.so", "libopapi_math.so"),
    *("libaclnn_ops_infer.so", "libaclnn_ops_train.so", "libaclnn_math.so"),
)
EMPTY = ("libge_runner.so", "libgraph.so", "libacl_tdt_channel.so")  # linked, but nothing is taken from them
THIN = (*RUNTIME, *BASE, *OPERATORS, "libacl_op_compiler.so", "libhccl.so", *EMPTY)

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
C = "-std=c11"
CXX = "-std=c++17"

# The clients that test single functions; besides there are misuse, many objects, and the life of the process.
FUNCTIONS = (
    *("devices", "contexts", "streams", "stream_ends", "events", "event_times", "callbacks", "memory", "copies"),
    *("init", "diagnostics", "extras", "meta", "executors", "workspaces"),
    *("single_op", "elementary"),
)

# C compiler and its C++ twin, as far as this machine has them.
COMPILERS = {c: cxx for c, cxx in [("gcc", "g++"), ("clang", "clang++")] if shutil.which(c) and shutil.which(cxx)}


def names_of_tests(*files: str, together: bool = False) -> list[str]:
    """The names of the tests in clients, found in their sources; those that print are programs for other tests.

    With `together`, only those that can run one after the other in one process: they set no environment variables.
    """
    names: list[str] = []
    for file in files:
        text = (CLIENTS / f"{file}.cpp").read_text()
        for name, body in re.findall(r"^TEST\((\w+)\)(.*?)(?=^TEST|\Z)", text, re.MULTILINE | re.DOTALL):
            if not (together and "setenv(" in body):
                names.append(name)
    return [name for name in names if not name.startswith("print_")]


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """What a program sees: nothing that configures bcelogits or names another installation but `extra`."""
    foreign = ("BCELOGITS_", "ASCEND_", "LD_PRELOAD", "LD_LIBRARY_PATH")
    return {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | (extra or {})


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 120,
    check: bool = True,
    accept: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[str]:
    """Run a program; unless `check` is false, its status must be in `accept`, else what it printed is the failure."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if check and done.returncode not in accept:
        shown = " ".join(str(c) for c in command)
        raise AssertionError(f"{shown}\nstatus {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    return done


@dataclass(frozen=True)
class Flags:
    """What compiling and linking against an installation needs."""

    compile: tuple[str, ...]
    link: tuple[str, ...]


def flags_for(root: Path, *, lib: Path | None = None) -> Flags:
    """The flags of a program that uses the headers of `root` and the libraries of `lib` (the root's own)."""
    where = lib or root / "lib64"
    libraries = ("-lascendcl", "-lnnopbase", "-lopapi")
    return Flags((f"-I{root / 'include'}",), (f"-L{where}", f"-Wl,-rpath,{where}", *libraries, "-lpthread", "-ldl"))


def build(
    sources: Iterable[Path], output: Path, flags: Flags, *, compiler: str = "gcc", options: Sequence[str] = ()
) -> Path:
    """Compile the sources, two at a time, and link them to one program."""
    objects = output.parent / f"{output.name}.objects"
    objects.mkdir(parents=True, exist_ok=True)
    cxx = COMPILERS.get(compiler, compiler)

    def compile_one(source: Path) -> Path:
        target = objects / f"{source.name}.o"
        plain_c = source.suffix == ".c"
        dialect = (C, *WARNINGS) if plain_c else (CXX, *WARNINGS)
        run([compiler if plain_c else cxx, *dialect, *options, *flags.compile, "-c", source, "-o", target])
        return target

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(compile_one, sources))
    run([cxx, *options, *made, "-o", output, *flags.link])
    return output
