"""The pieces of work of a run. Each function returns rows and can run in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TypeAlias

import numpy as np

import bcelogits
from accuracy_report import truth
from accuracy_report.measure import call, climb, compare, measure, new_row
from accuracy_report.operands import (
    FUNCTIONS,
    GRADIENT,
    LOSS,
    TARGET_GRADIENT,
    Operands,
    Options,
    draw,
    logits,
    random_bits,
)
from accuracy_report.rows import Row, merged
from accuracy_report.ulp import FORMATS, Array, all_finite, inverse_ulp

PLAIN = Options()
# With what else a function is called. The first: nothing.
OPTIONS = (
    PLAIN,
    Options(weight=True),
    Options(pos_weight=True),
    Options(weight=True, pos_weight=True),
    Options(grad_output=True),
    Options(weight=True, pos_weight=True, grad_output=True),
    Options(mean=True),
    Options(weight=True, pos_weight=True, mean=True),
    Options(scalar=65536.0),
    Options(pos_weight=True, scalar=65536.0),
)
NINE_TARGETS = (0.0, 1.0, 2.0**-24, 1 - 2.0**-24, 2.0**-10, 1 - 2.0**-10, 0.5, 0.3, 0.9)
FOUR_POS_WEIGHTS = (None, 0.25, 3.0, 1e4)
# Bit patterns of the float32 magnitudes 0 to the largest finite.
FLOAT32_MAGNITUDES = 0x7F800000
_BLOCK = 1 << 15


# ---- float32, targets 0 and 1 ----------------------------------------------------------------------------------


def hard_float32(start: int, stop: int, step: int = 1) -> list[Row]:
    """Float32 logits of both signs whose magnitudes have the bit patterns start, start + step, ...; nothing else given.

    The truths of x and -x for targets 0 and 1 are the same four numbers, so exp and log1p are computed once.
    """
    form = FORMATS["f32"]
    rows = {f: new_row(form, f, False, PLAIN) for f in FUNCTIONS}
    for first in range(start, stop, _BLOCK * step):
        magnitude = np.arange(first, min(stop, first + _BLOCK * step), step, dtype=np.uint32).view(np.float32)
        a = magnitude.astype(np.float64)
        e = np.exp(-a)
        tail, inverse = np.log1p(e), 1 / (1 + e)
        truths = {(LOSS, 1): a + tail, (LOSS, -1): tail, (GRADIENT, 1): inverse, (GRADIENT, -1): e * inverse}
        units = {key: inverse_ulp(value, form) for key, value in truths.items()}
        for sign, target in product((1, -1), (0, 1)):
            x = magnitude if sign > 0 else -magnitude
            t = np.full(x.shape, target, np.float32)
            operands = Operands(x, t)
            side, outer = (sign, 1.0) if target == 0 else (-sign, -1.0)
            got = {f: call(f, operands) for f in FUNCTIONS}
            both = bcelogits.value_and_grad(x, t, reduction="none")
            for function in (LOSS, GRADIENT):
                exact = truths[function, side] if function == LOSS or outer > 0 else -truths[function, side]
                results = [got[function]]
                other = both[0 if function == LOSS else 1]
                if other.tobytes() != results[0].tobytes():  # value_and_grad need not give the same bits
                    results.append(other)
                for result in results:
                    error = np.abs(result - exact) * units[function, side]
                    rows[function].add(result, exact, error, error, operands.describe)
            exact = -x.astype(np.float64)
            error = np.abs(got[TARGET_GRADIENT] - exact)
            rows[TARGET_GRADIENT].add(got[TARGET_GRADIENT], exact, error, error, operands.describe)
    return list(rows.values())


# ---- any operands ----------------------------------------------------------------------------------------------


def random_operands(dtype: str, soft: bool, seed: int, size: int, chosen: tuple[Options, ...] = OPTIONS) -> list[Row]:
    """Random operands with every combination of options."""
    form = FORMATS[dtype]
    rows = []
    for number, options in enumerate(chosen):
        rng = np.random.default_rng([seed, number, soft, form.fraction])
        operands = draw(rng, size, form, soft, options)
        functions = truth.Functions(operands.x) if dtype == "f64" else None
        for function in options.functions():
            if function == TARGET_GRADIENT and not soft:
                continue
            row = new_row(form, function, soft, options)
            measure(row, function, operands, functions)
            rows.append(row)
    return rows


def climbing(dtype: str, soft: bool, seed: int, population: int, generations: int) -> list[Row]:
    """Hill climbing for every function and combination of options."""
    return [
        climb(FORMATS[dtype], function, soft, options, seed, population, generations)
        for options in OPTIONS
        for function in options.functions()
        if soft or function != TARGET_GRADIENT
    ]


# ---- 16 bits, every logit --------------------------------------------------------------------------------------


def every_16_bit_logit(dtype: str, targets: tuple[float, ...] = NINE_TARGETS) -> list[Row]:
    """All finite logits of a 16-bit dtype, for given targets and pos_weights."""
    form = FORMATS[dtype]
    x = all_finite(form)
    rows = []
    for target, p in product(targets, FOUR_POS_WEIGHTS):
        t = np.full(x.shape, target).astype(form.dtype)
        soft = not bool(t[0] in (0, 1))
        operands = Operands(x, t, p=None if p is None else np.full(x.shape, p, np.float32))
        for function in FUNCTIONS:
            row = new_row(form, function, soft, Options(pos_weight=p is not None))
            measure(row, function, operands)
            rows.append(row)
    return merged(rows)


def float32_from_16_bits(dtype: str) -> list[Row]:
    """All finite 16-bit logits with a float32 result, asked for by `out` or by float32 targets; targets 0 and 1."""
    form, wide = FORMATS[dtype], FORMATS["f32"]
    x = all_finite(form)
    rows = []
    for function, target in product((LOSS, GRADIENT), (0, 1)):
        row = new_row(wide, function, False, PLAIN)
        row.dtype = f"{dtype} to f32"
        for t in (np.full(x.shape, target).astype(form.dtype), np.full(x.shape, target, np.float32)):
            got = call(function, Operands(x, t), out=np.empty(x.shape, np.float32))
            value, error, own = compare(function, Operands(x, t), got)
            row.add(got, value, error, own, Operands(x, t).describe)
        rows.append(row)
    return merged(rows)


# ---- float64, targets 0 and 1 ----------------------------------------------------------------------------------


def float64_logits(rng: np.random.Generator, size: int) -> Array:
    """Random bits, the ranges of `operands.logits`, and the neighbourhoods of the places where methods change."""
    form = FORMATS["f64"]
    places = np.array([0.3465735902799727, 0.6931471805599453, 0.881373587019543, 2.0, 33.27, 36.04365, 37.42994775])
    edges = np.array([80.0, 88.722839, 103.972, 104.0, 670.0, 708.39641853, 709.78271289, 745.13321910, 750.0])
    near = rng.choice(np.concatenate([places, edges]), size // 8) * (1 + rng.normal(size=size // 8) * 1e-9)
    sign = np.where(rng.random(near.size) < 0.5, -1.0, 1.0)
    values = np.concatenate([random_bits(rng, size // 8, form), logits(rng, size - 2 * (size // 8), form), near * sign])
    finite: Array = values[np.isfinite(values)]
    return finite


def hard_float64(seed: int, size: int) -> list[Row]:
    """Float64 logits, targets 0 and 1, nothing else given."""
    form = FORMATS["f64"]
    x = float64_logits(np.random.default_rng([seed, 64]), size)
    functions = truth.Functions(x)
    rows = []
    for function, target in product(FUNCTIONS, (0.0, 1.0)):
        if function == TARGET_GRADIENT and target:
            continue
        row = new_row(form, function, False, PLAIN)
        measure(row, function, Operands(x, np.full(x.shape, target)), functions)
        rows.append(row)
    return merged(rows)


# ---- a run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effort:
    """How much of each piece of work."""

    name: str
    float32_step: int  # of the bit patterns of float32 logits, targets 0 and 1; 1: all of them
    pieces: int  # how many times random operands are drawn
    float32: int  # random operands of each class
    float64: int
    climbs: int
    generations: int
    float64_population: int
    float64_generations: int


QUICK = Effort("quick", 127, 1, 1_000_000, 8_000, 2, 100, 80, 20)
FULL = Effort("full", 1, 24, 1_000_000, 10_000, 6, 400, 300, 60)

# A function of this module with its arguments.
Task: TypeAlias = partial[list[Row]]


def _tasks(effort: Effort) -> Iterator[Task]:
    share = 1 << 26 if effort.float32_step == 1 else FLOAT32_MAGNITUDES
    for start in range(0, FLOAT32_MAGNITUDES, share):
        yield partial(hard_float32, start, min(FLOAT32_MAGNITUDES, start + share), effort.float32_step)
    for dtype in ("f16", "bf16"):
        yield partial(every_16_bit_logit, dtype)
        yield partial(float32_from_16_bits, dtype)
    for seed in range(effort.pieces):
        yield partial(hard_float64, seed, 2 * effort.float64)
    for dtype, size in (("f32", effort.float32), ("f64", effort.float64), ("f16", 100_000), ("bf16", 100_000)):
        for soft, seed in product((False, True), range(effort.pieces if dtype in ("f32", "f64") else 1)):
            chosen = OPTIONS if dtype in ("f32", "f64") else OPTIONS[1:]
            yield partial(random_operands, dtype, soft, seed, size, chosen if soft else OPTIONS[1:])
    for soft, seed in product((False, True), range(effort.climbs)):
        yield partial(climbing, "f32", soft, seed, 1021, effort.generations)
        yield partial(climbing, "f64", soft, seed, effort.float64_population, effort.float64_generations)


def tasks(effort: Effort) -> list[Task]:
    """The work of a run, in pieces."""
    return list(_tasks(effort))
