"""The sweeps are those of tools/accuracy.py, in smaller portions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import bcelogits

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from accuracy_report.rows import Row, merged


@pytest.fixture(scope="session")
def scaled() -> Callable[[int], int]:
    """How many points: a tenth of them where every vector operation is emulated one element at a time."""
    divisor = 10 if bcelogits.info()["isa"] == "baseline" else 1
    return lambda points: max(200, points // divisor)


@pytest.fixture(scope="session")
def assert_within_contract() -> Callable[[Iterable[Row]], None]:
    """No row breaks the accuracy contract; says where one does."""

    def check(rows: Iterable[Row]) -> None:
        found = merged(rows)
        assert found
        assert all(row.points > 0 for row in found)
        broken = [str(row) for row in found if not row.within]
        assert not broken, "\n".join(broken)

    return check
