"""Columns by hand for the tests of profiles: a rule's verdict on a few numbers, and its metrics by name."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import oracle
from oracle import LONG

from bcelogits._formats import FORMATS
from bcelogits.reference.truth import Op
from bcelogits.verify import profiles
from bcelogits.verify._model import Chunk, Context, Metric, Verdict
from bcelogits.verify._ulp import UlpColumn

DTYPES = {short: oracle.DTYPES[long] for short, long in LONG.items()}
NAN, INF = float("nan"), float("inf")


def rounded_to(dtype: str, values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(DTYPES[dtype]).astype(np.float64)


def columns(
    actual: Sequence[float] | np.ndarray,
    golden: Sequence[float] | np.ndarray,
    dtype: str = "f32",
    *,
    third: Sequence[float] | np.ndarray | None = None,
    scale: Sequence[float] | np.ndarray | None = None,
    low: Sequence[float] | np.ndarray | None = None,
    flags: Sequence[int] | np.ndarray | None = None,
    rounded: Sequence[float] | np.ndarray | None = None,
) -> Chunk:
    """One chunk; the golden is rounded to the dtype here, by NumPy."""
    g = np.asarray(golden, np.float64)

    def column(values: Sequence[float] | np.ndarray | None, default: np.ndarray) -> np.ndarray:
        return default if values is None else np.asarray(values, np.float64)

    return Chunk(
        start=0,
        actual=np.asarray(actual, np.float64),
        golden=g,
        low=column(low, np.zeros(g.shape)),
        rounded=column(rounded, rounded_to(dtype, g)),
        scale=column(scale, np.abs(g)),
        flags=np.zeros(g.shape, np.uint8) if flags is None else np.asarray(flags, np.uint8),
        third=None if third is None else np.asarray(third, np.float64),
        inputs={},
    )


def cut(chunk: Chunk, at: Sequence[int]) -> list[Chunk]:
    """The chunk cut at the given places."""
    return [chunk.cut(start, end) for start, end in itertools.pairwise([0, *sorted(at), chunk.actual.size])]


def judge(profile: str, chunks: Chunk | Sequence[Chunk], dtype: str = "f32", **context: Any) -> Verdict:
    """The verdict of a profile on chunks."""
    given = [chunks] if isinstance(chunks, Chunk) else list(chunks)
    count = sum(chunk.actual.size for chunk in given)
    facts: dict[str, Any] = {"op": Op.LOSS, "format": FORMATS[dtype], "count": count, "terms": count} | context
    known = Context(**facts)
    ulp = UlpColumn(known)
    judge = profiles.get(profile).start(known, ulp)
    for chunk in given:
        for part in chunk.parts():
            ulp.add(part)
            judge.add(part)
    return judge.verdict()


def verdict(
    profile: str,
    actual: Sequence[float] | np.ndarray,
    golden: Sequence[float] | np.ndarray,
    dtype: str = "f32",
    *,
    context: dict[str, Any] | None = None,
    **more: Any,
) -> Verdict:
    """The verdict of a profile on two columns."""
    return judge(profile, columns(actual, golden, dtype, **more), dtype, **(context or {}))


def metric(verdict: Verdict, name: str) -> Metric:
    """The metric of that name."""
    found = [m for m in verdict.metrics if m.name == name]
    assert len(found) == 1, f"{name!r} among {[m.name for m in verdict.metrics]}"
    return found[0]


def value(verdict: Verdict, name: str) -> float:
    """The value of the metric of that name."""
    found = metric(verdict, name).value
    assert found is not None
    return found
