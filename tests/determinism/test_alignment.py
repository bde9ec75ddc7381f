"""Wherever arrays begin, and whatever is left over at the end: the same bits, and nothing written outside."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import bits

import bcelogits


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("count", [32_768, 32_771, 40_963, 131_072 + 5])
def test_the_place_of_the_arrays_changes_no_bit(dtype: type, count: int) -> None:
    rng = np.random.default_rng(count)
    x = rng.normal(0, 8, count).astype(dtype)
    t = (rng.random(count) < 0.3).astype(dtype)
    chunks = [slice(first, first + 1000) for first in range(0, count, 1000)]  # too few for threads or for alignment
    loss, grad = bcelogits.binary_cross_entropy_with_logits, bcelogits.binary_cross_entropy_with_logits_backward
    losses = np.concatenate([loss(x[p], t[p], reduction="none") for p in chunks])
    grads = np.concatenate([grad(1.0, x[p], t[p], reduction="sum") for p in chunks])
    total = bits(loss(x.copy(), t.copy(), reduction="sum"))
    bcelogits.set_num_threads(2)
    for offset in (0, 1, 3, 15, 31):
        logits = np.empty(count + offset, dtype)[offset:]
        logits[:] = x
        out = np.full(count + offset + 40, 7, dtype)
        result = out[offset : offset + count]
        loss(logits, t, reduction="none", out=result)
        assert bits(result) == bits(losses)
        grad(1.0, logits, t, reduction="sum", out=result)
        assert bits(result) == bits(grads)
        assert bits(loss(logits, t, reduction="sum")) == total
        assert set(out[:offset]) <= {7}
        assert set(out[offset + count :]) == {7}
