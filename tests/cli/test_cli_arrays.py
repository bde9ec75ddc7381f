"""Reading of array files: every format gives the same array, mapped and read-only; damaged files give one error."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bcelogits._files.arrays import RawFormat, open_array, open_weight, parse_shape, split_name
from bcelogits._files.errors import InputError

ml_dtypes = pytest.importorskip("ml_dtypes")
safetensors_numpy = pytest.importorskip("safetensors.numpy")

DTYPES: dict[str, Any] = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64}


def read(path: Path | str, raw: RawFormat | None = None) -> Any:
    return open_array("logits", str(path), raw or RawFormat())


def message(path: Path | str, raw: RawFormat | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(path, raw)
    text = str(caught.value)
    assert text.startswith("logits: ")
    assert "\n" not in text
    return text


def sample(dtype: Any) -> Any:
    return np.random.default_rng(1).normal(0, 3, (5, 3)).astype(dtype)


# ---- what can be read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("kind", ["npy", "fortran", "npz", "compressed", "safetensors", "bin"])
def test_every_format_and_dtype(kind: str, name: str, tmp_path: Path) -> None:
    array = sample(DTYPES[name])
    other = np.zeros(3)
    raw = RawFormat()
    if kind in ("npy", "fortran"):
        path: Path | str = tmp_path / "a.npy"
        np.save(path, array if kind == "npy" else np.asfortranarray(array))
    elif kind in ("npz", "compressed"):
        (np.savez if kind == "npz" else np.savez_compressed)(tmp_path / "a.npz", x=array, other=other)
        path = f"{tmp_path}/a.npz:x"
    elif kind == "safetensors":
        safetensors_numpy.save_file({"layer.x": array, "other": other}, tmp_path / "a.safetensors")
        path = f"{tmp_path}/a.safetensors:layer.x"
    else:
        path, raw = tmp_path / "a.bin", RawFormat(name, (5, 3))
        array.tofile(path)
    got = read(path, raw)
    assert type(got) is np.ndarray
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    assert got.tobytes() == array.tobytes()
    assert not got.flags.writeable
    assert not got.flags.owndata  # the memory is the file's
    assert got.flags.f_contiguous == (kind == "fortran")


@pytest.mark.parametrize("shape", [(), (0,), (4, 0, 2), (1,)])
def test_zero_dimensional_and_empty(shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.full(shape, 2.5, np.float32)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    safetensors_numpy.save_file({"a": array}, tmp_path / "a.safetensors")
    array.tofile(tmp_path / "a.bin")
    for name in ("a.npy", "a.npz", "a.safetensors", "a.bin"):
        got = read(tmp_path / name, RawFormat("f32", shape))
        assert got.shape == shape
        assert got.dtype == np.float32
        assert got.tobytes() == array.tobytes()


def test_long_npy_header_and_trailing_bytes(tmp_path: Path) -> None:
    array = sample(np.float32)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=(2, 0))
        file.write(b"more")
    assert (read(tmp_path / "a.npy") == array).all()


def test_one_array_needs_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", logits=sample(np.float32))
    assert (read(tmp_path / "a.npz") == sample(np.float32)).all()


def test_names(tmp_path: Path) -> None:
    assert split_name("d/a.npz:b.c:d") == (Path("d/a.npz"), "b.c:d")
    assert split_name("A.SafeTensors:x") == (Path("A.SafeTensors"), "x")
    assert split_name("a.npz") == (Path("a.npz"), None)
    assert split_name("a.npy:x") == (Path("a.npy:x"), None)
    # A file whose own name looks like FILE:NAME is that file.
    odd = tmp_path / "a.npz:b.npy"
    assert split_name(str(odd)) == (tmp_path / "a.npz", "b.npy")
    np.save(odd, sample(np.float32))
    assert split_name(str(odd)) == (odd, None)
    assert (read(odd) == sample(np.float32)).all()


def test_shapes() -> None:
    assert [parse_shape("--shape", text) for text in ["3", "3,4", " 3 , 4 ", "(3, 4)", "(3,)", "3x4x5", ""]] == [
        (3,),
        (3, 4),
        (3, 4),
        (3, 4),
        (3,),
        (3, 4, 5),
        (),
    ]
    for text in ["a", "3,,4", "-1", "3.0", "3,-4", "\u0663"]:
        with pytest.raises(InputError, match="--shape: "):
            parse_shape("--shape", text)


# ---- weights ---------------------------------------------------------------------------------------------------


def test_weights_are_numbers_or_files(tmp_path: Path) -> None:
    assert open_weight("weight", "2.5", None, None, (5, 3)) == 2.5
    assert open_weight("weight", "-1e-3", None, None, (5, 3)) == -1e-3
    np.save(tmp_path / "w.npy", np.arange(3.0))
    assert np.asarray(open_weight("weight", str(tmp_path / "w.npy"), None, None, (5, 3))).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("count", "shape"), [(1, ()), (3, (3,)), (12, (4, 3)), (24, (2, 4, 3))])
def test_a_raw_weight_covers_the_last_dimensions(count: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    np.arange(count, dtype=np.float32).tofile(path)
    got = open_weight("weight", str(path), "f32", None, (2, 4, 3))
    assert np.shape(got) == shape
    given = open_weight("weight", str(path), "f32", (count, 1), (2, 4, 3))
    assert np.shape(given) == (count, 1)


def test_a_raw_weight_of_no_such_size(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    np.arange(5, dtype=np.float32).tofile(path)
    with pytest.raises(InputError, match=r"weight: .*w.bin: 20 bytes, expected 4 or 12 or 48 or 96 .*\(2, 4, 3\)"):
        open_weight("weight", str(path), "f32", None, (2, 4, 3))
    with pytest.raises(InputError, match=r"pos_weight: .*missing.bin: No such file"):
        open_weight("pos_weight", str(tmp_path / "missing.bin"), "f32", None, (2, 4, 3))
    with pytest.raises(InputError, match="--dtype"):
        open_weight("weight", str(path), None, None, (2, 4, 3))


# ---- what is refused -------------------------------------------------------------------------------------------


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert message(tmp_path / "no.npy") == f"logits: {tmp_path}/no.npy: No such file or directory"
    assert "unknown suffix '.txt', expected .npy, .npz, .safetensors, .bin" in message(tmp_path / "a.txt")
    assert "unknown suffix ''" in message("nothing")
    (tmp_path / "d.npy").mkdir()
    assert "directory" in message(tmp_path / "d.npy").lower()


def test_raw_files_of_the_wrong_size(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(60))
    assert message(path, RawFormat("f32", (4, 4))).endswith("a.bin: 60 bytes, expected 64 for f32 (4, 4)")
    assert message(path, RawFormat("f32", (7, 2))).endswith("a.bin: 60 bytes, expected 56 for f32 (7, 2)")
    assert "needs --dtype, one of f16, bf16, f32, f64" in message(path, RawFormat(None, (15,)))
    assert "needs its shape" in message(path, RawFormat("f32", None))


def test_pickles_are_not_read(tmp_path: Path) -> None:
    objects = np.array([{}, None], dtype=object)
    np.save(tmp_path / "a.npy", objects)
    np.savez(tmp_path / "a.npz", objects)
    for name in ("a.npy", "a.npz"):
        assert "holds python objects (a pickle), which are not read" in message(tmp_path / name)
    np.save(tmp_path / "b.npy", np.zeros(2, [("a", object), ("b", "f4")]))
    assert "python objects" in message(tmp_path / "b.npy")


def test_names_that_are_not_there(tmp_path: Path) -> None:
    arrays = {"logits": sample(np.float32), "labels": sample(np.float32)}
    np.savez(tmp_path / "a.npz", **arrays)
    safetensors_numpy.save_file(arrays, tmp_path / "a.safetensors")
    for name in ("a.npz", "a.safetensors"):
        assert message(tmp_path / name).endswith("holds several arrays; add :NAME, one of labels, logits")
        assert message(f"{tmp_path}/{name}:x").endswith("no array 'x'; it holds labels, logits")
    many: dict[str, Any] = {f"a{i:02}": np.zeros(1) for i in range(25)}
    np.savez(tmp_path / "many.npz", **many)
    assert message(tmp_path / "many.npz").endswith("a18, a19 and 5 more")
    np.savez(tmp_path / "none.npz")
    assert message(tmp_path / "none.npz").endswith("holds no array")


def test_unsupported_safetensors_dtype(tmp_path: Path) -> None:
    header = json.dumps({"x": {"dtype": "F8_E5M2", "shape": [4], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    assert message(tmp_path / "a.safetensors").endswith("x: dtype F8_E5M2, expected F16, BF16, F32 or F64")


def safetensors_bytes(entry: Any, data: bytes = bytes(16), length: int | None = None) -> bytes:
    header = json.dumps({"x": entry} if entry is not ... else []).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "truncated: 0 bytes"),
        (b"abc", "truncated: 3 bytes"),
        (struct.pack("<Q", 2**63), "damaged header: 9223372036854775808 bytes long"),
        (struct.pack("<Q", 1000), "truncated: 8 bytes, expected at least 1008"),
        (struct.pack("<Q", 4) + b"{{{{", "Expecting property name"),
        (struct.pack("<Q", 2) + b"\xff\xfe", "utf-8"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "recursion"),
        (safetensors_bytes(...), "damaged header: not an object"),
        (safetensors_bytes(None), "damaged header: the entry of 'x'"),
        (safetensors_bytes({"dtype": "F32", "shape": [4]}), "damaged header: the entry of 'x'"),
        (safetensors_bytes({"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}), "the entry of 'x'"),
        (safetensors_bytes({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}), "the entry of 'x'"),
        (safetensors_bytes({"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}), "the entry of 'x'"),
        (safetensors_bytes({"dtype": 4, "shape": [4], "data_offsets": [0, 16]}), "the entry of 'x'"),
        (safetensors_bytes({"dtype": "F32", "shape": [3], "data_offsets": [0, 16]}), "16 bytes, expected 12 for F32"),
        (safetensors_bytes({"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, bytes(15)), "truncated: "),
        (safetensors_bytes({"dtype": "F32", "shape": [2**70], "data_offsets": [0, 2**72]}), "truncated: "),
    ],
)
def test_damaged_safetensors(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert expected in message(path)


def test_truncated_npy_says_what_is_missing(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((100, 3), np.float32))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-100])
    assert message(tmp_path / "a.npy").endswith("truncated: 1100 bytes of data, expected 1200 for float32 (100, 3)")


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed", "safetensors"])
def test_a_damaged_file_is_an_error_line_or_an_array(kind: str, tmp_path: Path) -> None:
    """Every truncation and many changed bytes: nothing but InputError may come out."""
    array = sample(np.float32)
    path = tmp_path / f"a.{'npz' if kind == 'compressed' else kind}"
    if kind == "npy":
        np.save(path, array)
    elif kind == "safetensors":
        safetensors_numpy.save_file({"x": array}, path)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, x=array)
    whole = path.read_bytes()
    rng = np.random.default_rng(2)
    variants = [whole[:length] for length in range(len(whole))]
    for _ in range(1500):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            changed[place] = rng.integers(0, 256)
        variants.append(bytes(changed))
    for variant in variants:
        path.write_bytes(variant)
        try:
            got = read(path)
        except InputError:
            continue
        bytes(got.tobytes())  # and what is mapped can be read
