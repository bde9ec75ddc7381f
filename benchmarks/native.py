"""Compiles the benchmark's small native parts when they are first needed, into build/benchmarks, and loads them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent / "build" / "benchmarks"


class BuildError(Exception):
    """There is no compiler, or it refused; the text says which."""


def compiler() -> str | None:
    """The C++ compiler that would be used; None if there is none."""
    named = os.environ.get("CXX")
    return (
        named if named else next((found for name in ("g++", "clang++", "c++") if (found := shutil.which(name))), None)
    )


def shared_library(sources: list[Path], flags: list[str], name: str) -> Path:
    """The library `name` made of `sources`; compiled again when compiler, flags, processor or sources are others."""
    program = compiler()
    if program is None:
        raise BuildError("no C++ compiler")
    command = [program, "-O3", "-march=native", "-shared", "-fPIC", *flags, *map(str, sources)]
    # -march=native means another thing on another machine, so the processor belongs to the key.
    parts = [" ".join(command), _cpu_flags(), *(source.read_text(encoding="utf-8") for source in sources)]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    folder = CACHE / key
    library = folder / name
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{os.getpid()}-{name}"  # several workers may compile at once: the last rename wins
        done = subprocess.run([*command, "-o", str(fresh)], capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise BuildError(f"{program}: {lines[0][:200]}")
        fresh.replace(library)
    return library


def _cpu_flags() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    except OSError:
        pass
    return ""
