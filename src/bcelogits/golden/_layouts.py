"""Stride patterns: the same array, laid out in memory as a careless implementation does not expect it.

Memory that belongs to no element is filled with NaN, so that reading past the strides shows in the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bcelogits._typing import Array, Shape

__all__ = ["LAYOUTS", "lay_out"]

_OFFSET = 1  # elements: the data start neither on a cache line nor on the width of a vector


def _buffer(size: int, array: Array) -> Array:
    return np.full(size, np.nan, dtype=array.dtype) if array.dtype.kind not in "iub" else np.zeros(size, array.dtype)


def _fill(view: Array, array: Array) -> Array:
    view[...] = array
    return view


def _contiguous(array: Array) -> Array:
    return np.array(array, order="C", copy=True)


def _transposed(array: Array) -> Array:
    return np.array(array, order="F", copy=True)


def _strided(array: Array) -> Array:
    """Every second element of a buffer twice as long, along the last axis."""
    if array.ndim == 0:
        return _offset(array)
    shape: Shape = (*array.shape[:-1], 2 * array.shape[-1])
    return _fill(_buffer(int(np.prod(shape)), array).reshape(shape)[..., ::2], array)


def _reversed(array: Array) -> Array:
    """Every axis backwards."""
    flip = tuple(slice(None, None, -1) for _ in range(array.ndim))
    return _fill(np.empty_like(array, order="C")[flip], array) if array.ndim else _contiguous(array)


def _offset(array: Array) -> Array:
    return _fill(_buffer(array.size + 2 * _OFFSET, array)[_OFFSET : _OFFSET + array.size].reshape(array.shape), array)


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": _contiguous,  # C order
    "transposed": _transposed,  # Fortran order: the first axis is the fastest
    "strided": _strided,  # every second element along the last axis
    "reversed": _reversed,  # negative strides
    "offset": _offset,  # C order, one element into its buffer
}


def lay_out(array: Array, layout: str) -> Array:
    """A copy of `array` in the layout of that name.

    Raises:
        ValueError: there is no layout of that name.
    """
    try:
        function = LAYOUTS[layout]
    except KeyError:
        raise ValueError(f"layout: {layout!r}, expected one of {', '.join(LAYOUTS)}") from None
    return function(array)
