"""The command `bcelogits` and other programs, started from a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "bcelogits.cli"]
VARIABLES = (
    *("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_OPP_PATH", "LD_LIBRARY_PATH", "PYTHONPATH"),
    "TASK_QUEUE_ENABLE",
)


def start(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the variables of `environment`, and of the others none that names an installation."""
    return subprocess.run(
        [str(c) for c in command],
        env={k: v for k, v in os.environ.items() if k not in VARIABLES} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
