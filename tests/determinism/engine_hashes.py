"""Builds hash_engine.cpp, for this machine or another processor, and runs it with one instruction set.

python tests/determinism/engine_hashes.py            # prints what the program prints
python tests/determinism/engine_hashes.py --write    # replaces engine_hashes.txt, after a deliberate change
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HASHES = HERE / "engine_hashes.txt"


@dataclass(frozen=True)
class Machine:
    """What builds a program for a kind of machine, and what runs it here."""

    compiler: str
    options: tuple[str, ...] = ()
    emulator: tuple[str, ...] = ()

    def lacks(self) -> list[str]:
        """Programs that are not installed."""
        return [name for name in ("cmake", self.compiler, *self.emulator[:1]) if not shutil.which(name)]


NATIVE = Machine("c++")
CLANG = Machine("clang++")
AARCH64 = Machine(  # linked statically, so that the emulator needs no libraries of that machine
    "aarch64-linux-gnu-g++",
    ("-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64", "-DCMAKE_EXE_LINKER_FLAGS=-static"),
    ("qemu-aarch64",),
)


def start(command: Sequence[str | Path], *, timeout: float, isa: str | None = None) -> str:
    """What the command prints; if it fails, what it said is the error."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BCELOGITS_", "QEMU_"))}
    if isa:
        environment["BCELOGITS_MAX_ISA"] = isa
    done = subprocess.run(
        [str(c) for c in command], env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}\nstatus {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def build(machine: Machine, folder: Path) -> None:
    """Both programs, from the sources of this checkout, with the flags of its CMake files."""
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    compiler = f"-DCMAKE_CXX_COMPILER={machine.compiler}"
    start(["cmake", "-S", HERE, "-B", folder, *generator, compiler, *machine.options], timeout=300)
    start(["cmake", "--build", folder, "--parallel", "2"], timeout=1800)


def run(machine: Machine, folder: Path, program: str, *arguments: str, isa: str | None = None) -> str:
    """The output of one of the programs."""
    return start([*machine.emulator, folder / program, *arguments], timeout=600, isa=isa)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        build(NATIVE, Path(temporary))
        text = run(NATIVE, Path(temporary), "hash_engine", isa="baseline")
    if sys.argv[1:] == ["--write"]:
        HASHES.write_text(text)
    else:
        sys.stdout.write(text)
