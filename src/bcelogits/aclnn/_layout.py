"""What an aclTensor says of a NumPy array: data type, strides in elements, extent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["DATA_TYPES", "contiguous_strides", "dtype_and_name", "element_strides", "extent_of"]

Array: TypeAlias = npt.NDArray[Any]

# aclDataType by the name of the dtype.
DATA_TYPES = {
    "float32": 0,
    "float16": 1,
    "int8": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 6,
    "uint16": 7,
    "uint32": 8,
    "int64": 9,
    "uint64": 10,
    "float64": 11,
    "bool": 12,
    "complex64": 16,
    "complex128": 17,
    "bfloat16": 27,
}


def dtype_and_name(dtype: npt.DTypeLike, name: str | None) -> tuple[np.dtype[Any], str]:
    """How NumPy holds the elements, and what they are."""
    if isinstance(dtype, str) and dtype == "bfloat16":
        try:
            import ml_dtypes

            dtype = ml_dtypes.bfloat16
        except ModuleNotFoundError:
            dtype, name = np.uint16, name or "bfloat16"
    host = np.dtype(dtype)
    name = name or host.name
    if name not in DATA_TYPES or not host.isnative:
        raise TypeError(f"dtype {host if name == host.name else name}: no ACL data type")
    if name != host.name and (name, host.itemsize) != ("bfloat16", 2):
        raise TypeError(f"dtype {name}: an array of {host} does not hold its elements")
    return host, name


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * max(shape[i + 1], 1)
    return tuple(strides)


def extent_of(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Elements from the first to the last one, both included."""
    return 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else 0


def element_strides(array: Array) -> tuple[int, ...] | None:
    """Strides in elements; None if they cannot be said in elements or are negative."""
    strides = []
    for n, stride, plain in zip(array.shape, array.strides, contiguous_strides(array.shape), strict=True):
        if n <= 1 or array.size == 0:  # never stepped
            strides.append(plain)
        elif stride < 0 or stride % array.itemsize:
            return None
        else:
            strides.append(stride // array.itemsize)
    return tuple(strides)
