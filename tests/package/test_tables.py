"""Every row of the engine's tables, op.def and dtype.def, has its oracle, its tests and its benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import oracle
import pytest
from zoo import VALID

import bcelogits
from bcelogits import reference

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "native" / "engine" / "types"
HASHES = (ROOT / "tests" / "determinism" / "engine_hashes.txt").read_text()
SHORT_NAMES = {"float": "f", "bfloat": "bf"}


def rows(table: str) -> list[list[str]]:
    """The fields of each row X(...)."""
    found = re.findall(r"^X\((.*)\)", (TYPES / table).read_text(), re.MULTILINE)
    return [[field.strip().strip('"') for field in row.split(",")] for row in found]


def short_name(dtype: str) -> str:
    return re.sub(r"^b?float", lambda kind: SHORT_NAMES[kind[0]], dtype)


def snake(enumerator: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", enumerator).lower()


def function(op: str) -> str:
    """The name of an operation's public function."""
    if op in bcelogits.__all__:
        return op
    return oracle.LOSS if op == "loss" else f"{oracle.LOSS}_{op}"


OPS = [snake(row[0]) for row in rows("op.def")]
DTYPES = [row[1] for row in rows("dtype.def")]


def benchmarked() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Operations and dtypes of the benchmark's grid, which is read as text: it is not installed."""
    text = (ROOT / "benchmarks" / "cases.py").read_text()
    ops, dtypes = (re.search(rf"^{name} = \((.*)\)$", text, re.MULTILINE) for name in ("OPS", "DTYPES"))
    assert ops is not None
    assert dtypes is not None
    return tuple(re.findall(r'"([^"]+)"', ops[1])), tuple(re.findall(r'"([^"]+)"', dtypes[1]))


def test_the_tables_are_read() -> None:
    assert OPS == ["loss", "backward", "target_backward", "value_and_grad"]
    assert set(DTYPES) >= {"float32", "float16", "bfloat16", "float64"}


@pytest.mark.parametrize("op", OPS)
class TestOperation:
    def test_it_has_a_public_function(self, op: str) -> None:
        assert function(op) in bcelogits.__all__

    def test_it_has_an_oracle(self, op: str) -> None:
        assert function(op) in reference.__all__
        assert function(op) in oracle.OPS

    def test_it_has_rows_in_the_table_of_calls(self, op: str) -> None:
        assert any(call.op == function(op) for call in VALID)

    def test_its_bits_are_stored(self, op: str) -> None:
        assert re.search(rf"\b{op} [0-9a-f]{{16}}$", HASHES, re.MULTILINE)

    def test_it_is_benchmarked(self, op: str) -> None:
        assert op.replace("loss", "forward-mean") in benchmarked()[0]


@pytest.mark.parametrize("dtype", DTYPES)
class TestElementType:
    def test_the_oracle_reads_it_and_rounds_to_it(self, dtype: str) -> None:
        assert dtype in oracle.DTYPES
        assert float(reference.round_to(0.5, oracle.DTYPES[dtype])) == 0.5

    def test_its_format_is_that_of_the_oracle(self, dtype: str) -> None:
        (row,) = (row for row in rows("dtype.def") if row[1] == dtype)
        assert tuple(map(int, row[3:5])) == oracle.FORMATS[dtype]

    def test_it_has_rows_in_the_table_of_calls(self, dtype: str) -> None:
        names = {call.name for call in VALID}
        assert {f"{dtype} and {other}, none" for other in DTYPES} <= names

    def test_its_bits_are_stored(self, dtype: str) -> None:
        names = re.findall(rf"^{short_name(dtype)} length \d+ (\w+)", HASHES, re.MULTILINE)
        assert set(names) >= set(OPS)

    def test_it_is_benchmarked(self, dtype: str) -> None:
        assert dtype in benchmarked()[1]
