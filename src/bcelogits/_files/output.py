"""Writing: arrays that grow in a temporary file beside their destination and take its place when complete.

The file is laid out and its space reserved first, then mapped; so a full disk is an error message before any work,
and a failure leaves neither a partial file nor a damaged older one.
"""

from __future__ import annotations

import errno
import io
import json
import math
import mmap
import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bcelogits._files.arrays import split_name
from bcelogits._files.errors import InputError, reason
from bcelogits._formats import format_of
from bcelogits._typing import Array, Shape

SUFFIXES = (".npy", ".safetensors", ".bin")
# What a file system says that cannot reserve space.
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


def destination(option: str, text: str, used: Mapping[str, Path]) -> tuple[Path, str | None]:
    """The file that `text` names, links resolved, and the name of its array if one is given.

    Raises:
        InputError: its suffix is unknown, its folder does not exist, or it is one of the files in `used`, where each
            stands under the name of what it holds.
    """
    named, name = split_name(text)
    if named.suffix.lower() not in SUFFIXES:
        raise InputError(f"{option}: {named}: unknown suffix {named.suffix!r}, expected {', '.join(SUFFIXES)}")
    path = Path(os.path.realpath(named))
    if path.is_dir():
        raise InputError(f"{option}: {named}: is a directory")
    if not path.parent.is_dir():
        raise InputError(f"{option}: {named}: no such directory: {named.parent}")
    for what, other in used.items():
        if path == Path(os.path.realpath(other)) or (path.exists() and other.exists() and path.samefile(other)):
            raise InputError(f"{option}: {named}: already used for {what}")
    return path, name


class Output:
    """One output array, `array`: fill it, then `commit`; leaving the with block without that discards it."""

    array: Array

    def __init__(
        self, option: str, path: Path, shape: Shape, dtype: np.dtype[Any], name: str, fortran: bool = False
    ) -> None:
        """Lay the file out; in column order if `fortran`, where the format can say so (.npy)."""
        suffix = path.suffix.lower()
        fortran = fortran and suffix == ".npy"
        self._option, self._path = option, path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        header = _header(suffix, shape, dtype, name, fortran)
        try:
            # Not tempfile: the finished file shall have the permissions of any new file.
            descriptor = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise InputError(f"{option}: {path}: {reason(error)}") from None
        try:
            with os.fdopen(descriptor, "r+b") as file:
                self.array = _lay_out(file, header, shape, dtype, fortran)
        except OSError as error:
            self.discard()
            size = len(header) + math.prod(shape) * dtype.itemsize
            raise InputError(f"{option}: {path}: {reason(error)} (it takes {size} bytes)") from None
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        """Put the finished file in its place."""
        try:
            self._temporary.replace(self._path)
        except OSError as error:
            raise InputError(f"{self._option}: {self._path}: {reason(error)}") from None

    def discard(self) -> None:
        """Remove the file unless it is in its place already."""
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Output:
        """Nothing to do: the file is there already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Discard what was not committed."""
        self.discard()


def _header(suffix: str, shape: Shape, dtype: np.dtype[Any], name: str, fortran: bool) -> bytes:
    if suffix == ".npy":
        buffer = io.BytesIO()
        # dtype.str of bfloat16 is "<V2": NumPy has no name for it, and our reader and others' take it for bfloat16.
        description = {"descr": dtype.str, "fortran_order": fortran, "shape": shape}
        np.lib.format.write_array_header_1_0(buffer, description)
        return buffer.getvalue()
    if suffix == ".safetensors":
        entry = {
            "dtype": format_of(dtype).name.upper(),
            "shape": shape,
            "data_offsets": [0, math.prod(shape) * dtype.itemsize],
        }
        return _safetensors_header({name: entry})
    return b""


def write_safetensors(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write several arrays, of the dtypes of the operator, into one .safetensors file in the order given."""
    entries: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        entries[name] = {
            "dtype": format_of(array.dtype).name.upper(),
            "shape": array.shape,
            "data_offsets": [begin, end],
        }
    with path.open("xb") as file:
        file.write(_safetensors_header(entries))
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())


def _safetensors_header(entries: Mapping[str, Any]) -> bytes:
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _lay_out(file: io.BufferedRandom, header: bytes, shape: Shape, dtype: np.dtype[Any], fortran: bool) -> Array:
    size = len(header) + math.prod(shape) * dtype.itemsize
    file.write(header)
    file.flush()
    if size == len(header):
        return np.empty(shape, dtype)
    # Writing through a mapping to a full disk would kill the process: reserve the space now.
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    os.ftruncate(file.fileno(), size)
    mapping = mmap.mmap(file.fileno(), size)
    return np.ndarray(shape, dtype, buffer=mapping, offset=len(header), order="F" if fortran else "C")
