"""Who may include whom in the native code: data flow one way, and a folder's name says whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"
SOURCES = sorted(p for p in NATIVE.rglob("*") if p.suffix in {".cpp", ".hpp", ".inc", ".def", ".h", ".c"})
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[>"]', re.MULTILINE)
INTRINSICS = {"immintrin.h", "emmintrin.h", "xmmintrin.h", "smmintrin.h", "pmmintrin.h", "arm_neon.h", "arm_sve.h"}
PUBLIC = NATIVE / "cann" / "include"  # headers of the C API, included as its users do

# Every folder that has sources, and what it may include besides itself: folders, or single files of others.
ALLOWED: dict[str, set[str]] = {
    "engine": {"engine/types", "engine/check", "engine/walk", "engine/run", "engine/threads"},
    "engine/types": set(),
    "engine/check": {"engine/types"},
    "engine/walk": {"engine/types", "engine/check", "engine/kernels/table.hpp"},
    "engine/run": {"engine/types", "engine/check", "engine/walk", "engine/threads", "engine/kernels/table.hpp"},
    "engine/threads": set(),
    "engine/kernels": set(),
    "bindings/python": {"engine/engine.hpp"},
    "cann/include": set(),
    "cann/device": {"engine/engine.hpp"},
    "cann/elementary": {"engine/engine.hpp"},
    "cann/capi": {"engine/engine.hpp", "cann/include", "cann/device", "cann/elementary", "cann/absent"},
    "cann/absent": {"cann/include", "cann/device", "cann/capi"},
}
# Libraries that only some folders may know, by the beginning of their headers' names.
OWNERS = {"nanobind/": {"bindings/python"}, "Python.h": set(), "acl": {"cann/include", "cann/capi", "cann/absent"}}


def includes(source: Path) -> Iterator[tuple[bool, str, Path]]:
    """Whether it is a system header, its name, and the file that a quoted one names."""
    for bracket, name in INCLUDE.findall(source.read_text()):
        beside = (source.parent / name).resolve()
        yield bracket == "<", name, beside if beside.is_file() else PUBLIC / name


def name(source: Path) -> str:
    return str(source.relative_to(NATIVE))


def folder_of(source: Path) -> str:
    """The folder's name in the table; the public headers are one, whatever their subfolders."""
    return "cann/include" if source.is_relative_to(PUBLIC) else name(source.parent)


def in_folder(folder: str) -> list[Path]:
    return [p for p in SOURCES if folder_of(p) == folder]


def test_every_folder_has_a_row_and_every_row_a_folder() -> None:
    assert {folder_of(source) for source in SOURCES} == set(ALLOWED)


def test_every_name_in_the_table_exists() -> None:
    named = set().union(*ALLOWED.values(), *OWNERS.values())
    assert [n for n in named if not (NATIVE / n).exists()] == []


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_a_file_includes_only_what_its_folder_may(source: Path) -> None:
    folder = folder_of(source)
    for system, header, path in includes(source):
        if system:
            owners = [folders for prefix, folders in OWNERS.items() if header.startswith(prefix)]
            assert all(folder in folders for folders in owners), header
            continue
        assert path.is_file(), header
        target = folder_of(path)
        assert target == folder or {target, name(path)} & ALLOWED[folder], header


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_only_kernels_know_instruction_sets(source: Path) -> None:
    known = {header for system, header, _ in includes(source) if system and header in INTRINSICS}
    assert not known or folder_of(source) == "engine/kernels"


@pytest.mark.parametrize("source", in_folder("engine/kernels"), ids=name)
def test_kernels_include_nothing_whose_inline_functions_could_leak(source: Path) -> None:
    """Code compiled for one processor must not end up as the copy that all use."""
    for system, header, _ in includes(source):
        assert not system or header in INTRINSICS | {"cstdint", "cstddef"}


@pytest.mark.parametrize("source", in_folder("engine/kernels"), ids=name)
def test_kernels_keep_to_a_namespace_of_their_own(source: Path) -> None:
    text = source.read_text()
    if source.name == "table.hpp" or "namespace" not in text:
        return
    assert "namespace {" in text or "BCELOGITS_ISA" in text
