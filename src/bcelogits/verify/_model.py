"""What a verdict is made of: runs of elements in, metrics with their thresholds out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bcelogits._formats import Format
from bcelogits._typing import Float64Array, Shape
from bcelogits.reference.truth import Op, Special

__all__ = ["CaseResult", "Chunk", "Context", "Judge", "Metric", "Profile", "RunResult", "Status", "Verdict"]


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
    """A run of elements of one output in C order; all arrays are float64, of one length.

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
        """Take one run of elements."""

    def verdict(self) -> Verdict:
        """The verdict on all that came."""


@dataclass(frozen=True)
class Profile:
    """A published rule: its name for --profile, the standard's own name and version, where it is written."""

    name: str
    standard: str
    version: str
    source: str
    start: Callable[[Context], Judge]
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
