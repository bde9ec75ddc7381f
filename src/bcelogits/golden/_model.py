"""What golden data are made of: the description of a case, and its operands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bcelogits._typing import Array, Shape
from bcelogits.reference.truth import Op

__all__ = ["Case", "Operands"]


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
