"""Misuse: an error at worst, never a crash, a hang or growth. Each sentence is a test of a client."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from toolchain import names_of_tests

RunClient = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("name", names_of_tests("abuse"))
def test_abuse(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("process"))
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
