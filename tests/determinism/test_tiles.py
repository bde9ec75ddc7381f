"""Transposed operands are walked in tiles: same results, element for element and in sum."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import bcelogits

SHAPES = [(130, 200), (64, 1000), (1000, 64), (17, 33, 65), (40, 9, 50), (4096, 8), (8, 4096), (257, 129)]


def laid_out(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The same values, with memory in the order of ``axes``."""
    return np.transpose(np.ascontiguousarray(np.transpose(array, axes)), np.argsort(axes))


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_mix_of_axis_orders_gives_the_same_bits(shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(len(shape) + sum(shape))
    logits, targets, weight = (a.astype(dtype) for a in (rng.normal(0, 3, shape), rng.random(shape), rng.random(shape)))
    losses = bcelogits.binary_cross_entropy_with_logits(logits, targets, weight, pos_weight=2.0, reduction="none")
    mean, gradient = bcelogits.value_and_grad(logits, targets, weight, pos_weight=2.0)
    for axes in itertools.permutations(range(len(shape))):
        transposed = laid_out(targets, axes)
        for x, w in ((logits, weight), (laid_out(logits, axes), weight), (logits, laid_out(weight, axes))):
            out = laid_out(np.zeros_like(logits), axes)
            bcelogits.binary_cross_entropy_with_logits(x, transposed, w, pos_weight=2.0, reduction="none", out=out)
            assert np.array_equal(out, losses)
            assert bcelogits.binary_cross_entropy_with_logits(x, transposed, w, pos_weight=2.0) == mean
            value, grad = bcelogits.value_and_grad(x, transposed, w, pos_weight=2.0)
            assert value == mean
            assert np.array_equal(grad, gradient)


def test_reversed_and_broadcast_operands_are_tiled_too() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 3, (300, 70)).astype(np.float32)
    targets = rng.random((300, 70)).astype(np.float32)
    weight = rng.random((300, 1)).astype(np.float32)
    expected = bcelogits.binary_cross_entropy_with_logits(logits, targets, weight, reduction="none")
    got = bcelogits.binary_cross_entropy_with_logits(
        logits[::-1, ::-1], np.asfortranarray(targets)[::-1, ::-1], weight[::-1], reduction="none"
    )
    assert np.array_equal(got[::-1, ::-1], expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 33, 300])
def test_every_second_element_is_read_and_nothing_beyond_the_last(length: int, dtype: str) -> None:
    rng = np.random.default_rng(length)
    logits, targets = (a.astype(dtype) for a in (rng.normal(0, 3, (9, length)), rng.random((9, length))))
    expected = bcelogits.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    sparse = np.full((9, 2 * length - 1), np.nan, dtype)  # nothing lies behind the last element
    sparse[:, ::2] = logits
    for step in (1, -1):
        got = bcelogits.binary_cross_entropy_with_logits(sparse[::step, ::2], targets[::step], reduction="none")
        assert np.array_equal(got[::step], expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "shape", [*((n, 2048) for n in (8, 9, 17, 31, 63)), (3000, 11), (3, 5), (9, 17), (33, 31)], ids=str
)
def test_tiles_that_are_not_squares_of_vectors(shape: tuple[int, int], dtype: str) -> None:
    rng = np.random.default_rng(shape[0])
    logits, targets = (a.astype(dtype) for a in (rng.normal(0, 3, shape), rng.random(shape)))
    expected = bcelogits.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    spaced = np.zeros((shape[1], 3 * shape[0]), dtype)  # columns whose elements are not adjacent
    spaced[:, ::3] = targets.T
    for transposed in (np.asfortranarray(targets), spaced[:, ::3].T):
        out = laid_out(np.zeros_like(logits), (1, 0))
        bcelogits.binary_cross_entropy_with_logits(logits, transposed, reduction="none", out=out)
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1040, 1090), (2, 576, 961), (140_000, 9)], ids=str)
def test_tiles_that_begin_with_a_cache_line_leave_no_edge_out(shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(shape[-1])
    logits, targets = (a.astype(dtype) for a in (rng.normal(0, 3, shape), rng.random(shape)))
    losses = bcelogits.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    mean = bcelogits.binary_cross_entropy_with_logits(logits, targets)

    def moved(array: np.ndarray, elements: int) -> np.ndarray:
        """The same values across the others, so many elements after a cache line begins."""
        memory = np.zeros(array.size + 200, dtype)
        begin = -memory.ctypes.data % 64 // memory.itemsize + elements
        there = memory[begin : begin + array.size].reshape(array.swapaxes(-1, -2).shape).swapaxes(-1, -2)
        there[...] = array
        return there

    for elements in (0, 1, 5, 8, 31):
        x, t, out = moved(logits, elements), moved(targets, elements), moved(np.zeros_like(logits), elements)
        for some_logits, some_targets in ((logits, t), (x, targets)):
            assert bcelogits.binary_cross_entropy_with_logits(some_logits, some_targets) == mean
            got = bcelogits.binary_cross_entropy_with_logits(some_logits, some_targets, reduction="none", out=out)
            assert np.array_equal(got, losses)
