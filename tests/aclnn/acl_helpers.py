"""How much device memory is in use, and the value of a call of pyACL."""

from __future__ import annotations

from ctypes import byref, c_size_t
from typing import Any

from bcelogits import aclnn


def memory_in_use() -> int:
    """Bytes of device memory that are allocated."""
    free, total = c_size_t(), c_size_t()
    aclnn.load().call("aclrtGetMemInfo", 1, byref(free), byref(total))
    return total.value - free.value


def ok(returned: tuple[Any, int]) -> Any:
    """The value that comes with status 0."""
    assert returned[-1] == 0
    return returned[0]
