"""The one CSV schema: every figure of a run is a row of it, and the report is made from rows only."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

METRICS = ("time_ns", "peak_bytes", "import_ns", "skipped", "note")


@dataclass(frozen=True)
class Run:
    """What all rows of one run share."""

    date: str
    cpu: str
    system: str
    python: str
    threads: int


@dataclass(frozen=True)
class Row:
    """One figure. `median` and `minimum` are per call; rows `skipped` and `note` have only a text."""

    date: str
    cpu: str
    system: str
    python: str
    threads: int
    contender: str
    version: str
    isa: str
    metric: str
    op: str
    option: str
    dtype: str
    size: int
    samples: int
    median: float
    minimum: float
    note: str = ""

    @property
    def cell(self) -> tuple[str, str, str, int]:
        return (self.op, self.option, self.dtype, self.size)


def text_row(run: Run, text: str) -> Row:
    """A remark about the whole run."""
    return Row(
        **vars(run),
        contender="",
        version="",
        isa="",
        metric="note",
        op="",
        option="",
        dtype="",
        size=0,
        samples=0,
        median=0.0,
        minimum=0.0,
        note=text,
    )


class Writer:
    """Writes rows as they come, so that an interrupted run keeps what it has measured."""

    def __init__(self, path: Path | None) -> None:
        self.rows: list[Row] = []
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="", encoding="utf-8")
            self._csv = csv.DictWriter(self._file, [field.name for field in fields(Row)], lineterminator="\n")
            self._csv.writeheader()

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if self._file is not None:
            values = asdict(row)
            for name in ("median", "minimum"):
                values[name] = f"{values[name]:.6g}"
            self._csv.writerow(values)
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def read(path: Path) -> list[Row]:
    """The rows of a file that `Writer` made."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(values) for values in csv.DictReader(file)]


def _row(values: dict[str, str]) -> Row:
    numbers = {"threads": int, "size": int, "samples": int, "median": float, "minimum": float}
    return Row(**{key: numbers[key](value) if key in numbers else value for key, value in values.items()})  # type: ignore[arg-type]
