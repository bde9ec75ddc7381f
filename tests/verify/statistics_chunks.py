"""Chunks for the tests of the statistics, from columns written down; and their errors in ULP by exact arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import oracle
from oracle import LONG

from bcelogits._formats import FORMATS
from bcelogits.reference.truth import Op
from bcelogits.verify._model import Chunk, Context
from bcelogits.verify._statistics import Statistics

DTYPES = {short: oracle.DTYPES[long] for short, long in LONG.items()}


def chunk(
    actual: Sequence[float] | np.ndarray[Any, Any],
    golden: Sequence[float] | np.ndarray[Any, Any],
    dtype: str = "f32",
    **given: Any,
) -> Chunk:
    """A chunk of these columns; what is not given follows from the golden values."""
    truth = np.asarray(golden, np.float64)
    with np.errstate(over="ignore"):
        rounded = truth.astype(DTYPES[dtype]).astype(np.float64)
    columns = {
        "low": np.zeros_like(truth),
        "rounded": rounded,
        "scale": np.abs(truth),
        "flags": np.zeros(truth.shape, np.uint8),
        "third": None,
    }
    inputs = {name: np.asarray(values, np.float64) for name, values in given.pop("inputs", {}).items()}
    return Chunk(0, np.asarray(actual, np.float64), truth, inputs=inputs, **{**columns, **given})


def cut(whole: Chunk, at: Sequence[int]) -> list[Chunk]:
    """The chunk cut at these elements."""
    return [whole.cut(a, b) for a, b in itertools.pairwise([0, *sorted(at), whole.golden.size])]


def statistics(*chunks: Chunk, dtype: str = "f32", **context: Any) -> dict[str, Any]:
    """The statistics of chunks that are one output."""
    count = sum(each.golden.size for each in chunks)
    found = Statistics(Context(Op.LOSS, FORMATS[dtype], count=count, terms=count, **context))
    for each in chunks:
        for part in each.parts():
            found.add(part)
    return found.result()


def exact_ulp(actual: float, golden: float, dtype: str, low: float = 0.0) -> Fraction:
    """The signed error in ULP as a rational number; both values are finite."""
    bits, emin = oracle.FORMATS[LONG[dtype]]
    size, exponent = abs(Fraction(golden)), emin
    while size >= Fraction(2) ** (exponent + 1):
        exponent += 1
    unit = Fraction(2) ** (exponent - bits)
    return (Fraction(actual) - Fraction(golden) - Fraction(low)) / unit
