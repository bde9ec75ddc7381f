"""The one CSV schema: every figure of a run is a row of it, and the report is made from rows only."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

# call_ns: calls of the C API, named by the note; cache_bytes: a cache of the machine, named by the note, all cores.
METRICS = ("time_ns", "peak_bytes", "import_ns", "call_ns", "cache_bytes", "skipped", "note")


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
    return figure_row(run, "note", "", 0.0, 0.0, text, samples=0)


def figure_row(
    run: Run, metric: str, contender: str, median: float, minimum: float, note: str, op: str = "", samples: int = 1
) -> Row:
    """A figure that belongs to no case."""
    return Row(
        **vars(run),
        contender=contender,
        version="",
        isa="",
        metric=metric,
        op=op,
        option="",
        dtype="",
        size=0,
        samples=samples,
        median=median,
        minimum=minimum,
        note=note,
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


def merge(files: Iterable[list[Row]]) -> list[Row]:
    """The rows of several runs as one report's; of a cell that several have, the last one's rows alone.

    A cell never mixes runs: the ratios in it were taken in turns. ValueError for runs of different machines, systems or
    numbers of threads.
    """
    lists = [rows for rows in files if rows]
    kinds = {(row.cpu, row.system, row.threads) for rows in lists for row in rows}
    if len(kinds) > 1:
        texts = sorted(f"{cpu} / {system} / {threads} threads" for cpu, system, threads in kinds)
        raise ValueError(f"rows of different machines cannot be compared: {'; '.join(texts)}")
    last: dict[object, int] = {}
    for number, rows in enumerate(lists):
        last.update((_place(row), number) for row in rows)
    return [
        row for number, rows in enumerate(lists) for row in rows if row.metric == "note" or last[_place(row)] == number
    ]


def _place(row: Row) -> object:
    """What the rows of a later run replace: times and what was skipped by cell, other figures by metric as well."""
    return ("time_ns" if row.metric == "skipped" else row.metric, row.cell)


def read(path: Path) -> list[Row]:
    """The rows of a file that `Writer` made."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(values) for values in csv.DictReader(file)]


def _row(values: dict[str, str]) -> Row:
    numbers = {"threads": int, "size": int, "samples": int, "median": float, "minimum": float}
    return Row(**{key: numbers[key](value) if key in numbers else value for key, value in values.items()})  # type: ignore[arg-type]
