"""The version, as the native module was built with it."""

from bcelogits._core import __version__

__all__ = ["__version__"]
