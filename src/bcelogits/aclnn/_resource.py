"""What all objects that hold something of the library have in common: they give it back once."""

from __future__ import annotations

import contextlib
import sys
import weakref
from types import TracebackType
from typing import Self

from bcelogits.aclnn._library import Library

__all__ = ["Resource", "forget_resources", "open_resources"]

_open_ones: weakref.WeakSet[Resource] = weakref.WeakSet()


class Resource:
    """Something that :meth:`close` gives back: at the end of a ``with`` block, or when the last reference goes."""

    library: Library
    device: int | None = None
    _open = False  # until a subclass has acquired what it holds

    def _acquired(self) -> None:
        self._open = True
        self.device = self.library.device()
        _open_ones.add(self)

    def _release(self) -> None:
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """Whether it has been given back."""
        return not self._open

    def _require_open(self) -> None:
        if not self._open:
            raise ValueError(f"this {type(self).__name__} is closed")

    def close(self) -> None:
        """Give it back; again is harmless."""
        if self._open:
            self._open = False
            self._release()

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # At shutdown the process gives everything back, and modules are gone already.
        if self._open and sys is not None and not sys.is_finalizing():
            self._open = False
            with contextlib.suppress(Exception):
                self._release()


def forget_resources() -> None:
    """Take all for closed: they belong to another process (after a fork)."""
    for thing in list(_open_ones):
        thing._open = False


def open_resources(device: int) -> list[Resource]:
    """What is open on a device."""
    return [thing for thing in list(_open_ones) if thing._open and thing.device == device]
