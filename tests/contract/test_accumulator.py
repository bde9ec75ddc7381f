"""LossAccumulator: however the data are cut, the result is that of one call."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import DTYPES, Array, bits

import bcelogits
from bcelogits import LossAccumulator

LOSS = bcelogits.binary_cross_entropy_with_logits
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


def data(dtype: Any = np.float32, size: int = 5000) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(5)
    x, t = rng.normal(0, 8, size), rng.random(size)
    w = np.exp2(rng.uniform(-15, 5, size)) * rng.choice([-1, 1], size)
    return x.astype(dtype), t.astype(dtype), w.astype(dtype), rng.random(size).astype(dtype)


def fed(*chunks: tuple[Array, ...]) -> LossAccumulator:
    accumulator = LossAccumulator()
    for x, t, *weights in chunks:
        accumulator.update(x, t, *weights[:1], pos_weight=weights[1] if len(weights) > 1 else None)
    return accumulator


def cut(operands: tuple[Array, ...], at: list[int]) -> list[tuple[Array, ...]]:
    bounds = [0, *sorted(at), operands[0].shape[0]]
    return [tuple(a[i:j] for a in operands) for i, j in itertools.pairwise(bounds)]


def assert_like_one_call(accumulator: LossAccumulator, operands: tuple[Array, ...]) -> None:
    x, t, *weights = operands
    more: dict[str, Any] = {"pos_weight": weights[1]} if len(weights) > 1 else {}
    assert accumulator.count == x.size
    for reduction in ("mean", "sum"):
        expected = LOSS(x, t, *weights[:1], **more, reduction=reduction)
        assert type(accumulator.result(reduction)) is type(expected)
        assert bits(accumulator.result(reduction)) == bits(expected)
        for dtype in DTYPES.values():
            out = np.empty((), dtype)
            LOSS(x, t, *weights[:1], **more, reduction=reduction, out=out)
            result = accumulator.result(reduction, dtype)
            assert type(result) is dtype.type
            assert bits(result) == bits(out)


@EVERY_DTYPE
@pytest.mark.parametrize("operands", [2, 3, 4])
def test_chunks_give_the_bits_of_one_call(dtype: Any, operands: int, rng: np.random.Generator) -> None:
    everything = data(dtype)[:operands]
    for chunks in (1, 2, 7, 100):
        parts = cut(everything, rng.integers(0, 5000, chunks - 1).tolist())
        assert_like_one_call(fed(*parts), everything)
        rng.shuffle(parts)
        assert_like_one_call(fed(*parts), everything)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=20), st.randoms(use_true_random=False))
def test_any_cuts_and_any_tree_of_merges(cuts: list[int], random: Any) -> None:
    everything = data(size=300)[:3]
    parts = [fed(part) for part in cut(everything, cuts)]
    while len(parts) > 1:
        first = parts.pop(random.randrange(len(parts)))
        parts[random.randrange(len(parts))].merge(first)
    assert_like_one_call(parts[0], everything)


def test_merging_leaves_the_other_as_it_was() -> None:
    everything = data()
    first, second = (fed(part) for part in cut(everything, [1234]))
    before = bits(second.result("sum")), second.count
    first.merge(second)
    assert (bits(second.result("sum")), second.count) == before
    assert_like_one_call(first, everything)


def test_merging_with_itself_doubles() -> None:
    x, t, *_ = data()
    accumulator = fed((x, t))
    accumulator.merge(accumulator)
    assert_like_one_call(accumulator, (np.tile(x, 2), np.tile(t, 2)))


def test_nothing_added_yet() -> None:
    accumulator = LossAccumulator()
    assert accumulator.count == 0
    assert np.isnan(accumulator.result())
    assert type(accumulator.result()) is np.float32
    assert bits(accumulator.result("sum")) == bits(np.float32(0))
    accumulator.merge(LossAccumulator())
    assert accumulator.count == 0


def test_empty_chunks_add_nothing() -> None:
    everything = data()[:2]
    empty = tuple(a[:0] for a in everything)
    assert_like_one_call(fed(empty, everything, empty), everything)


def test_the_dtype_is_the_promoted_one_of_all_chunks_in_any_order() -> None:
    half, brain, double = (data(DTYPES[name], 10)[:2] for name in ("float16", "bfloat16", "float64"))
    for chunks, expected in [
        ((half,), np.float16),
        ((brain,), DTYPES["bfloat16"].type),
        ((half, brain), np.float32),
        ((brain, half), np.float32),
        ((half, double), np.float64),
        ((double, brain), np.float64),
    ]:
        assert type(fed(*chunks).result()) is expected
        merged = fed(chunks[0])
        for chunk in chunks[1:]:
            merged.merge(fed(chunk))
        assert type(merged.result()) is expected


def test_a_result_can_be_read_at_any_time() -> None:
    accumulator = LossAccumulator()
    x, t, *_ = data()
    for n, (a, b) in enumerate(zip(x[:200], t[:200], strict=True), start=1):
        accumulator.update(a[None], b[None])
        assert bits(accumulator.result()) == bits(LOSS(x[:n], t[:n]))


def test_not_finite_losses_are_remembered() -> None:
    zero = np.zeros(1, np.float32)
    plus, minus, nan = (fed((zero, zero, np.float32([v]))) for v in (np.inf, -np.inf, np.nan))
    assert plus.result("sum") == np.inf
    assert minus.result("mean") == -np.inf
    assert np.isnan(nan.result())
    plus.update(zero, zero)
    assert plus.result() == np.inf
    plus.merge(minus)
    assert np.isnan(plus.result("sum"))
    assert np.isnan(plus.result("mean"))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_picklable(protocol: int) -> None:
    everything = data()
    first, second = cut(everything, [777])
    accumulator = pickle.loads(pickle.dumps(fed(first), protocol))
    assert type(accumulator) is LossAccumulator
    accumulator.update(*second[:3], pos_weight=second[3])
    assert_like_one_call(accumulator, everything)


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy])
def test_a_copy_has_a_life_of_its_own(function: Any) -> None:
    x, t, *_ = data()
    original = fed((x, t))
    other = function(original)
    other.update(x, t)
    assert_like_one_call(original, (x, t))
    assert_like_one_call(other, (np.tile(x, 2), np.tile(t, 2)))


def test_a_state_of_fixed_size() -> None:
    small, large = fed(data(size=1)), fed(*[data()] * 20)
    assert len(pickle.dumps(small)) == len(pickle.dumps(large)) < 1000


@pytest.mark.parametrize("state", [b"", b"abc", b"\1" + bytes(100)])
def test_a_broken_state_is_refused(state: bytes) -> None:
    whole = LossAccumulator().__getstate__()
    for bad in (state, whole[:-1], whole + b"\0", b"\1" + whole[1:], whole[:1] + b"\x80" + whole[2:]):
        with pytest.raises(ValueError, match=r"^state: "):
            LossAccumulator.__new__(LossAccumulator).__setstate__(bad)


class TestErrors:
    def test_a_bad_chunk_is_refused_like_in_a_call_and_changes_nothing(self) -> None:
        x, t, *_ = data()
        accumulator = fed((x, t))
        for bad, error in [
            ((x, t[:-1]), ValueError),
            ((x, t.astype(int)), TypeError),
            ((x, t, np.ones(3, np.float32)), ValueError),
            ((None, t), TypeError),
        ]:
            with pytest.raises(error) as of_update:
                accumulator.update(*bad)
            with pytest.raises(error) as of_call:
                LOSS(*bad)
            assert str(of_update.value) == str(of_call.value)
        assert_like_one_call(accumulator, (x, t))

    def test_there_is_no_result_without_reduction(self) -> None:
        accumulator = fed(data())
        for value in ("none", 0):
            with pytest.raises(ValueError, match=r"^reduction: ('none'|0), expected 'mean' .*or 'sum'"):
                accumulator.result(value)
        with pytest.raises(ValueError, match=r"^reduction: 'avg', expected "):
            accumulator.result("avg")
        for bad in (True, None, 1.0):
            with pytest.raises(TypeError, match=r"^reduction: .*, expected a str or an int$"):
                accumulator.result(bad)

    @pytest.mark.parametrize("dtype", [int, "int8", "longdouble", ">f4", complex, "nonsense", 3, object()])
    def test_a_bad_dtype_is_named(self, dtype: Any) -> None:
        with pytest.raises(TypeError, match=r"^dtype: .*, expected float32, float16, bfloat16 or float64$"):
            fed(data()).result(dtype=dtype)

    @pytest.mark.parametrize("dtype", ["float16", "f4", float, np.float32, np.dtype(np.float64)])
    def test_a_dtype_may_be_given_in_each_way_of_numpy(self, dtype: Any) -> None:
        assert type(fed(data()).result(dtype=dtype)) is np.dtype(dtype).type

    @pytest.mark.parametrize("other", [None, 3, "x", np.float32(1)])
    def test_only_accumulators_can_be_merged(self, other: Any) -> None:
        with pytest.raises(TypeError, match=r"other|merge"):
            LossAccumulator().merge(other)

    def test_count_cannot_be_set(self) -> None:
        with pytest.raises(AttributeError):
            LossAccumulator().count = 3
