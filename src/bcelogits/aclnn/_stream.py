"""Streams, and what queued work still uses."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_int32, c_void_p

from bcelogits.aclnn._event import Event
from bcelogits.aclnn._library import AclError, Library, load
from bcelogits.aclnn._resource import Resource

__all__ = [
    "Stream",
    "end_default_streams",
    "forget_streams",
    "queues_waited_for",
    "stream_or_default",
    "wait_for",
]

_STREAM_SYNC_TIMEOUT = 507046
_MANY_LAUNCHES = 256

_lock = threading.RLock()
_launches = itertools.count()
_busy: set[Stream] = set()  # with work that was not waited for yet
_default_streams: dict[int, Stream] = {}  # by context


def _current_context(library: Library) -> int:
    context = c_void_p()
    library.call("aclrtGetCurrentContext", byref(context))
    return context.value or 0


class Stream(Resource):
    """A queue of work: in order within it, concurrent with other streams.

    Memory that queued work uses stays allocated until the stream is waited for, even if nothing else refers to it.

    Raises:
        AclError: a call failed; this thread has no device, for instance.

    Example:
        >>> from bcelogits import aclnn
        >>> with aclnn.Device(), aclnn.Stream() as stream:
        ...     stream.synchronize()
        ...     stream.query()
        True
    """

    def __init__(self) -> None:
        library, handle = load(), c_void_p()
        library.call("aclrtCreateStream", byref(handle))
        self._prepare(library, handle.value)
        self._acquired()

    def _prepare(self, library: Library, handle: int | None) -> None:
        self.library = library
        self._handle = handle
        self._context = _current_context(library)
        self.device = library.device()
        self._used: dict[int, tuple[object, ...]] = {}  # by launch
        self._uses: Counter[int] = Counter()  # launches by id of a thing

    @classmethod
    def _default(cls) -> Stream:
        stream = cls.__new__(cls)
        stream._prepare(load(), None)
        with _lock:
            return _default_streams.setdefault(stream._context, stream)

    @property
    def handle(self) -> int | None:
        """The ``aclrtStream``; None is the default stream of the current context."""
        if self._handle is not None:
            self._require_open()
        return self._handle

    def _release(self) -> None:
        try:
            self.library.call("aclrtDestroyStream", self._handle)  # waits for queued work
        finally:
            self._forget(list(self._used))

    def _hold(self, used: tuple[object, ...]) -> None:
        """Keep what queued work uses."""
        with _lock:
            self._used[next(_launches)] = used
            self._uses.update(map(id, used))
            _busy.add(self)
        if len(self._used) % _MANY_LAUNCHES == 0:
            self.query()

    def _forget(self, launches: list[int]) -> None:
        with _lock:
            # Popped one after the other: giving back memory may come here again.
            for launch in launches:
                used = self._used.pop(launch, ())
                self._uses.subtract(map(id, used))
                for thing in used:
                    if self._uses[id(thing)] == 0:
                        del self._uses[id(thing)]
            if not self._used:
                _busy.discard(self)

    def synchronize(self, timeout_ms: int | None = None) -> None:
        """Wait for the work queued so far; a failure of that work is raised here.

        Raises:
            AclError: ``ACL_ERROR_RT_STREAM_SYNC_TIMEOUT`` after ``timeout_ms``, or the failure of queued work.
        """
        launches = list(self._used)
        try:
            if timeout_ms is not None:
                self.library.call("aclrtSynchronizeStreamWithTimeout", self.handle, timeout_ms)
            else:
                self.library.call("aclrtSynchronizeStream", self.handle)
        except AclError as error:
            # Codes of 507000 and more tell of the work, lower ones of this call.
            if error.code is not None and error.code >= 507000 and error.code != _STREAM_SYNC_TIMEOUT:
                self._forget(launches)
            raise
        self._forget(launches)

    def _synchronize_from_any_context(self) -> None:
        before = c_void_p()
        code = self.library.function("aclrtGetCurrentContext")(byref(before))
        if code == 0 and before.value == self._context:
            self.synchronize()
            return
        self.library.recent_message()
        self.library.call("aclrtSetCurrentContext", self._context)
        try:
            self.synchronize()
        finally:
            if code == 0:
                self.library.call("aclrtSetCurrentContext", before)

    def query(self) -> bool:
        """Whether all work queued so far is done."""
        launches = list(self._used)
        status = c_int32()
        self.library.call("aclrtStreamQuery", self.handle, byref(status))
        if status.value == 0:
            self._forget(launches)
        return status.value == 0

    def wait(self, event: Event) -> None:
        """Let later work of this stream wait for an event of another one."""
        self.library.call("aclrtStreamWaitEvent", self.handle, event.handle)

    def record(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default, behind the work queued so far."""
        event = event or Event()
        event.record(self)
        return event


def stream_or_default(stream: Stream | None) -> Stream:
    """A stream, or the default stream of this thread's context."""
    return Stream._default() if stream is None else stream


@contextmanager
def queues_waited_for(device: int) -> Iterator[None]:
    """In this block all streams of a device are waited for."""
    with _lock:
        launches = [(s, list(s._used)) for s in _busy if s.device == device]
    yield
    for stream, those in launches:
        stream._forget(those)


def forget_streams() -> None:
    """Drop what is known of streams and their work, which do not exist in this process (after a fork)."""
    global _lock
    _lock = threading.RLock()  # another thread of the parent may have held it
    for stream in _busy:
        stream._used, stream._uses = {}, Counter()
    _busy.clear()
    _default_streams.clear()


def end_default_streams(device: int) -> None:
    """Wait for the work that this package has queued on the default streams of a device, which end with it."""
    with _lock:
        streams = [s for s in _default_streams.values() if s.device == device]
        for stream in streams:
            del _default_streams[stream._context]
    for stream in streams:
        if stream in _busy:
            stream._synchronize_from_any_context()


def wait_for(thing: object) -> None:
    """Wait for the streams whose queued work uses a thing."""
    with _lock:
        streams = [s for s in _busy if id(thing) in s._uses]
    for stream in streams:
        stream._synchronize_from_any_context()
