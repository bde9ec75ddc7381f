"""The released torch_npu in a process of its own, with our libraries in the place of CANN; skipped where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from bcelogits import _cann

HERE = Path(__file__).resolve().parent
Start = Callable[..., subprocess.CompletedProcess[str]]


def missing() -> str:
    """Why these tests cannot run here; empty if they can."""
    for package in ("torch", "torch-npu"):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            return f"{package} is not installed (docs/torch_npu.md)"
    return "" if _cann.is_built() else _cann.NOT_BUILT


@pytest.fixture
def npu(tmp_path: Path) -> Start:
    """Run Python under `bcelogits run`: `npu("-c", script, BCELOGITS_DEVICE_COUNT="2")`."""
    if reason := missing():
        pytest.skip(reason)

    def start(*arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        # Nothing of this environment that chooses how torch_npu or bcelogits behave.
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("BCELOGITS_", "ASCEND_", "TORCH_", "TASK_"))}
        done = subprocess.run(
            [*(sys.executable, "-m", "bcelogits.cli", "run", "--", sys.executable), *arguments],
            env=ours | env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"exit status {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
        return done

    return start


@pytest.fixture
def inside(npu: Start) -> Callable[..., str]:
    """Run files of tests of this folder inside: `inside("npu_loss.py")`. Warnings there are torch_npu's own."""

    def run(*files: str, **env: str) -> str:
        options = ("-q", "-p", "no:cacheprovider", "-W", "ignore", f"--rootdir={HERE}", "-c", str(HERE / "inside.ini"))
        return npu("-X", "faulthandler", "-m", "pytest", *options, *(str(HERE / f) for f in files), **env).stdout

    return run
