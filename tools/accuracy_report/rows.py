"""One line of the report: the worst error of a function on a class of operands, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from accuracy_report import logit_bins
from accuracy_report.ulp import Array, Floats

# Float64 truths are this far from exact, in ULP of float32, at most.
DOUBT = 1e-7


@dataclass
class Row:
    """What was found for one function, dtype and class of operands; `bound` is the contract, in ULP."""

    dtype: str
    function: str
    targets: str
    options: str
    bound: float
    points: int = 0
    worst: float = 0.0
    not_rounded: int = 0  # results that are not the number nearest to the truth
    lost: int = 0  # zeros in place of a number that is not 0
    where: dict[str, str] = field(default_factory=dict)
    got: str = ""
    truth: str = ""
    contender: str = ""  # another package, or this one on points of its own; "": this one
    not_numbers: int = 0  # where the truth is one
    by_logit: dict[str, list[float]] = field(default_factory=dict)  # the largest error; see logit_bins

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What rows of different tasks have in common."""
        return self.contender, self.dtype, self.function, self.targets, self.options

    @property
    def within(self) -> bool:
        """Whether the contract holds; it binds nobody else."""
        return self.contender != "" or self.worst <= self.bound

    def add(
        self,
        got: Array,
        truth: Floats,
        error: Floats,
        own: Floats,
        describe: Callable[[int], dict[str, str]],
        doubt: float = DOUBT,
    ) -> None:
        """Count results; `own` is the error relative to the truth's own ULP."""
        if got.size == 0:
            return
        self.points += got.size
        self.not_rounded += int(np.count_nonzero(~(own <= 0.5 + doubt)))
        zero = got == 0
        if zero.any():
            self.lost += int(np.count_nonzero(zero & (error > 0.5 + doubt) & (truth != 0)))
        index = int(np.argmax(error))  # the first NaN if there is one
        worst = float(error[index]) if error[index] == error[index] else float("inf")
        if worst > self.worst or not self.where:
            self.worst, self.where = worst, describe(index)
            self.got, self.truth = str(got[index]), repr(float(truth[index]))

    def merge(self, other: Row) -> None:
        """Take in what another task found."""
        self.points += other.points
        self.not_rounded += other.not_rounded
        self.lost += other.lost
        self.not_numbers += other.not_numbers
        logit_bins.merge(self.by_logit, other.by_logit)
        if other.worst > self.worst or not self.where:
            self.worst, self.where, self.got, self.truth = other.worst, other.where, other.got, other.truth

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return asdict(self) | {"within": self.within}

    @staticmethod
    def from_dict(content: dict[str, Any]) -> Row:
        """The row that `as_dict` wrote."""
        return Row(**{name: value for name, value in content.items() if name != "within"})

    def __str__(self) -> str:
        """One line, with the operands of the worst point."""
        operands = " ".join(f"{name}={value}" for name, value in self.where.items())
        whose = f"{self.contender}, " if self.contender else ""
        name = f"{whose}{self.dtype} {self.function}, targets {self.targets}, options: {self.options}"
        return (
            f"{name}: {self.worst:.6f} ULP (at most {self.bound:.6g}) at {operands}: {self.got}, truth {self.truth};"
            f" {self.points:,} points, {self.not_rounded:,} not correctly rounded, {self.lost:,} lost to 0"
        )


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row per key, in the order of first appearance."""
    found: dict[tuple[str, str, str, str, str], Row] = {}
    for row in rows:
        if row.key in found:
            found[row.key].merge(row)
        else:
            found[row.key] = row
    return list(found.values())
