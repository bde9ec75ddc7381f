"""The chunk loop: loss and gradient over mapped arrays of any size, with the bits of a single call.

Chunks are slices of the logits of at most CHUNK_BYTES, cut along the axis that is slowest in memory. The sum is kept
exactly by bcelogits.LossAccumulator, and each gradient element depends on its own operands and the total count alone;
so how the arrays are cut shows in no result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import bcelogits
from bcelogits._files.arrays import Array, Shape
from bcelogits._files.errors import InputError
from bcelogits._files.output import Output
from bcelogits._files.shapes import check_operands
from bcelogits.cli.progress import Progress

Index: TypeAlias = tuple[slice, ...]
Weight: TypeAlias = Array | float | None

CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class OutputFile:
    """A file to write: where, and the name of the array inside a .safetensors file."""

    path: Path
    name: str


@dataclass(frozen=True)
class Result:
    """What was computed: the reduced loss (None for "none"), its dtype, the count of elements."""

    loss: Any
    dtype: np.dtype[Any]
    count: int


def chunks(array: Array, limit: int) -> Iterator[Index]:
    """Indices that cut `array` into chunks of at most `limit` elements, slowest axis of its memory first.

    >>> [tuple((s.start, s.stop) for s in index) for index in chunks(np.zeros((3, 4)), 8)]
    [((0, 2), (0, 4)), ((2, 3), (0, 4))]
    """
    if array.size == 0:
        return
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    inner, cut = 1, len(order)
    while cut > 0 and inner * array.shape[order[cut - 1]] <= limit:
        cut -= 1
        inner *= array.shape[order[cut]]
    steps = list(array.shape)
    for position, axis in enumerate(order[:cut]):
        steps[axis] = max(limit // inner, 1) if position == cut - 1 else 1
    # product varies its last range fastest: hand it the axes in memory order.
    starts = product(*(range(0, array.shape[axis], steps[axis]) for axis in order))
    for start in starts:
        at = dict(zip(order, start, strict=True))
        yield tuple(slice(at[a], min(at[a] + steps[a], array.shape[a])) for a in range(array.ndim))


def part_of(weight: Weight, index: Index) -> Weight:
    """The part of a weight that belongs to a chunk of the logits; its dimensions of size 1 stay."""
    if not isinstance(weight, np.ndarray) or weight.ndim == 0:
        return weight
    trailing = index[len(index) - weight.ndim :]
    return weight[tuple(slice(None) if n == 1 else s for n, s in zip(weight.shape, trailing, strict=True))]


@contextmanager
def _operator_errors() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


def chunked_loss(
    logits: Array,
    targets: Array,
    weight: Weight,
    pos_weight: Weight,
    reduction: str,
    grad: OutputFile | None = None,
    out: OutputFile | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Result:
    """Compute the loss, and write the gradient and the loss where wanted.

    Args:
        logits: a mapped array.
        targets: another, of its shape.
        weight: an array that broadcasts to that shape, a number, or None.
        pos_weight: likewise.
        reduction: "none", "mean" or "sum".
        grad: file for the gradient of the (reduced) loss with respect to the logits.
        out: file for the loss: of the logits' shape for "none", else a single number.
        chunk_bytes: how much of the logits is taken at a time.

    Raises:
        InputError: the operands do not fit together, or a file cannot be written.
    """
    dtype = check_operands({"logits": logits, "targets": targets, "weight": weight, "pos_weight": pos_weight})
    shape, count = logits.shape, logits.size
    # The same data with at least one axis to cut.
    logits, targets = np.atleast_1d(logits), np.atleast_1d(targets)
    # Outputs in the order of the logits, so that chunks are written one after the other too.
    fortran = logits.flags.f_contiguous and not logits.flags.c_contiguous
    with ExitStack() as stack:
        outputs: list[Output] = []

        def create(option: str, target: OutputFile | None, of_shape: Shape) -> Array | None:
            if target is None:
                return None
            output = Output(option, target.path, of_shape, dtype, target.name, fortran)
            outputs.append(stack.enter_context(output))
            return output.array

        gradient = create("--grad", grad, shape)
        losses = create("--out", out, shape if reduction == "none" else ())
        per_element = np.atleast_1d(losses) if losses is not None and reduction == "none" else None
        accumulator = bcelogits.LossAccumulator()
        with _operator_errors(), Progress(count) as progress:
            for index in chunks(logits, max(chunk_bytes // max(logits.itemsize, 1), 1)):
                _chunk(
                    (logits[index], targets[index], part_of(weight, index), part_of(pos_weight, index)),
                    reduction,
                    None if gradient is None else np.atleast_1d(gradient)[index],
                    None if per_element is None else per_element[index],
                    count,
                    accumulator,
                )
                progress.advance(math.prod(s.stop - s.start for s in index))
        read = {"mean": accumulator.mean, "sum": accumulator.sum}.get(reduction)
        loss = None if read is None else read(dtype)
        if losses is not None and loss is not None:
            losses[()] = loss
        for output in outputs:
            output.commit()
    return Result(loss, dtype, count)


def _chunk(
    operands: tuple[Array, Array, Weight, Weight],
    reduction: str,
    gradient: Array | None,
    losses: Array | None,
    count: int,
    accumulator: bcelogits.LossAccumulator,
) -> None:
    logits, targets, weight, pos_weight = operands
    if reduction == "none":
        if gradient is None:
            bcelogits.binary_cross_entropy_with_logits(
                logits, targets, weight, pos_weight=pos_weight, reduction="none", out=losses
            )
            return
        values, _ = bcelogits.value_and_grad(
            logits, targets, weight, pos_weight=pos_weight, reduction="none", grad_out=gradient
        )
        if losses is not None:
            losses[...] = values
    elif gradient is None:
        accumulator.update(logits, targets, weight, pos_weight=pos_weight)
    else:
        # Divides the gradient of a mean by the total count, which the chunk cannot know.
        accumulator.add_losses_with_gradient(logits, targets, weight, pos_weight, reduction, gradient, count)
