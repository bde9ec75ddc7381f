"""How the numbers of a case are drawn: what the families share, and how options are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from bcelogits._typing import Float64Array, Shape
from bcelogits.golden import _grids
from bcelogits.golden._model import Case
from bcelogits.golden._random import Stream, sigmoid
from bcelogits.reference.rounding import round_float64

__all__ = [
    "Values",
    "choice",
    "drawn_normal",
    "labels",
    "number",
    "size",
    "stream",
    "targets",
    "weight",
    "with_outliers",
    "with_targets",
]

# Operand name -> values of the logits' shape in float64; a weight's where the family prescribes it.
Values: TypeAlias = dict[str, Float64Array]


def size(case: Case) -> int:
    """How many elements the logits have."""
    return math.prod(case.shape)


def stream(case: Case, name: str) -> Stream:
    """The random words of a case for one purpose."""
    return Stream(case.seed, name)


def number(case: Case, name: str, default: float) -> float:
    """An option that is a number."""
    value: Any = case.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"options: {name} = {value!r}, expected a number")
    return float(value)


def choice(case: Case, name: str, allowed: Sequence[str], default: str) -> str:
    """An option that is one of some words."""
    value = case.options.get(name, default)
    if value not in allowed:
        raise ValueError(f"options: {name} = {value!r}, expected one of {', '.join(allowed)}")
    return str(value)


def weight(case: Case, name: str, shape: Shape, grid: Sequence[float] | None) -> Float64Array:
    """A weight of that shape, flat: drawn, or a walk through a grid."""
    n, source = math.prod(shape), stream(case, name)
    if choice(case, "weights", ("drawn", "ones"), "drawn") == "ones":
        return np.ones(n)
    if grid is not None:
        return np.array(grid)[_grids.walk(n, [len(grid)], source)[0]]
    if name == "weight":
        return source.uniform(n, 0.25, 2.0)
    if name == "pos_weight":
        return source.log_uniform(n, 0.25, 64.0)
    return source.normal(n) if n > 1 else source.uniform(n, 0.5, 2.0)


def targets(case: Case) -> Float64Array:
    """Targets by the option of that name."""
    n, wanted = size(case), case.options.get("targets", "mixed")
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return np.full(n, float(wanted))
    choice(case, "targets", ("mixed", "hard", "soft"), "mixed")
    soft = stream(case, "targets").unit(n)
    if wanted == "soft":
        return soft
    hard = (stream(case, "targets:hard").unit(n) < 0.5).astype(np.float64)
    return hard if wanted == "hard" else np.where(stream(case, "targets:kind").unit(n) < 0.5, hard, soft)


def with_targets(case: Case, logits: Float64Array) -> Values:
    """Logits, and targets that have nothing to do with them."""
    return {"logits": logits, "targets": targets(case)}


def labels(case: Case, logits: Float64Array, sign: float) -> Values:
    """Logits, and labels drawn by sigmoid(sign * x)."""
    # The labels go with the logits as they are after rounding.
    exact = round_float64(logits, case.dtype_of("logits")).astype(np.float64)
    return {"logits": exact, "targets": stream(case, "targets").bernoulli(sigmoid(sign * exact))}


def with_outliers(case: Case, values: Float64Array) -> Float64Array:
    """A thousandth of the places, at least one, times 1000."""
    n = values.size
    if n:
        values[stream(case, "outliers").below(max(1, n // 1000), n)] *= 1000.0
    return values


def drawn_normal(case: Case, means: tuple[float, float], deviations: tuple[float, float]) -> Float64Array:
    """Normal; mean and deviation are options, drawn from these ranges where they are not given."""
    source = stream(case, "parameters")
    mean = number(case, "mean", float(source.uniform(1, *means)[0]))
    deviation = number(case, "std", float(source.uniform(1, *deviations)[0]))
    return stream(case, "logits").normal(size(case), mean, deviation)
