"""`acl.op`: single operators by model files, which are not supported."""

from __future__ import annotations

__all__ = ["set_model_dir"]

_API_NOT_SUPPORT = 200001


def set_model_dir(model_dir: str) -> int:
    """``aclopSetModelDir``: not supported, always 200001 (``ACL_ERROR_API_NOT_SUPPORT``)."""
    return _API_NOT_SUPPORT
