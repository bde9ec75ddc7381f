"""The operator as the package has it: operands in, results of the chosen precision out."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from bcelogits.reference import _double_double, _f64, _mp
from bcelogits.reference._op import Op
from bcelogits.reference._operands import read_all, reduction_name

__all__ = [
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_target_backward",
    "value_and_grad",
]

# Each has evaluate(op, x, t, w, p, grad_output, count) and reduce(values, reduction).
_ENGINES: dict[str, ModuleType] = {"f64": _f64, "dd": _double_double, "mp": _mp}


def _engine(precision: str) -> ModuleType:
    if precision not in _ENGINES:
        raise ValueError(f"precision: {precision!r}, expected 'f64', 'dd' or 'mp'")
    return _ENGINES[precision]


def _gradient_of(op: Op, operands: tuple[Any, ...], reduction: str, precision: str) -> Any:
    """A gradient times grad_output, over N for the mean."""
    engine = _engine(precision)
    x, t, w, p, g = read_all(*operands)
    upstream = np.broadcast_to(g.reshape(()) if g.size == 1 else g, x.shape)
    return engine.evaluate(op, x, t, w, p, upstream, x.size if reduction == "mean" else 1)


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
        precision: "f64", "dd" or "mp".

    Returns:
        For "f64" a float64 array (none) or a `numpy.float64`: terms added without error, so the sum is rounded
        once. For "dd" a `DoubleDouble` of such: the exact sum of the terms' pairs, as one pair. For "mp" an object
        array of `mpmath.mpf` or one `mpf`: the exact sum of the terms, carried to 8192 bits. Use `round_to` to bring
        a result to a dtype; arithmetic on an `mpf` rounds to mpmath's own current precision.

    Raises:
        TypeError: an operand is complex, wider than 64 bits or not numeric.
        ValueError: shapes do not fit, or `reduction` or `precision` is unknown.

    >>> print(f"{binary_cross_entropy_with_logits([-20.0], [0.0]):.12g}")
    2.06115362031e-09
    >>> from bcelogits.reference import round_to
    >>> round_to(binary_cross_entropy_with_logits([-20.0], [0.0], precision="mp"), "f32")
    np.float32(2.0611537e-09)
    >>> binary_cross_entropy_with_logits([-20.0], [0.0], precision="dd")
    DoubleDouble(hi=np.float64(2.061153620314381e-09), lo=np.float64(-1.0113320447997456e-25))
    """
    mode = reduction_name(reduction)
    engine = _engine(precision)
    x, t, w, p, _ = read_all(logits, targets, weight, pos_weight)
    return engine.reduce(engine.evaluate(Op.LOSS, x, t, w, p), mode)


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
    mode = reduction_name(reduction)
    return _gradient_of(Op.BACKWARD, (logits, targets, weight, pos_weight, grad_output), mode, precision)


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
    mode = reduction_name(reduction)
    return _gradient_of(Op.TARGET_BACKWARD, (logits, targets, weight, pos_weight, grad_output), mode, precision)


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
