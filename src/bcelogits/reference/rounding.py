"""Correct rounding to a format: once, to nearest, ties to even, with subnormals and overflow to infinity.

The casts of ml_dtypes take float64 to bfloat16 by way of float32, which rounds twice. Arrays are scaled here to whole
quanta (a quantum is the ULP of the format there), rounded to integers and scaled back: every step but one is exact.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from bcelogits._formats import FORMATS, Format, format_of
from bcelogits._typing import Array, Float64Array
from bcelogits.reference._dd import normalise, two_sum
from bcelogits.reference._dd_rounding import round_scaled
from bcelogits.reference._double_double import DoubleDouble
from bcelogits.reference._mp import import_mpmath

__all__ = ["margin", "nearest", "round_float64", "round_to", "to_dtype"]

_EXPONENT = np.int64(0x7FF << 52)
_BIAS = 1023


def nearest(value: Fraction, form: Format) -> float:
    """A rational number in a format: to nearest, ties to even."""
    if value == 0:
        return 0.0
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if (magnitude.numerator << max(-exponent, 0)) < (magnitude.denominator << max(exponent, 0)):
        exponent -= 1
    quantum = max(exponent, form.emin) - form.fraction_bits
    numerator, denominator = magnitude.numerator << max(-quantum, 0), magnitude.denominator << max(quantum, 0)
    quanta, rest = divmod(numerator, denominator)
    quanta += 2 * rest > denominator or (2 * rest == denominator and quanta & 1)
    result = math.inf if quanta.bit_length() + quantum - 1 > form.emax else math.ldexp(quanta, quantum)
    return -result if value < 0 else result


def _quantum(values: Float64Array, form: Format) -> Float64Array:
    """The ULP of a format up to float32 at each number, as if its exponent had no upper bound."""
    exponent = np.asarray(values, order="C").view(np.int64) & _EXPONENT
    np.maximum(exponent, np.int64((form.emin + _BIAS) << 52), out=exponent)
    exponent -= np.int64(form.fraction_bits << 52)
    return exponent.view(np.float64)


def to_dtype(values: Float64Array, name: str) -> Array:
    """Numbers that the format has (or infinities, NaN), in its dtype."""
    if name == "f64":
        return values
    dtype = FORMATS[name].dtype
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32).astype(dtype) if name == "bf16" else values.astype(dtype)


def _whole(values: Float64Array, form: Format) -> tuple[Float64Array, Float64Array]:
    """The numbers rounded to whole quanta, as float64, and the signed rest in quanta."""
    unit = _quantum(values, form)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        scaled = values / unit
        whole = np.rint(scaled)
        rounded = whole * unit
        top = 2.0 * 2.0**form.emax
        rounded = np.where(np.abs(rounded) >= top, np.copysign(np.inf, rounded), rounded)
        return rounded, scaled - whole


def round_float64(values: Float64Array, name: str) -> Array:
    """Float64 numbers in the format of that name: to nearest, ties to even, subnormals and infinities as IEEE 754.

    >>> round_float64(np.array([65519.99, 65520.0, 3e-8]), "f16")
    array([6.55e+04,      inf, 5.96e-08], dtype=float16)
    """
    return values if name == "f64" else to_dtype(_whole(values, FORMATS[name])[0], name)


def margin(values: Float64Array, name: str) -> tuple[Float64Array, Float64Array]:
    """The numbers rounded as `round_float64` does, in float64, and the distance of each to where that turns."""
    rounded, rest = _whole(values, FORMATS[name])
    return rounded, (0.5 - np.abs(rest)) * _quantum(values, FORMATS[name])


def _round_pairs(value: DoubleDouble, form: Format) -> Any:
    hi, lo = (np.asarray(part, dtype=np.float64) for part in value)
    with np.errstate(all="ignore"):
        finite = np.isfinite(hi) & np.isfinite(lo)
        pair = two_sum(np.where(finite, hi, 0.0), np.where(finite, lo, 0.0))
        rounded, _ = round_scaled(normalise(*pair, 0), form.fraction_bits, form.emin, form.emax)
        # Every number is one of the format by now. (NaN and infinity are of any; a zero keeps its sign.)
        return to_dtype(np.where(finite & (pair[0] != 0), rounded, hi + lo), form.name)[()]


def _round_mpf(value: Any, form: Format) -> Any:
    if not import_mpmath().isfinite(value):
        return form.dtype.type(float(value))
    sign, mantissa, exponent, _ = value._mpf_
    magnitude, top = 0.0, int(mantissa).bit_length() + exponent  # |value| is from 2**(top - 1) up to 2**top
    if top > form.emax + 2:
        magnitude = math.inf
    elif top >= form.emin - form.fraction_bits:
        magnitude = nearest(Fraction(int(mantissa)) * Fraction(2) ** exponent, form)
    return form.dtype.type(-magnitude if sign else magnitude)


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
    form = format_of(dtype)
    if isinstance(value, DoubleDouble):
        return _round_pairs(value, form)
    if hasattr(value, "_mpf_"):
        return _round_mpf(value, form)
    if isinstance(value, np.ndarray) and value.dtype == object:
        result = np.empty(value.shape, dtype=form.dtype)
        for index in np.ndindex(*value.shape):
            result[index] = round_to(value[index], form.dtype)
        return result
    numbers = np.array(value, dtype=np.float64, ndmin=1)
    return round_float64(numbers, form.name).reshape(np.shape(value))[()]
