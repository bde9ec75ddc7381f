"""Tensors: device memory with a shape, strides and a dtype."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int64
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from bcelogits.aclnn._layout import DATA_TYPES, contiguous_strides, dtype_and_name, element_strides, extent_of
from bcelogits.aclnn._memory import Memory
from bcelogits.aclnn._resource import Resource
from bcelogits.aclnn._stream import wait_for

__all__ = ["ACL_FORMAT_ND", "Tensor"]

Array: TypeAlias = npt.NDArray[Any]

ACL_FORMAT_ND = 2


def _dims(values: Sequence[int]) -> Any:
    return (c_int64 * max(len(values), 1))(*values)


class Tensor(Resource):
    """An array on the device: device memory and its ``aclTensor``.

    Args:
        array: NumPy array to copy. Its memory is copied as it lies there, gaps included, and the strides are passed
            on; negative strides, which an ``aclTensor`` cannot have, are laid out anew.
        dtype: "bfloat16" for an array of uint16 whose elements are the bits of bfloat16.

    Raises:
        TypeError: the dtype has no ACL data type.
        AclError: a call failed.

    Example:
        >>> import numpy as np
        >>> from bcelogits import aclnn
        >>> with aclnn.Device(), aclnn.Tensor(np.arange(6, dtype=np.float32).reshape(2, 3).T) as tensor:
        ...     print(tensor.shape, tensor.strides, tensor.dtype)
        ...     print(tensor.numpy()[2])
        (3, 2) (1, 3) float32
        [2. 5.]
    """

    def __init__(self, array: Array, dtype: str | None = None) -> None:
        array = np.asarray(array)
        strides = element_strides(array)
        if strides is None:
            array = np.array(array, order="C", copy=True)
            strides = contiguous_strides(array.shape)
        extent = extent_of(array.shape, strides)
        self._prepare(array.shape, array.dtype, strides, dtype)
        self._allocate(extent)
        try:
            self.memory.write(np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,), writeable=False))
            self._create((extent,), ACL_FORMAT_ND)
        except BaseException:
            self.memory.close()
            raise

    @classmethod
    def empty(
        cls, shape: Sequence[int], dtype: npt.DTypeLike = "float32", strides: Sequence[int] | None = None
    ) -> Self:
        """A tensor with no values yet.

        Args:
            shape: its shape.
            dtype: NumPy dtype or its name; "bfloat16" needs no ``ml_dtypes`` and comes back as uint16 without it.
            strides: in elements; None is C order.
        """
        tensor = cls.__new__(cls)
        tensor._prepare(tuple(shape), dtype, strides, None)
        extent = extent_of(tensor.shape, tensor.strides)
        tensor._allocate(extent)
        try:
            tensor._create((extent,), ACL_FORMAT_ND)
        except BaseException:
            tensor.memory.close()
            raise
        return tensor

    @classmethod
    def empty_like(cls, array: Array) -> Self:
        """A tensor with no values yet, with the shape, dtype and, unless negative, the strides of an array."""
        return cls.empty(array.shape, array.dtype, element_strides(array))

    @classmethod
    def view(
        cls,
        memory: Memory,
        shape: Sequence[int],
        dtype: npt.DTypeLike = "float32",
        strides: Sequence[int] | None = None,
        offset: int = 0,
        format: int = ACL_FORMAT_ND,
    ) -> Self:
        """A tensor over memory that others use too; ``strides`` and ``offset`` are in elements."""
        tensor = cls.__new__(cls)
        tensor._prepare(tuple(shape), dtype, strides, None)
        tensor.memory, tensor.offset, tensor._owns_memory = memory, offset, False
        tensor._create((memory.nbytes // tensor._host_dtype.itemsize,), format)
        return tensor

    def _prepare(
        self, shape: tuple[int, ...], dtype: npt.DTypeLike, strides: Sequence[int] | None, name: str | None
    ) -> None:
        self.shape = shape
        self.strides = contiguous_strides(shape) if strides is None else tuple(strides)
        self.offset = 0
        self._host_dtype, self.dtype = dtype_and_name(dtype, name)

    def _allocate(self, extent: int) -> None:
        # An empty tensor has an address too.
        self.memory = Memory(max(extent, 1) * self._host_dtype.itemsize)
        self._owns_memory = True

    def _create(self, storage_shape: tuple[int, ...], format: int) -> None:
        self.library = self.memory.library
        rank, data_type = len(self.shape), DATA_TYPES[self.dtype]
        view = (_dims(self.shape), rank, data_type, _dims(self.strides), self.offset, format)
        storage = (_dims(storage_shape), len(storage_shape), self.memory.address)
        self._handle = self.library.create("aclCreateTensor", *view, *storage)
        self._acquired()

    def _release(self) -> None:
        self.library.call("aclDestroyTensor", self._handle)

    def close(self) -> None:
        """Give it back, and its memory once work that uses it is done; again is harmless."""
        # Not in _release(): the last reference to a tensor may go while queued work has another one to its memory.
        try:
            super().close()
        finally:
            if self._owns_memory:
                self.memory.close()

    def __repr__(self) -> str:
        return f"Tensor(shape={self.shape}, dtype={self.dtype}{', closed' if self.closed else ''})"

    @property
    def handle(self) -> int:
        """The ``aclTensor``."""
        self._require_open()
        return self._handle

    @property
    def address(self) -> int:
        """Where its storage starts, on the device."""
        return self.memory.address

    def numpy(self) -> Array:
        """A copy on the host, with the same strides, once work queued by this package that uses it is done.

        Raises:
            AclError: a call failed, or the work that was waited for.
        """
        self._require_open()
        wait_for(self.memory)
        host = np.empty(self.offset + extent_of(self.shape, self.strides), self._host_dtype)
        self.memory.read(host)
        strides = tuple(s * host.itemsize for s in self.strides)
        return np.lib.stride_tricks.as_strided(host[self.offset :], self.shape, strides)
