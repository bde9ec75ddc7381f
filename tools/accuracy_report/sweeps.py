"""Tasks of a run, but for float32.py. Each function returns rows and can run in a process of its own."""

from __future__ import annotations

from itertools import product

import numpy as np

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
from accuracy_report.ulp import Array, all_finite
from bcelogits._formats import FORMATS

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


# ---- any operands ----------------------------------------------------------------------------------------------


def random_operands(dtype: str, soft: bool, seed: int, size: int, chosen: tuple[Options, ...] = OPTIONS) -> list[Row]:
    """Random operands with every combination of options."""
    form = FORMATS[dtype]
    rows = []
    for number, options in enumerate(chosen):
        rng = np.random.default_rng([seed, number, soft, form.fraction_bits])
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
