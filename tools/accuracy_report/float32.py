"""Every float32 logit, targets 0 and 1: this package and others, compared with the oracle of oracle.cpp.

The truths of x and -x for targets 0 and 1 are the same four numbers, so one table of them serves all. Two random points
of each block, and the worst of each row, are held against MPFR.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import bcelogits
from accuracy_report import contenders, logit_bins, oracle, truth
from accuracy_report.measure import call, new_row
from accuracy_report.operands import FUNCTIONS, GRADIENT, LOSS, TARGET_GRADIENT, Operands, Options
from accuracy_report.rows import Row
from accuracy_report.ulp import Array
from bcelogits._formats import FORMATS

Bins: TypeAlias = npt.NDArray[np.int32]

FORM = FORMATS["f32"]
# Bit patterns of the float32 magnitudes 0 to the largest finite; from there on infinity and NaN.
FLOAT32_MAGNITUDES = 0x7F800000
_BLOCK = 1 << 17
_CHECKED = 2
# Which truth, and its sign, by function, sign of x, and target.
_WHICH = {
    (LOSS, 1, 0): (oracle.SOFTPLUS, 1.0),
    (LOSS, -1, 0): (oracle.SOFTPLUS_OF_NEGATIVE, 1.0),
    (LOSS, 1, 1): (oracle.SOFTPLUS_OF_NEGATIVE, 1.0),
    (LOSS, -1, 1): (oracle.SOFTPLUS, 1.0),
    (GRADIENT, 1, 0): (oracle.SIGMOID, 1.0),
    (GRADIENT, -1, 0): (oracle.SIGMOID_OF_NEGATIVE, 1.0),
    (GRADIENT, 1, 1): (oracle.SIGMOID_OF_NEGATIVE, -1.0),
    (GRADIENT, -1, 1): (oracle.SIGMOID, -1.0),
}


def _rows(names: tuple[str, ...] = ()) -> dict[tuple[str, str], Row]:
    """By contender (ours: "") and function."""
    found = {("", f): new_row(FORM, f, False, Options()) for f in FUNCTIONS}
    for name, f in product(names, (LOSS, GRADIENT)):
        found[name, f] = new_row(FORM, f, False, Options())
        found[name, f].contender = name
    return found


def _operands(magnitude: Array) -> Iterator[tuple[int, int, Operands]]:
    """The operands for both signs and both targets, with sign and target."""
    for sign, target in product((1, -1), (0, 1)):
        x = magnitude if sign > 0 else -magnitude
        yield sign, target, Operands(x, np.full(x.shape, target, np.float32))


def _ours(operands: Operands) -> Iterator[tuple[str, Array]]:
    """What the functions return, and `value_and_grad` where those are other bits."""
    both = bcelogits.value_and_grad(operands.x, operands.t, reduction="none")
    for function in FUNCTIONS:
        got = call(function, operands)
        yield function, got
        if function != TARGET_GRADIENT:
            other = both[0 if function == LOSS else 1]
            if other.tobytes() != got.tobytes():
                yield function, other


def _count(
    row: Row, found: oracle.Truths, place: tuple[str, int, int], operands: Operands, got: Array, bin_of: Bins
) -> None:
    """Compare the results for one sign and target, and count them in a row."""
    which, outer = _WHICH[place]
    _, sign, target = place
    bins = logit_bins.empty()
    verdict = found.judge(got, which, outer, bin_of, bins)
    logit_bins.merge(row.by_logit, {logit_bins.key(sign, target): bins})
    row.points += got.size
    row.not_rounded += verdict.not_nearest
    row.lost += verdict.lost
    row.not_numbers += verdict.not_finite
    worst, where = verdict.worst, verdict.where
    if verdict.not_finite and not row.contender:  # others' are counted apart
        worst, where = math.inf, verdict.first_bad
    if worst > row.worst or not row.where:
        row.worst, row.where, row.got = worst, operands.describe(where), str(got[where])
        row.truth = repr(outer * float(found.high[which, where]))


def _count_target_gradient(row: Row, operands: Operands, got: Array) -> None:
    """The gradient of the targets is -x, exactly."""
    exact = -operands.x.astype(np.float64)
    off = np.abs(got - exact)
    error = np.where(off == 0, 0.0, np.inf)
    row.add(got, exact, error, error, operands.describe)


def _confirm(row: Row) -> None:
    """Compute the worst point of a row with MPFR too; a difference stops the run."""
    if not row.where or not math.isfinite(row.worst):
        return
    x, t, got = (np.full(1, float(v), np.float32) for v in (row.where["x"], row.where["t"], row.got))
    exact, scale = truth.in_mpfr(row.function, Operands(x, t), truth.Functions(x))
    error = float(truth.mpfr_errors(got.tolist(), exact, scale, FORM)[0][0])
    if not math.isclose(error, row.worst, rel_tol=1e-9, abs_tol=1e-15):
        raise ArithmeticError(f"the oracle finds {row.worst} ULP, MPFR {error}: {row}")


def hard_float32(start: int, stop: int, step: int = 1, peers: tuple[str, ...] = ()) -> list[Row]:
    """Finite float32 logits of both signs whose magnitudes have the bit patterns start, start + step, ...; no weights.

    Other packages, those of `peers` that are installed, get the same logits.
    """
    runs = dict(filter(None, map(contenders.load, peers)))
    rows = _rows(tuple(runs))
    rng = np.random.default_rng(start)
    for first in range(start, stop, _BLOCK * step):
        bits = np.arange(first, min(stop, first + _BLOCK * step), step, dtype=np.uint32)
        magnitude, bin_of = bits.view(np.float32), logit_bins.bins(bits)
        found = oracle.truths(magnitude)
        for index in rng.integers(0, magnitude.size, _CHECKED):
            if (off := oracle.deviation(found, index)) > oracle.BOUND:
                raise ArithmeticError(f"the oracle is off by {off} at {magnitude[index]}")
        for sign, target, operands in _operands(magnitude):
            for function, got in _ours(operands):
                row = rows["", function]
                if function == TARGET_GRADIENT:
                    _count_target_gradient(row, operands, got)
                else:
                    _count(row, found, (function, sign, target), operands, got, bin_of)
            for name, run in runs.items():
                for function, got in zip((LOSS, GRADIENT), run(operands.x, operands.t), strict=True):
                    _count(rows[name, function], found, (function, sign, target), operands, got, bin_of)
    for row in rows.values():
        _confirm(row)
    return list(rows.values())


def _limit(function: str, sign: int, target: int) -> float:
    """The result at an infinite logit."""
    if function == TARGET_GRADIENT:
        return -sign * math.inf
    if function == LOSS:
        return math.inf if (sign > 0) == (target == 0) else 0.0
    return (1.0 if sign > 0 else 0.0) - target


def special_float32(start: int, stop: int, step: int = 1) -> list[Row]:
    """What is no finite number, by rule: infinite logits give the limit, NaN gives NaN."""
    rows = _rows()
    for first in range(start, stop, _BLOCK * step):
        magnitude = np.arange(first, min(stop, first + _BLOCK * step), step, dtype=np.uint32).view(np.float32)
        nan = np.isnan(magnitude)
        for sign, target, operands in _operands(magnitude):
            for function, got in _ours(operands):
                exact = np.where(nan, np.nan, _limit(function, sign, target))
                fine: npt.NDArray[np.bool_] = np.where(nan, np.isnan(got), got == exact)
                error = np.where(fine, 0.0, np.inf)
                rows["", function].add(got, exact, error, error, operands.describe)
    return list(rows.values())
