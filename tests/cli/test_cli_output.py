"""Writing of array files: what is written reads back, whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bcelogits._files.arrays import RawFormat, open_array
from bcelogits._files.errors import InputError
from bcelogits._files.output import Output, destination

ml_dtypes = pytest.importorskip("ml_dtypes")

DTYPES: dict[str, Any] = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64}


def write(path: Path, array: Any, fortran: bool = False) -> None:
    with Output("--out", path, array.shape, array.dtype, "loss", fortran) as output:
        output.array[...] = array
        output.commit()


@pytest.mark.parametrize("suffix", ["npy", "safetensors", "bin"])
@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (7, 3), (2, 0, 3), (1,)])
def test_what_is_written_reads_back(suffix: str, name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(3).normal(0, 3, shape)
    array = np.asarray(array).astype(DTYPES[name])
    path = tmp_path / f"a.{suffix}"
    write(path, array)
    assert os.listdir(tmp_path) == [path.name]
    got = open_array("x", str(path), RawFormat(name, shape))
    assert got.dtype == array.dtype
    assert got.shape == shape
    assert got.tobytes() == array.tobytes()
    if suffix == "bin":
        assert path.read_bytes() == array.tobytes()


def test_other_readers_agree(tmp_path: Path) -> None:
    safetensors_numpy = pytest.importorskip("safetensors.numpy")
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write(tmp_path / "a.npy", array)
    write(tmp_path / "f.npy", array, fortran=True)
    assert (np.load(tmp_path / "a.npy") == array).all()
    columns = np.load(tmp_path / "f.npy")
    assert (columns == array).all()
    assert columns.flags.f_contiguous
    for dtype in DTYPES.values():
        write(tmp_path / "a.safetensors", array.astype(dtype), fortran=True)
        loaded = safetensors_numpy.load_file(tmp_path / "a.safetensors")
        assert list(loaded) == ["loss"]
        assert loaded["loss"].dtype == np.dtype(dtype)
        assert (loaded["loss"].astype(np.float32) == array).all()


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"older")
    with Output("--out", path, (3,), np.dtype("f4"), "loss") as output:
        output.array[...] = 1
        assert path.read_bytes() == b"older"
    assert path.read_bytes() == b"older"  # left without commit
    assert os.listdir(tmp_path) == ["a.npy"]
    with pytest.raises(KeyboardInterrupt), Output("--out", path, (3,), np.dtype("f4"), "loss"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["a.npy"]
    write(path, np.ones(3, np.float32))
    assert np.load(path).tolist() == [1, 1, 1]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write(tmp_path / "a.npy", np.ones(3))
    assert stat.S_IMODE((tmp_path / "a.npy").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_full_disk_is_noticed_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match=r"--grad: .*a.bin: No space left on device \(it takes 4000 bytes\)"):
        Output("--grad", tmp_path / "a.bin", (1000,), np.dtype("f4"), "grad")
    assert os.listdir(tmp_path) == []


def test_a_file_system_that_cannot_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    write(tmp_path / "a.npy", np.ones(3))
    assert np.load(tmp_path / "a.npy").tolist() == [1, 1, 1]


def test_destinations(tmp_path: Path) -> None:
    source = tmp_path / "x.npy"
    source.touch()
    assert destination("--out", f"{tmp_path}/a.npy", {"logits": source}) == (tmp_path / "a.npy", None)
    assert destination("--out", f"{tmp_path}/a.safetensors:n", {}) == (tmp_path / "a.safetensors", "n")
    (tmp_path / "link.npy").symlink_to(source)
    os.link(source, tmp_path / "hard.npy")
    for name in ["x.npy", f"../{tmp_path.name}/x.npy", "link.npy", "hard.npy"]:
        with pytest.raises(InputError, match="already used for logits"):
            destination("--out", f"{tmp_path}/{name}", {"logits": source})
    with pytest.raises(InputError, match=r"already used for --grad"):
        destination("--out", f"{tmp_path}/new.npy", {"--grad": tmp_path / "new.npy"})
    for name, expected in [
        ("a.npz", r"unknown suffix '.npz', expected .npy, .safetensors, .bin"),
        ("a", "unknown suffix ''"),
        ("none/a.npy", "no such directory"),
    ]:
        with pytest.raises(InputError, match=expected):
            destination("--out", f"{tmp_path}/{name}", {})
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        destination("--out", f"{tmp_path}/d.npy", {})


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real = tmp_path / "real.npy"
    real.touch()
    (tmp_path / "link.npy").symlink_to(real)
    path, _ = destination("--out", f"{tmp_path}/link.npy", {})
    write(path, np.ones(2))
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(real).tolist() == [1, 1]
