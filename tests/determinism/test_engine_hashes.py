"""The same bits on another processor: the engine, built for AArch64 and emulated, gives the hashes of this machine."""

from __future__ import annotations

from pathlib import Path

import engine_hashes
import pytest
from engine_hashes import AARCH64, CLANG, HASHES, NATIVE, Machine

pytestmark = pytest.mark.exhaustive  # three builds of all kernels


def built(machine: Machine, name: str, config: pytest.Config, factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs; pytest's cache keeps it."""
    if lacking := machine.lacks():
        pytest.skip(f"not installed: {', '.join(lacking)}")
    cache: pytest.Cache | None = getattr(config, "cache", None)
    folder = cache.mkdir(name) if cache else factory.mktemp(name)
    engine_hashes.build(machine, folder)
    return folder


@pytest.fixture(scope="module", params=[NATIVE, CLANG], ids=lambda machine: machine.compiler)
def native(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = "engine-native" if request.param is NATIVE else "engine-clang"
    return built(request.param, name, request.config, tmp_path_factory)


@pytest.fixture(scope="module")
def aarch64(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(AARCH64, "engine-aarch64", request.config, tmp_path_factory)


def compare(machine: Machine, folder: Path, isa: str) -> None:
    stored, found = (
        dict(line.rsplit(" ", 1) for line in text.splitlines())
        for text in (HASHES.read_text(), engine_hashes.run(machine, folder, "hash_engine", isa=isa))
    )
    assert found.keys() == stored.keys()
    different = [name for name in stored if stored[name] != found[name]]
    assert not different, f"{isa}: {len(different)} of {len(stored)}: {different[:10]}"


def test_each_instruction_set_of_this_machine_by_each_compiler(native: Path) -> None:
    for isa in engine_hashes.run(NATIVE, native, "hash_engine", "--isas").strip().split(","):
        compare(NATIVE, native, isa)


@pytest.mark.parametrize("isa", ["baseline", "neon"])
def test_each_instruction_set_of_aarch64(isa: str, aarch64: Path) -> None:
    compare(AARCH64, aarch64, isa)


def test_aarch64_has_these_instruction_sets_and_no_others(aarch64: Path) -> None:
    assert engine_hashes.run(AARCH64, aarch64, "hash_engine", "--isas").split() == ["baseline,neon"]


def test_every_function_of_the_vectors_of_aarch64(aarch64: Path) -> None:
    engine_hashes.run(AARCH64, aarch64, "check_simd")


def test_the_corpus_has_a_case_for_each_kind() -> None:
    names = [line.rsplit(" ", 1)[0] for line in HASHES.read_text().splitlines()]
    assert len(names) == len(set(names)) > 700
    for part in ("none", "mean", "sum", "any", "finite", "length 2049", "matrix", "wide", "many", "f16 bf16", "to f64"):
        assert any(part in name for name in names), part
