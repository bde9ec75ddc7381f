"""What all tests share: random numbers with a seed, and a process whose settings a test leaves as it found them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import bcelogits

# Where torch_npu is installed, `import torch` would load it, and with it libraries that only `bcelogits run` provides.
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"


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
