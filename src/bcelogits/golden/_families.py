"""Families of test data: what the numbers of a case are. The same bytes on every machine, for a seed and a shape.

Sources of the families are sections 2.8 (the generators of the Ascend precision standards) and 8 of the project's
precision reference. Values are made in float64 and rounded once to an operand's dtype; a value that a family makes
finite and that the dtype cannot hold becomes its largest finite number.

Weights, where a case has them and the family does not prescribe them: `weight` is uniform on [0.25, 2), `pos_weight`
log-uniform on [0.25, 64) (a ratio of negatives to positives), `grad_output` normal, or uniform on [0.5, 2) where it is
one number. The option `weights = "ones"` makes all three 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bcelogits._formats import FORMATS
from bcelogits._typing import Array, Float64Array, Shape
from bcelogits.golden import _draws, _grids
from bcelogits.golden._draws import Values
from bcelogits.golden._layouts import lay_out
from bcelogits.golden._model import Case, Operands
from bcelogits.golden._random import exp, log, sigmoid
from bcelogits.reference.rounding import round_float64
from bcelogits.reference.truth import Op

__all__ = ["FAMILIES", "Family", "exhaustive_shape", "make_operands"]

_TARGETS = "targets: 'mixed' (half 0 or 1, half uniform), 'hard', 'soft' or a number; 'mixed'"
_WEIGHTS = "weights: 'drawn' or 'ones'; 'drawn'"
_NEWTON_STEPS = 12


@dataclass(frozen=True)
class Family:
    """A family of test data. `options` says for each option what it may be; the default stands last."""

    summary: str
    values: Callable[[Case], Values]
    options: tuple[str, ...] = ()
    finite: bool = True  # no infinities or NaN: too large numbers are clipped
    grids: Mapping[str, Sequence[float]] = field(default_factory=dict)  # weights that are walked through

    def make(self, case: Case) -> Operands:
        """The operands of a case, C-contiguous.

        Raises:
            ValueError: the case has an option that the family does not have, or a value that is not allowed.
        """
        known = [text.partition(":")[0] for text in (*self.options, _WEIGHTS)]
        for name in case.options:
            if name not in known:
                raise ValueError(f"options: {name!r}, family {case.family!r} has {', '.join(known)}")
        values = self.values(case)
        shapes = {name: shape for name in ("weight", "pos_weight") if (shape := getattr(case, name)) is not None}
        if case.op is not Op.LOSS:
            shapes["grad_output"] = () if case.grad_output is None else case.grad_output
        made = {name: self._round(case, name, values[name], case.shape) for name in ("logits", "targets")}
        for name, shape in shapes.items():
            given = values[name] if name in values else _draws.weight(case, name, shape, self.grids.get(name))
            made[name] = self._round(case, name, given, shape)
        return Operands(**made)

    def _round(self, case: Case, name: str, values: Float64Array, shape: Shape) -> Array:
        dtype = case.dtype_of(name)
        if self.finite:
            top = FORMATS[dtype].max_finite
            values = np.clip(values, -top, top)
        return round_float64(values, dtype).reshape(shape)


def make_operands(case: Case) -> Operands:
    """The operands of a case, in its layouts: the same bytes for the same case, always.

    Raises:
        ValueError: an unknown family, option or layout; or a family that has no data for the dtype.
    """
    try:
        family = FAMILIES[case.family]
    except KeyError:
        raise ValueError(f"family: {case.family!r}, expected one of {', '.join(FAMILIES)}") from None
    made = family.make(case).items()
    for name in case.layouts:
        if name not in Operands.__dataclass_fields__:
            raise ValueError(
                f"layouts: {name!r}, expected names of operands: {', '.join(Operands.__dataclass_fields__)}"
            )
    return Operands(**{name: lay_out(a, case.layouts.get(name, "contiguous")) for name, a in made.items()})


def exhaustive_shape(dtype: str) -> Shape:
    """The shape in which "exhaustive16" has each pair once: nine targets by the finite logits of the dtype."""
    return len(_grids.NINE_TARGETS), _grids.every_finite(dtype).size


# ---- families --------------------------------------------------------------------------------------------------


def _uniform(case: Case) -> Values:
    low, high = _draws.number(case, "low", -5.0), _draws.number(case, "high", 5.0)
    return _draws.with_targets(case, _draws.stream(case, "logits").uniform(_draws.size(case), low, high))


def _normal(case: Case) -> Values:
    return _draws.with_targets(case, _draws.drawn_normal(case, (-5.0, 5.0), (0.1, 2.0)))


def _commercial(case: Case) -> Values:
    share = float(_draws.stream(case, "part").unit(1)[0])
    drawn = "small" if share < 0.1 else "uniform" if share < 0.4 else "normal" if share < 0.8 else "outliers"
    part = _draws.choice(case, "part", ("small", "uniform", "normal", "outliers"), drawn)
    if part in ("small", "uniform"):
        high = 0.001 if part == "small" else 5.0
        return _draws.with_targets(case, _draws.stream(case, "logits").uniform(_draws.size(case), -high, high))
    logits = _draws.drawn_normal(case, (-100.0, 100.0), (1.0, 25.0))
    return _draws.with_targets(case, _draws.with_outliers(case, logits) if part == "outliers" else logits)


def _outliers(case: Case) -> Values:
    logits = _draws.stream(case, "logits").normal(
        _draws.size(case), _draws.number(case, "mean", 0.0), _draws.number(case, "std", 4.0)
    )
    return _draws.with_targets(case, _draws.with_outliers(case, logits))


def _calibrated(case: Case) -> Values:
    logits = _draws.stream(case, "logits").normal(
        _draws.size(case), _draws.number(case, "mean", 0.0), _draws.number(case, "std", 8.0)
    )
    return _draws.labels(case, logits, -1.0 if case.family == "anticalibrated" else 1.0)


def _easy_negatives(case: Case) -> Values:
    logits = _draws.stream(case, "logits").normal(
        _draws.size(case), _draws.number(case, "mean", -20.0), _draws.number(case, "std", 5.0)
    )
    return {"logits": logits, "targets": np.zeros(_draws.size(case))}


def _grid(case: Case, logits: Float64Array, targets: Sequence[float], weights: Mapping[str, Sequence[float]]) -> Values:
    """A walk over logits x targets x the weights that have the full shape; other weights walk by themselves."""
    axes: dict[str, Float64Array] = {"logits": logits, "targets": np.array(targets)}
    drawn = case.options.get("weights", "drawn") != "ones"
    axes |= {name: np.array(v) for name, v in weights.items() if drawn and getattr(case, name) == case.shape}
    places = _grids.walk(_draws.size(case), [axis.size for axis in axes.values()], _draws.stream(case, "walk"))
    return {name: axis[place] for (name, axis), place in zip(axes.items(), places, strict=True)}


_TAIL_WEIGHTS = {"weight": _grids.TAIL_WEIGHTS, "pos_weight": _grids.TAIL_POS_WEIGHTS}
_SPECIAL_WEIGHTS = {"weight": _grids.SPECIAL_WEIGHTS, "pos_weight": _grids.SPECIAL_POS_WEIGHTS}


def _tail(case: Case) -> Values:
    return _grid(case, _grids.tail_logits(case.dtype_of("logits")), _grids.TAIL_TARGETS, _TAIL_WEIGHTS)


_FILLS = {"nan": (math.nan,), "+inf": (math.inf,), "-inf": (-math.inf,), "mixed-inf": (math.inf, -math.inf)}


def _specials(case: Case) -> Values:
    pattern = _draws.choice(case, "pattern", ("grid", *_FILLS), "grid")
    logits = np.array(_FILLS[pattern]) if pattern in _FILLS else _grids.special_logits(case.dtype_of("logits"))
    return _grid(case, logits, _grids.SPECIAL_TARGETS, _SPECIAL_WEIGHTS)


def _exhaustive(case: Case) -> Values:
    logits = _grids.every_finite(case.dtype_of("logits"))
    targets = np.array(_grids.NINE_TARGETS)
    n, total = _draws.size(case), logits.size * targets.size
    place = np.arange(n, dtype=np.int64) % total  # in order: whoever asks for every pair finds the n-th where it is
    if n < total:
        pairs = _grids.walk(n, [targets.size, logits.size], _draws.stream(case, "walk"))
        return {"logits": logits[pairs[1]], "targets": targets[pairs[0]]}
    return {"logits": logits[place % logits.size], "targets": targets[place // logits.size]}


def _target_root(p: Float64Array) -> Float64Array:
    """x with softplus(x) = p * softplus(-x), by Newton's method."""
    x = np.zeros_like(p)
    for _ in range(_NEWTON_STEPS):
        tail = log(1.0 + exp(-np.abs(x)))
        positive, negative = np.maximum(x, 0.0) + tail, np.maximum(-x, 0.0) + tail
        s = sigmoid(x)
        x = x - (positive - p * negative) / (s + p * (1.0 - s))
    return x


def _roots(case: Case) -> Values:
    """Logits where the gradient is 0, moved by up to 3 ULP of their dtype."""
    n = _draws.size(case)
    targets = round_float64(_draws.stream(case, "targets").uniform(n, 2.0**-7, 1 - 2.0**-7), case.dtype_of("targets"))
    t = targets.astype(np.float64)
    values: Values = {"targets": t}
    p = np.ones(n)
    if case.pos_weight is not None:
        drawn = _draws.weight(case, "pos_weight", case.pos_weight, None)
        drawn = round_float64(drawn, case.dtype_of("pos_weight")).astype(np.float64)
        values["pos_weight"] = drawn
        p = np.broadcast_to(drawn.reshape(case.pos_weight), case.shape).reshape(-1)
    root = _target_root(p) if case.op is Op.TARGET_BACKWARD else log(p * t / (1.0 - t))
    ulps = _draws.stream(case, "logits").below(n, 7) - 3
    return values | {"logits": _grids.step(root, ulps, case.dtype_of("logits"))}


def _constant(logit: float, target: float) -> Callable[[Case], Values]:
    def values(case: Case) -> Values:
        n = _draws.size(case)
        targets = np.full(n, target) if "targets" not in case.options else _draws.targets(case)
        return {"logits": np.full(n, logit), "targets": targets}

    return values


_MEAN_STD = ("mean: a number; {0}", "std: a number; {1}")


def _mean_std(mean: str, deviation: str) -> tuple[str, ...]:
    return tuple(text.format(mean, deviation) for text in _MEAN_STD)


FAMILIES: dict[str, Family] = {
    "uniform": Family(
        "uniform on [-5, 5] (mixed tolerance standard)", _uniform, ("low: a number; -5", "high: a number; 5", _TARGETS)
    ),
    "normal": Family(
        "normal, mean in [-5, 5], deviation in [0.1, 2] (mixed tolerance standard)",
        _normal,
        (*_mean_std("drawn", "drawn"), _TARGETS),
    ),
    "commercial": Family(
        "commercial standard, L1 and L2: by the seed 10% small, 30% uniform, 40% normal, 20% with outliers",
        _commercial,
        ("part: 'small', 'uniform', 'normal' or 'outliers'; drawn", *_mean_std("drawn", "drawn"), _TARGETS),
    ),
    "tail": Family("the tail grid: |x| from 1 to 110 and the edges of the ranges", _tail, grids=_TAIL_WEIGHTS),
    "calibrated": Family("N(0, 8), labels drawn by sigmoid(x): a trained model", _calibrated, _mean_std("0", "8")),
    "anticalibrated": Family("N(0, 8), labels drawn by sigmoid(-x): a wrong model", _calibrated, _mean_std("0", "8")),
    "easy-negatives": Family("N(-20, 5), all labels 0: a detection model", _easy_negatives, _mean_std("-20", "5")),
    "roots": Family("within 3 ULP of a root of the gradient", _roots),
    "specials": Family(
        "infinities, NaN, zeros, subnormal and largest numbers, crossed with weights 0, infinite and NaN",
        _specials,
        ("pattern: 'grid', or all logits 'nan', '+inf', '-inf' or 'mixed-inf'; 'grid'",),
        finite=False,
        grids=_SPECIAL_WEIGHTS,
    ),
    "exhaustive16": Family("every finite logit of f16 or bf16, nine targets", _exhaustive),
    "outliers": Family("normal, a thousandth of the logits times 1000", _outliers, (*_mean_std("0", "4"), _TARGETS)),
    "ones": Family("all logits and targets 1", _constant(1.0, 1.0), (_TARGETS,)),
    "zeros-logits": Family("all logits 0, targets 0: every loss is log 2", _constant(0.0, 0.0), (_TARGETS,)),
}
