"""Nothing depends on how an output is cut into chunks, and nothing is kept that grows with it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_cases import columns, cut, judge

from bcelogits.verify import profiles
from bcelogits.verify._model import Chunk

SIZE = 40_000  # more than is added or looked at at once
SPECIALS = [np.nan, np.inf, -np.inf, 0.0]


def outputs(seed: int, dtype: str, *, special: bool) -> Chunk:
    """A device and a third party with errors of all sizes, some of them not finite."""
    rng = np.random.default_rng(seed)
    golden = rng.normal(0, 1, SIZE) * 10.0 ** rng.uniform(-12, 4, SIZE)
    columns_ = []
    for _ in range(2):
        column = golden * (1 + rng.normal(0, 1, SIZE) * 10.0 ** rng.uniform(-9, -1, SIZE))
        column[rng.integers(0, SIZE, 20)] = 0.0
        if special:
            column[rng.integers(0, SIZE, 10)] = rng.choice(SPECIALS, 10)
        columns_.append(column)
    if special:
        golden[rng.integers(0, SIZE, 10)] = rng.choice(SPECIALS, 10)
    return columns(columns_[0], golden, dtype, third=columns_[1])


@pytest.mark.parametrize("name", profiles.PROFILES)
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dtype=st.sampled_from(["f16", "bf16", "f32", "f64"]),
    special=st.booleans(),
    at=st.lists(st.integers(0, SIZE), max_size=12),
)
def test_a_verdict_is_the_same_to_the_last_bit_however_it_is_cut(
    name: str, seed: int, dtype: str, special: bool, at: list[int]
) -> None:
    whole = outputs(seed, dtype, special=special)
    assert repr(judge(name, cut(whole, at), dtype)) == repr(judge(name, whole, dtype))  # repr: NaN equals NaN


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_memory_is_that_of_a_few_blocks(name: str) -> None:
    chunk = outputs(1, "f32", special=False)
    chunks = [chunk] * 25  # a million elements: 8 MB for each column that would be kept
    tracemalloc.start()
    try:
        judge(name, chunks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
