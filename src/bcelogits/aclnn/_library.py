"""The shared libraries of one installation, ours or CANN's, and calls whose failures are exceptions."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from pathlib import Path
from typing import Any

from bcelogits import _cann
from bcelogits.aclnn._codes import CONTEXT_NULL, name_of
from bcelogits.aclnn._prototypes import PROTOTYPES

__all__ = ["AclError", "Library", "load"]

# In the order in which a function is searched for; of each row the first file that exists is taken.
_FILES = (
    ("libascendcl.so", "libacl_rt.so"),
    ("libnnopbase.so",),
    ("libopapi.so", "libopapi_nn.so", "libaclnn_math.so"),
)
# The operators' library of other releases, in parts; opened when a function is in none of the above.
_PARTS = ("libopapi_nn.so", "libopapi_math.so", "libaclnn_ops_infer.so", "libaclnn_ops_train.so", "libaclnn_math.so")


class AclError(RuntimeError):
    """A function of the C API failed.

    Attributes:
        function: name of the C function.
        code: the status that it returned; None for a function that returns a handle, and returned NULL.
        name: the documented name of the code.
        text: what ``aclGetRecentErrMsg`` had to say, or "".
    """

    def __init__(self, function: str, code: int | None, text: str) -> None:
        self.function, self.code, self.text = function, code, text
        self.name = "NULL" if code is None else name_of(code)
        status = self.name if code is None else f"{code} {self.name}"
        super().__init__(f"{function} returned {status}{': ' if text else ''}{text}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.code, self.text)


class Library:
    """The libraries of one installation, loaded. Get it from :func:`load`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._functions: dict[str, Any] = {}
        first, self._parts = _paths(root)
        self._handles = [_open(path) for path in first]

    def __repr__(self) -> str:
        return f"Library({str(self.root)!r})"

    def function(self, name: str) -> Any:
        """The C function of that name, with its prototype; it returns the bare status.

        Raises:
            NotImplementedError: none of the libraries has it.
        """
        found = self._functions.get(name)
        if found is None:
            found = self._functions[name] = self._look_up(name)
        return found

    def _look_up(self, name: str) -> Any:
        result, *parameters = PROTOTYPES[name]
        while True:
            for handle in self._handles:
                try:
                    found = handle[name]  # a new object at each look-up: its prototype is nobody else's
                except AttributeError:
                    continue
                found.restype, found.argtypes = result, parameters
                return found
            if not self._parts:
                raise NotImplementedError(f"{name}: not in the libraries of {self.root}")
            self._handles.append(_open(self._parts.pop(0)))

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status.

        Raises:
            AclError: the status is not 0.
        """
        code = self.function(name)(*arguments)
        if code != 0:
            raise AclError(name, code, self.recent_message())

    def create(self, name: str, *arguments: Any) -> int:
        """Call a function that returns a handle.

        Raises:
            AclError: it returned NULL.
        """
        handle: int | None = self.function(name)(*arguments)
        if handle is None:
            raise AclError(name, None, self.recent_message())
        return handle

    def device(self) -> int | None:
        """The number of this thread's device; None if it has none."""
        index = ctypes.c_int32()
        code = self.function("aclrtGetDevice")(ctypes.byref(index))
        if code == 0:
            return index.value
        text = self.recent_message()
        if code == CONTEXT_NULL:
            return None
        raise AclError("aclrtGetDevice", code, text)

    def recent_message(self) -> str:
        """What aclGetRecentErrMsg has collected on this thread, which it forgets then; "" if there is nothing."""
        text: bytes | None = self.function("aclGetRecentErrMsg")()
        return "" if text is None else text.decode(errors="replace").strip()


def _paths(root: Path) -> tuple[list[Path], list[Path]]:
    """The files to open at once, and those to open when a function is missing."""
    folders = [root / "lib64", root / f"{platform.machine()}-linux" / "lib64", root / "runtime" / "lib64"]

    def existing(names: tuple[str, ...]) -> list[Path]:
        return [folder / name for folder in folders for name in names if (folder / name).is_file()]

    first = []
    for names in _FILES:
        found = existing(names)
        if not found:
            raise OSError(f"{root}: no {' or '.join(names)} in {', '.join(map(str, folders))}")
        first.append(found[0])
    return first, [path for path in existing(_PARTS) if path != first[-1]]


def _open(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise OSError(f"{path}: {error} (is the installation's set_env.sh sourced?)") from None


_lock = threading.Lock()
_loaded: list[Library] = []


def load(root: str | os.PathLike[str] | None = None) -> Library:
    """The libraries in use, loaded at the first call.

    Args:
        root: the root folder of an installation of CANN. None is the one in use; if there is none yet, that of the
            environment variable ``ASCEND_HOME_PATH``, and else the one that comes with this package.

    A process uses one installation: libraries of two would bind to each other, as their names are the same.

    Raises:
        OSError: the folder has not the libraries, or they cannot be loaded.
        RuntimeError: another installation is in use.

    Example:
        >>> from bcelogits import aclnn
        >>> aclnn.load().function("aclrtGetSocName")()
        b'Ascend...'
    """
    with _lock:
        if root is None and _loaded:
            return _loaded[0]
        folder = Path(root or os.environ.get("ASCEND_HOME_PATH") or _cann.root()).resolve()
        if not _loaded:
            _loaded.append(Library(folder))
        if _loaded[0].root != folder:
            raise RuntimeError(f"{folder}: this process uses the libraries of {_loaded[0].root}")
        return _loaded[0]
