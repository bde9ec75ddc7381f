"""The floating-point formats of the operator in one table: their names, their numbers, their NumPy dtypes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bcelogits._typing import Float64Array

__all__ = ["FORMATS", "Format", "format_of"]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: bits of fraction, exponents of the smallest and of the largest normal number.

    >>> FORMATS["f16"].max_finite, FORMATS["f16"].dtype.name
    (65504.0, 'float16')
    """

    name: str  # of options, suites, manifests and reports; in capital letters that of safetensors
    dtype_name: str  # NumPy's, PyTorch's and JAX's
    fraction_bits: int
    emin: int
    emax: int

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype. Only bfloat16 needs more than NumPy: an ImportError says what to install."""
        if self.dtype_name != "bfloat16":
            return np.dtype(self.dtype_name)
        try:
            bfloat16: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
        except ImportError as error:
            raise ImportError("bfloat16 needs ml_dtypes: pip install 'bcelogits[bf16]'") from error
        return bfloat16

    @cached_property
    def bits(self) -> np.dtype[Any]:
        """The unsigned integer dtype of the same size."""
        return np.dtype(f"u{self.dtype.itemsize}")

    @property
    def max_finite(self) -> float:
        """The largest finite number."""
        return float((2.0 - 2.0**-self.fraction_bits) * 2.0**self.emax)

    @property
    def min_normal(self) -> float:
        """The smallest normal number."""
        return float(2.0**self.emin)

    @property
    def min_subnormal(self) -> float:
        """The smallest number above 0."""
        return float(np.ldexp(1.0, self.emin - self.fraction_bits))

    def ulp(self, value: Float64Array) -> Float64Array:
        """2**(max(floor(log2|v|), emin) - fraction bits), that of the largest finite number beyond it; NaN for NaN."""
        exponent = np.frexp(np.where(np.isfinite(value), value, 0.0))[1] - 1
        exponent = np.where(value == 0, self.emin, np.clip(exponent, self.emin, self.emax))
        exponent = np.where(np.isinf(value), self.emax, exponent)
        return np.where(np.isnan(value), np.nan, np.ldexp(1.0, exponent - self.fraction_bits))

    def holds(self, other: Format) -> bool:
        """Whether it has all numbers of another format.

        >>> FORMATS["f32"].holds(FORMATS["bf16"]), FORMATS["f16"].holds(FORMATS["bf16"])
        (True, False)
        """
        wider = self.fraction_bits >= other.fraction_bits and self.emax >= other.emax
        return wider and self.min_subnormal <= other.min_subnormal


FORMATS = {
    "f16": Format("f16", "float16", 10, -14, 15),
    "bf16": Format("bf16", "bfloat16", 7, -126, 127),
    "f32": Format("f32", "float32", 23, -126, 127),
    "f64": Format("f64", "float64", 52, -1022, 1023),
}
_BY_DTYPE_NAME = {form.dtype_name: form for form in FORMATS.values()}


def format_of(dtype: Any) -> Format:
    """The format of a NumPy dtype or scalar type, or of a name, short or long.

    Raises:
        TypeError: no format of the operator.

    >>> format_of(np.float32).name, format_of("bf16").dtype_name
    ('f32', 'bfloat16')
    """
    if isinstance(dtype, str) and dtype in FORMATS:  # "f16" is a 16-byte float to NumPy
        return FORMATS[dtype]
    name = dtype if isinstance(dtype, str) and dtype in _BY_DTYPE_NAME else np.dtype(dtype).name
    if name not in _BY_DTYPE_NAME:
        raise TypeError(f"dtype: {name}, expected float16, bfloat16, float32 or float64")
    return _BY_DTYPE_NAME[name]
