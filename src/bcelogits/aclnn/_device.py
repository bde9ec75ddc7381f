"""A device in use: initialisation, and its end."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bcelogits.aclnn._codes import ALREADY_INITIALISED
from bcelogits.aclnn._library import AclError, Library, load
from bcelogits.aclnn._resource import Resource, forget_resources, open_resources
from bcelogits.aclnn._stream import Stream, end_default_streams, forget_streams, queues_waited_for

__all__ = ["Device", "some_device"]

_lock = threading.RLock()
_users = 0  # open devices, and one for ever once a function had to initialise by itself
_users_of: Counter[int] = Counter()  # open devices by index
_initialised_here = False
_initialised_for_ever = False


def _initialise(library: Library, config: str | None) -> None:
    global _users, _initialised_here
    with _lock:
        if _users == 0:
            code = library.function("aclInit")(None if config is None else os.fsencode(config))
            if code not in (0, ALREADY_INITIALISED):
                raise AclError("aclInit", code, library.recent_message())
            if code != 0:
                library.recent_message()  # another part of the program has initialised, and finalizes
            _initialised_here = code == 0
        _users += 1


def _finalize(library: Library) -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0 and _initialised_here:
            library.call("aclFinalize")


def _after_fork() -> None:
    """A child process starts with nothing: what the parent has open is the parent's."""
    global _lock, _users, _initialised_here, _initialised_for_ever
    _lock = threading.RLock()
    _users, _initialised_here, _initialised_for_ever = 0, False, False
    _users_of.clear()
    forget_resources()
    forget_streams()


os.register_at_fork(after_in_child=_after_fork)


class Device(Resource):
    """A device in use by this thread: ``aclInit`` and ``aclrtSetDevice`` now, the reverse by :meth:`close`.

    Args:
        index: number of the device.
        root: as in :func:`load`.
        config: path of the JSON file for ``aclInit``.

    Any number may be open at a time, and each thread opens its own. The last one on a device closes what is left of
    streams, events, memory, tensors and executors there; the last of all finalizes, unless another part of the program
    has initialised.

    Raises:
        AclError: a call failed, for instance there is no such device.

    Example:
        >>> from bcelogits import aclnn
        >>> with aclnn.Device() as device:
        ...     device.index
        0
    """

    def __init__(
        self, index: int = 0, *, root: str | os.PathLike[str] | None = None, config: str | None = None
    ) -> None:
        self.library = load(root)
        self.index = index
        _initialise(self.library, config)
        try:
            self.library.call("aclrtSetDevice", index)
        except BaseException:
            _finalize(self.library)
            raise
        with _lock:
            _users_of[index] += 1
        self._acquired()

    def _release(self) -> None:
        with _lock, ExitStack() as stack:
            _users_of[self.index] -= 1
            stack.callback(_finalize, self.library)
            stack.callback(self.library.call, "aclrtResetDevice", self.index)
            if _users_of[self.index] == 0:
                # Streams first, which waits for what they do with the others.
                others = [thing for thing in open_resources(self.index) if not isinstance(thing, Device)]
                for thing in sorted(others, key=lambda r: isinstance(r, Stream)):
                    stack.callback(thing.close)
                stack.callback(end_default_streams, self.index)

    def synchronize(self) -> None:
        """Wait for all work of this thread's device; a failure of that work is raised here."""
        with queues_waited_for(self.index):
            self.library.call("aclrtSynchronizeDevice")


@contextmanager
def some_device() -> Iterator[None]:
    """The device of this thread, or else device 0 for a while."""
    global _initialised_for_ever
    library = load()
    if library.device() is not None:
        yield
        return
    with _lock:
        if not _initialised_for_ever:
            # Finalizing after each call would pull the rug from under other parts of the program.
            _initialise(library, None)
            _initialised_for_ever = True
    with Device():
        yield
