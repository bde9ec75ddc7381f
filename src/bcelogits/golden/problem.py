"""One call of an operator and its truth, a chunk of elements at a time: what golden files and verdicts share.

Memory is that of a chunk (CHUNK elements), however large the operands are; they may be mapped files of any strides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._files.shapes import check_operands
from bcelogits._formats import FORMATS, format_of
from bcelogits._typing import Array, Float64Array, Shape
from bcelogits.golden._model import Operands
from bcelogits.reference.reduced import ReducedLoss, reduce_losses
from bcelogits.reference.truth import Op, Special, Truth, elementwise

__all__ = ["CHUNK", "Problem", "flat", "short_name"]

# Elements of a chunk: some 50 MB of temporaries.
CHUNK = 1 << 18

Progress = Callable[[int], None]


def short_name(array: Array, parameter: str) -> str:
    """The short name of an array's dtype, "f32" and the like.

    Raises:
        InputError: no dtype of the operator.
    """
    try:
        return format_of(array.dtype).name
    except TypeError:
        raise InputError(f"{parameter}: dtype {array.dtype}, expected float32, float16, bfloat16 or float64") from None


def flat(array: Array, shape: Shape, start: int, stop: int) -> Array:
    """Elements start to stop, in C order, of the array as broadcast to `shape`.

    >>> flat(np.arange(3), (2, 3), 2, 5)
    array([2, 0, 1])
    """
    if array.size == 1:
        return np.broadcast_to(array.reshape(()), (stop - start,))
    if array.shape == shape and array.flags.c_contiguous:
        return array.reshape(-1)[start:stop]
    result: Array = np.broadcast_to(array, shape).flat[start:stop]
    return result


@dataclass(frozen=True)
class Problem:
    """An operator, its operands, the reduction, and the output's dtype ("f32" and the like).

    Raises:
        InputError: shapes or dtypes that the operator does not take.
    """

    op: Op
    operands: Mapping[str, Array]
    reduction: str
    dtype: str
    special: Special = Special.LIMIT

    def __post_init__(self) -> None:
        """Check what the truth cannot be computed without."""
        for name in ("logits", "targets"):
            if name not in self.operands:
                raise InputError(f"{name}: missing")
        if self.op is not Op.LOSS and "grad_output" not in self.operands:
            raise InputError(f"grad_output: missing, expected for the operator {self.op.value}")
        if self.dtype not in FORMATS:
            raise InputError(f"dtype: {self.dtype!r}, expected one of {', '.join(FORMATS)}")
        check_operands(self.operands)

    @classmethod
    def of(cls, op: Op, operands: Operands, reduction: str, dtype: str, special: Special = Special.LIMIT) -> Problem:
        """The problem of operands as a family makes them."""
        return cls(op, operands.items(), reduction, dtype, special)

    @property
    def shape(self) -> Shape:
        """The shape of the logits."""
        return self.operands["logits"].shape

    @property
    def terms(self) -> int:
        """How many elements the logits have."""
        return self.operands["logits"].size

    @property
    def is_reduced(self) -> bool:
        """Whether the output is one number for all elements."""
        return self.op is Op.LOSS and self.reduction != "none"

    @property
    def out_shape(self) -> Shape:
        """The shape of the output: () where it is reduced."""
        return () if self.is_reduced else self.shape

    @property
    def divisor(self) -> int:
        """What a mean divides each gradient by."""
        return self.terms if self.op is not Op.LOSS and self.reduction == "mean" else 1

    def chunks(self) -> Iterator[tuple[int, int]]:
        """The first element of each chunk, and the first that is beyond it."""
        for start in range(0, self.terms, CHUNK):
            yield start, min(start + CHUNK, self.terms)

    def native(self, start: int, stop: int) -> dict[str, Array]:
        """The operands of a chunk, each in its own dtype."""
        return {name: flat(array, self.shape, start, stop) for name, array in self.operands.items()}

    def inputs(self, start: int, stop: int) -> dict[str, Float64Array]:
        """The operands of a chunk, exactly, as float64."""
        return {name: values.astype(np.float64) for name, values in self.native(start, stop).items()}

    def truth(self, inputs: Mapping[str, Float64Array]) -> Truth:
        """The truth of a chunk, element by element: of the loss before any reduction."""
        return elementwise(self.op, inputs, self.dtype, count=self.divisor, special=self.special)

    @property
    def compute(self) -> str:
        """The dtype of the arithmetic, which losses are rounded to before they are added."""
        names = [short_name(array, name) for name, array in self.operands.items()]
        return "f64" if "f64" in (*names, self.dtype) else "f32"

    def reduced(self, progress: Progress | None = None) -> ReducedLoss:
        """The reduced loss. All chunks may be taken twice, where rounding is a close call."""

        def chunks() -> Iterator[Mapping[str, Float64Array]]:
            for start, stop in self.chunks():
                yield self.inputs(start, stop)
                if progress is not None:
                    progress(stop - start)

        return reduce_losses(chunks, self.dtype, self.reduction == "mean", self.special, compute=self.compute)
