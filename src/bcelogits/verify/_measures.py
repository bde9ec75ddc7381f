"""Errors relative to the golden as CANN's standards take them: their largest, their mean, and the RMSE."""

from __future__ import annotations

import math

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.reference.sums import IntegerSum
from bcelogits.verify._model import Chunk
from bcelogits.verify._summary import Largest

__all__ = ["RelativeErrors", "relative"]

_GUARD = 1e-7  # added to |golden| (docs/precision.md 2.3)


def relative(size: Float64Array, golden: Float64Array) -> Float64Array:
    """The relative errors of CANN's standards: |a - g| / (|g| + 1e-7), from |a - g|."""
    return np.asarray(size / (np.abs(golden) + _GUARD))


class RelativeErrors:
    """MARE, MERE and RMSE of one column, the device's or a third party's, as its chunks come."""

    def __init__(self) -> None:
        """No element was seen yet."""
        self.largest, self.largest_absolute = Largest(), Largest()
        self._relative, self._square = IntegerSum(), IntegerSum()

    def add(self, size: Float64Array, chunk: Chunk, where: Mask) -> None:
        """Take the |errors| of a chunk; only elements of the mask count."""
        errors = relative(size, chunk.golden)
        self.largest.add(errors, where, chunk.rounded, chunk.start)
        self.largest_absolute.add(size, where, chunk.rounded, chunk.start)
        if not where.all():
            size, errors = size[where], errors[where]
        self._relative.add(errors)
        self._square.add(np.square(size))

    @property
    def count(self) -> int:
        """How many elements the figures are of."""
        return self._relative.count

    @property
    def mean(self) -> float:
        """The mean relative error; 0 of nothing."""
        return self._relative.mean

    @property
    def rmse(self) -> float:
        """The root of the mean square of the errors; 0 of nothing."""
        return math.sqrt(self._square.mean)
