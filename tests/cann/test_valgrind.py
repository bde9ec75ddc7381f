"""The clients and examples under valgrind: no bad access, nothing uninitialised, nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toolchain import EXAMPLES, FUNCTIONS, Flags, build, names_of_tests, run

pytestmark = pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")

# One thread runs at a time under valgrind, and without fair turns threads that never sleep keep the others from it.
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99", "--child-silent-after-fork=yes", "--fair-sched=yes")
LEAKS = ("--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite")
FEWER = {"FEWER": "1"}
QUICK = ("meta", "copies", "executors", "streams")
THOROUGH = tuple(file for file in (*FUNCTIONS, "abuse") if file not in QUICK)
EXPENSIVE = {"one_stream_too_many_is_207008"}


def check(file: str, clients: Path, folder: Path) -> None:
    names = [name for name in names_of_tests(file, together=True) if name not in EXPENSIVE]
    run([*VALGRIND, *LEAKS, clients, *names], cwd=folder, env=FEWER, timeout=300)


@pytest.mark.parametrize("file", QUICK)
def test_clients(file: str, clients: Path, tmp_path: Path) -> None:
    check(file, clients, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", THOROUGH)
def test_more_clients(file: str, clients: Path, tmp_path: Path) -> None:
    check(file, clients, tmp_path)


@pytest.mark.exhaustive
def test_many_objects_and_threads(clients: Path, tmp_path: Path) -> None:
    names = [*names_of_tests("stress", "threads", together=True), *EXPENSIVE]
    run([*VALGRIND, *LEAKS, clients, *names], cwd=tmp_path, env=FEWER, timeout=900)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", names_of_tests("process"))
def test_the_life_of_the_process(name: str, clients: Path, tmp_path: Path) -> None:
    run([*VALGRIND, clients, name], cwd=tmp_path, env=FEWER, timeout=300)  # it ends with things in use


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", sorted(f.name for f in EXAMPLES.iterdir() if f.suffix in (".c", ".cpp")))
def test_examples(source: str, compiler: str, flags: Flags, tmp_path: Path) -> None:
    program = build([EXAMPLES / source], tmp_path / "example", flags, compiler=compiler, options=("-g",))
    run([*VALGRIND, *LEAKS, program], cwd=tmp_path, timeout=300)
