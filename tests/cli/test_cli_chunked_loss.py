"""The chunk loop: however the arrays are cut, the results have the bits of a single call."""

from __future__ import annotations

import io
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bcelogits
from bcelogits._files.errors import InputError
from bcelogits.cli import chunked_loss as module
from bcelogits.cli import progress
from bcelogits.cli.chunked_loss import OutputFile, chunked_loss, chunks, part_of

ml_dtypes = pytest.importorskip("ml_dtypes")

LAYOUTS = ["C", "F", "strided", "three"]


def operands(layout: str, dtype: Any) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(11)
    x, t = rng.normal(0, 8, (48, 10)), (rng.random((48, 10)) < 0.2).astype(float)
    w, p = rng.random((48, 1)), rng.random(10) * 4
    x, t, w, p = (a.astype(dtype) for a in (x, t, w, p))
    if layout == "F":
        return np.asfortranarray(x), t, w, p
    if layout == "strided":
        wide = np.zeros((96, 10), x.dtype)
        wide[::2] = x
        return wide[::2], t[::-1][::-1], w, p
    if layout == "three":
        return x.reshape(6, 8, 10), t.reshape(6, 8, 10), w.reshape(6, 8, 1), p
    return x, t, w, p


# ---- cutting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 7, 16, 59, 60, 1000])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_chunks_cover_every_element_once(limit: int, axes: tuple[int, ...]) -> None:
    array = np.zeros((3, 4, 5)).transpose(axes)
    seen = np.zeros(array.shape, int)
    addresses = []
    for index in chunks(array, limit):
        assert 0 < array[index].size <= limit
        seen[index] += 1
        addresses.append(array[index].__array_interface__["data"][0])
    assert (seen == 1).all()
    assert addresses == sorted(addresses)  # in the order of memory
    assert len(addresses) <= math.ceil(array.size / limit) * 3 or limit < 5


def test_chunks_of_nothing_and_of_one() -> None:
    assert list(chunks(np.zeros((0, 3)), 10)) == []
    assert list(chunks(np.zeros((3, 0)), 10)) == []
    assert list(chunks(np.zeros(1), 10)) == [(slice(0, 1),)]


def test_parts_of_weights() -> None:
    index = (slice(2, 4), slice(0, 3))
    w = np.arange(12.0).reshape(4, 3)
    assert part_of(None, index) is None
    assert part_of(2.5, index) == 2.5
    for weight, expected in [
        (w, w[2:4]),
        (w[0], w[0]),
        (w[:, :1], w[2:4, :1]),
        (w[:1], w[:1]),
        (np.array([5.0]), np.array([5.0])),
        (np.array(5.0), np.array(5.0)),
    ]:
        part: Any = part_of(weight, index)
        assert isinstance(part, np.ndarray)
        assert part.shape == expected.shape
        assert (part == expected).all()


# ---- bits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_chunked_equals_one_call(reduction: str, layout: str, dtype: Any, tmp_path: Path) -> None:
    x, t, w, p = operands(layout, dtype)
    loss, gradient = bcelogits.value_and_grad(x, t, w, pos_weight=p, reduction=reduction)
    for limit in (100, 1000, 1 << 20):
        got = chunked_loss(
            x, t, w, p, reduction, OutputFile(tmp_path / "g.npy", "grad"), OutputFile(tmp_path / "l.npy", "loss"), limit
        )
        assert got.loss.tobytes() == loss.tobytes()
        assert got.loss.dtype == got.dtype == loss.dtype
        assert got.count == x.size
        written = np.load(tmp_path / "g.npy")
        assert written.shape == x.shape
        assert written.tobytes() == np.asarray(gradient).tobytes()
        assert np.load(tmp_path / "l.npy").tobytes() == loss.tobytes()
        assert chunked_loss(x, t, w, p, reduction, chunk_bytes=limit).loss.tobytes() == loss.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_chunked_elementwise_equals_one_call(layout: str, tmp_path: Path) -> None:
    x, t, w, p = operands(layout, np.float32)
    losses, gradient = bcelogits.value_and_grad(x, t, w, pos_weight=p, reduction="none")
    for grad in (None, OutputFile(tmp_path / "g.npy", "grad")):
        got = chunked_loss(x, t, w, p, "none", grad, OutputFile(tmp_path / "l.npy", "loss"), 100)
        assert got.loss is None
        assert np.load(tmp_path / "l.npy").tobytes() == np.asarray(losses).tobytes()
    assert np.load(tmp_path / "g.npy").tobytes() == np.asarray(gradient).tobytes()
    chunked_loss(x, t, w, p, "none", OutputFile(tmp_path / "only.npy", "grad"), None, 100)
    assert np.load(tmp_path / "only.npy").tobytes() == np.asarray(gradient).tobytes()


def test_numbers_as_weights_and_mixed_dtypes(tmp_path: Path) -> None:
    x, t, _, _ = operands("C", np.float16)
    t = t.astype(ml_dtypes.bfloat16)
    loss, gradient = bcelogits.value_and_grad(x, t, 0.3, pos_weight=1.7)
    got = chunked_loss(x, t, 0.3, 1.7, "mean", OutputFile(tmp_path / "g.npy", "grad"), chunk_bytes=64)
    assert got.dtype == np.float32
    assert got.loss.tobytes() == loss.tobytes()
    assert np.load(tmp_path / "g.npy").tobytes() == np.asarray(gradient).tobytes()


def test_empty_and_zero_dimensional(tmp_path: Path) -> None:
    empty = np.zeros((0, 3), np.float32)
    target = OutputFile(tmp_path / "g.npy", "grad")
    assert math.isnan(chunked_loss(empty, empty, None, None, "mean", target).loss)
    assert np.load(target.path).shape == (0, 3)
    assert chunked_loss(empty, empty, None, None, "sum").loss == 0
    scalar = np.array(0.0, np.float32)
    got = chunked_loss(scalar, scalar, np.array(2.0, np.float32), None, "mean", target)
    assert got.loss == np.float32(2 * math.log(2))
    assert np.load(target.path).shape == ()
    assert np.load(target.path) == 1.0


# ---- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"targets": np.zeros((4, 3), np.float32)}, r"targets: shape (4, 3), expected (4, 2), the shape of logits"),
        ({"targets": np.zeros(8, np.float32)}, r"targets: shape (8,), expected (4, 2), the shape of logits"),
        ({"weight": np.zeros(4, np.float32)}, r"weight: shape (4,), expected one that broadcasts to (4, 2)"),
        ({"pos_weight": np.zeros((1, 4, 2), np.float32)}, r"pos_weight: shape (1, 4, 2), expected one that broadcasts"),
        ({"weight": np.zeros((3, 2), np.float32)}, r"weight: shape (3, 2), expected one that broadcasts to (4, 2)"),
        ({"logits": np.zeros((4, 2), complex)}, "logits: "),
        ({"weight": np.zeros((4, 2), "S3")}, "weight: "),
    ],
)
def test_operands_that_do_not_fit(change: dict[str, Any], expected: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"logits": np.zeros((4, 2), np.float32), "targets": np.zeros((4, 2), np.float32)}
    given |= {"weight": None, "pos_weight": None} | change
    with pytest.raises(InputError) as caught:
        chunked_loss(**given, reduction="mean", grad=OutputFile(tmp_path / "g.npy", "grad"))
    assert expected in str(caught.value)
    assert os.listdir(tmp_path) == []
    # The operator's own verdict and text.
    with pytest.raises((TypeError, ValueError)) as direct:
        bcelogits.binary_cross_entropy_with_logits(
            given["logits"], given["targets"], given["weight"], pos_weight=given["pos_weight"]
        )
    assert str(direct.value) == str(caught.value)


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, t, _, _ = operands("C", np.float32)
    calls = []

    def failing(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError

    monkeypatch.setattr(module, "_chunk", failing)
    (tmp_path / "l.bin").write_bytes(b"older")
    with pytest.raises(MemoryError):
        chunked_loss(
            x,
            t,
            None,
            None,
            "mean",
            OutputFile(tmp_path / "g.npy", "grad"),
            OutputFile(tmp_path / "l.bin", "loss"),
            100,
        )
    assert os.listdir(tmp_path) == ["l.bin"]
    assert (tmp_path / "l.bin").read_bytes() == b"older"


# ---- progress --------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "after", "shown"), [(Terminal, 0.0, True), (Terminal, 1e9, False)])
def test_progress(stream: type[Terminal], after: float, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x, t, _, _ = operands("C", np.float32)
    screen = stream()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PROGRESS_AFTER_SECONDS", after)
    chunked_loss(x, t, None, None, "mean", chunk_bytes=100)
    assert ("computing" in screen.getvalue()) == shown


def test_no_progress_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, t, _, _ = operands("C", np.float32)
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PROGRESS_AFTER_SECONDS", 0.0)
    chunked_loss(x, t, None, None, "mean", chunk_bytes=100)
    assert screen.getvalue() == ""
