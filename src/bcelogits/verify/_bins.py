"""Histograms of fixed bins that any float64 falls into: what the statistics keep instead of the points.

All bins are runs of bit patterns: an octave of float64 is cut into 2**`bits` equal parts. So the bin of a value costs a
shift, and the edges are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bcelogits._typing import Float64Array

__all__ = ["IntArray", "Octaves", "quantiles"]

IntArray = npt.NDArray[np.int64]
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
