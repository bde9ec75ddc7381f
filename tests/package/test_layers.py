"""The native code's layers: who may include whom (design: data flow one way)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"
SOURCES = sorted(p for p in NATIVE.rglob("*") if p.suffix in {".cpp", ".hpp", ".inc", ".def", ".h", ".c"})
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
INTRINSICS = {"immintrin.h", "emmintrin.h", "xmmintrin.h", "smmintrin.h", "pmmintrin.h", "arm_neon.h", "arm_sve.h"}


def includes(source: Path) -> Iterator[tuple[bool, str, Path]]:
    """Whether it is a system header, its name, and the file that a quoted one names."""
    for bracket, name in INCLUDE.findall(source.read_text()):
        yield bracket == "<", name, (source.parent / name).resolve()


def name(source: Path) -> str:
    return str(source.relative_to(NATIVE))


def in_folder(folder: str) -> list[Path]:
    return [p for p in SOURCES if p.relative_to(NATIVE).parts[0] == folder]


def test_there_are_sources_to_look_at() -> None:
    assert all(in_folder(folder) for folder in ("core", "kernels", "runtime", "python"))


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_quoted_headers_are_files_of_ours(source: Path) -> None:
    public = NATIVE.parent / "include"  # of the C door
    of_door = in_folder("capi")
    missing = [
        n
        for system, n, path in includes(source)
        if not system and not path.is_file() and not (source in of_door and (public / n).is_file())
    ]
    assert not missing


@pytest.mark.parametrize("source", in_folder("kernels"), ids=name)
def test_kernels_include_nothing_whose_inline_functions_could_leak(source: Path) -> None:
    """Code compiled for one processor must not end up as the copy that all use."""
    for system, header, path in includes(source):
        if system:
            assert header in INTRINSICS | {"cstdint", "cstddef"}
        else:
            assert path.parent == NATIVE / "kernels"


@pytest.mark.parametrize("source", in_folder("kernels"), ids=name)
def test_kernels_keep_to_a_namespace_of_their_own(source: Path) -> None:
    text = source.read_text()
    if source.name == "table.hpp" or "namespace" not in text:
        return
    assert "namespace {" in text or "BCELOGITS_ISA" in text


@pytest.mark.parametrize("source", in_folder("core"), ids=name)
def test_core_knows_neither_doors_nor_instruction_sets(source: Path) -> None:
    for system, header, path in includes(source):
        if system:
            assert header not in INTRINSICS
            assert not header.startswith(("nanobind", "Python", "pybind", "acl"))
            continue
        folder = path.relative_to(NATIVE).parts[0]
        assert folder not in ("python", "capi")
        if folder == "kernels":
            assert path.name == "table.hpp"


@pytest.mark.parametrize("source", in_folder("runtime"), ids=name)
def test_runtime_knows_neither_doors_nor_kernels(source: Path) -> None:
    for system, header, path in includes(source):
        if system:
            assert not header.startswith(("nanobind", "Python", "acl"))
        else:
            assert path.relative_to(NATIVE).parts[0] not in ("python", "capi", "kernels")


@pytest.mark.parametrize("source", in_folder("python") + in_folder("capi"), ids=name)
def test_doors_do_not_know_each_other(source: Path) -> None:
    mine = source.relative_to(NATIVE).parts[0]
    other = {"python": "capi", "capi": "python"}[mine]
    folders = {path.relative_to(NATIVE).parts[0] for system, _, path in includes(source) if not system}
    assert other not in folders
    assert "kernels" not in folders
