"""Points that a family walks through rather than draws: the tail grid, special values, every 16-bit logit.

The lists are those of sections 5.4, 5.5 and 8 of the project's precision reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bcelogits._formats import FORMATS
from bcelogits._typing import Float64Array
from bcelogits.golden._random import Stream
from bcelogits.reference.rounding import round_float64

__all__ = [
    "NINE_TARGETS",
    "SPECIAL_POS_WEIGHTS",
    "SPECIAL_TARGETS",
    "SPECIAL_WEIGHTS",
    "TAIL_POS_WEIGHTS",
    "TAIL_TARGETS",
    "TAIL_WEIGHTS",
    "every_finite",
    "special_logits",
    "step",
    "tail_logits",
    "walk",
]

TAIL_TARGETS = (0.0, 1.0, 2.0**-24, 1 - 2.0**-24, 2.0**-10, 1 - 2.0**-10, 0.5)
TAIL_POS_WEIGHTS = (1.0, 0.25, 3.0, 1e4)
TAIL_WEIGHTS = (1.0, 0.0, 1e-3)
NINE_TARGETS = (*TAIL_TARGETS, 0.3, 0.9)
# No gradient has its root at 0 with one of these: beside subnormal logits and an infinite weight the truth would hang
# on digits that no arithmetic in the dtype has.
SPECIAL_TARGETS = (0.0, 1.0, 0.375, 0.125)
SPECIAL_WEIGHTS = (1.0, 0.0, math.inf, math.nan)
SPECIAL_POS_WEIGHTS = (1.0, 3.0, 0.0, math.inf)
# Where the tail exp(x) leaves the normal range of f32 and bf16, f16, f64, and where it rounds to 0 in f32, bf16, f16,
# f64; where two-term forms return 0 (f32, f64); where sigmoid(x) - 1 does; where log(1 + exp(-x)) does.
_EDGES = (87.33654, 9.704061, 708.3964, 103.97208, 92.88, 17.32868, 745.13322, 14.557, 33.272, 16.64, 36.7, 16.6, 37.43)


def step(values: Float64Array, ulps: npt.NDArray[np.int64] | int, dtype: str) -> Float64Array:
    """Finite values of a dtype, moved by a number of places along its numbers; -0 and 0 are one place."""
    kind = FORMATS[dtype].dtype
    signed = np.dtype(f"i{kind.itemsize}")
    pattern = round_float64(values, dtype).view(signed).astype(np.int64)
    sign_bit = -(1 << (8 * kind.itemsize - 1))
    place = np.where(pattern < 0, sign_bit - pattern, pattern) + ulps
    moved = np.where(place < 0, sign_bit - place, place)
    with np.errstate(invalid="ignore"):
        return moved.astype(signed).view(kind).astype(np.float64)


def tail_logits(dtype: str) -> Float64Array:
    """+-{k, k +- 1 ULP}: k from 1 to 110 by halves, and the edges of the ranges."""
    k = round_float64(np.concatenate([np.arange(1.0, 110.25, 0.5), np.array(_EDGES)]), dtype).astype(np.float64)
    magnitudes = np.concatenate([step(k, ulps, dtype) for ulps in (0, -1, 1)])
    return np.concatenate([-magnitudes, magnitudes])


def special_logits(dtype: str) -> Float64Array:
    """Infinities, NaN, both zeros, the edges of the subnormal range and of the range, and ordinary numbers."""
    form = FORMATS[dtype]
    positive = [math.inf, 0.0, form.min_subnormal, form.min_normal - form.min_subnormal, form.min_normal]
    positive += [form.max_finite, 1.0, 20.0, 100.0]
    return np.array([*positive, *(-v for v in positive), math.nan])


def every_finite(dtype: str) -> Float64Array:
    """All finite numbers of a 16-bit dtype: 63,488 of f16, 65,280 of bf16, from 0 on up, then the negative ones.

    Raises:
        ValueError: the dtype has more than 16 bits.
    """
    if dtype not in ("f16", "bf16"):
        raise ValueError(f"dtype: {dtype!r}, expected 'f16' or 'bf16' for all finite logits")
    with np.errstate(invalid="ignore"):
        values = np.arange(1 << 16, dtype=np.uint16).view(FORMATS[dtype].dtype).astype(np.float64)
    return values[np.isfinite(values)]


def walk(n: int, counts: Sequence[int], stream: Stream) -> list[npt.NDArray[np.int64]]:
    """n places of a grid with `counts` points along its axes: an index per axis.

    The walk has a stride near the golden section of the grid's size, prime to it: it visits every point before any a
    second time, and a short walk is spread over the whole grid.
    """
    total = math.prod(counts)
    stride = max(int(total * 0.6180339887), 1)
    while math.gcd(stride, total) != 1:
        stride -= 1
    start = int(stream.below(1, total)[0])
    place = (start + np.arange(n, dtype=np.int64) % total * stride) % total
    return [np.asarray(axis, dtype=np.int64) for axis in np.unravel_index(place, tuple(counts))]
