"""Runs for the tests of the report: judged by the real profiles, from a good kernel and from the two-term form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from statistics_chunks import chunk

from bcelogits._formats import FORMATS
from bcelogits.reference.truth import Op
from bcelogits.verify import profiles
from bcelogits.verify._model import CaseResult, Chunk, Context, RunResult, Status
from bcelogits.verify._statistics import Statistics

Array = np.ndarray[Any, Any]
HOSTILE = '"><img src=x onerror=alert(1)></style><script>alert(2)</script>[bold]\x1b[31m\udcff'


def judged(part: Chunk, name: str = "case", names: Sequence[str] = profiles.DEFAULT, **context: Any) -> CaseResult:
    """A case of one chunk, judged as a run would be."""
    size = part.golden.size
    known = Context(Op.LOSS, FORMATS["f32"], count=size, terms=context.pop("terms", size), **context)
    statistics = Statistics(known)
    judges = [profiles.get(profile).start(known, statistics.ulp) for profile in names]
    for taker in (statistics, *judges):
        taker.add(part)
    verdicts = tuple(judge.verdict() for judge in judges)
    failed = any(verdict.status is Status.FAIL for verdict in verdicts)
    shape = () if known.reduction != "none" else (size,)
    status = Status.FAIL if failed else Status.PASS
    return CaseResult(name, Op.LOSS, "f32", shape, known.reduction, status, verdicts, statistics.result())


def operands(count: int = 5000, reach: float = 100.0) -> tuple[Array, Array, Array]:
    """Logits, hard targets and losses."""
    random = np.random.default_rng(11)
    x = random.uniform(-reach, reach, count).astype(np.float32).astype(np.float64)
    t = random.integers(0, 2, count).astype(np.float64)
    z = np.where(t == 1, -x, x)
    return x, t, np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def good(name: str = "good", names: Sequence[str] = profiles.DEFAULT, reach: float = 100.0) -> CaseResult:
    """Correctly rounded losses."""
    x, t, loss = operands(reach=reach)
    part = chunk(loss.astype(np.float32), loss, inputs={"logits": x, "targets": t}, third=loss.astype(np.float32))
    return judged(part, name, names, third="stable-form")


def two_term(name: str = "two-term", names: Sequence[str] = profiles.DEFAULT, reach: float = 100.0) -> CaseResult:
    """The two-term form in float32, which loses the tail of confident negatives."""
    x, t, loss = operands(reach=reach)
    x32, t32 = x.astype(np.float32), t.astype(np.float32)
    actual = (1 - t32) * x32 + (np.log1p(np.exp(-np.abs(x32))) + np.maximum(-x32, np.float32(0)))
    part = chunk(actual, loss, inputs={"logits": x, "targets": t}, third=loss.astype(np.float32))
    return judged(part, name, names, third="stable-form")


def reduced(name: str = "mean") -> CaseResult:
    """A mean."""
    return judged(chunk([0.75], [0.75 + 2.0**-26]), name, reduction="mean", terms=1 << 20)


def unusable(name: str = "missing") -> CaseResult:
    """A case whose dump is truncated."""
    return CaseResult(name, Op.LOSS, "f32", (4, 5), "none", Status.NOT_JUDGED, error="output.bin: 76 bytes, not 80")


def hostile() -> CaseResult:
    """A case whose every text is an attack."""
    case = two_term(HOSTILE)
    verdicts = tuple(
        replace(
            verdict,
            profile=f"{verdict.profile}{HOSTILE}",
            standard=HOSTILE,
            version=HOSTILE,
            why=HOSTILE,
            metrics=tuple(replace(metric, name=f"{metric.name}{HOSTILE}", note=HOSTILE) for metric in verdict.metrics),
        )
        for verdict in case.verdicts
    )
    worst = [point | {"inputs": {HOSTILE: HOSTILE}, "actual": HOSTILE} for point in case.statistics["worst"]]
    statistics = dict(case.statistics) | {"worst": worst, "third": HOSTILE}
    facts = {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]}
    return replace(
        case,
        verdicts=verdicts,
        statistics=statistics,
        facts=facts,
        error=HOSTILE,
        dtype=HOSTILE,
        reduction=HOSTILE,
    )


def run(*cases: CaseResult, **facts: Any) -> RunResult:
    """A run of these cases."""
    statuses = {case.status for case in cases}
    order = (Status.FAIL, Status.NOT_JUDGED, Status.PASS)
    return RunResult(next((status for status in order if status in statuses), Status.PASS), cases, facts)


def everything() -> RunResult:
    """One case of every kind."""
    empty = judged(chunk([], []), "empty")
    nan = judged(chunk([np.nan] * 9, np.linspace(1, 2, 9), inputs={"logits": np.arange(9.0)}), "all-nan")
    one = judged(chunk([0.5], [0.5], inputs={"logits": [0.0]}), "one-element")
    wide = two_term("wide", reach=1e4)
    return run(good(), unusable(), reduced(), empty, nan, one, wide, two_term(), subject="a kernel", date="2026-11-25")
