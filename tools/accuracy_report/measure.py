"""Call the package, compare with the truth, keep the worst; and climb towards something worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import bcelogits
from accuracy_report import truth
from accuracy_report.operands import GRADIENT, LOSS, TARGET_GRADIENT, Operands, Options, draw, mutate
from accuracy_report.rows import DOUBT, Row
from accuracy_report.ulp import Array, Floats, errors
from bcelogits._formats import FORMATS, Format, format_of

HARD, SOFT, ANY = "0 and 1", "in [0, 1]", "any"


def call(function: str, operands: Operands, out: Array | None = None) -> Array:
    """Call the package for one function; elementwise results."""
    weights: dict[str, Any] = {"weight": operands.w, "pos_weight": operands.p, "out": out}
    x, t, g = operands.x, operands.t, operands.g
    if function == LOSS:
        loss: Array = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none", **weights)
        return loss
    reduction = "mean" if operands.mean else "none" if isinstance(g, np.ndarray) else "sum"
    gradient: Callable[..., Array] = {
        GRADIENT: bcelogits.binary_cross_entropy_with_logits_backward,
        TARGET_GRADIENT: bcelogits.binary_cross_entropy_with_logits_target_backward,
    }[function]
    return gradient(1.0 if g is None else g, x, t, reduction=reduction, **weights)


def value_and_grad(function: str, operands: Operands) -> Array | None:
    """The same from `value_and_grad`, where that can be asked for it: no grad_output, and a loss without mean."""
    if function == TARGET_GRADIENT or operands.g is not None:
        return None
    both = bcelogits.value_and_grad(
        operands.x,
        operands.t,
        operands.w,
        pos_weight=operands.p,
        reduction="mean" if operands.mean else "none",
    )
    chosen: Array = both[0 if function == LOSS else 1]
    return chosen


def bound(form: Format, hard: bool, options: Options) -> float:
    """The contract in ULP: 1 for float32 with targets 0 and 1 and nothing else, 2 for the rest; 16 bits round that."""
    plain = options == Options()
    if form.bits.itemsize == 2:
        return 0.5 if hard and plain else 0.5 + 2.0 * 2.0 ** (form.fraction_bits - FORMATS["f32"].fraction_bits)
    return 1.0 if hard and plain and form.name == "f32" else 2.0


def new_row(form: Format, function: str, soft: bool, options: Options, targets: str | None = None) -> Row:
    """An empty row. Targets play no part in their own gradient."""
    hard = not soft or function == TARGET_GRADIENT
    targets = targets or (ANY if function == TARGET_GRADIENT else SOFT if soft else HARD)
    return Row(form.name, function, targets, options.title, bound(form, hard, options))


def compare(
    function: str, operands: Operands, got: Array, functions: truth.Functions | None = None
) -> tuple[Floats, Floats, Floats]:
    """Truth (as float64), error relative to the larger term, and relative to the truth itself."""
    form = format_of(got.dtype)
    if form.name == "f64":
        exact, scale = truth.in_mpfr(function, operands, functions or truth.Functions(operands.x))
        error, own = truth.mpfr_errors(got.tolist(), exact, scale, form)
        return np.array([float(v) for v in exact]), error, own
    with np.errstate(all="ignore"):
        value, terms = truth.in_float64(function, operands)
        error, own = errors(got, value, terms)
    if form.bits.itemsize == 2 and not operands.mean:
        # A rounding boundary that float64 cannot tell from the truth.
        near = np.flatnonzero(np.abs(own - 0.5) < 1e-6)
        if 0 < near.size < 50_000:
            few = operands.take(near)
            exact, scale = truth.in_mpfr(function, few, truth.Functions(few.x))
            error[near], own[near] = truth.mpfr_errors(got[near].astype(np.float64).tolist(), exact, scale, form)
    return value, error, own


def measure(row: Row, function: str, operands: Operands, functions: truth.Functions | None = None) -> Floats:
    """Count the package's results in a row, and those of `value_and_grad` if they are others; the errors."""
    got = call(function, operands)
    value, error, own = compare(function, operands, got, functions)
    doubt = 0.0 if got.itemsize != 4 else DOUBT
    row.add(got, value, error, own, operands.describe, doubt)
    other = value_and_grad(function, operands)
    if other is not None and other.tobytes() != got.tobytes():
        value, error, own = compare(function, operands, other, functions)
        row.add(other, value, error, own, operands.describe, doubt)
    return error


def climb(
    form: Format, function: str, soft: bool, options: Options, seed: int, population: int, generations: int
) -> Row:
    """Start at the worst of many random operands and move them, keeping what makes the error larger."""
    rng = np.random.default_rng(seed)
    row = new_row(form, function, soft, options)
    start = draw(rng, population * (4 if form.name == "f64" else 64), form, soft, options)
    error = measure(row, function, start)
    chosen = np.argpartition(error, -population)[-population:]
    best, error = start.take(chosen), error[chosen]
    if options.mean:  # of another number of elements
        error = np.zeros(population)
    for _ in range(generations):
        moved = mutate(rng, best, soft)
        changed = measure(row, function, moved)
        better = changed > error
        error = np.where(better, changed, error)
        best = best.replace({name: np.where(better, new, old) for name, old, new in best.paired(moved)})
    return row
