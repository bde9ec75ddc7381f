"""Errors in units of the last place (ULP) of the output's dtype.

The error of a result is |result - truth| / ulp, the truth not rounded; ulp = 2**(max(floor(log2|truth|), emin) - m),
with m bits of fraction and the least normal exponent emin, so it is that of the least normal number for subnormal ones.
At most 0.5 means correctly rounded. An infinite result stands at 2**(emax + 1), where the next number would be.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bcelogits._formats import Format, format_of

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


def all_finite(form: Format, start: int = 0, stop: int | None = None, step: int = 1) -> Array:
    """The finite numbers of a format whose bit patterns are start, start + step, ... below stop."""
    stop = 1 << (8 * form.bits.itemsize) if stop is None else stop
    values = np.arange(start, stop, step, dtype=np.uint64).astype(form.bits).view(form.dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        finite: Array = values[np.isfinite(values)]
    return finite


def inverse_ulp(magnitude: Floats, form: Format) -> Floats:
    """1 / ulp at float64 magnitudes, for formats narrower than float64; not limited at the top."""
    exponent = magnitude.view(np.int64) >> 52 & 0x7FF
    np.maximum(exponent, form.emin + 1023, out=exponent)
    return ((2046 + form.fraction_bits - exponent) << 52).view(np.float64)


def placed(values: Array, form: Format) -> Floats:
    """Float64, infinities (and truths beyond) at 2**(emax + 1); a NaN stays."""
    limit = 2.0 ** (form.emax + 1)
    return np.clip(values.astype(np.float64), -limit, limit)


def errors(got: Array, truth: Floats, scale: Floats | None = None) -> tuple[Floats, Floats]:
    """Errors relative to ulp(scale), and to the truth's own ulp; for results narrower than float64.

    `scale` is the larger of the two terms whose difference the result is; None: the truth itself. A NaN among the
    results is an infinite error.
    """
    form = format_of(got.dtype)
    exact = placed(truth, form)
    distance = np.abs(placed(got, form) - exact)
    distance[np.isnan(distance)] = np.inf
    top = np.ldexp(1.0, form.emax)
    own_scale = np.minimum(np.abs(exact), top)
    own = distance * inverse_ulp(own_scale, form)
    if scale is None:
        return own, own
    return distance * inverse_ulp(np.maximum(own_scale, np.abs(scale)), form), own
