"""What golden data are made of: the description of a case, its operands, and the truth of a run of elements."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "FORMATS",
    "Array",
    "Case",
    "Flag",
    "Float64Array",
    "Format",
    "Op",
    "Operands",
    "Shape",
    "Special",
    "Truth",
]

Array: TypeAlias = npt.NDArray[Any]
Float64Array: TypeAlias = npt.NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Format:
    """A floating-point format: bits of fraction, exponents of the smallest and of the largest normal number."""

    name: str  # "f16", "bf16", "f32" or "f64"
    fraction_bits: int
    emin: int
    emax: int

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


FORMATS = {
    "f16": Format("f16", 10, -14, 15),
    "bf16": Format("bf16", 7, -126, 127),
    "f32": Format("f32", 23, -126, 127),
    "f64": Format("f64", 52, -1022, 1023),
}


class Op(StrEnum):
    """The three operators, by the names that suites and options use."""

    LOSS = "loss"
    BACKWARD = "backward"
    TARGET_BACKWARD = "target_backward"

    @property
    def function(self) -> str:
        """The name of the Python function."""
        base = "binary_cross_entropy_with_logits"
        return base if self is Op.LOSS else f"{base}_{self.value}"

    @property
    def aclnn(self) -> str:
        """The name that CANN documents."""
        tail = {Op.LOSS: "", Op.BACKWARD: "Backward", Op.TARGET_BACKWARD: "TargetBackward"}[self]
        return f"aclnnBinaryCrossEntropyWithLogits{tail}"


class Special(StrEnum):
    """What the truth is at infinite operands (precision.md 5.4).

    `LIMIT`: the limit; 0 times infinity is 0. `TORCH`: what IEEE arithmetic makes of the two-term form that PyTorch and
    CANN document, wherever an operand is not finite: NaN at a matching infinite logit.
    """

    LIMIT = "limit"
    TORCH = "torch"


class Flag(IntFlag):
    """What a golden element is, as bits of a uint8."""

    OVERFLOW = 1  # finite truth, infinite when rounded to the dtype
    SUBNORMAL = 2  # the rounded value is subnormal
    ZERO = 4  # the truth is not 0, but rounds to 0
    SPECIAL = 8  # an operand or the truth is infinite or NaN
    CHOICE = 16  # Special.LIMIT and Special.TORCH differ here
    OUTSIDE = 32  # a target outside [0, 1], or a negative weight or pos_weight


@dataclass(frozen=True)
class Operands:
    """The operands of a call as arrays: each of its own dtype, shape (those of weights broadcast) and strides."""

    logits: Array
    targets: Array
    weight: Array | None = None
    pos_weight: Array | None = None
    grad_output: Array | None = None  # None for the loss

    def items(self) -> Mapping[str, Array]:
        """The operands that there are, by name."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Case:
    """One call of one operator, described well enough that anybody makes the same bytes of it.

    `dtypes` has the operands that differ from `dtype` ("weight": "f32"); "out" is the output's. A weight is given as
    its shape, None if there is none.
    """

    name: str
    op: Op
    dtype: str  # "f32", "f16", "bf16" or "f64"
    shape: Shape
    reduction: str = "none"
    family: str = "uniform"
    seed: int = 0
    weight: Shape | None = None
    pos_weight: Shape | None = None
    grad_output: Shape | None = None  # None for the loss; for a gradient () where not said
    dtypes: Mapping[str, str] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)  # operand -> name of a stride pattern
    options: Mapping[str, Any] = field(default_factory=dict)  # of the family

    def dtype_of(self, operand: str) -> str:
        """The short name of the dtype of an operand or of "out"."""
        return self.dtypes.get(operand, self.dtype)

    @property
    def elements(self) -> int:
        """How many elements the logits have."""
        return math.prod(self.shape)

    @property
    def out_shape(self) -> Shape:
        """The output's shape: () where it is reduced."""
        return () if self.op is Op.LOSS and self.reduction != "none" else self.shape


@dataclass(frozen=True)
class Truth:
    """The truth of a run of elements in C order; all arrays have one dimension and one length.

    `value` is not rounded to the output's dtype: it is the float64 nearest to the truth, give or take a few ULP of
    float64 (exact to `value + low` within 2**-100 where the output is float64; `low` is 0 else). `scale` is the
    larger of the two terms whose difference a gradient is, times its factors: errors near a gradient's root are
    relative to it. For the loss it is |value|.
    """

    value: Float64Array
    low: Float64Array
    scale: Float64Array
    rounded: Array  # of the output's dtype: rounded once, to nearest, ties to even
    flags: npt.NDArray[np.uint8]
