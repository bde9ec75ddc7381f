"""Installed implementations to judge: by name, or any Python function of the NumPy signature.

    >>> from bcelogits.verify import backends
    >>> backends.get("ours").version.split()[0]
    'bcelogits'
    >>> backends.get("theirs")
    Traceback (most recent call last):
    ...
    ValueError: backend: 'theirs', expected one of aclnn, ... module:function or file.py:function

A framework is imported when its backend is made, and on the CPU. What frameworks print goes to standard error.
"""

from __future__ import annotations

import importlib

from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, BackendError
from bcelogits.verify.backends._function import Function

__all__ = ["NAMES", "Backend", "BackendError", "get"]

# The class of each backend, in a module that is imported when it is asked for.
_CLASSES = {
    "aclnn": ("_own", "Aclnn"),
    "optax": ("_jax", "Optax"),
    "ours": ("_own", "Ours"),
    "reference": ("_own", "Reference"),
    "tensorflow": ("_tensorflow", "Tensorflow"),
    "tensorflow-xla": ("_tensorflow", "TensorflowXla"),
    "torch": ("_torch", "Torch"),
    "torch-compile": ("_torch", "TorchCompile"),
}

NAMES = tuple(_CLASSES)


def get(spec: str, op: Op | None = None) -> Backend:
    """The backend of that name, ready to run.

    Args:
        spec: one of `NAMES`, "module:function", or "path/to/file.py:function" (see `Function`).
        op: which operator a function is, where its names do not say it.

    Raises:
        ValueError: it is neither.
        BackendError: the framework is not installed (the text says what installs it), or the function cannot be had.
    """
    if spec in _CLASSES:
        module, name = _CLASSES[spec]
        backend: Backend = getattr(importlib.import_module(f"{__name__}.{module}"), name)()
        return backend
    where, _, function = spec.rpartition(":")
    if where and function:
        return Function(spec, op)
    raise ValueError(f"backend: {spec!r}, expected one of {', '.join(NAMES)}, module:function or file.py:function")
