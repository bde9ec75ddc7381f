"""Where the C API is installed, the compilers, and programs that are built once per session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from binding import Acl
from toolchain import CLIENTS, COMPILERS, Flags, build, flags_for, run

RunClient = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def root() -> Path:
    """The installation: the package's own, or another one (a build folder, say) named by CAPI_TEST_ROOT."""
    if given := os.environ.get("CAPI_TEST_ROOT"):
        return Path(given)
    return Path(run([sys.executable, "-m", "bcelogits.cli", "config", "--root"]).stdout.strip())


@pytest.fixture(scope="session")
def flags(root: Path) -> Flags:
    return flags_for(root)


@pytest.fixture(scope="session")
def compiler() -> str:
    """The first C compiler; its C++ twin is found by `toolchain.build`."""
    if not COMPILERS:
        pytest.skip("no C and C++ compiler")
    return next(iter(COMPILERS))


@pytest.fixture(scope="session")
def clients(compiler: str, flags: Flags, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All C++ clients in one program, which runs the tests that its arguments name."""
    folder = tmp_path_factory.mktemp("clients")
    return build(sorted(CLIENTS.glob("*.cpp")), folder / "clients", flags, compiler=compiler, options=("-g",))


@pytest.fixture
def client(clients: Path, tmp_path: Path) -> RunClient:
    """Run tests of the clients in a process of their own: `client("name", BCELOGITS_DEVICE_COUNT="2")`."""

    def start(*names: str, check: bool = True, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
        return run([clients, *names], cwd=tmp_path, env=env, check=check, timeout=timeout)

    return start


@pytest.fixture(scope="session")
def acl(root: Path) -> Acl:
    """The API in this process: initialised, device 0 set. Tests leave it so."""
    return Acl.start(root)
