"""AscendOpTest's default: relative errors from 1 on, absolute ones below, and a share of errors for each dtype."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.verify._model import Context, Judge

from ._common import Text, profile
from ._share import Outside, ShareOut

__all__ = ["PROFILES"]


class _Tolerance(NamedTuple):
    tolerance: float
    allowed: float  # share of the elements out of tolerance


# compare/accuracy_config.py of AscendOpTest, as an operator's design document quotes it. An output of one element has
# no share to give: in bfloat16 the tolerance is below one ULP there, so a mean that is one ULP off fails.
_ROWS = {"f16": _Tolerance(1e-3, 1e-3), "bf16": _Tolerance(4e-3, 4e-3), "f32": _Tolerance(1e-4, 1e-4)}
_SPLIT = 1.0  # |golden| from which the error is relative

_TEXT = Text(
    "ascendoptest",
    "AscendOpTest default tolerance and error rate",
    "second-hand, as of 2026-11-22",
    "https://gitee.com/cajcak/optest",
    "error above the tolerance (relative from |golden| = 1 on) for at most a share of the elements",
)


def _outside(tolerance: float) -> Outside:
    def out(size: Float64Array, golden: Float64Array) -> Mask:
        return np.asarray(np.where(golden >= _SPLIT, size / golden, size) > tolerance)

    return out


def _start(context: Context) -> Judge:
    row = _ROWS[context.format.name]
    return ShareOut(_TEXT, context, _outside(row.tolerance), row.allowed)


PROFILES = (profile(_TEXT, _start, rows=_ROWS),)
