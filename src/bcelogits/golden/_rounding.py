"""Float64 to a narrower format in one rounding, vectorised, and how near a number is to where the rounding turns.

The casts of ml_dtypes take float64 to bfloat16 by way of float32, which rounds twice. Here a number is scaled to whole
quanta (a quantum is the ULP of the format there), rounded to an integer and scaled back: every step but one is exact.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from bcelogits.golden._model import FORMATS, Array, Float64Array, Format

__all__ = ["dtype_of", "margin", "quantum", "round_float64", "to_dtype"]

_NAMES = {"f16": "float16", "f32": "float32", "f64": "float64"}
_EXPONENT = np.int64(0x7FF << 52)
_BIAS = 1023


def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a short name ("f16", "bf16", "f32", "f64").

    Raises:
        ValueError: there is no such name.
        ImportError: "bf16" without ml_dtypes.
    """
    if name == "bf16":
        try:
            bfloat16: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
        except ImportError as error:
            raise ImportError("bf16 needs ml_dtypes: pip install 'bcelogits[bf16]'") from error
        return bfloat16
    if name not in _NAMES:
        raise ValueError(f"dtype: {name!r}, expected one of {', '.join(FORMATS)}")
    return np.dtype(_NAMES[name])


def quantum(values: Float64Array, form: Format) -> Float64Array:
    """The ULP of a format up to float32 at each number, as if its exponent had no upper bound."""
    exponent = np.asarray(values, order="C").view(np.int64) & _EXPONENT
    np.maximum(exponent, np.int64((form.emin + _BIAS) << 52), out=exponent)
    exponent -= np.int64(form.fraction_bits << 52)
    return exponent.view(np.float64)


def to_dtype(values: Float64Array, name: str) -> Array:
    """Numbers that the format has (or infinities, NaN), in its dtype."""
    if name == "f64":
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32).astype(dtype_of(name)) if name == "bf16" else values.astype(dtype_of(name))


def _whole(values: Float64Array, form: Format) -> tuple[Float64Array, Float64Array]:
    """The numbers rounded to whole quanta, as float64, and the signed rest in quanta."""
    unit = quantum(values, form)
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
    return rounded, (0.5 - np.abs(rest)) * quantum(values, FORMATS[name])
