"""Device memory."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bcelogits.aclnn._library import load
from bcelogits.aclnn._resource import Resource
from bcelogits.aclnn._stream import wait_for

__all__ = ["Memory"]

Array: TypeAlias = npt.NDArray[Any]

_HUGE_FIRST = 0
_HOST_TO_DEVICE, _DEVICE_TO_HOST = 1, 2


class Memory(Resource):
    """Device memory: ``aclrtMalloc`` now, ``aclrtFree`` by :meth:`close`, which first waits for work that uses it.

    Raises:
        AclError: the memory cannot be had.

    Example:
        >>> from bcelogits import aclnn
        >>> with aclnn.Device(), aclnn.Memory(4096) as memory:
        ...     memory.nbytes, memory.address % 32
        (4096, 0)
    """

    def __init__(self, nbytes: int) -> None:
        self.library = load()
        self.nbytes = nbytes
        address = c_void_p()
        self.library.call("aclrtMalloc", byref(address), nbytes, _HUGE_FIRST)
        self._address = address.value or 0
        self._acquired()

    @property
    def address(self) -> int:
        """Where it starts, on the device."""
        self._require_open()
        return self._address

    def _release(self) -> None:
        try:
            wait_for(self)
        finally:
            self.library.call("aclrtFree", self._address)

    def write(self, array: Array) -> None:
        """Copy the elements of an array, in C order, to the start of the memory."""
        array = np.ascontiguousarray(array)
        if array.nbytes:
            source = array.ctypes.data
            self.library.call("aclrtMemcpy", self.address, self.nbytes, source, array.nbytes, _HOST_TO_DEVICE)

    def read(self, array: Array) -> None:
        """Copy the start of the memory to an array, which must be C-contiguous and writable."""
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ValueError("array: not contiguous or read-only, expected a C-contiguous array that can be written to")
        if array.nbytes:
            target = array.ctypes.data
            self.library.call("aclrtMemcpy", target, array.nbytes, self.address, array.nbytes, _DEVICE_TO_HOST)
