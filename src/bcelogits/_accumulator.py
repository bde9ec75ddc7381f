"""Exact sums of numbers or losses that arrive in chunks: the mergeable state behind every reduction."""

from __future__ import annotations

import struct
import zlib
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from bcelogits import _core

__all__ = ["ExactSum", "LossAccumulator"]

# A pickled state, little-endian: version, flags (1 NaN, 2 +inf, 4 -inf), dtype, 0, count, pending, limbs, checksum.
_VERSION = 2
_STATE = struct.Struct("<BBBBQI68qI")
_DTYPES = ("float32", "float16", "bfloat16", "float64", None)
_INTEGERS = struct.Struct("=Q4q68q")  # those of Accumulator.integers: count, pending, NaN, +inf, -inf, limbs


class ExactSum(_core.Accumulator):
    """The exact sum of numbers that come in chunks, read out as sum or mean and rounded once.

    The state is one wide fixed-point number that covers all of float64 (the small superaccumulator of R. M. Neal,
    "Fast exact summation using small and large superaccumulators", https://arxiv.org/abs/1505.05571), so that order,
    chunks, merging, memory layout, threads, instruction set and the number of processes cannot change a bit of what
    is read out. Its size is fixed, about 0.6 kB; it can be copied and pickled.

    At most 2**64 - 1 numbers. A NaN, or infinities of both signs, make the sum NaN; else an infinity makes it that one.
    The sum of zeros, and of nothing, is +0; the mean of nothing is NaN.

    Example:
        >>> import numpy as np
        >>> from bcelogits import ExactSum
        >>> first, second = ExactSum(), ExactSum()
        >>> first.add(np.float32([1e30, 1.0, 3e-30]))
        >>> second.add(np.float32([[-1e30], [2.5]]))
        >>> first += second
        >>> first
        ExactSum(count=5, sum=3.5)
        >>> first.sum(), first.mean("float64")
        (np.float32(3.5), np.float64(0.7))
    """

    _default_dtype: ClassVar[str] = "float64"  # to read out if no array said one

    def add(self, values: npt.NDArray[Any] | float) -> None:
        """Add the elements of an array, or a number.

        Args:
            values: array of any shape and strides, which is read as it lies, without a copy; float32, float16, bfloat16
                (``ml_dtypes``) or float64. Or a Python ``float`` or ``int``, of which no digit is lost.

        Raises:
            TypeError: ``values`` is neither, or its dtype or byte order is not supported.
            ValueError: an ``int`` beyond the range of float64, or too many numbers in all. Nothing was added.

        Large arrays are added by several threads (:func:`bcelogits.set_num_threads`), while other Python code may run.
        """
        self.add_values(values)

    def merge(self, other: _core.Accumulator) -> None:
        """Add what another sum holds; ``+=`` does the same.

        Args:
            other: an :class:`ExactSum` or :class:`LossAccumulator`. It stays as it is, and may be this one.

        Raises:
            TypeError: ``other`` is something else.
            ValueError: too many numbers in all. Nothing was added.
        """
        super().merge(other)

    def sum(self, dtype: npt.DTypeLike | None = None) -> np.floating[Any]:
        """The sum so far, rounded once, to nearest even.

        Args:
            dtype: float32, float16, bfloat16 or float64. None: the promoted dtype of the arrays that were added
                (float64 if there was none).

        Returns:
            A NumPy scalar of that dtype. It is infinite only if the exact sum rounds to that.

        Raises:
            TypeError: another dtype.
        """
        return self.read("sum", dtype, self._default_dtype)

    def mean(self, dtype: npt.DTypeLike | None = None) -> np.floating[Any]:
        """The exact sum divided by :attr:`count`, rounded once.

        Args:
            dtype: as in :meth:`sum`.

        Returns:
            A NumPy scalar of that dtype. No intermediate result overflows; the mean of nothing is NaN.

        Raises:
            TypeError: another dtype.
        """
        return self.read("mean", dtype, self._default_dtype)

    def copy(self) -> Self:
        """Another sum that holds the same."""
        other = type(self)()
        other.merge(self)
        return other

    def __iadd__(self, other: _core.Accumulator) -> Self:
        """Add what another sum holds."""
        if not isinstance(other, _core.Accumulator):
            return NotImplemented
        self.merge(other)
        return self

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __getstate__(self) -> bytes:
        """The state as bytes, alike for sums that are equal, on every machine."""
        count, pending, *flags_and_limbs = _INTEGERS.unpack(self.integers())
        nan, plus_inf, minus_inf, *limbs = flags_and_limbs
        flags, dtype = nan | plus_inf << 1 | minus_inf << 2, _DTYPES.index(self.dtype_name)
        state = _STATE.pack(_VERSION, flags, dtype, 0, count, pending, *limbs, 0)[:-4]
        return state + zlib.crc32(state).to_bytes(4, "little")

    def __setstate__(self, state: bytes) -> None:
        """Take the state of another sum; the object is a new one.

        Raises:
            TypeError: no bytes.
            ValueError: bytes that no sum has given.
        """
        if not isinstance(state, bytes):
            raise TypeError(f"state: a {type(state).__name__}, expected bytes")
        if not state or state[0] != _VERSION:
            given = f"version {state[0]}" if state else "empty"
            raise ValueError(f"state: {given}, expected version {_VERSION}")
        if len(state) != _STATE.size:
            raise ValueError(f"state: {len(state)} bytes, expected {_STATE.size}")
        _, flags, dtype, zero, count, pending, *limbs, checksum = _STATE.unpack(state)
        damaged = ValueError("state: damaged, expected bytes that an exact sum has given")
        if checksum != zlib.crc32(state[:-4]) or flags > 7 or dtype >= len(_DTYPES) or zero:
            raise damaged
        integers = _INTEGERS.pack(count, pending, flags & 1, flags >> 1 & 1, flags >> 2, *limbs)
        try:
            given_sum = _core.Accumulator.from_integers(integers, _DTYPES[dtype])
        except ValueError:
            raise damaged from None
        super().__init__()
        super().merge(given_sum)

    def __repr__(self) -> str:
        """The count and the sum as float64."""
        return f"{type(self).__name__}(count={self.count}, sum={float(self.sum('float64'))!r})"


class LossAccumulator(ExactSum):
    """Adds up the losses of arrays that come in chunks, exactly: an :class:`ExactSum` that is fed logits and targets.

    What is read out is what :func:`bcelogits.binary_cross_entropy_with_logits` returns for all chunks at once (if the
    arithmetic of all chunks is in the same dtype), whatever the order, grouping, merging and number of processes.

    Example:
        >>> import numpy as np
        >>> from bcelogits import LossAccumulator, binary_cross_entropy_with_logits
        >>> logits, targets = np.float32([-20, 0, 3, 8]), np.float32([0, 1, 1, 0])
        >>> first, second = LossAccumulator(), LossAccumulator()
        >>> first.update(logits[:1], targets[:1])
        >>> second.update(logits[1:], targets[1:])
        >>> first.merge(second)
        >>> first.count, first.result("mean")
        (4, np.float32(2.1855175))
        >>> first.result("mean") == binary_cross_entropy_with_logits(logits, targets)
        np.True_
    """

    _default_dtype = "float32"

    def update(
        self,
        logits: npt.NDArray[Any],
        targets: npt.NDArray[Any],
        weight: npt.NDArray[Any] | float | None = None,
        *,
        pos_weight: npt.NDArray[Any] | float | None = None,
    ) -> None:
        """Add the losses of one chunk.

        Args:
            logits, targets, weight, pos_weight: as in :func:`bcelogits.binary_cross_entropy_with_logits`.

        Raises:
            TypeError: an operand is no array, or its dtype or byte order is not supported.
            ValueError: shapes do not fit, or too many losses in all. Nothing was added.
        """
        self.add_losses(logits, targets, weight, pos_weight)

    def result(
        self, reduction: Literal["mean", "sum", 1, 2] = "mean", dtype: npt.DTypeLike | None = None
    ) -> np.floating[Any]:
        """The mean or the sum so far, rounded once.

        Args:
            reduction: ``"mean"`` (1) or ``"sum"`` (2).
            dtype: float32, float16, bfloat16 or float64. None: the promoted dtype of the chunks (float32 if none came).

        Raises:
            TypeError: another dtype.
            ValueError: another reduction.
        """
        return self.read(reduction, dtype, self._default_dtype)
