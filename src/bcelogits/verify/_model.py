"""What a verdict is made of: chunks of elements in, metrics with their thresholds out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from bcelogits._formats import Format
from bcelogits._typing import Float64Array, Shape
from bcelogits.reference.truth import Op, Special

if TYPE_CHECKING:
    from bcelogits.verify._ulp import UlpColumn

__all__ = ["CaseResult", "Chunk", "Context", "Judge", "Metric", "Profile", "RunResult", "Status", "Verdict"]


_PART = 1 << 15


class Status(StrEnum):
    """How something came out. A run has the worst status of its cases, a case that of its gating verdicts."""

    PASS = "pass"
    WARN = "warn"  # passes, with something to look at
    FAIL = "fail"
    NOT_JUDGED = "not judged"  # a file is missing or unusable, or the rule does not apply


@dataclass(frozen=True)
class Context:
    """What a rule may need to know about the output that it judges."""

    op: Op
    format: Format  # of the output
    count: int  # elements of the output; 1 where it is reduced
    terms: int  # elements that were reduced (the logits' count); equals `count` for "none"
    reduction: str = "none"
    special: Special = Special.LIMIT
    saturate: bool = False  # saturation mode: golden infinities are the largest finite number, NaN is 0
    flush_subnormals: bool = False  # the device flushes subnormal results to 0
    third: str = ""  # what the third-party column is; "" if there is none
    msprobe_exact: bool = False  # msprobe's constants as in its code, typing errors included


@dataclass(frozen=True)
class Chunk:
    """Consecutive elements of one output in C order; all arrays are float64, of one length.

    Values of the output's dtype stand in float64 exactly. With `Context.saturate` the golden columns are mapped
    already.
    """

    start: int  # index of the first element
    actual: Float64Array
    golden: Float64Array  # the truth, not rounded; see golden.Truth.value
    low: Float64Array  # golden + low is nearer to the truth (float64 outputs; 0 else)
    rounded: Float64Array  # the truth rounded once to the output's dtype
    scale: Float64Array  # see golden.Truth.scale
    flags: npt.NDArray[np.uint8]  # golden.Flag
    third: Float64Array | None  # a third party's results of the same dtype, for dual rules
    inputs: Mapping[str, Float64Array]  # by operand name: what each element was computed from; {} for a reduced output

    def error(self, actual: Float64Array | None = None) -> Float64Array:
        """The signed error of the actual values (or of those given) against the truth, which is not rounded."""
        return np.asarray(((self.actual if actual is None else actual) - self.golden) - self.low)

    def cut(self, start: int, stop: int) -> Chunk:
        """The elements from `start` up to `stop`, counted from the first of this chunk; views, no copies."""
        places = slice(start, stop)
        always = ("actual", "golden", "low", "rounded", "scale", "flags")
        columns = {name: getattr(self, name)[places] for name in always}
        third = None if self.third is None else self.third[places]
        inputs = {name: values[places] for name, values in self.inputs.items()}
        return Chunk(start=self.start + start, third=third, inputs=inputs, **columns)

    def parts(self) -> Iterator[Chunk]:
        """The chunk cut so small that temporary arrays stay in a core's cache: faster than the whole."""
        for start in range(0, self.golden.size, _PART):
            yield self.cut(start, start + _PART)


@dataclass(frozen=True)
class Metric:
    """One figure of a rule. `passed` is None where the rule states it without judging by it."""

    name: str
    value: float | None  # None: nothing to measure
    threshold: float | None = None
    comparison: str = "<="  # "value comparison threshold" is the rule
    passed: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What one profile says of one output."""

    profile: str
    standard: str
    version: str
    status: Status
    metrics: tuple[Metric, ...] = ()
    used: int = 0  # elements that the figures are of
    masked: int = 0  # elements left out
    why: str = ""  # one sentence: what failed, or why it could not be judged


class Judge(Protocol):
    """A profile at work on one output: sees every chunk once, in order, then says its verdict."""

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""

    def verdict(self) -> Verdict:
        """The verdict on all chunks."""


@dataclass(frozen=True)
class Profile:
    """A published rule: its name for --profile, the standard's own name and version, where it is written."""

    name: str
    standard: str
    version: str
    source: str
    start: Callable[[Context, UlpColumn], Judge]  # the column sees every chunk before the judge does
    needs_third: bool = False
    summary: str = ""  # one line for --list-profiles and the report


@dataclass(frozen=True)
class CaseResult:
    """One output, judged."""

    name: str
    op: Op
    dtype: str
    shape: Shape  # of the output
    reduction: str
    status: Status
    verdicts: tuple[Verdict, ...] = ()
    statistics: Mapping[str, Any] = field(default_factory=dict)  # statistics.Statistics.result(), plain data
    error: str = ""  # why it could not be judged: which file, and what is wrong with it
    facts: Mapping[str, Any] = field(default_factory=dict)  # file, family, seed, repeats, ...


@dataclass(frozen=True)
class RunResult:
    """All cases of a run."""

    status: Status
    cases: tuple[CaseResult, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)  # subject, versions, options, date
