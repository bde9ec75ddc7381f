"""What is kept of a column instead of its points: histograms of fixed bins, and its largest value.

Bins are ranges of bit patterns that any float64 falls into: an octave of float64 is cut into 2**`bits` equal parts. So
the bin of a value costs a shift, and the edges are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bcelogits._typing import Float64Array, IntArray, Mask

__all__ = ["Largest", "Octaves", "quantiles"]

_BIAS, _FRACTION = 1023, 52


class Octaves:
    """Bins for magnitudes: bin 0 is [0, 2**low), then 2**bits bins for each octave, the last open to infinity."""

    def __init__(self, low: int, high: int, bits: int) -> None:
        """Octaves from 2**low up to 2**high; -1022 <= low < high <= 1024."""
        self.low, self.high, self.bits = low, high, bits
        self._shift = _FRACTION - bits
        self._first = (low + _BIAS) << bits
        self.size = 1 + ((high - low) << bits)

    def index(self, magnitudes: Float64Array) -> IntArray:
        """The bin of every value; they must not be negative or NaN."""
        found = np.right_shift(np.ascontiguousarray(magnitudes).view(np.int64), self._shift)
        found -= self._first - 1
        return np.clip(found, 0, self.size - 1, out=found)

    def edge(self, index: int) -> float:
        """The lower edge of a bin; of bin `size`, the end."""
        if index == 0:
            return 0.0
        octave, part = divmod(index - 1, 1 << self.bits)
        exponent = self.low + octave
        return float("inf") if exponent > 1023 else float(np.ldexp(1.0 + part / (1 << self.bits), exponent))


def quantiles(counts: npt.ArrayLike, octaves: Octaves, shares: Sequence[float]) -> list[float]:
    """The upper edges of the bins in which the quantiles lie; NaN where nothing was counted."""
    total = np.cumsum(np.asarray(counts, np.int64))
    if not total.size or total[-1] == 0:
        return [float("nan")] * len(shares)
    ranks = [max(1, int(np.ceil(share * float(total[-1])))) for share in shares]
    return [octaves.edge(int(np.searchsorted(total, rank)) + 1) for rank in ranks]


class Largest:
    """The largest of values that come in chunks, where it is, and what stands beside it; the first of equals."""

    def __init__(self) -> None:
        """No value was seen yet."""
        self.value = 0.0
        self.index = -1
        self.beside = 0.0

    def add(self, values: Float64Array, where: Mask, beside: Float64Array, start: int) -> None:
        """Take the values of one chunk; only elements of the mask count."""
        if not where.any():
            return
        masked = np.where(where, values, -1.0)
        at = int(np.argmax(masked))
        if self.index < 0 or masked[at] > self.value:
            self.value, self.index, self.beside = float(masked[at]), start + at, float(beside[at])
