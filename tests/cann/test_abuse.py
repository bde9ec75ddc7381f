"""Misuse: an error at worst, never a crash, a hang or growth. Each sentence is a test of a client."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from toolchain import CLIENTS, Flags, build, names_of_tests, run

RunClient = Callable[..., subprocess.CompletedProcess[str]]

HOSTILE = ("hostile", "hostile_callbacks", "hostile_operators")


@pytest.mark.parametrize("name", names_of_tests("abuse", *HOSTILE))
def test_abuse(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("process", "late_calls"))
def test_the_life_of_the_process(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("stress", "threads"))
def test_many_objects_and_threads(name: str, client: RunClient) -> None:
    client(name, timeout=120)


@pytest.mark.parametrize("name", names_of_tests("abuse", "process"))
def test_abuse_with_strict_memory(name: str, client: RunClient) -> None:
    if "finalize_with_work" in name or "process_ends_with_work" in name:
        pytest.skip("uses host memory as tensor data")
    client(name, BCELOGITS_STRICT_MEMORY="1")


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_of_the_engine_do_not_matter(threads: str, client: RunClient) -> None:
    client("eight_threads_use_everything_at_once", BCELOGITS_NUM_THREADS=threads)
    client("finalize_with_work_in_flight_ends_and_leaves_dead_handles", BCELOGITS_NUM_THREADS=threads)


@pytest.fixture(scope="module")
def alone(compiler: str, flags: Flags, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Programs that replace functions of the C or C++ library, each a file of its own, built when first asked for."""
    folder = tmp_path_factory.mktemp("alone")

    def program(name: str) -> Path:
        made = folder / name
        sources = [CLIENTS / "alone" / f"{name}.cpp", CLIENTS / "main.cpp"]
        needed = Flags(flags.compile, (*flags.link, "-ldl"))
        return made if made.exists() else build(sources, made, needed, compiler=compiler, options=("-g",))

    return program


@pytest.mark.parametrize("name", names_of_tests("alone/no_memory"))
def test_without_memory(name: str, alone: Callable[[str], Path]) -> None:
    run([alone("no_memory"), name])


@pytest.mark.parametrize("name", names_of_tests("alone/no_threads"))
def test_without_threads(name: str, alone: Callable[[str], Path]) -> None:
    run([alone("no_threads"), name])


def test_a_library_that_is_closed_while_its_threads_work_stays(
    root: Path, compiler: str, flags: Flags, tmp_path: Path
) -> None:
    needed = Flags(flags.compile, ("-ldl",))
    program = build([CLIENTS / "alone" / "unload.cpp"], tmp_path / "unload", needed, compiler=compiler)
    assert run([program, root / "lib64" / "libascendcl.so"]).stdout == "alive\n"
