"""Rows by cell and contender, and what the tables and the plot ask of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.cases import DTYPES, OPS, OPTIONS, Case, size_name
from benchmarks.rows import Row

OURS, OURS_KEPT = "bcelogits", "bcelogits-out"
NOT_PEERS = ("limit-", "bcelogits", "empty-call")
HELPERS = ("bcelogits-1", "bcelogits-rested", "bcelogits-1-rested", "empty-call")  # have tables of their own
Cell = tuple[str, str, str, int]
HAND_OUT: Cell = ("forward-mean", "none", "float32", 1 << 16)


@dataclass(frozen=True)
class Duel:
    """Ours and a peer on one cell, in nanoseconds; `ours` is the contender that works as the peer does."""

    cell: Cell
    peer: str
    ours: str
    mine: float
    theirs: float


class Results:
    """Rows by metric, cell and contender."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._rows = {(row.metric, row.cell, row.contender): row for row in self.rows}
        self.contenders = list(dict.fromkeys(row.contender for row in self.rows if row.metric == "time_ns"))
        self.peers = [name for name in self.contenders if not name.startswith(NOT_PEERS)]
        self.sizes = sorted({row.size for row in self.rows if row.metric == "time_ns"})

    def cells(self) -> list[Cell]:
        """All measured cells, in the order of the grid."""
        seen = {row.cell for row in self.rows if row.metric == "time_ns"}
        every = [(op, o, d, n) for op in OPS for o in OPTIONS for d in DTYPES for n in self.sizes]
        return [cell for cell in every if cell in seen]

    def time(self, cell: Cell, contender: str) -> float | None:
        """Median nanoseconds of one call."""
        row = self._rows.get(("time_ns", cell, contender))
        return None if row is None else row.median

    def peak(self, cell: Cell, contender: str) -> float | None:
        row = self._rows.get(("peak_bytes", cell, contender))
        return None if row is None else row.median

    def import_time(self, name: str) -> float | None:
        found = (row.median for row in self.rows if row.metric == "import_ns" and row.contender == name)
        return next(found, None)

    def limit_row(self, cell: Cell) -> Row | None:
        """The fastest of the programs that only move a cell's bytes."""
        rows = (self._rows.get(("time_ns", cell, name)) for name in self.contenders if name.startswith("limit-"))
        return min((row for row in rows if row is not None), key=lambda row: row.median, default=None)

    def limit(self, cell: Cell) -> float | None:
        """Nanoseconds that the machine needs for the bare traffic of a cell."""
        row = self.limit_row(cell)
        return None if row is None else row.median

    def ratio(self, cell: Cell, peer: str, ours: str = OURS) -> float | None:
        """How many times as long as ours the peer takes."""
        mine, theirs = self.time(cell, ours), self.time(cell, peer)
        return None if mine is None or theirs is None else theirs / mine

    def share(self, cell: Cell) -> float | None:
        """The limit's time over ours: 1 where a call takes no longer than its bare traffic."""
        mine, floor = self.time(cell, ours_for(cell)), self.limit(cell)
        return None if mine is None or floor is None else floor / mine

    def hand_out(self, suffix: str = "") -> float | None:
        """Microseconds that a call with all threads takes longer than its share of the call with one thread."""
        one, all_ = self.time(HAND_OUT, f"bcelogits-1{suffix}"), self.time(HAND_OUT, f"bcelogits{suffix}")
        return None if one is None or all_ is None else (all_ - one / self.rows[0].threads) / 1e3

    def duels(self) -> list[Duel]:
        """Every cell with every peer: who returns a new result meets ours that does, who keeps memory the other."""
        found: list[Duel] = []
        for cell in self.cells():
            for peer in self.peers:
                ours = OURS_KEPT if peer.endswith("-out") and Case(*cell).writes else OURS
                mine, theirs = self.time(cell, ours), self.time(cell, peer)
                if mine is not None and theirs is not None:
                    found.append(Duel(cell, peer, ours, mine, theirs))
        return found

    def caches(self) -> dict[str, float]:
        """Data caches by level, in bytes."""
        return {row.note: row.median for row in self.rows if row.metric == "cache_bytes"}


def ours_for(cell: Cell) -> str:
    """Ours against the machine: array results go to memory that is kept, as those of the limit do."""
    return OURS_KEPT if Case(*cell).writes else OURS


def cell_text(cell: Cell) -> str:
    op, option, dtype, size = cell
    return f"{op}{'' if option == 'none' else ', ' + option}, {dtype}, {size_name(size)}"
