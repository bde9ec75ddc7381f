"""The three operators: phase one alone, or both phases with arrays or tensors in and out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from bcelogits import _core
from bcelogits.aclnn._device import some_device
from bcelogits.aclnn._executor import Executor
from bcelogits.aclnn._stream import Stream
from bcelogits.aclnn._tensor import Tensor

__all__ = [
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_backward_get_workspace_size",
    "binary_cross_entropy_with_logits_get_workspace_size",
    "binary_cross_entropy_with_logits_target_backward",
    "binary_cross_entropy_with_logits_target_backward_get_workspace_size",
]

Array: TypeAlias = npt.NDArray[Any]
ArrayOrTensor = TypeVar("ArrayOrTensor", Array, Tensor)
MaybeTensor: TypeAlias = Tensor | None

LOSS = "aclnnBinaryCrossEntropyWithLogits"
BACKWARD = "aclnnBinaryCrossEntropyWithLogitsBackward"
TARGET_BACKWARD = "aclnnBinaryCrossEntropyWithLogitsTargetBackward"


def _number(reduction: str | int) -> int:
    # A number goes as it is to the library in use, which says what it allows.
    return _core.reduction_of(reduction) if isinstance(reduction, str) else reduction


def _as_tensor(operand: Any, rank: int) -> MaybeTensor:
    if operand is None or isinstance(operand, Tensor):
        return operand
    if type(operand) in (int, float):
        # One element; the documents of the operators have no tensors without dimensions.
        operand = np.full((1,) * min(rank, 1), operand, np.float32)
    return Tensor(operand)


def _launch(operator: str, operands: Sequence[Any], reduction: int, out: Any, stream: Stream | None) -> Tensor:
    """Both phases on the device; returns before the work is done."""
    rank = len(getattr(operands[-4], "shape", ()))
    inputs = [_as_tensor(operand, rank) for operand in operands]
    *_, logits, targets, _, _ = inputs
    if out is None and logits is not None and targets is not None:
        reduced = operator == LOSS and reduction != 0
        out = Tensor.empty((1,) if reduced else logits.shape, (logits if operator == BACKWARD else targets).dtype)
    with Executor(operator, inputs, reduction, out) as executor:
        executor.launch(stream)
    result: Tensor = out
    return result


def _run(operator: str, operands: Sequence[Any], reduction: str | int, out: Any, stream: Stream | None) -> Any:
    logits = operands[-4]
    number = _number(reduction)
    if out is not None and isinstance(out, Tensor) != isinstance(logits, Tensor):
        raise TypeError(f"out: a {type(out).__name__}, expected the kind of logits, a {type(logits).__name__}")
    if isinstance(logits, Tensor):
        return _launch(operator, operands, number, out, stream)
    with some_device(), ExitStack() as stack:
        tensors = [_as_tensor(operand, np.ndim(logits)) for operand in operands]
        for tensor in tensors:
            if tensor is not None:
                stack.enter_context(tensor)
        to = None if out is None else stack.enter_context(Tensor.empty_like(out))
        with _launch(operator, tensors, number, to, stream) as result:
            host = result.numpy()
    if out is not None:
        out[...] = host
        return out
    return host[0] if operator == LOSS and number != 0 else host


def binary_cross_entropy_with_logits_get_workspace_size(
    logits: MaybeTensor,
    targets: MaybeTensor,
    weight: MaybeTensor = None,
    *,
    pos_weight: MaybeTensor = None,
    reduction: str | int = "mean",
    out: MaybeTensor,
) -> Executor:
    """Phase one of :func:`binary_cross_entropy_with_logits`: all checks, and an executor for phase two."""
    return Executor(LOSS, (logits, targets, weight, pos_weight), _number(reduction), out)


def binary_cross_entropy_with_logits_backward_get_workspace_size(
    grad_output: MaybeTensor,
    logits: MaybeTensor,
    targets: MaybeTensor,
    weight: MaybeTensor = None,
    *,
    pos_weight: MaybeTensor = None,
    reduction: str | int = "mean",
    out: MaybeTensor,
) -> Executor:
    """Phase one of :func:`binary_cross_entropy_with_logits_backward`."""
    return Executor(BACKWARD, (grad_output, logits, targets, weight, pos_weight), _number(reduction), out)


def binary_cross_entropy_with_logits_target_backward_get_workspace_size(
    grad_output: MaybeTensor,
    logits: MaybeTensor,
    targets: MaybeTensor,
    weight: MaybeTensor = None,
    *,
    pos_weight: MaybeTensor = None,
    reduction: str | int = "mean",
    out: MaybeTensor,
) -> Executor:
    """Phase one of :func:`binary_cross_entropy_with_logits_target_backward`."""
    return Executor(TARGET_BACKWARD, (grad_output, logits, targets, weight, pos_weight), _number(reduction), out)


def binary_cross_entropy_with_logits(
    logits: ArrayOrTensor,
    targets: ArrayOrTensor,
    weight: ArrayOrTensor | float | None = None,
    *,
    pos_weight: ArrayOrTensor | float | None = None,
    reduction: str | int = "mean",
    out: ArrayOrTensor | None = None,
    stream: Stream | None = None,
) -> Any:
    """``aclnnBinaryCrossEntropyWithLogits``, both phases.

    Args:
        logits, targets, weight, pos_weight: NumPy arrays, or tensors on the device; a weight may also be a number,
            which is taken as float32. What the installation in use allows is said by its library alone.
        reduction: ``"none"`` (0), ``"mean"`` (1) or ``"sum"`` (2).
        out: array or tensor to write to.
        stream: stream to work on; None is the default stream.

    Returns:
        With arrays: an array, or a NumPy scalar for ``"mean"`` and ``"sum"``, when the work is done. With tensors: a
        tensor, of shape (1,) for ``"mean"`` and ``"sum"``, while the work may still be queued on the stream. A new
        result has the dtype of the targets.

    Without a :class:`Device` in use, arrays go to device 0, which is set up for this call only: open a ``Device`` for
    more than a call or two.

    Raises:
        AclError: the library refuses the call, or fails.
        ValueError: the reduction is none of these words.
        TypeError: a dtype has no ACL data type.

    Example:
        >>> import numpy as np
        >>> from bcelogits import aclnn
        >>> logits, targets = np.float32([-20, 0, 3]), np.float32([0, 1, 1])
        >>> aclnn.binary_cross_entropy_with_logits(logits, targets)
        np.float32(0.24724485)
        >>> with aclnn.Device(), aclnn.Tensor(logits) as x, aclnn.Tensor(targets) as t:
        ...     aclnn.binary_cross_entropy_with_logits(x, t, reduction="none").numpy()
        array([2.0611537e-09, 6.9314718e-01, 4.8587352e-02], dtype=float32)
        >>> aclnn.binary_cross_entropy_with_logits(logits, targets[:2])
        Traceback (most recent call last):
        ...
        bcelogits.aclnn._library.AclError: aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize returned 161002 ...
    """
    return _run(LOSS, (logits, targets, weight, pos_weight), reduction, out, stream)


def binary_cross_entropy_with_logits_backward(
    grad_output: ArrayOrTensor | float,
    logits: ArrayOrTensor,
    targets: ArrayOrTensor,
    weight: ArrayOrTensor | float | None = None,
    *,
    pos_weight: ArrayOrTensor | float | None = None,
    reduction: str | int = "mean",
    out: ArrayOrTensor | None = None,
    stream: Stream | None = None,
) -> ArrayOrTensor:
    """``aclnnBinaryCrossEntropyWithLogitsBackward``, both phases: the gradient with respect to the logits.

    Args:
        grad_output: array, tensor or number that broadcasts to the shape of ``logits``.
        logits, targets, weight, pos_weight, reduction, out, stream: as in :func:`binary_cross_entropy_with_logits`.

    Returns:
        An array when the work is done, or a tensor while it may still be queued; a new one has the dtype of the
        logits.

    Raises:
        AclError: the library refuses the call, or fails.

    Example:
        >>> import numpy as np
        >>> from bcelogits import aclnn
        >>> x, t = np.float32([20, 0]), np.float32([1, 0])
        >>> aclnn.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="sum")
        array([-2.0611537e-09,  5.0000000e-01], dtype=float32)
    """
    operands = (grad_output, logits, targets, weight, pos_weight)
    result: ArrayOrTensor = _run(BACKWARD, operands, reduction, out, stream)
    return result


def binary_cross_entropy_with_logits_target_backward(
    grad_output: ArrayOrTensor | float,
    logits: ArrayOrTensor,
    targets: ArrayOrTensor,
    weight: ArrayOrTensor | float | None = None,
    *,
    pos_weight: ArrayOrTensor | float | None = None,
    reduction: str | int = "mean",
    out: ArrayOrTensor | None = None,
    stream: Stream | None = None,
) -> ArrayOrTensor:
    """``aclnnBinaryCrossEntropyWithLogitsTargetBackward``, both phases: the gradient with respect to the targets.

    Args:
        grad_output: array, tensor or number that broadcasts to the shape of ``logits``.
        logits, targets, weight, pos_weight, reduction, out, stream: as in :func:`binary_cross_entropy_with_logits`.

    Returns:
        An array when the work is done, or a tensor while it may still be queued; a new one has the dtype of the
        targets.

    Raises:
        AclError: the library refuses the call, or fails.

    Example:
        >>> import numpy as np
        >>> from bcelogits import aclnn
        >>> x = np.float32([1, -2])
        >>> aclnn.binary_cross_entropy_with_logits_target_backward(1.0, x, np.zeros_like(x), reduction="sum")
        array([-1.,  2.], dtype=float32)
    """
    operands = (grad_output, logits, targets, weight, pos_weight)
    result: ArrayOrTensor = _run(TARGET_BACKWARD, operands, reduction, out, stream)
    return result
