"""Checks of the native code that no compiler makes.

    python tools/check_native.py

1. clang-format has nothing to change.
2. The kernel objects of AArch64 share their tables alone, where a compiler for it is installed. Those of this machine
   are checked whenever the package is built (cmake/isa.cmake).
3. The stub of the native module is what nanobind derives from it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORMATTED = {".c", ".cpp", ".h", ".hpp", ".inc"}
CROSS = "aarch64-linux-gnu-g++"


def check_format() -> list[str]:
    """Names of files that clang-format would change."""
    folders = ("native", "tests", "benchmarks", "examples", "tools")
    sources = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in FORMATTED]
    files = sorted(str(p) for p in sources if p.name != "constants.hpp")  # generated
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "error" in line]


def check_kernels_of_aarch64() -> list[str]:
    """What the build says against the kernel objects of AArch64, compiled with the project's own flags."""
    if not shutil.which(CROSS):
        return []
    folder = ROOT / "build" / "aarch64"
    options = ["-DBCELOGITS_PYTHON=OFF", "-DBCELOGITS_CANN=OFF", f"-DCMAKE_CXX_COMPILER={CROSS}"]
    machine = ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"]
    for command in (
        ["cmake", "-S", str(ROOT), "-B", str(folder), *options, *machine],
        ["cmake", "--build", str(folder), "--target", "bcelogits_check_kernels", "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return [f"{' '.join(command)}:", *(done.stdout + done.stderr).splitlines()[-20:]]
    return []


def check_stub() -> list[str]:
    """Whether src/bcelogits/_core.pyi is up to date with the installed module."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "_core.pyi"
        command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "bcelogits._core", "-o", str(fresh)]
        subprocess.run(command, check=True, cwd=folder)
        # nanobind writes the import of a type's module only where that is installed.
        made, kept = (
            [line for line in stub.read_text().splitlines() if line != "import torch"]
            for stub in (fresh, ROOT / "src" / "bcelogits" / "_core.pyi")
        )
        if made == kept:
            return []
    return [
        "src/bcelogits/_core.pyi is out of date: " + " ".join(["python", *command[1:-1], "src/bcelogits/_core.pyi"])
    ]


def main() -> int:
    """Run all checks; 1 if one finds something."""
    problems = [*check_format(), *check_kernels_of_aarch64(), *check_stub()]
    print("\n".join(problems) if problems else "native code: nothing found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
