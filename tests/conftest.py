"""What all tests share: random numbers with a seed, and a process whose settings a test leaves as it found them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import bcelogits

# Where torch_npu is installed, `import torch` would load it, and with it libraries that only `bcelogits run` provides.
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"


# How a test says that it lacks a package. With BCELOGITS_TESTS_NEED_ALL=1, where all are installed, such a skip is a
# failure: a framework that fails to load must not hide behind it.
LACKING = re.compile(r"not installed|could not import|not built|need expecttest")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("BCELOGITS_TESTS_NEED_ALL"):
        return
    skipped = {str(report.longrepr) for report in reporter.stats.get("skipped", [])}
    lacking = sorted(reason for reason in skipped if LACKING.search(reason))
    if lacking:
        reporter.write_line("BCELOGITS_TESTS_NEED_ALL is set, but tests lack something:", red=True)
        for reason in lacking:
            reporter.write_line(f"  {reason}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_26)


@pytest.fixture(autouse=True)
def _same_number_of_threads_afterwards() -> Iterator[None]:
    before = bcelogits.get_num_threads()
    yield
    bcelogits.set_num_threads(before)


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a new interpreter, in an empty folder: `run_python(script, BCELOGITS_MAX_ISA="avx2")`."""

    def run(script: str, *, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            env={k: v for k, v in os.environ.items() if not k.startswith("BCELOGITS_")} | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
