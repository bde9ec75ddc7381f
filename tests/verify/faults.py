"""Planted faults: implementations that are wrong in one way each, most of them as somebody has shipped it.

Every function has the NumPy signature of its operator, for `verify backend tests/verify/faults.py:two_term`. The
correct ones at the top are the oracle's in float64, rounded once; a fault is what it changes of them.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bcelogits import reference

Array: TypeAlias = npt.NDArray[Any]

# ---- correct ---------------------------------------------------------------------------------------------------


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _wide(*operands: Any) -> tuple[Array, ...]:
    """Operands in float64; a weight that there is not is 1."""
    return tuple(np.asarray(1.0 if operand is None else operand).astype(np.float64) for operand in operands)


def _round(values: Any, dtype: np.dtype[Any]) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(values).astype(dtype)


def _reduce(losses: Array, reduction: str) -> Any:
    if reduction == "none":
        return losses
    if not np.isfinite(losses).all():
        with np.errstate(invalid="ignore"):
            return losses.sum() if reduction == "sum" else losses.mean()
    total = math.fsum(losses.ravel().tolist())
    return np.asarray(total / (losses.size if reduction == "mean" else 1))


def correct(
    logits: Array, targets: Array, weight: Any = None, *, pos_weight: Any = None, reduction: str = "mean"
) -> Array:
    loss = reference.binary_cross_entropy_with_logits
    return _round(loss(logits, targets, weight, pos_weight=pos_weight, reduction=reduction), logits.dtype)


def correct_backward(
    grad_output: Any,
    logits: Array,
    targets: Array,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    gradient = reference.binary_cross_entropy_with_logits_backward
    return _round(
        gradient(grad_output, logits, targets, weight, pos_weight=pos_weight, reduction=reduction), logits.dtype
    )


def correct_target_backward(
    grad_output: Any,
    logits: Array,
    targets: Array,
    weight: Any = None,
    *,
    pos_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    gradient = reference.binary_cross_entropy_with_logits_target_backward
    return _round(
        gradient(grad_output, logits, targets, weight, pos_weight=pos_weight, reduction=reduction), targets.dtype
    )


# ---- formulas of the loss ----------------------------------------------------------------------------------------


def two_term(
    logits: Array, targets: Array, weight: Any = None, *, pos_weight: Any = None, reduction: str = "mean"
) -> Array:
    """(1 - t) x + q (max(-x, 0) + log1p(exp(-|x|))), as CANN and PyTorch document it: pytorch#195529."""
    x, t, one = logits, targets, logits.dtype.type(1)
    q = one if pos_weight is None else (pos_weight - one) * t + one
    losses = (one - t) * x + q * (np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x))))
    losses = losses if weight is None else weight * losses
    return _round(_reduce(losses, reduction), logits.dtype)


def log_not_log1p(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """log(1 + exp(-|x|)): ONNX Runtime until PR 10576, older PyTorch."""
    x, t, one = logits, targets, logits.dtype.type(1)
    losses = np.maximum(x, 0) - x * t + np.log(one + np.exp(-np.abs(x)))
    return _round(_reduce(losses, reduction), logits.dtype)


def no_max_term(logits: Array, targets: Array, *, pos_weight: Array, reduction: str = "mean") -> Array:
    """pos_weight on the logarithm only, not on max(-x, 0): PaddlePaddle before PR 65859."""
    x, t, p = _wide(logits, targets, pos_weight)
    losses = np.maximum(x, 0) - x * t + (1 + (p - 1) * t) * np.log1p(np.exp(-np.abs(x)))
    return _round(_reduce(losses, reduction), logits.dtype)


def clipped_probability(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The loss of probabilities clipped to [1e-7, 1 - 1e-7]: keras-core#196."""
    x, t = _wide(logits, targets)
    s = np.clip(_sigmoid(x), 1e-7, 1 - 1e-7)
    return _round(_reduce(-(t * np.log(s) + (1 - t) * np.log1p(-s)), reduction), logits.dtype)


def clamped_log(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """Logarithms of float32 probabilities, not below -100: torch.nn.BCELoss of a sigmoid, pytorch#103316."""
    x, t, one = logits, targets, logits.dtype.type(1)
    with np.errstate(divide="ignore", over="ignore"):
        s = one / (one + np.exp(-x))
        losses = -(t * np.maximum(np.log(s), -100) + (one - t) * np.maximum(np.log1p(-s), -100))
    return _round(_reduce(losses, reduction), logits.dtype)


def exp_overflow(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """log1p(exp(-x)) whatever the sign of x: infinite for x < -88.7; PyTorch PR 2195."""
    x, t, one = logits, targets, logits.dtype.type(1)
    with np.errstate(over="ignore"):
        losses = (one - t) * x + np.log1p(np.exp(-x))
    return _round(_reduce(losses, reduction), logits.dtype)


def native_half(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """Right formula, every operation rounded to float16: ONNX Runtime before PR 14727."""
    x, t, one = logits, targets, logits.dtype.type(1)
    # NumPy's own float16 functions are not the same on every processor.
    e = np.exp(-np.abs(x.astype(np.float32))).astype(np.float16)
    soft = np.log1p(e.astype(np.float32)).astype(np.float16)
    losses = (one - t) * (np.maximum(x, 0) + soft) + t * (np.maximum(-x, 0) + soft)
    return _round(_reduce(losses, reduction), logits.dtype)


def nan_at_infinity(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """Right but for infinite logits, which give inf - inf: pytorch#49844."""
    losses = correct(logits, targets, reduction="none")
    losses[np.isinf(logits)] = np.nan
    return _round(_reduce(losses, reduction), logits.dtype)


# ---- formulas of the gradients -----------------------------------------------------------------------------------


def sigmoid_minus_target(grad_output: Any, logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """sigmoid(x) - t in float32: pytorch#195677."""
    one = logits.dtype.type(1)
    with np.errstate(over="ignore"):
        core = one / (one + np.exp(-logits)) - targets
    return _round(grad_output * core / (logits.size if reduction == "mean" else 1), logits.dtype)


def through_probability(grad_output: Any, logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """(s - t) / (s (1 - s) + 1e-12) times s (1 - s), the chain rule through the probability: tt-metal#55724."""
    one = logits.dtype.type(1)
    with np.errstate(over="ignore"):
        s = one / (one + np.exp(-logits))
    slope = s * (one - s)
    core = (s - targets) / (slope + np.float32(1e-12)) * slope
    return _round(grad_output * core / (logits.size if reduction == "mean" else 1), logits.dtype)


def no_slope_at_zero(grad_output: Any, logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The derivative of |x| is taken to be 0 at 0, and that of max(x, 0) too: -t there; PyTorch PR 1792."""
    gradient = correct_backward(grad_output, logits, targets, reduction="none").astype(np.float64)
    gradient = np.where(logits == 0, -grad_output * targets.astype(np.float64), gradient)
    return _round(gradient / (logits.size if reduction == "mean" else 1), logits.dtype)


def mean_gradient_of_sum(
    grad_output: Any, logits: Array, targets: Array, weight: Any = None, *, reduction: str = "mean"
) -> Array:
    """The gradient of the mean without its 1/N."""
    return correct_backward(grad_output, logits, targets, weight, reduction="sum")


def grad_output_ignored(grad_output: Any, logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    return correct_backward(1.0, logits, targets, reduction=reduction)


def target_gradient_without_pos_weight(
    grad_output: Any, logits: Array, targets: Array, *, pos_weight: Any = None, reduction: str = "mean"
) -> Array:
    """-x whatever the pos_weight."""
    return correct_target_backward(grad_output, logits, targets, reduction=reduction)


# ---- reductions --------------------------------------------------------------------------------------------------


def mean_over_batch(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The mean over the first dimension of the sums of the others."""
    total = correct(logits, targets, reduction="sum").astype(np.float64)
    return _round(total / len(logits), logits.dtype)


def mean_over_weights(logits: Array, targets: Array, weight: Array, *, reduction: str = "mean") -> Array:
    """The mean over the sum of the weights, which some losses of other kinds are divided by."""
    losses = correct(logits.astype(np.float64), targets.astype(np.float64), weight, reduction="none")
    return _round(math.fsum(losses.ravel()) / weight.astype(np.float64).sum(), logits.dtype)


def half_accumulation(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """A running float16 sum, which stops growing near 2048 times a term, as that of pytorch#24933."""
    total = np.cumsum(correct(logits, targets, reduction="none").ravel(), dtype=np.float16)[-1]
    return _round(total.astype(np.float64) / (logits.size if reduction == "mean" else 1), logits.dtype)


# ---- layout, rounding, single elements ---------------------------------------------------------------------------


def weight_along_rows(logits: Array, targets: Array, weight: Array, *, reduction: str = "mean") -> Array:
    """A weight per column taken as one per row."""
    return correct(logits, targets, weight[:, np.newaxis], reduction=reduction)


def transposed(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    return correct(logits, targets, reduction=reduction).T


def flush_to_zero(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """Subnormal results are 0."""
    losses = correct(logits, targets, reduction="none")
    losses[np.abs(losses) < np.finfo(losses.dtype).tiny] = 0
    return _round(_reduce(losses, reduction), logits.dtype)


def truncated(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The float32 result to float16 by dropping bits, not to the nearest."""
    losses = correct(logits.astype(np.float32), targets.astype(np.float32), reduction=reduction)
    near = losses.astype(np.float16)
    return np.where(np.abs(near) > np.abs(losses), np.nextafter(near, np.float16(0)), near)


_calls = 0


def race(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """Of every 97 elements one is rounded away from 0, at each call another one: two kernels race for a block."""
    global _calls
    _calls += 1
    losses = correct(logits, targets, reduction="none")
    some = losses.ravel()[_calls % 97 :: 97]
    some[...] = np.nextafter(some, some.dtype.type(np.inf))
    return _round(_reduce(losses, reduction), logits.dtype)


WRONG_ELEMENT = 7_654_318  # of the family "tail": a loss of 105.9


def one_element(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The element WRONG_ELEMENT is 0, as of a race in one block; the others are right."""
    losses = correct(logits, targets, reduction="none")
    losses.flat[WRONG_ELEMENT] = 0
    return _round(_reduce(losses, reduction), logits.dtype)


def unwritten_tail(logits: Array, targets: Array, *, reduction: str = "mean") -> Array:
    """The elements behind the last whole vector of 64 are not written."""
    losses = correct(logits, targets, reduction="none")
    losses.ravel()[losses.size // 64 * 64 :] = 0
    return _round(_reduce(losses, reduction), logits.dtype)
