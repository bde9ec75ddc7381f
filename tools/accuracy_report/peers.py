"""This package and others on the same 16-bit and float64 logits, with targets 0 and 1; float32.py has the others."""

from __future__ import annotations

import math

import numpy as np

from accuracy_report import truth
from accuracy_report.contenders import OURS, load
from accuracy_report.measure import compare, new_row
from accuracy_report.operands import GRADIENT, LOSS, Operands, Options
from accuracy_report.rows import DOUBT, Row
from accuracy_report.sweeps import float64_logits
from accuracy_report.ulp import Array, all_finite
from bcelogits._formats import FORMATS, format_of


def _compare(x: Array, peers: tuple[str, ...]) -> list[Row]:
    """One row per contender that is installed, and function; what is no finite number is counted, not judged."""
    form = format_of(x.dtype)
    functions = truth.Functions(x) if form.name == "f64" else None
    doubt = 0.0 if form.name == "f64" else DOUBT
    rows: list[Row] = []
    for name, run in filter(None, map(load, (OURS, *peers))):
        found = {f: new_row(form, f, False, Options()) for f in (LOSS, GRADIENT)}
        for target in (0, 1):
            operands = Operands(x, np.full(x.shape, target).astype(x.dtype))
            results = run(operands.x, operands.t)
            for (function, row), got in zip(found.items(), results, strict=True):
                value, error, own = compare(function, operands, got, functions)
                bad = ~np.isfinite(got.astype(np.float64))
                row.contender = name
                row.not_numbers += int(np.count_nonzero(bad & np.isfinite(value)))
                error[bad] = -math.inf
                row.add(got, value, error, own, operands.describe, doubt)
        rows += found.values()
    return rows


def compare_16_bits(dtype: str, peers: tuple[str, ...]) -> list[Row]:
    """Compare other packages on all finite logits of a 16-bit dtype."""
    return _compare(all_finite(FORMATS[dtype]), peers)


def compare_float64(size: int, peers: tuple[str, ...]) -> list[Row]:
    """Random logits, as hard_float64 draws them."""
    return _compare(float64_logits(np.random.default_rng(7), size), peers)
