"""Reading: .npy, .npz, .safetensors and raw .bin files as memory-mapped, read-only NumPy arrays.

A file is named as FILE, or FILE.npz:NAME and FILE.safetensors:NAME for one array of several. No file is read into
memory; the members of a compressed .npz are first unpacked into a temporary file, which is mapped in its place.
Nothing is unpickled. bfloat16 comes out as the dtype of ml_dtypes, also from .npy, which stores it as 2-byte void.
"""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import re
import struct
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any

import numpy as np

from bcelogits._files.errors import InputError, reason
from bcelogits._formats import FORMATS
from bcelogits._typing import Array, Shape

__all__ = [
    "SUFFIXES",
    "Array",
    "RawFormat",
    "Shape",
    "open_array",
    "open_weight",
    "parse_shape",
    "split_name",
]

SUFFIXES = (".npy", ".npz", ".safetensors", ".bin")
# Integer and bool arrays are mapped too: whether an operand may have them is for the operator to say.
_SAFETENSORS_INTEGERS = {"BOOL": "?"} | {
    f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)
}
# The format's own limit.
_SAFETENSORS_HEADER_LIMIT = 100_000_000


@dataclass(frozen=True)
class RawFormat:
    """What the options say about raw .bin files, which say nothing about themselves."""

    dtype: str | None = None
    shape: Shape | None = None


def parse_shape(option: str, text: str) -> Shape:
    """The shape in "128,10", "128x10", or "" for a single number.

    >>> parse_shape("--shape", "128,10"), parse_shape("--shape", "7"), parse_shape("--shape", "")
    ((128, 10), (7,), ())
    """
    parts = [part.strip() for part in re.split("[,x]", text.strip().strip("()").rstrip(",")) if text.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(f"{option}: {text!r}, expected whole numbers with commas between them, like 128,10")
    return tuple(map(int, parts))


def split_name(text: str) -> tuple[Path, str | None]:
    """Split FILE.npz:NAME or FILE.safetensors:NAME; the name is None where there is none.

    >>> split_name("a/b.npz:x"), split_name("c:d.npy")
    ((PosixPath('a/b.npz'), 'x'), (PosixPath('c:d.npy'), None))
    """
    match = re.match(r"(.*?\.(?:npz|safetensors)):(.+)\Z", text, re.IGNORECASE | re.DOTALL)
    if match is None or (text.lower().endswith(SUFFIXES) and Path(text).exists()):
        return Path(text), None
    return Path(match[1]), match[2]


@contextmanager
def _named(parameter: str, path: Path) -> Iterator[None]:
    """Turn what reading a bad file raises into one line that names the parameter and the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{parameter}: {path}: {error}") from None
    except (
        *(ImportError, OSError, EOFError, ValueError, OverflowError, SyntaxError, RecursionError, NotImplementedError),
        *(RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError, struct.error),
    ) as error:
        raise InputError(f"{parameter}: {path}: {reason(error)}") from None


def open_array(parameter: str, text: str, raw: RawFormat) -> Array:
    """Map the array that `text` names.

    Args:
        parameter: what the array is, for error messages.
        text: FILE or FILE:NAME.
        raw: dtype and shape of a .bin file.

    Returns:
        A read-only array over the file; its memory is the page cache.

    Raises:
        InputError: the file does not exist, is of an unknown kind, is damaged, or has no such array.
    """
    path, name = split_name(text)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{parameter}: {path}: unknown suffix {path.suffix!r}, expected {', '.join(SUFFIXES)}")
    with _named(parameter, path), path.open("rb") as file:
        if suffix == ".npy":
            return _map_npy(file)
        if suffix == ".npz":
            return _open_npz(file, name)
        if suffix == ".safetensors":
            return _open_safetensors(file, name)
        return _open_raw(file, raw)


def open_weight(parameter: str, text: str, dtype: str | None, shape: Shape | None, full: Shape) -> Array | float:
    """A number, or the array that `text` names; a raw file without `shape` covers the last dimensions of `full`."""
    try:
        return float(text)
    except ValueError:
        pass
    path, _ = split_name(text)
    if path.suffix.lower() == ".bin" and shape is None and dtype is not None:
        with _named(parameter, path):
            shape = _trailing_shape(path.stat().st_size, FORMATS[dtype].dtype.itemsize, full)
    return open_array(parameter, text, RawFormat(dtype, shape))


def _trailing_shape(size: int, itemsize: int, full: Shape) -> Shape:
    choices = [full[axis:] for axis in range(len(full), -1, -1)]
    for choice in choices:
        if math.prod(choice) * itemsize == size:
            return choice
    wanted = " or ".join(str(n) for n in dict.fromkeys(math.prod(choice) * itemsize for choice in choices))
    raise InputError(
        f"{size} bytes, expected {wanted} to cover the last dimensions of {full}; give its shape otherwise"
    )


# ---- mapping ---------------------------------------------------------------------------------------------------


def _map(file: IO[bytes], dtype: np.dtype[Any], shape: Shape, order: str = "C", offset: int = 0) -> Array:
    if dtype.hasobject:
        raise InputError("holds python objects (a pickle), which are not read")
    expected, found = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - offset
    if expected > found:
        raise InputError(f"truncated: {max(found, 0)} bytes of data, expected {expected} for {dtype.name} {shape}")
    if expected == 0:
        return np.empty(shape, dtype)
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hasattr(mmap, "MADV_SEQUENTIAL"):
        mapping.madvise(mmap.MADV_SEQUENTIAL)
    return np.ndarray(shape, dtype, buffer=mapping, offset=offset, order="F" if order == "F" else "C")


def _map_npy(file: IO[bytes]) -> Array:
    """The .npy array that starts where `file` stands, in a plain file."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise InputError(f".npy format version {version[0]}.{version[1]}, expected 1.0 or 2.0")
    if any(extent < 0 for extent in shape):
        raise InputError(f"damaged header: shape {shape}")
    if dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None and dtype.subdtype is None:
        dtype = FORMATS["bf16"].dtype
    return _map(file, dtype, shape, "F" if fortran else "C", file.tell())


def _choose(names: Iterable[str], name: str | None) -> str:
    known = sorted(names)
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    if not known:
        raise InputError("holds no array")
    if name is None and len(known) > 1:
        raise InputError(f"holds several arrays; add :NAME, one of {shown}")
    if name is not None and name not in known:
        raise InputError(f"no array {name!r}; it holds {shown}")
    return known[0] if name is None else name


def _open_npz(file: IO[bytes], name: str | None) -> Array:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        info = members[_choose(members, name)]
        with archive.open(info) as member:  # checks the member's own header
            if info.compress_type != zipfile.ZIP_STORED:
                with tempfile.TemporaryFile() as unpacked:
                    try:
                        copyfileobj(member, unpacked, 1 << 20)
                    except Exception as error:  # each compression library has its own
                        raise InputError(f"cannot be unpacked: {reason(error)}") from None
                    unpacked.seek(0)
                    return _map_npy(unpacked)
    # An uncompressed member lies in the archive as it is: map it there.
    file.seek(info.header_offset)
    name_length, extra_length = struct.unpack("<26x2H", file.read(30))
    file.seek(name_length + extra_length, io.SEEK_CUR)
    return _map_npy(file)


def _open_safetensors(file: IO[bytes], name: str | None) -> Array:
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    if len(prefix) < 8:
        raise InputError(f"truncated: {size} bytes, expected at least 8")
    (length,) = struct.unpack("<Q", prefix)
    if length > _SAFETENSORS_HEADER_LIMIT:
        raise InputError(f"damaged header: {length} bytes long, at most {_SAFETENSORS_HEADER_LIMIT} are allowed")
    if 8 + length > size:
        raise InputError(f"truncated: {size} bytes, expected at least {8 + length}, the length of the header")
    header = json.loads(file.read(length).decode("utf-8"))
    if not isinstance(header, dict):
        raise InputError("damaged header: not an object")
    header.pop("__metadata__", None)
    tensors = {key: _tensor(key, entry) for key, entry in header.items()}
    expected = 8 + length + max((end for *_, end in tensors.values()), default=0)
    if size < expected:
        raise InputError(f"truncated: {size} bytes, expected {expected}")
    chosen = _choose(tensors, name)
    kind, shape, begin, end = tensors[chosen]
    if kind in _SAFETENSORS_INTEGERS:
        dtype = np.dtype(_SAFETENSORS_INTEGERS[kind])
    elif kind.lower() in FORMATS and kind.isupper():
        dtype = FORMATS[kind.lower()].dtype
    else:
        raise InputError(f"{chosen}: dtype {kind}, expected F16, BF16, F32 or F64")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise InputError(
            f"{chosen}: {end - begin} bytes, expected {math.prod(shape) * dtype.itemsize} for {kind} {shape}"
        )
    return _map(file, dtype, shape, offset=8 + length + begin)


def _tensor(name: str, entry: Any) -> tuple[str, Shape, int, int]:
    """dtype, shape, begin and end of one tensor from its entry in the header."""

    def is_natural(value: object) -> bool:
        return type(value) is int and value >= 0

    try:
        kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise InputError(f"damaged header: the entry of {name!r}") from None
    if not all(map(is_natural, (*shape, begin, end))) or begin > end or not isinstance(kind, str):
        raise InputError(f"damaged header: the entry of {name!r}")
    return kind, shape, begin, end


def _open_raw(file: IO[bytes], raw: RawFormat) -> Array:
    if raw.dtype is None:
        raise InputError(f"a raw file needs --dtype, one of {', '.join(FORMATS)}")
    if raw.shape is None:
        raise InputError("a raw file needs its shape, as in --shape 128,10")
    dtype = FORMATS[raw.dtype].dtype
    expected, found = math.prod(raw.shape) * dtype.itemsize, os.fstat(file.fileno()).st_size
    if found != expected:
        raise InputError(f"{found} bytes, expected {expected} for {raw.dtype} {raw.shape}")
    return _map(file, dtype, raw.shape)
