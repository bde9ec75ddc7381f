"""The NumPy front-end: signatures and documentation. Checks and arithmetic are the native engine's."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict, overload

import numpy as np
import numpy.typing as npt

from bcelogits import _core
from bcelogits._accumulator import ExactSum, LossAccumulator
from bcelogits._core import get_num_threads, set_num_threads

Array: TypeAlias = npt.NDArray[Any]
Scalar: TypeAlias = np.floating[Any]  # of bfloat16, which NumPy has no class for, ml_dtypes'
Elementwise: TypeAlias = Literal["none", 0]
Reduced: TypeAlias = Literal["mean", "sum", 1, 2]
Reduction: TypeAlias = Elementwise | Reduced

__all__ = [
    "ExactSum",
    "LossAccumulator",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_target_backward",
    "get_num_threads",
    "info",
    "set_num_threads",
    "value_and_grad",
]


@overload
def binary_cross_entropy_with_logits(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Elementwise,
    out: Array | None = None,
) -> Array: ...
@overload
def binary_cross_entropy_with_logits(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduced = "mean",
    out: None = None,
) -> Scalar: ...
@overload
def binary_cross_entropy_with_logits(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduction = "mean",
    out: Array,
) -> Array: ...
def binary_cross_entropy_with_logits(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Array | Scalar:
    r"""Binary cross-entropy between targets and the sigmoid of logits.

    .. math:: \ell = w \, [(1 - t)\, \mathrm{softplus}(x) + p \, t \, \mathrm{softplus}(-x)]

    with :math:`\mathrm{softplus}(z) = \max(z, 0) + \log(1 + e^{-|z|})`.  It equals the documented
    :math:`-w\,[p\,t \log\sigma(x) + (1 - t)\log(1 - \sigma(x))]` of ``aclnnBinaryCrossEntropyWithLogits``
    (https://www.hiascend.com/document, "aclnnBinaryCrossEntropyWithLogits") without its cancellation.

    Args:
        logits: array of any shape and strides; float32, float16, bfloat16 (``ml_dtypes``) or float64.
        targets: array of the shape of ``logits``; any of these dtypes. Values outside [0, 1] follow the formula.
        weight: array that broadcasts to the shape of ``targets``, or a number. None is 1.
        pos_weight: weight of the positive term; like ``weight``.
        reduction: ``"none"`` (0), ``"mean"`` (1, over the number of elements) or ``"sum"`` (2).
        out: array to write to: of the shape of ``logits`` for ``"none"`` (it may be ``logits`` itself), else of
            shape ``()`` or ``(1,)``.

    Returns:
        ``out`` if given; else an array of the shape of ``logits`` for ``"none"`` and a NumPy scalar otherwise, of the
        promoted dtype of logits and targets (float16 with bfloat16: float32). The mean of no elements is NaN.

    Each operand is read in its own dtype, without a copy. Arithmetic is in float32 (float64 if an operand other than a
    Python number is float64), and the result is rounded once. Accuracy: at most 1 ULP for targets 0 and 1 without
    weights, and at most 2 ULP else. Reductions add the elementwise losses exactly and round once: the bits depend on
    neither memory layout, threads nor processor. Infinite logits give the limit (0 or inf); zero times infinity is 0;
    a NaN in any operand gives NaN.

    Raises:
        TypeError: an operand is no array, or its dtype or byte order is not supported.
        ValueError: shapes do not fit, the reduction is unknown, or ``out`` is read-only or overlaps an input.

    Example:
        >>> import numpy as np
        >>> from bcelogits import binary_cross_entropy_with_logits
        >>> logits, targets = np.float32([-20, 0, 3]), np.float32([0, 1, 1])
        >>> binary_cross_entropy_with_logits(logits, targets, reduction="none")
        array([2.0611537e-09, 6.9314718e-01, 4.8587352e-02], dtype=float32)
        >>> binary_cross_entropy_with_logits(logits, targets)
        np.float32(0.24724485)
        >>> binary_cross_entropy_with_logits(logits, targets, pos_weight=3.0, reduction="sum")
        np.float32(2.2252035)
    """
    return _core.loss(logits, targets, weight, pos_weight, reduction, out)


def binary_cross_entropy_with_logits_backward(
    grad_output: Array | float,
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Array:
    r"""Gradient of the loss with respect to logits, times ``grad_output``.

    .. math:: g \, w \, [(1 - t)\, \sigma(x) - p \, t \, \sigma(-x)] \;/\; N \text{ for the mean}

    A difference of two terms that are both accurate, never :math:`\sigma(x) - t`, so that the gradient of a confident
    and right prediction does not vanish (the documented form of ``aclnnBinaryCrossEntropyWithLogitsBackward`` loses it
    from x = 16.6 in float32).

    Args:
        grad_output: array that broadcasts to the shape of ``logits``, or a number (of a mean or a sum it
            usually is one number).
        logits, targets, weight, pos_weight, reduction: as in :func:`binary_cross_entropy_with_logits`.
        out: array of the shape of ``logits`` to write to; it may be ``logits`` itself.

    Returns:
        ``out`` if given, else an array of the shape of ``logits`` and of the promoted dtype of logits and targets.

    Accuracy: at most 1 ULP for targets 0 and 1 without weights and scaling, at most 2 ULP else (away from the
    gradient's own root, where the bound is relative to the larger of its two terms).

    Raises:
        TypeError: an operand is no array, or its dtype or byte order is not supported.
        ValueError: shapes do not fit, the reduction is unknown, or ``out`` is read-only or overlaps an input.

    Example:
        >>> import numpy as np
        >>> from bcelogits import binary_cross_entropy_with_logits_backward
        >>> binary_cross_entropy_with_logits_backward(1.0, np.float32([20, 0]), np.float32([1, 0]), reduction="sum")
        array([-2.0611537e-09,  5.0000000e-01], dtype=float32)
    """
    return _core.backward(grad_output, logits, targets, weight, pos_weight, reduction, out)


def binary_cross_entropy_with_logits_target_backward(
    grad_output: Array | float,
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduction = "mean",
    out: Array | None = None,
) -> Array:
    r"""Gradient of the loss with respect to targets, times ``grad_output``.

    .. math:: g \, w \, [p \, \mathrm{softplus}(-x) - \mathrm{softplus}(x)] \;/\; N \text{ for the mean}

    which is exactly :math:`-g\,w\,x` without ``pos_weight``. The values of ``targets`` play no part, only its shape
    and dtype.

    Args:
        grad_output: array that broadcasts to the shape of ``logits``, or a number (of a mean or a sum it
            usually is one number).
        logits, targets, weight, pos_weight, reduction: as in :func:`binary_cross_entropy_with_logits`.
        out: array of the shape of ``logits`` to write to; it may be ``logits`` itself.

    Returns:
        ``out`` if given, else an array of the shape of ``logits`` and of the promoted dtype of logits and targets.

    Raises:
        TypeError: an operand is no array, or its dtype or byte order is not supported.
        ValueError: shapes do not fit, the reduction is unknown, or ``out`` is read-only or overlaps an input.

    Example:
        >>> import numpy as np
        >>> from bcelogits import binary_cross_entropy_with_logits_target_backward
        >>> x = np.float32([1, -2])
        >>> binary_cross_entropy_with_logits_target_backward(1.0, x, np.zeros_like(x), reduction="sum")
        array([-1.,  2.], dtype=float32)
    """
    return _core.target_backward(grad_output, logits, targets, weight, pos_weight, reduction, out)


@overload
def value_and_grad(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Elementwise,
    grad_out: Array | None = None,
) -> tuple[Array, Array]: ...
@overload
def value_and_grad(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduced = "mean",
    grad_out: Array | None = None,
) -> tuple[Scalar, Array]: ...
def value_and_grad(
    logits: Array,
    targets: Array,
    weight: Array | float | None = None,
    *,
    pos_weight: Array | float | None = None,
    reduction: Reduction = "mean",
    grad_out: Array | None = None,
) -> tuple[Array | Scalar, Array]:
    """Loss, and its gradient with respect to logits, in one pass over memory.

    Args:
        logits, targets, weight, pos_weight, reduction: as in :func:`binary_cross_entropy_with_logits`.
        grad_out: array of the shape of ``logits`` for the gradient; it may be ``logits`` itself.

    Returns:
        ``(loss, gradient)``: what :func:`binary_cross_entropy_with_logits` and
        :func:`binary_cross_entropy_with_logits_backward` (with ``grad_output=1``) return, bit for bit.

    Raises:
        TypeError: an operand is no array, or its dtype or byte order is not supported.
        ValueError: shapes do not fit, the reduction is unknown, or ``grad_out`` is read-only or overlaps an input.

    Example:
        >>> import numpy as np
        >>> from bcelogits import value_and_grad
        >>> value_and_grad(np.float32([0.0, 2.0]), np.float32([1.0, 1.0]))
        (np.float32(0.4100376), array([-0.25      , -0.05960146], dtype=float32))
    """
    return _core.value_and_grad(logits, targets, weight, pos_weight, reduction, grad_out)


class Info(TypedDict):
    """What :func:`info` returns."""

    version: str
    isa: str
    isas: list[str]
    threads: int


def info() -> Info:
    """Version, instruction set in use, instruction sets that this build has for this processor, and threads.

    The environment variable ``BCELOGITS_MAX_ISA`` caps the instruction set at import, ``BCELOGITS_NUM_THREADS`` gives
    the number of threads.

    Example:
        >>> from bcelogits import info
        >>> sorted(info())
        ['isa', 'isas', 'threads', 'version']
    """
    return {
        "version": _core.version(),
        "isa": _core.isa(),
        "isas": _core.isas().split(","),
        "threads": get_num_threads(),
    }
