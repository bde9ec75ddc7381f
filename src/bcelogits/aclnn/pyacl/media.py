"""`acl.media`: memory for media processing, which programs also use for ordinary data; nothing else of it."""

from __future__ import annotations

from bcelogits.aclnn.pyacl import rt

__all__ = ["dvpp_free", "dvpp_malloc"]

_HUGE_FIRST = 0


def dvpp_malloc(size: int) -> tuple[int, int]:
    """``acldvppMalloc``: device memory, here as everywhere."""
    return rt.malloc(size, _HUGE_FIRST)


def dvpp_free(dev_ptr: int) -> int:
    """``acldvppFree``."""
    return rt.free(dev_ptr)
