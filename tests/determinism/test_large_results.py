"""Results larger than the last cache are stored past it: the same bits, all of them, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from oracle import bits

import bcelogits


def last_cache() -> int:
    """As the system tells it; at most 64 MiB, so that the test stays small."""
    file = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
    size = int(file.read_text().strip().removesuffix("K")) << 10 if file.exists() else 32 << 20
    return min(size, 64 << 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1, 16])
def test_a_large_result_is_that_of_its_chunks(dtype: type, offset: int) -> None:
    count = last_cache() // np.dtype(dtype).itemsize + 12_345
    pattern = np.random.default_rng(1).normal(0, 8, 8191).astype(dtype)
    x = np.resize(pattern, count)
    t = (np.arange(count) % 7 == 0).astype(dtype)
    out = np.full(count + offset + 3, 7, dtype)
    result = out[offset : offset + count]
    bcelogits.set_num_threads(2)
    for function, more in (
        (bcelogits.binary_cross_entropy_with_logits, ()),
        (bcelogits.binary_cross_entropy_with_logits_backward, (1.0,)),
    ):
        function(*more, x, t, reduction="none", out=result)
        for first in range(0, count, 1 << 20):
            part = slice(first, first + (1 << 20))
            assert bits(result[part]) == bits(function(*more, x[part], t[part], reduction="none"))
        assert set(out[:offset]) <= {7}
        assert set(out[offset + count :]) == {7}


def test_a_large_gradient_may_take_the_place_of_the_logits() -> None:
    count = last_cache() // 4 + 12_345
    x = np.random.default_rng(2).normal(0, 8, count).astype(np.float32)
    t = (np.arange(count) % 5 == 0).astype(np.float32)
    expected = bcelogits.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="sum")
    bcelogits.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="sum", out=x)
    assert bits(x) == bits(expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_large_result_across_its_operands_is_that_of_one_along_them(dtype: type) -> None:
    rows = 4096 + 64
    cols = last_cache() // np.dtype(dtype).itemsize // rows + 70
    x = np.resize(np.random.default_rng(3).normal(0, 8, 8191).astype(dtype), (rows, cols))
    t = (np.arange(rows * cols).reshape(rows, cols) % 7 == 0).astype(dtype)
    loss, backward = (
        bcelogits.binary_cross_entropy_with_logits,
        bcelogits.binary_cross_entropy_with_logits_backward,
    )
    expected = loss(x, t, reduction="none")
    across = np.full((cols + 1, rows), 7, dtype)  # each column begins where a cache line does, or none of them
    for targets, out in ((t, across[:-1].T), (np.asfortranarray(t), across[:-1].T), (np.asfortranarray(t), None)):
        assert np.array_equal(loss(x, targets, reduction="none", out=out), expected)
        assert set(across[-1]) == {7}
    gradient = backward(1.0, x, t, reduction="sum")
    assert np.array_equal(backward(1.0, x, t, reduction="sum", out=across[:-1].T), gradient)
