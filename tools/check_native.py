"""Checks of the native code that no compiler makes.

    python tools/check_native.py

1. clang-format has nothing to change.
2. No ISA object defines a weak symbol: the linker could hand code compiled for a newer processor to an older one.
3. The stub of the native module is what nanobind derives from it.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
X86 = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx2", "-mfma", "-mf16c", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
}
AARCH64: dict[str, list[str]] = {"baseline": [], "neon": []}
MACHINES = {"x86_64": X86, "AMD64": X86, "aarch64": AARCH64, "arm64": AARCH64}
COMMON = ["-O3", "-std=c++20", "-fPIC", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-w", "-c"]


def check_format() -> list[str]:
    """Names of files that clang-format would change."""
    sources = [p for folder in ("native", "tools") for p in (ROOT / folder).rglob("*")]
    files = [p for p in sources if p.suffix in {".cpp", ".hpp", ".inc"} and p.name != "constants.hpp"]
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *map(str, sorted(files))], capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if "error" in line]


def symbols(compiler: str, nm: str, isas: dict[str, list[str]]) -> list[str]:
    """Weak or unique symbols of the objects of these ISAs."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for isa, flags in isas.items():
            target = Path(folder) / f"{isa}.o"
            source = ROOT / "native" / "engine" / "kernels" / f"isa_{isa}.cpp"
            subprocess.run([compiler, *COMMON, *flags, str(source), "-o", str(target)], check=True)
            listed = subprocess.run([nm, "-C", str(target)], capture_output=True, text=True, check=True).stdout
            found += [f"{isa}: {line}" for line in listed.splitlines() if line[17:18] in set("WVuw")]
    return found


def check_symbols() -> list[str]:
    """Weak or unique symbols of the ISA objects, for this machine and, where its compiler is installed, AArch64."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None or shutil.which("nm") is None:
        return ["a C++ compiler and nm are needed"]
    found = symbols(compiler, "nm", MACHINES.get(platform.machine(), {"baseline": []}))
    cross, nm = shutil.which("aarch64-linux-gnu-g++"), shutil.which("aarch64-linux-gnu-nm")
    if cross and nm:
        found += symbols(cross, nm, AARCH64)
    return found


def check_stub() -> list[str]:
    """Whether src/bcelogits/_core.pyi is up to date with the installed module."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "_core.pyi"
        command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "bcelogits._core", "-o", str(fresh)]
        subprocess.run(command, check=True, cwd=folder)
        if fresh.read_text() == (ROOT / "src" / "bcelogits" / "_core.pyi").read_text():
            return []
    return [
        "src/bcelogits/_core.pyi is out of date: " + " ".join(["python", *command[1:-1], "src/bcelogits/_core.pyi"])
    ]


def main() -> int:
    """Run all checks; 1 if one finds something."""
    problems = [*check_format(), *check_symbols(), *check_stub()]
    print("\n".join(problems) if problems else "native code: nothing found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
