"""Exact sums of numbers or losses that arrive in pieces: the mergeable state behind every reduction."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy.typing as npt

from bcelogits import _core

__all__ = ["ExactSum", "LossAccumulator"]


class ExactSum(_core.ExactSum):
    """The exact sum of numbers that come in pieces, read out as sum or mean and rounded once.

    The state is one wide fixed-point number that covers all of float64 (the small superaccumulator of R. M. Neal,
    "Fast exact summation using small and large superaccumulators", https://arxiv.org/abs/1505.05571), so that order,
    pieces, merging, memory layout, threads, instruction set and the number of processes cannot change a bit of what
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

    _otherwise: ClassVar[str] = "float64"  # the dtype to read out if no array said one

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
        super().add(values)

    def merge(self, other: _core.ExactSum) -> None:
        """Add what another sum holds; ``+=`` does the same.

        Args:
            other: an :class:`ExactSum` or :class:`LossAccumulator`. It stays as it is, and may be this one.

        Raises:
            TypeError: ``other`` is something else.
            ValueError: too many numbers in all. Nothing was added.
        """
        super().merge(other)

    def sum(self, dtype: npt.DTypeLike | None = None) -> Any:
        """The sum so far, rounded once, to nearest even.

        Args:
            dtype: float32, float16, bfloat16 or float64. None: the promoted dtype of the arrays that were added
                (float64 if there was none).

        Returns:
            A NumPy scalar of that dtype. It is infinite only if the exact sum rounds to that.

        Raises:
            TypeError: another dtype.
        """
        return _core.sum_read(self, "sum", dtype, self._otherwise)

    def mean(self, dtype: npt.DTypeLike | None = None) -> Any:
        """The exact sum divided by :attr:`count`, rounded once.

        Args:
            dtype: as in :meth:`sum`.

        Returns:
            A NumPy scalar of that dtype. No intermediate result overflows; the mean of nothing is NaN.

        Raises:
            TypeError: another dtype.
        """
        return _core.sum_read(self, "mean", dtype, self._otherwise)

    def copy(self) -> Self:
        """Another sum that holds the same."""
        other = type(self)()
        other.merge(self)
        return other

    def __iadd__(self, other: _core.ExactSum) -> Self:
        """Add what another sum holds."""
        if not isinstance(other, _core.ExactSum):
            return NotImplemented
        self.merge(other)
        return self

    def __eq__(self, other: object) -> bool:
        """Whether exact sum, count, dtype and the kinds of what was not finite are equal."""
        return _core.sums_equal(self, other) if isinstance(other, _core.ExactSum) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        """The count and the sum as float64."""
        return f"{type(self).__name__}(count={self.count}, sum={float(self.sum('float64'))!r})"


class LossAccumulator(ExactSum):
    """Adds up the losses of arrays that come in pieces, exactly: an :class:`ExactSum` that is fed logits and targets.

    What is read out is what :func:`bcelogits.binary_cross_entropy_with_logits` returns for all pieces at once (if the
    arithmetic of all pieces is in the same dtype), whatever the order, grouping, merging and number of processes.

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

    _otherwise = "float32"

    def update(
        self,
        logits: npt.NDArray[Any],
        targets: npt.NDArray[Any],
        weight: npt.NDArray[Any] | float | None = None,
        *,
        pos_weight: npt.NDArray[Any] | float | None = None,
    ) -> None:
        """Add the losses of one piece; arguments and errors of :func:`bcelogits.binary_cross_entropy_with_logits`."""
        _core.sum_update(self, logits, targets, weight, pos_weight)

    def result(self, reduction: str | int = "mean", dtype: npt.DTypeLike | None = None) -> Any:
        """The mean or the sum so far, rounded once.

        Args:
            reduction: ``"mean"`` (1) or ``"sum"`` (2).
            dtype: float32, float16, bfloat16 or float64. None: the promoted dtype of the pieces (float32 if none came).

        Raises:
            TypeError: another dtype.
            ValueError: another reduction.
        """
        return _core.sum_read(self, reduction, dtype, self._otherwise)
