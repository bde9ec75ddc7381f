"""Calls as pyACL makes them: the status is returned, not raised."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any

from bcelogits.aclnn._library import Library, load

__all__ = ["library", "new_handle", "new_value", "status"]


def library() -> Library:
    """The libraries in use."""
    return load()


def status(name: str, *arguments: Any) -> int:
    """Call a function that returns a status."""
    return int(load().function(name)(*arguments))


def new_handle(name: str, *arguments: Any) -> tuple[int, int]:
    """Call a function whose first parameter takes a handle or an address: that, 0 if there is none, and the status."""
    handle = c_void_p()
    code = status(name, byref(handle), *arguments)
    return handle.value or 0, code


def new_value(value: Any, name: str, *arguments: Any) -> tuple[Any, int]:
    """Call a function whose last parameter takes a value: that, and the status."""
    code = status(name, *arguments, byref(value))
    return value.value, code
