"""What the report says about the machine, and how a run is made fair on it."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

# Set on some machines to choose OpenBLAS kernels; both make NumPy slower, which would flatter everyone else.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
NOTE = "BCELOGITS_BENCH_UNSET"  # carries the names over the restart, and keeps it from happening twice


def restart_without_slowing_variables() -> str:
    """Replace this process by one without the variables in `SLOWING`; returns a note where that has happened."""
    names = [name for name in SLOWING if name in os.environ]
    if names and NOTE not in os.environ:
        environment = {key: value for key, value in os.environ.items() if key not in SLOWING}
        environment[NOTE] = ", ".join(names)
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, environment)
    unset = os.environ.get(NOTE, "")
    return f"run without the environment variables {unset}, which slow NumPy down" if unset else ""


def cpu_model() -> str:
    """The processor's name, with its commas removed for the CSV's readers."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip().replace(",", " ")
    except OSError:
        pass
    return platform.processor() or platform.machine()


def use_cpus(threads: int) -> None:
    """Bind this process and its children to `threads` CPUs, on different cores as far as there are any."""
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = sorted(os.sched_getaffinity(0))
    first_of_core: list[int] = []
    others: list[int] = []
    cores: set[str] = set()
    for cpu in allowed:
        try:
            siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
        except OSError:
            siblings = str(cpu)
        (others if siblings in cores else first_of_core).append(cpu)
        cores.add(siblings)
    os.sched_setaffinity(0, (first_of_core + others)[:threads])


def cache_bytes(cpus: int) -> dict[str, int]:
    """Data caches by level, as much as `cpus` CPUs have of each together; empty where the system does not tell."""
    found: dict[str, dict[str, int]] = {}
    for cpu in sorted(os.sched_getaffinity(0))[:cpus] if hasattr(os, "sched_getaffinity") else []:
        for index in Path(f"/sys/devices/system/cpu/cpu{cpu}/cache").glob("index*"):
            try:
                level, kind, size, shared = (
                    (index / name).read_text().strip() for name in ("level", "type", "size", "shared_cpu_list")
                )
            except OSError:
                continue
            if kind != "Instruction" and size.endswith("K"):
                found.setdefault(f"L{level}", {})[shared] = int(size[:-1]) << 10
    return {level: sum(sizes.values()) for level, sizes in sorted(found.items())}


def available_bytes() -> int:
    """Memory that can be used without swapping; a cautious 4 GiB where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 4 << 30


def busy_cpu_seconds() -> float | None:
    """CPU time that all processes of the machine, and its hypervisor's other guests, have used since it started."""
    try:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
        )
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
