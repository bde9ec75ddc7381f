"""The unit in the last place of a dtype, and errors in units of it, for results of any of the precisions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from bcelogits._formats import Format, format_of
from bcelogits.reference._double_double import DoubleDouble
from bcelogits.reference._mp import BITS, import_mpmath

__all__ = ["ulp", "ulp_error"]


def ulp(value: Any, dtype: Any) -> Any:
    """The unit in the last place of `dtype` at `value`: 2**(max(floor(log2|value|), emin) - fraction bits).

    At 0 and in the subnormal range it is the smallest subnormal; beyond the largest finite number, infinity included,
    it is that of the largest one. A python float for a scalar, a float64 array for an array. NaN gives NaN.

    >>> ulp(1.0, "f32") == 2**-23, ulp(0.0, "f16") == 2**-24
    (True, True)
    """
    form = format_of(dtype)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.array([ulp(element, dtype) for element in value.flat], dtype=np.float64).reshape(value.shape)
    if hasattr(value, "_mpf_") and import_mpmath().isfinite(value):
        _, mantissa, exponent, _ = value._mpf_
        floor_log2 = int(mantissa).bit_length() + exponent - 1 if mantissa else form.emin
        return math.ldexp(1.0, min(max(floor_log2, form.emin), form.emax) - form.fraction_bits)
    result = form.ulp(np.asarray(value, dtype=np.float64))
    return result if isinstance(value, np.ndarray) else float(result)


def _ulp_error_scalar(actual: float, truth: Any, form: Format) -> float:
    limit = 2 ** (form.emax + 1)
    is_mpf = hasattr(truth, "_mpf_")
    if not is_mpf:
        truth = float(truth)
    actual_nan, truth_nan = actual != actual, truth != truth
    if actual_nan or truth_nan:
        return 0.0 if actual_nan and truth_nan else math.inf
    if actual == truth or (math.isinf(actual) and abs(truth) >= limit and (truth > 0) == (actual > 0)):
        return 0.0
    if truth in (math.inf, -math.inf):
        return math.inf
    placed: float | int = actual if math.isfinite(actual) else limit if actual > 0 else -limit
    unit = ulp(truth, form.name)
    if not is_mpf:
        try:
            return float(abs(Fraction(placed) - Fraction(truth)) / Fraction(unit))
        except OverflowError:
            return math.inf
    mp = import_mpmath().mp
    with mp.workprec(BITS):
        return float(abs(mp.mpf(placed) - truth) / mp.mpf(unit))


def ulp_error(actual: Any, truth: Any, dtype: Any) -> Any:
    """The error |actual - truth| / ulp(truth) of values of `dtype`; the truth is not rounded first.

    At most 0.5 means correctly rounded, less than 1 faithful. NaN for NaN and equal infinities give 0; a NaN on one
    side, or a finite value for a truth that is infinite, gives infinity. A computed infinity stands at
    2**(emax + 1), where the next number would be, so that the error is continuous across the overflow threshold; it
    is no error for a truth from there on (the convention of JAX's accuracy tables).

    Args:
        actual: the computed value or array, of `dtype`.
        truth: `mpmath.mpf` or float64, one or an object or float64 array that broadcasts against `actual`; or a
            `DoubleDouble`. Float64 is truth enough for dtypes up to float32; the difference is then taken in float64.
        dtype: as for `round_to`.

    Returns:
        A float, or a float64 array.

    >>> ulp_error(np.float32(1.0), 1 + 2**-24, "f32"), ulp_error(np.float16(0), 2**-25, "f16")
    (0.5, 0.5)
    """
    form = format_of(dtype)
    rest: Any = 0.0
    if isinstance(truth, DoubleDouble):
        truth, rest = truth
    elif not isinstance(actual, np.ndarray) and not isinstance(truth, np.ndarray):
        return _ulp_error_scalar(float(actual), truth, form)
    computed, exact = np.broadcast_arrays(np.asarray(actual).astype(np.float64), np.asarray(truth))
    result = np.empty(computed.shape, dtype=np.float64)
    if exact.dtype == object:
        for index in np.ndindex(*computed.shape):
            result[index] = _ulp_error_scalar(float(computed[index]), exact[index], form)
        return result
    exact = exact.astype(np.float64)
    low = np.broadcast_to(np.asarray(rest, dtype=np.float64), exact.shape)
    with np.errstate(all="ignore"):
        # Just below a power of two the unit is half of that above. (`where`: infinity minus infinity has no rest.)
        inside = np.where(low * exact < 0, np.nextafter(exact, 0.0), exact)
        result[...] = np.abs(np.where(computed == exact, 0.0, computed - exact) - low) / form.ulp(inside)
    for index in map(tuple, np.argwhere(~(np.isfinite(computed) & np.isfinite(exact)))):
        result[index] = _ulp_error_scalar(float(computed[index]), float(exact[index]), form)
    return result if result.ndim or isinstance(actual, np.ndarray) else float(result)
