"""Correct rounding to a dtype, the unit in the last place, and errors in units of it: of any of the precisions."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction
from typing import Any

import numpy as np

from bcelogits.reference._dd import normalise, two_sum
from bcelogits.reference._dd_rounding import round_scaled
from bcelogits.reference._double_double import DoubleDouble
from bcelogits.reference._mp import BITS, import_mpmath

__all__ = ["round_to", "ulp", "ulp_error"]

# Bits of the fraction, exponent of the smallest and of the largest normal number.
_FORMATS = {
    "float16": (10, -14, 15),
    "bfloat16": (7, -126, 127),
    "float32": (23, -126, 127),
    "float64": (52, -1022, 1023),
}
_SHORT_NAMES = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64"}


def _dtype(dtype: Any) -> np.dtype[Any]:
    """A NumPy dtype from a dtype, a scalar type or a name; "bfloat16" needs ml_dtypes."""
    # "f16" must not reach np.dtype, where it is a 16-byte float.
    name = _SHORT_NAMES.get(dtype, dtype) if isinstance(dtype, str) else dtype
    if name == "bfloat16":
        name = importlib.import_module("ml_dtypes").bfloat16
    resolved: np.dtype[Any] = np.dtype(name)
    if resolved.name not in _FORMATS:
        raise TypeError(f"dtype: {resolved}, expected float16, bfloat16, float32 or float64")
    return resolved


def _decompose(value: Any) -> tuple[bool, int, int] | float:
    """(negative, mantissa, exponent) of a finite value, exactly; an infinity or NaN as a float."""
    if hasattr(value, "_mpf_"):
        mpmath = import_mpmath()
        if not mpmath.isfinite(value):
            return float(value)
        sign, mantissa, exponent, _ = value._mpf_
        return bool(sign), int(mantissa), int(exponent)
    number = float(value)
    if not math.isfinite(number):
        return number
    fraction, exponent = math.frexp(abs(number))
    return math.copysign(1.0, number) < 0, int(math.ldexp(fraction, 53)), exponent - 53


def _round_scalar(value: Any, dtype: np.dtype[Any]) -> Any:
    fraction_bits, emin, emax = _FORMATS[dtype.name]
    parts = _decompose(value)
    if isinstance(parts, float):
        return dtype.type(parts)
    negative, mantissa, exponent = parts
    # The result is a whole number of quanta; a quantum is the ULP of the exact value.
    quantum = max(mantissa.bit_length() + exponent - 1, emin) - fraction_bits
    shift = quantum - exponent
    if shift <= 0:
        quanta = mantissa << -shift
    elif shift > mantissa.bit_length() + 1:
        quanta = 0  # less than half a quantum, and the shift itself may be too long to be carried out
    else:
        quanta, rest = mantissa >> shift, mantissa & ((1 << shift) - 1)
        half = 1 << (shift - 1)
        quanta += rest > half or (rest == half and quanta & 1)
    overflow = quanta.bit_length() + quantum - 1 > emax
    magnitude = math.inf if overflow else math.ldexp(quanta, quantum)
    return dtype.type(-magnitude if negative else magnitude)


def _round_pairs(value: DoubleDouble, dtype: np.dtype[Any]) -> Any:
    hi, lo = (np.asarray(part, dtype=np.float64) for part in value)
    with np.errstate(all="ignore"):
        finite = np.isfinite(hi) & np.isfinite(lo)
        pair = two_sum(np.where(finite, hi, 0.0), np.where(finite, lo, 0.0))
        rounded, _ = round_scaled(normalise(*pair, 0), *_FORMATS[dtype.name])
        # Every number is one of the dtype by now. (NaN and infinity are of any; a zero keeps its sign.)
        exact = np.where(finite & (pair[0] != 0), rounded, hi + lo)
        return exact.astype(np.float32).astype(dtype)[()] if dtype.name == "bfloat16" else exact.astype(dtype)[()]


def round_to(value: Any, dtype: Any) -> Any:
    """`value` correctly rounded to `dtype`: once, to nearest, ties to even, with subnormals and overflow to infinity.

    Args:
        value: an `mpmath.mpf`, a python or NumPy real number of at most 64 bits, or an array of such; or a
            `DoubleDouble`, whose sum is rounded.
        dtype: float16, bfloat16, float32 or float64 as a NumPy dtype or type, or "f16", "bf16", "f32", "f64".

    Returns:
        A NumPy scalar of that dtype; for an array, an array of its shape.

    Raises:
        TypeError: another dtype.

    >>> round_to(1 + 2**-11, "f16"), round_to(1 + 3 * 2**-11, "f16"), round_to(65520.0, "f16")
    (np.float16(1.0), np.float16(1.002), np.float16(inf))
    """
    resolved = _dtype(dtype)
    if isinstance(value, DoubleDouble):
        return _round_pairs(value, resolved)
    if isinstance(value, np.ndarray):
        result = np.empty(value.shape, dtype=resolved)
        for index in np.ndindex(*value.shape):
            result[index] = _round_scalar(value[index], resolved)
        return result
    return _round_scalar(value, resolved)


def ulp(value: Any, dtype: Any) -> Any:
    """The unit in the last place of `dtype` at `value`: 2**(max(floor(log2|value|), emin) - fraction bits).

    At 0 and in the subnormal range it is the smallest subnormal; beyond the largest finite number, infinity included,
    it is that of the largest one. A python float for a scalar, a float64 array for an array. NaN gives NaN.

    >>> ulp(1.0, "f32") == 2**-23, ulp(0.0, "f16") == 2**-24
    (True, True)
    """
    fraction_bits, emin, emax = _FORMATS[_dtype(dtype).name]
    if isinstance(value, np.ndarray) and value.dtype != object:
        numbers = value.astype(np.float64)
        exponents = np.frexp(numbers)[1].astype(np.int64) - 1
        exponents = np.where(np.isinf(numbers), emax, np.where(numbers == 0, emin, np.clip(exponents, emin, emax)))
        result = np.ldexp(1.0, exponents - fraction_bits)
        return np.where(np.isnan(numbers), np.nan, result)
    if isinstance(value, np.ndarray):
        flat = [ulp(element, dtype) for element in value.ravel()]
        return np.array(flat, dtype=np.float64).reshape(value.shape)
    parts = _decompose(value)
    if isinstance(parts, float):
        return math.nan if math.isnan(parts) else math.ldexp(1.0, emax - fraction_bits)
    _, mantissa, exponent = parts
    floor_log2 = mantissa.bit_length() + exponent - 1 if mantissa else emin
    return math.ldexp(1.0, min(max(floor_log2, emin), emax) - fraction_bits)


def _ulp_error_scalar(actual: float, truth: Any, dtype: np.dtype[Any]) -> float:
    limit = 2 ** (_FORMATS[dtype.name][2] + 1)
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
    unit = ulp(truth, dtype)
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
    resolved = _dtype(dtype)
    rest: Any = 0.0
    if isinstance(truth, DoubleDouble):
        truth, rest = truth
    elif not isinstance(actual, np.ndarray) and not isinstance(truth, np.ndarray):
        return _ulp_error_scalar(float(actual), truth, resolved)
    computed, exact = np.broadcast_arrays(np.asarray(actual).astype(np.float64), np.asarray(truth))
    result = np.empty(computed.shape, dtype=np.float64)
    if exact.dtype == object:
        for index in np.ndindex(*computed.shape):
            result[index] = _ulp_error_scalar(float(computed[index]), exact[index], resolved)
        return result
    exact = exact.astype(np.float64)
    low = np.broadcast_to(np.asarray(rest, dtype=np.float64), exact.shape)
    with np.errstate(all="ignore"):
        # Just below a power of two the unit is half of that above. (`where`: infinity minus infinity has no rest.)
        inside = np.where(low * exact < 0, np.nextafter(exact, 0.0), exact)
        result[...] = np.abs(np.where(computed == exact, 0.0, computed - exact) - low) / ulp(inside, resolved)
    for index in map(tuple, np.argwhere(~(np.isfinite(computed) & np.isfinite(exact)))):
        result[index] = _ulp_error_scalar(float(computed[index]), float(exact[index]), resolved)
    return result if result.ndim or isinstance(actual, np.ndarray) else float(result)
