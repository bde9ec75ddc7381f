"""The slow oracle: the same functions as the package, computed in float64 or to hundreds of bits with mpmath.

Nothing here is shared with the fast path: neither the native module nor its approximations. Every operand is read
exactly in its own dtype; ``precision="f64"`` evaluates cancellation-free formulas in float64 with NumPy, and
``precision="mp"`` returns objects ``mpmath.mpf`` that carry at least 200 correct bits. mpmath is imported when it is
first needed (``pip install 'bcelogits[test]'``).

With ``sp(z) = max(z, 0) + log1p(exp(-|z|))`` (softplus) and ``s(z) = 1 / (1 + exp(-z))`` (sigmoid)::

    loss     = w * [(1 - t) * sp(x) + p * t * sp(-x)]
    dloss/dx = w * [(1 - t) * s(x)  - p * t * s(-x)]
    dloss/dt = w * [p * sp(-x) - sp(x)]                     which is -w * x for p = 1, as sp(x) - sp(-x) = x

Infinite operands stand for the limit: 0 times infinity is 0. A NaN in any operand that the formula names gives NaN.

Range of ``"f64"``: an intermediate result below 2**-1074 or above 1.8e308 leaves float64 (``exp(-x)`` from x = 745 on).
With operands up to float32 that matters only where a huge weight meets such a tail; with float64 operands, and wherever
float64's own rounding would decide, use ``"mp"``: ``"f64"`` is right to a few ULP of float64, and NumPy's exponential
may differ in its last bit between machines.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_target_backward",
    "round_to",
    "ulp",
    "ulp_error",
    "value_and_grad",
]

Float64Array: TypeAlias = npt.NDArray[np.float64]
# mpmath has no type information: its numbers are Any here.
Mpf: TypeAlias = Any
Elementwise: TypeAlias = Callable[[Any, Any, Any, Any], Any]

_REDUCTIONS: dict[object, str] = {0: "none", 1: "mean", 2: "sum", "none": "none", "mean": "mean", "sum": "sum"}

# Working precision of an elementwise value, and how many of those bits a subtraction may not eat.
_BITS = 320
_KEPT_BITS = 256
# Enough for any cancellation between float64 operands (2 * 1074 bits and more); a difference that is still 0 is 0.
_MAX_BITS = 10_240
# Sums are exact for terms that differ by fewer than twice as many bits, and are rounded to this many.
_SUM_BITS = 8_192


# ---- operands --------------------------------------------------------------------------------------------------


def _is_python_number(value: object) -> bool:
    # np.float64 is a subclass of float, but it has a dtype and so is not weak.
    return isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic))


def _read(name: str, value: Any, wide: bool) -> Float64Array:
    """The operand as float64, exactly; a python number as the nearest float32 unless `wide`."""
    if _is_python_number(value):
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(float(value) if wide else np.float32(value), dtype=np.float64)
    array = np.asarray(value)
    is_bfloat16 = array.dtype.name == "bfloat16"
    if not is_bfloat16 and (array.dtype.kind not in "fiub" or array.dtype.itemsize > 8):
        raise TypeError(f"{name}: dtype {array.dtype}, expected a real dtype of at most 64 bits")
    return array.astype(np.float64)


def _read_all(
    logits: Any, targets: Any, weight: Any, pos_weight: Any, grad_output: Any = 1.0
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]:
    """x, t, w, p of one shape, and grad_output as it came."""
    named = {
        "logits": logits,
        "targets": targets,
        "weight": 1.0 if weight is None else weight,
        "pos_weight": 1.0 if pos_weight is None else pos_weight,
        "grad_output": grad_output,
    }
    wide = any(not _is_python_number(v) and np.asarray(v).dtype == np.float64 for v in named.values())
    x, t, w, p, g = (_read(name, value, wide) for name, value in named.items())
    if t.shape != x.shape:
        raise ValueError(f"targets: shape {t.shape}, expected {x.shape}, the shape of logits")
    return x, t, np.broadcast_to(w, t.shape), np.broadcast_to(p, t.shape), g


def _reduction(value: object) -> str:
    try:
        return _REDUCTIONS[value]
    except (KeyError, TypeError):
        raise ValueError(f"reduction: {value!r}, expected 'none', 'mean' or 'sum' (0, 1 or 2)") from None


# ---- float64 ---------------------------------------------------------------------------------------------------


def _times(first: Any, second: Any) -> Float64Array:
    """The product with 0 * inf = 0."""
    product = np.multiply(first, second)
    zero = (np.equal(first, 0) | np.equal(second, 0)) & ~(np.isnan(first) | np.isnan(second))
    return np.where(zero & np.isnan(product), 0.0, product)


def _softplus(z: Float64Array) -> Float64Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _sigmoid(z: Float64Array) -> Float64Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _loss_f64(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    return _times(w, _times(1.0 - t, _softplus(x)) + _times(_times(p, t), _softplus(-x)))


def _grad_f64(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    a, b = 1.0 - t, _times(p, t)
    direct = _times(a, _sigmoid(x)) - _times(b, _sigmoid(-x))
    # The same difference around x = 0, where the two sigmoids are nearly equal: (a - b)/2 + (a + b)/2 * tanh(x/2).
    centred = (a - b) / 2 + (a + b) / 2 * np.tanh(x / 2)
    return _times(w, np.where((np.abs(x) < 1) & np.isfinite(a) & np.isfinite(b), centred, direct))


def _target_grad_f64(x: Any, t: Any, w: Any, p: Any) -> Float64Array:
    direct = _times(p, _softplus(-x)) - _softplus(x)
    # For p near 1 the two softplus nearly cancel; their difference is -x exactly.
    near_one = (p >= 0.5) & (p <= 2) & np.isfinite(x)
    core = np.where(near_one, (p - 1.0) * _softplus(-x) - x, direct)
    return _times(w, np.where(p == 1, -x, core))


def _reduce_f64(values: Float64Array, reduction: str) -> Float64Array | np.float64:
    if reduction == "none":
        return values
    flat: list[float] = values.ravel().tolist()
    count = len(flat) if reduction == "mean" else 1
    if count == 0 or any(map(math.isnan, flat)):
        return np.float64(math.nan)
    infinities = {v for v in flat if math.isinf(v)}
    if infinities:
        return np.float64(infinities.pop() if len(infinities) == 1 else math.nan)
    try:
        return np.float64(math.fsum(flat) / count)
    except OverflowError:  # of the sum; the mean may still be finite
        exact = sum(map(Fraction, flat), Fraction()) / count
    try:
        return np.float64(float(exact))
    except OverflowError:
        return np.float64(math.inf if exact > 0 else -math.inf)


# ---- mpmath ----------------------------------------------------------------------------------------------------


def _mpmath() -> Any:
    try:
        return importlib.import_module("mpmath")
    except ImportError as error:
        raise ImportError("precision='mp' needs mpmath: pip install 'bcelogits[test]'") from error


def _mp_times(first: Mpf, second: Mpf) -> Mpf:
    """The product with 0 * inf = 0; `x != x` is the NaN test."""
    if first != first or second != second:
        return first if first != first else second
    return first * 0 if first == 0 else second * 0 if second == 0 else first * second


def _mp_softplus(mp: Any, z: Mpf) -> Mpf:
    if mp.isinf(z):
        return z if z > 0 else mp.zero
    return (z if z > 0 else mp.zero) + mp.log1p(mp.exp(-abs(z)))


def _mp_sigmoid(mp: Any, z: Mpf) -> Mpf:
    if mp.isinf(z):
        return mp.one if z > 0 else mp.zero
    e = mp.exp(-abs(z))
    return (mp.one if z >= 0 else e) / (1 + e)


def _mp_sum_of_two(mp: Any, terms: Callable[[], tuple[Mpf, Mpf]]) -> Mpf:
    """The sum of two terms to at least _KEPT_BITS bits, at a precision that grows with their cancellation."""
    bits = _BITS
    while True:
        with mp.workprec(bits):
            first, second = terms()
            total = first + second
            if first == 0 or second == 0 or not (mp.isfinite(first) and mp.isfinite(second)):
                return total
            if total != 0 and max(mp.mag(first), mp.mag(second)) - mp.mag(total) <= bits - _KEPT_BITS:
                return total
        if bits >= _MAX_BITS:
            return total
        bits *= 2


def _mp_times_weight(mp: Any, w: Mpf, value: Mpf) -> Mpf:
    with mp.workprec(_BITS):
        return _mp_times(w, value)


def _loss_mp(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = _mpmath().mp
    core = _mp_sum_of_two(
        mp, lambda: (_mp_times(1 - t, _mp_softplus(mp, x)), _mp_times(_mp_times(p, t), _mp_softplus(mp, -x)))
    )
    return _mp_times_weight(mp, w, core)


def _grad_mp(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = _mpmath().mp
    core = _mp_sum_of_two(
        mp, lambda: (_mp_times(1 - t, _mp_sigmoid(mp, x)), -_mp_times(_mp_times(p, t), _mp_sigmoid(mp, -x)))
    )
    return _mp_times_weight(mp, w, core)


def _target_grad_mp(x: Mpf, t: Mpf, w: Mpf, p: Mpf) -> Mpf:
    mp = _mpmath().mp
    core = -x if p == 1 else _mp_sum_of_two(mp, lambda: (_mp_times(p, _mp_softplus(mp, -x)), -_mp_softplus(mp, x)))
    return _mp_times_weight(mp, w, core)


def _reduce_mp(values: npt.NDArray[Any], reduction: str) -> Any:
    if reduction == "none":
        return values
    mp = _mpmath().mp
    if values.size == 0:
        return mp.nan if reduction == "mean" else mp.zero
    with mp.workprec(_SUM_BITS):
        total = mp.fsum(values.ravel().tolist())
        return total / values.size if reduction == "mean" else total


def _map_mp(function: Elementwise, *operands: Float64Array) -> npt.NDArray[Any]:
    mp = _mpmath().mp
    result = np.empty(operands[0].shape, dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = function(*(mp.mpf(float(operand[index])) for operand in operands))
    return result


# ---- the operator ----------------------------------------------------------------------------------------------


def _evaluate(f64: Elementwise, mp: Elementwise, operands: tuple[Float64Array, ...], precision: str) -> Any:
    if precision == "mp":
        return _map_mp(mp, *operands)
    if precision != "f64":
        raise ValueError(f"precision: {precision!r}, expected 'f64' or 'mp'")
    with np.errstate(all="ignore"):
        return np.asarray(f64(*operands), dtype=np.float64)


def _scale(gradient: Any, grad_output: Float64Array, reduction: str, precision: str) -> Any:
    """The gradient times grad_output, over N for the mean."""
    if grad_output.size == 1:
        grad_output = grad_output.reshape(())
    upstream = np.broadcast_to(grad_output, gradient.shape)
    count = gradient.size if reduction == "mean" else 1
    if precision == "f64":
        with np.errstate(all="ignore"):
            return np.asarray(_times(gradient, upstream) / count if gradient.size else gradient, dtype=np.float64)
    mp = _mpmath().mp
    result = np.empty(gradient.shape, dtype=object)
    with mp.workprec(_BITS):
        for index in np.ndindex(*gradient.shape):
            result[index] = _mp_times(gradient[index], mp.mpf(float(upstream[index]))) / count
    return result


def binary_cross_entropy_with_logits(
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str | int = "mean",
    precision: str = "f64",
) -> Any:
    """The loss.

    Args:
        logits: x, any shape; float16, bfloat16, float32, float64 or an integer dtype, read exactly.
        targets: t, the shape of `logits`.
        weight: w, broadcast to the shape of `targets`; 1 if None. A python number is read as the float32 nearest to
            it, or as float64 if any operand is float64.
        pos_weight: p, like `weight`.
        reduction: "none", "mean" or "sum" (0, 1, 2). The mean of nothing is NaN, its sum 0.
        precision: "f64" or "mp".

    Returns:
        For "f64" a float64 array (none) or a `numpy.float64`: terms added with `math.fsum`, so the sum is rounded
        once. For "mp" an object array of `mpmath.mpf` or one `mpf`: the exact sum of the terms, carried to 8192 bits.
        Use `round_to` to bring it to a dtype; arithmetic on an `mpf` rounds to mpmath's own current precision.

    Raises:
        TypeError: an operand is complex, wider than 64 bits or not numeric.
        ValueError: shapes do not fit, or `reduction` or `precision` is unknown.

    >>> print(f"{binary_cross_entropy_with_logits([-20.0], [0.0]):.12g}")
    2.06115362031e-09
    >>> round_to(binary_cross_entropy_with_logits([-20.0], [0.0], precision="mp"), "f32")
    np.float32(2.0611537e-09)
    """
    mode = _reduction(reduction)
    x, t, w, p, _ = _read_all(logits, targets, weight, pos_weight)
    values = _evaluate(_loss_f64, _loss_mp, (x, t, w, p), precision)
    return _reduce_mp(values, mode) if precision == "mp" else _reduce_f64(values, mode)


def binary_cross_entropy_with_logits_backward(
    grad_output: Any,
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str | int = "mean",
    precision: str = "f64",
) -> Any:
    """The gradient of the loss with respect to the logits, of their shape.

    `grad_output` is the gradient of the loss's own result: one number for "mean" and "sum", broadcast to the shape of
    `logits` for "none". The other arguments, the dtypes and the errors are those of `binary_cross_entropy_with_logits`.

    >>> binary_cross_entropy_with_logits_backward(1.0, [0.0, 40.0], [0.0, 1.0], reduction="sum")
    array([ 5.00000000e-01, -4.24835426e-18])
    """
    mode = _reduction(reduction)
    x, t, w, p, g = _read_all(logits, targets, weight, pos_weight, grad_output)
    return _scale(_evaluate(_grad_f64, _grad_mp, (x, t, w, p), precision), g, mode, precision)


def binary_cross_entropy_with_logits_target_backward(
    grad_output: Any,
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str | int = "mean",
    precision: str = "f64",
) -> Any:
    """The gradient of the loss with respect to the targets, of their shape; arguments as for the backward function.

    The values of `targets` play no part, not even a NaN.

    >>> binary_cross_entropy_with_logits_target_backward(1.0, [3.0, -2.0], [0.0, 1.0], reduction="sum")
    array([-3.,  2.])
    """
    mode = _reduction(reduction)
    x, t, w, p, g = _read_all(logits, targets, weight, pos_weight, grad_output)
    return _scale(_evaluate(_target_grad_f64, _target_grad_mp, (x, t, w, p), precision), g, mode, precision)


def value_and_grad(
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str | int = "mean",
    precision: str = "f64",
) -> tuple[Any, Any]:
    """The loss, and its gradient with respect to the logits (for `grad_output` = 1).

    >>> loss, gradient = value_and_grad([0.0, 0.0], [0.0, 1.0])
    >>> float(loss), gradient
    (0.6931471805599453, array([ 0.25, -0.25]))
    """
    loss = binary_cross_entropy_with_logits(
        logits, targets, weight, pos_weight=pos_weight, reduction=reduction, precision=precision
    )
    gradient = binary_cross_entropy_with_logits_backward(
        1.0, logits, targets, weight, pos_weight=pos_weight, reduction=reduction, precision=precision
    )
    return loss, gradient


# ---- rounding and ULP ------------------------------------------------------------------------------------------

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
        mpmath = _mpmath()
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


def round_to(value: Any, dtype: Any) -> Any:
    """`value` correctly rounded to `dtype`: once, to nearest, ties to even, with subnormals and overflow to infinity.

    Args:
        value: an `mpmath.mpf`, a python or NumPy real number of at most 64 bits, or an array of such.
        dtype: float16, bfloat16, float32 or float64 as a NumPy dtype or type, or "f16", "bf16", "f32", "f64".

    Returns:
        A NumPy scalar of that dtype; for an array, an array of its shape.

    Raises:
        TypeError: another dtype.

    >>> round_to(1 + 2**-11, "f16"), round_to(1 + 3 * 2**-11, "f16"), round_to(65520.0, "f16")
    (np.float16(1.0), np.float16(1.002), np.float16(inf))
    """
    resolved = _dtype(dtype)
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
    mp = _mpmath().mp
    with mp.workprec(_BITS):
        return float(abs(mp.mpf(placed) - truth) / mp.mpf(unit))


def ulp_error(actual: Any, truth: Any, dtype: Any) -> Any:
    """The error |actual - truth| / ulp(truth) of values of `dtype`; the truth is not rounded first.

    At most 0.5 means correctly rounded, less than 1 faithful. NaN for NaN and equal infinities give 0; a NaN on one
    side, or a finite value for a truth that is infinite, gives infinity. A computed infinity stands at
    2**(emax + 1), where the next number would be, so that the error is continuous across the overflow threshold; it
    is no error for a truth from there on (the convention of JAX's accuracy tables).

    Args:
        actual: the computed value or array, of `dtype`.
        truth: `mpmath.mpf` or float64, one or an object or float64 array that broadcasts against `actual`. Float64 is
            truth enough for dtypes up to float32; the difference is then taken in float64.
        dtype: as for `round_to`.

    Returns:
        A float, or a float64 array.

    >>> ulp_error(np.float32(1.0), 1 + 2**-24, "f32"), ulp_error(np.float16(0), 2**-25, "f16")
    (0.5, 0.5)
    """
    resolved = _dtype(dtype)
    if not isinstance(actual, np.ndarray) and not isinstance(truth, np.ndarray):
        return _ulp_error_scalar(float(actual), truth, resolved)
    computed, exact = np.broadcast_arrays(np.asarray(actual).astype(np.float64), np.asarray(truth))
    result = np.empty(computed.shape, dtype=np.float64)
    if exact.dtype == object:
        for index in np.ndindex(*computed.shape):
            result[index] = _ulp_error_scalar(float(computed[index]), exact[index], resolved)
        return result
    exact = exact.astype(np.float64)
    with np.errstate(all="ignore"):
        result[...] = np.abs(computed - exact) / ulp(exact, resolved)
    result[computed == exact] = 0.0
    for index in zip(*np.nonzero(~(np.isfinite(computed) & np.isfinite(exact))), strict=True):
        result[index] = _ulp_error_scalar(float(computed[index]), float(exact[index]), resolved)
    return result
