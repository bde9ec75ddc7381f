"""NumPy arrays as device tensors: a device copy of the memory behind an array, and the view of it as a tensor."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from binding import ACL_DTYPES, ND, PARAMETERS, Acl, Array


def bounds(array: Array) -> tuple[int, int]:
    """The addresses of its first byte and of the byte after its last one."""
    low = high = array.ctypes.data
    if array.size == 0:
        return low, high
    for n, stride in zip(array.shape, array.strides, strict=True):
        low += min(0, (n - 1) * stride)
        high += max(0, (n - 1) * stride)
    return low, high + array.itemsize


def owner(array: Array) -> Array:
    """The array that holds the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@dataclass
class Operands:
    """Device copies of the arrays of one call, with its tensors; views of one array share one copy.

    As torch_npu passes it, a tensor has the storage's begin as its data, the view's offset in elements, and the
    storage's length as its storage shape. `plain` passes what the official examples pass: NULL strides, and the view's
    shape as that of the storage; so it is for contiguous arrays only.
    """

    acl: Acl
    op: str
    arrays: Mapping[str, Array | None]
    formats: Mapping[str, int] = field(default_factory=dict)
    plain: bool = False
    memory: dict[int, tuple[int, int, Array]] = field(default_factory=dict)
    blocks: list[int] = field(default_factory=list)
    tensors: dict[str, int | None] = field(default_factory=dict)

    def __enter__(self) -> Self:
        for name in PARAMETERS[self.op]:
            array = self.arrays.get(name)
            self.tensors[name] = None if array is None else self._tensor(name, array)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for tensor in self.tensors.values():
            self.acl.destroy_tensor(tensor)
        for address in self.blocks:
            self.acl.free(address)

    def _copy(self, array: Array) -> tuple[int, int]:
        """Device address and host address of the memory that the array is part of."""
        base = owner(array)
        low, high = bounds(base)
        if low not in self.memory:
            address = self.acl.malloc(high - low + 64)
            self.blocks.append(address)
            address += low % 64  # as (un)aligned as the array
            self.memory[low] = (address, high - low, base)
            self.acl.upload(address, ctypes.string_at(low, high - low))
        return self.memory[low][0], low

    def _tensor(self, name: str, array: Array) -> int:
        device, host = self._copy(array)
        offset = array.ctypes.data - host if array.size else 0
        item = array.itemsize
        dtype = ACL_DTYPES[array.dtype]
        form = self.formats.get(name, ND)
        if self.plain or offset % item:
            strides = None if self.plain else [s // item for s in array.strides]
            made = self.acl.create_tensor(array.shape, dtype, device + offset, strides=strides, form=form)
        else:
            made = self.acl.create_tensor(
                array.shape,
                dtype,
                device,
                strides=[s // item for s in array.strides],
                offset=offset // item,
                form=form,
                storage=[self.memory[host][1] // item],
            )
        if made is None:
            raise AssertionError(f"{name}: {self.acl.recent()}")
        return made

    def handles(self) -> list[int | None]:
        return [self.tensors[name] for name in PARAMETERS[self.op]]

    def fetch(self) -> None:
        """Copy the device memory back into the arrays: all of it, so that stray writes are seen."""
        for low, (address, size, base) in self.memory.items():
            if base.flags.writeable:
                data = self.acl.download(address, size)
                ctypes.memmove(low, data, size)


def run(acl: Acl, op: str, reduction: int, arrays: Mapping[str, Array | None], **options: Any) -> None:
    """An operator on copies in device memory; the results are copied back into the arrays."""
    with Operands(acl, op, arrays, **options) as operands:
        acl.execute(op, operands.handles(), reduction)
        operands.fetch()
