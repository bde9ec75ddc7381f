"""The constants of the kernels are what the tool derives, and nobody's handwork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_header_is_what_the_tool_derives() -> None:
    pytest.importorskip("mpmath")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "derive_constants.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
