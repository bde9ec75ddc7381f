"""The version, as the native module was built with it."""

from bcelogits._core import version

__all__ = ["__version__"]

__version__ = version()
