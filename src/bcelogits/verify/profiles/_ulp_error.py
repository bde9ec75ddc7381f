"""Signed errors in ULP of a run of elements: near a gradient's root, at overflow, and where a device flushes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Chunk, Context

from ._common import Mask, error

__all__ = ["UlpErrors", "ulp_errors"]

# Errors beyond are taken for this, so that means of them are numbers: 1 for a float64 golden of 0 is 2**1074 ULP.
_LARGEST = 2.0**960


class UlpErrors(NamedTuple):
    """Errors of a run of elements, in units in the last place of the output's dtype."""

    signed: Float64Array  # actual minus truth; 0 where not measured
    measured: Mask  # the truth is finite, and the actual value is a number of its side of infinity
    mismatch: Mask  # NaN or an infinity on one side only
    flushed: Mask  # 0 for a subnormal truth, accepted because the device flushes
    excused: Mask  # 0 is not far from the truth here: near a gradient's root, or next to what a device flushes


def ulp_errors(chunk: Chunk, context: Context) -> UlpErrors:
    """(actual - truth) / ulp(v), the truth not rounded.

    v is the truth, or the larger of the two terms of a gradient where that is larger. An infinity stands at
    2**(emax + 1), one ULP beyond the largest finite number (so JAX, docs/accuracy.md): the error across the overflow
    threshold is continuous, and 0 where the truth itself rounds to infinity. With `flush_subnormals` a 0 for a truth
    below the smallest normal number has no error, and the gap between the two counts as one ULP.
    """
    fmt = context.format
    actual, golden, rounded = chunk.actual, chunk.golden, chunk.rounded
    # A float64 golden that overflows is infinite already: there the flag alone tells a large truth from infinity.
    finite_truth = np.isfinite(golden) | ((chunk.flags & Flag.OVERFLOW) != 0)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(golden))
    number = finite_truth & ~np.isnan(actual)
    if context.saturate:
        mismatch = ~np.isfinite(actual)  # the mode has no such results
    else:
        opposite = np.isinf(actual) & (np.sign(actual) != np.sign(golden))
        mismatch = np.where(finite_truth, ~number | opposite, ~same)
    measured = number & ~mismatch

    magnitude = np.abs(golden)
    scale = np.where(np.isfinite(chunk.scale), np.abs(chunk.scale), magnitude)
    excused = measured & (scale > magnitude)
    ulp = fmt.ulp(np.maximum(scale, magnitude))
    signed = np.clip(error(chunk) / ulp, -_LARGEST, _LARGEST)

    # Halves, because 2**(emax + 1) is no float64 where the output is one.
    beyond = measured & (np.isinf(actual) | (magnitude > fmt.max_finite))
    if beyond.any():
        top = 2.0**fmt.emax
        placed = np.clip(actual[beyond] / 2, -top, top) - np.clip(golden[beyond] / 2, -top, top)
        signed[beyond] = np.where(same[beyond], 0.0, placed / (ulp[beyond] / 2))

    flushed = np.zeros(actual.shape, np.bool_)
    if context.flush_subnormals:
        zero = measured & (actual == 0)
        small = magnitude < fmt.min_normal
        signed[measured & small & same] = 0.0
        flushed = zero & small & (rounded != 0)
        signed[flushed] = 0.0
        gap = zero & ~small & ~excused
        signed[gap] = -np.sign(golden[gap]) * ((magnitude[gap] - fmt.min_normal) / ulp[gap] + 1)
        excused |= gap
    return UlpErrors(np.where(measured, signed, 0.0), measured, mismatch, flushed, excused)
