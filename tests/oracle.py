"""The truth for tests: bounds of the accuracy contract, exact sums and exact rounding.

Elementwise truth comes from `bcelogits.reference` (mpmath), sums from integers of any length; nothing here is taken
from the native engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt

from bcelogits import reference

Array: TypeAlias = npt.NDArray[Any]

LOSS = "binary_cross_entropy_with_logits"
BACKWARD = "binary_cross_entropy_with_logits_backward"
TARGET_BACKWARD = "binary_cross_entropy_with_logits_target_backward"
VALUE_AND_GRAD = "value_and_grad"
OPS = (LOSS, BACKWARD, TARGET_BACKWARD, VALUE_AND_GRAD)
OPERANDS = ("grad_output", "logits", "targets", "weight", "pos_weight")

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float64": np.dtype(np.float64),
}
# The names of suites, options and reports.
LONG = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64"}
# Explicit bits of the fraction, least normal exponent. The tests' own copy, the only one.
FORMATS = {"float32": (23, -126), "float16": (10, -14), "bfloat16": (7, -126), "float64": (52, -1022)}


def bits(value: Any) -> bytes:
    """The bytes of an array or scalar, in C order: what "the same bits" means."""
    return np.ascontiguousarray(value).tobytes()


def is_python_number(value: object) -> bool:
    return type(value) in (int, float)


def promoted(logits: np.dtype[Any], targets: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a new result, as the specification words it."""
    if logits == targets:
        return logits
    return DTYPES["float64" if "float64" in (logits.name, targets.name) else "float32"]


def compute_dtype(kwargs: dict[str, Any]) -> np.dtype[Any]:
    """Float64 if an operand (Python numbers aside) is float64, else float32."""
    operands = [kwargs.get(name) for name in OPERANDS]
    wide = any(v is not None and not is_python_number(v) and np.asarray(v).dtype == np.float64 for v in operands)
    return DTYPES["float64" if wide else "float32"]


# ---- exact arithmetic ------------------------------------------------------------------------------------------


def exact_sum(values: Iterable[Any]) -> Fraction:
    """The sum of finite floating-point numbers of at most 64 bits, in integers of any length."""
    mantissa, exponent = np.frexp(np.asarray(values).astype(np.float64).ravel())
    integers = np.ldexp(mantissa, 53).astype(np.int64).tolist()
    least = 1074 + 53
    total = sum(m << (e - 53 + least) for m, e in zip(integers, exponent.tolist(), strict=True))
    return Fraction(total, 1 << least)


def round_exactly(value: Fraction, dtype: np.dtype[Any]) -> Any:
    """A rational number in `dtype`: rounded once, to nearest, ties to even."""
    fraction_bits, emin = FORMATS[dtype.name]
    if value == 0:
        return dtype.type(0.0)
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if Fraction(2) ** exponent > magnitude:
        exponent -= 1
    quantum = max(exponent, emin) - fraction_bits
    quanta = round(magnitude / Fraction(2) ** quantum)  # of a Fraction: to nearest, ties to even
    overflow = Fraction(quanta) * Fraction(2) ** quantum >= Fraction(2) ** (2 - emin)
    rounded = math.inf if overflow else math.ldexp(quanta, quantum)
    return dtype.type(-rounded if value < 0 else rounded)


def reduce_exactly(losses: Array, reduction: str, dtype: np.dtype[Any]) -> Any:
    """Sum or mean of elementwise losses: exact, rounded once; IEEE rules for what is not finite."""
    flat = np.asarray(losses).astype(np.float64).ravel()
    if flat.size == 0:
        return dtype.type(math.nan if reduction == "mean" else 0.0)
    if not np.isfinite(flat).all():
        with np.errstate(invalid="ignore"):
            return dtype.type(flat[~np.isfinite(flat)].sum())
    total = exact_sum(flat)
    return round_exactly(total / flat.size if reduction == "mean" else total, dtype)


# ---- the accuracy contract -------------------------------------------------------------------------------------


def _as_float64(values: Array) -> Array:
    if values.dtype != object:
        return values.astype(np.float64)
    return np.array([float(reference.round_to(v, "f64")) for v in values.ravel()]).reshape(values.shape)


def _flat(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same operands in one dimension: the oracle's own broadcasting stops at 32."""
    shape = np.shape(kwargs["logits"])
    return {k: v.ravel() if np.shape(v) == shape else v for k, v in kwargs.items()}


def truth(op: str, kwargs: dict[str, Any]) -> tuple[Array, Array]:
    """The elementwise loss or gradient, and the larger of the two terms whose sum or difference it is.

    `VALUE_AND_GRAD` stands for its loss. The truth is of dtype object (`mpf`), or float64 for many elements of a
    narrower dtype.
    """
    x, t = (np.asarray(kwargs[name]) for name in ("logits", "targets"))
    wide = compute_dtype(kwargs) == np.float64
    if wide:  # a python number is read as float64 as soon as one operand is: here it always is
        x = x.astype(np.float64)
    mode = kwargs.get("reduction", "mean")
    precision = "mp" if wide or x.size <= 100 else "f64"
    function = getattr(reference, LOSS if op == VALUE_AND_GRAD else op)
    upstream: tuple[Any, ...] = ()
    if op in (BACKWARD, TARGET_BACKWARD):
        given = kwargs.get("grad_output")
        upstream = (1.0 if given is None else given,)
    else:
        mode = "none"

    def call(function: Any, targets: Array, *operands: Any, mode: Any = mode, **more: Any) -> Array:
        return np.asarray(function(*operands, x, targets, **more, reduction=mode, precision=precision))

    zero, one = np.zeros(t.shape, x.dtype), np.ones(t.shape, x.dtype)
    weights = {"weight": kwargs.get("weight"), "pos_weight": kwargs.get("pos_weight")}
    # The values of targets play no part in the gradient with respect to them.
    value = call(function, zero if op == TARGET_BACKWARD else t, *upstream, **weights)
    if x.size == 0:
        return value, np.zeros(x.shape)
    t64, w64, p64, g64 = (
        np.broadcast_to(np.asarray(1.0 if v is None else v).astype(np.float64), t.shape)
        for v in (t, weights["weight"], weights["pos_weight"], upstream[0] if upstream else None)
    )
    with np.errstate(all="ignore"):
        if op == TARGET_BACKWARD:  # w * g / N * [p * sp(-x) - sp(x)]
            scale = w64 * g64 / (t.size if mode in ("mean", 1) else 1)
            softplus = getattr(reference, LOSS)
            first = p64 * scale * _as_float64(call(softplus, one, mode="none"))
            second = scale * _as_float64(call(softplus, zero, mode="none"))
            if weights["pos_weight"] is None:  # the difference is -x itself
                first = second = _as_float64(value)
        else:  # with targets 0 and 1, one of the two terms is left over
            first = (1 - t64) * w64 * _as_float64(call(function, zero, *upstream))
            second = t64 * p64 * w64 * _as_float64(call(function, one, *upstream))
        larger = np.fmax(np.abs(first), np.abs(second))
    return value, np.where(np.isfinite(larger), larger, 0.0)


def bound_in_ulp(kwargs: dict[str, Any], result: np.dtype[Any]) -> tuple[float, np.dtype[Any]]:
    """How many ULP of which dtype an elementwise result may be off.

    The arithmetic may be 2 ULP off (1 for targets 0 and 1 without weights); rounding to a narrower dtype adds half an
    ULP of that one.
    """
    compute = compute_dtype(kwargs)
    plain = all(kwargs.get(name) is None for name in ("weight", "pos_weight", "grad_output"))
    hard = bool(np.isin(np.asarray(kwargs["targets"]).astype(np.float64), (0.0, 1.0)).all())
    arithmetic = 1.0 if plain and hard and compute == np.float32 else 2.0
    lost = FORMATS[compute.name][0] - FORMATS[result.name][0]
    return (arithmetic, compute) if lost <= 0 else (0.5 + arithmetic * 2.0**-lost, result)


def assert_within_contract(op: str, kwargs: dict[str, Any], actual: Any) -> None:
    """Elementwise results (`kwargs` are the operands as they were before the call)."""
    actual = np.asarray(actual)
    assert actual.shape == np.shape(kwargs["logits"])
    if actual.ndim > 32:
        kwargs, actual = _flat(kwargs), actual.ravel()
    value, larger = truth(op, kwargs)
    assert actual.shape == value.shape
    bound, unit_dtype = bound_in_ulp(kwargs, actual.dtype)
    errors = np.asarray(reference.ulp_error(actual, value, unit_dtype), dtype=np.float64).reshape(value.shape)
    # Near a root of the difference the bound is relative to the larger term.
    widened = np.asarray(reference.ulp(larger, unit_dtype)) / np.asarray(reference.ulp(value, unit_dtype))
    allowed = bound * np.fmax(1.0, widened).reshape(value.shape)
    bad = np.argwhere(~(errors <= allowed))
    assert bad.size == 0, "\n".join(
        f"{tuple(i.tolist())}: {actual[tuple(i)]!r}, truth {value[tuple(i)]}, error {errors[tuple(i)]} ULP"
        f" of {unit_dtype}, allowed {allowed[tuple(i)]}"
        for i in bad[:5]
    )
