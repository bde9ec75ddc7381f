"""`acl.util`: addresses of Python objects, and threads for callbacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from ctypes import c_char, c_char_p, c_void_p, cast, string_at
from typing import Any

import numpy as np
import numpy.typing as npt

from bcelogits.aclnn.pyacl import _threads

__all__ = [
    "bytes_to_ptr",
    "numpy_contiguous_to_ptr",
    "numpy_to_ptr",
    "ptr_to_bytes",
    "ptr_to_numpy",
    "start_thread",
    "stop_thread",
]

_INVALID_PARAM = 100000
# Numbers of NumPy's C API.
_TYPES: dict[int, Any] = {
    0: np.bool_,
    1: np.int8,
    2: np.uint8,
    3: np.int16,
    4: np.uint16,
    5: np.int32,
    6: np.uint32,
    7: np.int64,
    8: np.uint64,
    9: np.longlong,
    10: np.ulonglong,
    11: np.float32,
    12: np.float64,
    23: np.float16,
}


def bytes_to_ptr(data: bytes) -> int:
    """Address of the bytes, which the caller keeps."""
    return cast(c_char_p(data), c_void_p).value or 0


def ptr_to_bytes(ptr: int, size: int) -> bytes:
    """A copy of host memory."""
    return string_at(ptr, size)


def numpy_to_ptr(array: npt.NDArray[Any]) -> int:
    """Address of the first element of an array, which the caller keeps."""
    if not array.flags.c_contiguous:
        warnings.warn("the array is not contiguous: use acl.util.numpy_contiguous_to_ptr", RuntimeWarning, 2)
    return array.ctypes.data


def numpy_contiguous_to_ptr(array: npt.NDArray[Any]) -> tuple[int, npt.NDArray[Any]]:
    """Address of the array's elements in C order, and the array that holds them."""
    contiguous = array if array.flags.c_contiguous else np.array(array, order="C")
    return contiguous.ctypes.data, contiguous


def ptr_to_numpy(ptr: int, shape: Sequence[int], npy_type: int) -> npt.NDArray[Any]:
    """Host memory as an array, not a copy; the type is a number of NumPy's C API."""
    dtype = np.dtype(_TYPES[npy_type])
    shape = tuple(shape)
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if nbytes == 0:
        return np.empty(shape, dtype)
    return np.frombuffer((c_char * nbytes).from_address(ptr), dtype).reshape(shape)


def start_thread(fn: Callable[[Any], Any], args: Any) -> tuple[int, int]:
    """Run ``fn(args)`` in a thread: its id and a status. It has no context before it sets one."""
    return _threads.start(fn, args), 0


def stop_thread(thread_id: int) -> int:
    """Wait until a thread has ended; one that goes on asking for reports is ended there."""
    return 0 if _threads.stop(thread_id) else _INVALID_PARAM
