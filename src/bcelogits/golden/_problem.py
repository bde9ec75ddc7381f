"""One call of an operator and its truth, a run of elements at a time: what golden files and verdicts share.

Memory is that of a run (CHUNK elements), however large the operands are; they may be mapped files of any strides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._files.shapes import check_operands
from bcelogits.golden._model import FORMATS, Array, Float64Array, Op, Operands, Shape, Special, Truth
from bcelogits.golden._truth import Reduction, elementwise, reduce_losses

__all__ = ["CHUNK", "Problem", "flat", "short_name"]

# Elements of a run: some 50 MB of temporaries.
CHUNK = 1 << 18

Progress = Callable[[int], None]

_SHORT_NAMES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}


def short_name(array: Array, parameter: str) -> str:
    """ "f32" and the like.

    Raises:
        InputError: no dtype of the operator.
    """
    name = _SHORT_NAMES.get(array.dtype.name)
    if name is None:
        raise InputError(f"{parameter}: dtype {array.dtype}, expected float32, float16, bfloat16 or float64")
    return name


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
        """From operands as a family makes them."""
        return cls(op, operands.items(), reduction, dtype, special)

    @property
    def shape(self) -> Shape:
        """That of the logits."""
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
        """That of the output."""
        return () if self.is_reduced else self.shape

    @property
    def divisor(self) -> int:
        """What a mean divides each gradient by."""
        return self.terms if self.op is not Op.LOSS and self.reduction == "mean" else 1

    def ranges(self) -> Iterator[tuple[int, int]]:
        """The runs, as start and stop."""
        for start in range(0, self.terms, CHUNK):
            yield start, min(start + CHUNK, self.terms)

    def native(self, start: int, stop: int) -> dict[str, Array]:
        """The operands of a run, each in its own dtype."""
        return {name: flat(array, self.shape, start, stop) for name, array in self.operands.items()}

    def inputs(self, start: int, stop: int) -> dict[str, Float64Array]:
        """The operands of a run, exactly, as float64."""
        return {name: values.astype(np.float64) for name, values in self.native(start, stop).items()}

    def truth(self, inputs: Mapping[str, Float64Array]) -> Truth:
        """The truth of a run, element by element: of the loss before any reduction."""
        return elementwise(self.op, inputs, self.dtype, count=self.divisor, special=self.special)

    @property
    def compute(self) -> str:
        """The dtype of the arithmetic, which losses are rounded to before they are added."""
        names = [short_name(array, name) for name, array in self.operands.items()]
        return "f64" if "f64" in (*names, self.dtype) else "f32"

    def reduced(self, progress: Progress | None = None) -> Reduction:
        """The reduced loss. Runs may be taken twice, where rounding is a close call."""

        def runs() -> Iterator[Mapping[str, Float64Array]]:
            for start, stop in self.ranges():
                yield self.inputs(start, stop)
                if progress is not None:
                    progress(stop - start)

        return reduce_losses(runs, self.dtype, self.reduction == "mean", self.special, compute=self.compute)
