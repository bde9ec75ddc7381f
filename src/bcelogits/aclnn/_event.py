"""Events."""

from __future__ import annotations

from ctypes import byref, c_float, c_int32, c_void_p
from typing import TYPE_CHECKING

from bcelogits.aclnn._library import load
from bcelogits.aclnn._resource import Resource

if TYPE_CHECKING:
    from bcelogits.aclnn._stream import Stream

__all__ = ["Event"]


class Event(Resource):
    """A point in a stream: to wait for, and to take the time.

    Args:
        flags: those of ``aclrtCreateEventWithFlag``; None is an event for all uses.

    Example:
        >>> from bcelogits import aclnn
        >>> with aclnn.Device(), aclnn.Stream() as stream:
        ...     with stream.record() as start, stream.record() as end:
        ...         end.synchronize()
        ...         start.elapsed_time(end) >= 0
        True
    """

    def __init__(self, flags: int | None = None) -> None:
        self.library = load()
        handle = c_void_p()
        if flags is None:
            self.library.call("aclrtCreateEvent", byref(handle))
        else:
            self.library.call("aclrtCreateEventWithFlag", byref(handle), flags)
        self._handle = handle.value
        self._acquired()

    def _release(self) -> None:
        self.library.call("aclrtDestroyEvent", self._handle)

    @property
    def handle(self) -> int | None:
        """The ``aclrtEvent``."""
        self._require_open()
        return self._handle

    def record(self, stream: Stream | None = None) -> None:
        """Record behind the work queued on a stream; None is the default stream."""
        self.library.call("aclrtRecordEvent", self.handle, None if stream is None else stream.handle)

    def synchronize(self, timeout_ms: int | None = None) -> None:
        """Wait until it has happened.

        Raises:
            AclError: ``ACL_ERROR_RT_EVENT_SYNC_TIMEOUT`` after ``timeout_ms``.
        """
        if timeout_ms is not None:
            self.library.call("aclrtSynchronizeEventWithTimeout", self.handle, timeout_ms)
        else:
            self.library.call("aclrtSynchronizeEvent", self.handle)

    def query(self) -> bool:
        """Whether it has happened."""
        status = c_int32()
        self.library.call("aclrtQueryEventStatus", self.handle, byref(status))
        return status.value == 1

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this event to another, both done."""
        milliseconds = c_float()
        self.library.call("aclrtEventElapsedTime", byref(milliseconds), self.handle, end.handle)
        return milliseconds.value
