"""What the module `acl` holds: the calling conventions of pyACL for the runtime.

Pointers, streams, events and contexts are numbers, 0 for none. A function that produces a value returns the value and
the status, the others the status alone; a status other than 0 is no exception. What is not here is not supported.
"""

from __future__ import annotations

from ctypes import byref, c_uint64

from bcelogits.aclnn.pyacl import _constants, media, op, rt, util
from bcelogits.aclnn.pyacl._calls import library, status
from bcelogits.aclnn.pyacl._constants import *  # noqa: F403

__all__ = [
    "app_log",
    "data_type_size",
    "finalize",
    "finalize_reference",
    "get_recent_err_msg",
    "get_soc_name",
    "init",
    "media",
    "op",
    "rt",
    "util",
    *_constants.__all__,
]


def init(config_path: str | None = None) -> int:
    """``aclInit``."""
    return status("aclInit", None if config_path is None else config_path.encode())


def finalize() -> int:
    """``aclFinalize``."""
    return status("aclFinalize")


def finalize_reference() -> tuple[int, int]:
    """``aclFinalizeReference``: the count left."""
    count = c_uint64()
    code = status("aclFinalizeReference", byref(count))
    return count.value, code


def get_recent_err_msg() -> str | None:
    """``aclGetRecentErrMsg``."""
    text: bytes | None = library().function("aclGetRecentErrMsg")()
    return None if text is None else text.decode(errors="replace")


def get_soc_name() -> str | None:
    """``aclrtGetSocName``."""
    name: bytes | None = library().function("aclrtGetSocName")()
    return None if name is None else name.decode(errors="replace")


def data_type_size(data_type: int) -> int:
    """``aclDataTypeSize``."""
    return int(library().function("aclDataTypeSize")(data_type))


def app_log(level: int, message: str) -> int:
    """``aclAppLog``."""
    library().function("aclAppLog")(level, b"acl.app_log", b"", 0, b"%s", message.encode())
    return 0
