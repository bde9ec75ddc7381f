"""ExactSum: the exact sum of the numbers that were added, rounded once, whatever the data and however they came."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import math
import multiprocessing
import pickle
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from meanwhile import others_run_during
from oracle import DTYPES, Array, bits, exact_sum, reduce_exactly, round_exactly
from zoo import BLOCK, LAYOUTS

import bcelogits
from bcelogits import ExactSum, LossAccumulator, _core

EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
COMPUTE_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def total(*chunks: Any) -> ExactSum:
    found = ExactSum()
    for chunk in chunks:
        found.add(chunk)
    return found


def assert_reads(found: ExactSum, values: Array) -> None:
    """What is read out is the oracle's, in every dtype."""
    assert found.count == values.size
    for dtype in DTYPES.values():
        for reduction, result in (("sum", found.sum(dtype)), ("mean", found.mean(dtype))):
            assert type(result) is dtype.type
            with np.errstate(invalid="ignore"):  # signaling NaN
                expected = reduce_exactly(values, reduction, dtype)
            if np.isnan(expected):
                expected = dtype.type(np.nan)  # one NaN for all
            assert bits(result) == bits(expected), (reduction, dtype, result, expected)


def spread(rng: np.random.Generator, dtype: Any, size: int, low: float, high: float, signs: str = "both") -> Array:
    """Numbers whose exponents are uniform."""
    limits = np.finfo(np.float32 if np.dtype(dtype) != np.float64 else np.float64)
    exponents = np.clip(rng.uniform(low, high, size), limits.minexp - limits.nmant, limits.maxexp - 2)
    values = rng.uniform(1, 2, size) * np.exp2(np.floor(exponents))
    if signs != "positive":
        values *= rng.choice([-1.0, 1.0], size)
    if signs == "cancelling":
        values[size // 2 : 2 * (size // 2)] = -values[: size // 2]
        rng.shuffle(values)
    with np.errstate(over="ignore", under="ignore"):
        values = values.astype(dtype)
    return np.where(np.isfinite(values), values, np.ones(1, dtype))


class TestTheSumIsExact:
    @EVERY_DTYPE
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 255, 256, 513, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
    def test_of_ordinary_numbers(self, dtype: Any, size: int, rng: np.random.Generator) -> None:
        assert_reads(total(values := rng.normal(size=size).astype(dtype)), values)
        assert_reads(total(values := rng.random(size).astype(dtype)), values)

    @EVERY_DTYPE
    @pytest.mark.parametrize("signs", ["positive", "both", "cancelling"])
    @pytest.mark.parametrize("width", [0, 10, 20, 28, 29, 30, 31, 32, 40, 59, 60, 61, 72, 90, 101, 113, 142, 154, 200])
    def test_over_any_dynamic_range(self, dtype: Any, signs: str, width: int, rng: np.random.Generator) -> None:
        for size in (97, BLOCK, 2 * BLOCK + 77):
            for high in (width / 2, 15.0):
                assert_reads(total(v := spread(rng, dtype, size, high - width, high, signs)), v)

    @COMPUTE_DTYPES
    def test_of_losses_at_any_scale(self, dtype: Any, rng: np.random.Generator) -> None:
        limits = np.finfo(dtype)
        for scale in (2, 4, 8, 20):
            losses = np.logaddexp(0, rng.normal(0, scale, 3 * BLOCK)).astype(dtype)
            for exponent in (limits.minexp - 20, limits.minexp + 30, -30, 0, 30, limits.maxexp - 20):
                values = np.ldexp(losses, exponent)
                assert_reads(total(values), values)
                values[::3] = 0  # masked
                assert_reads(total(values), values)

    @COMPUTE_DTYPES
    def test_at_both_ends_of_the_format(self, dtype: Any, rng: np.random.Generator) -> None:
        limits = np.finfo(dtype)
        least, tiny, most = limits.smallest_subnormal, limits.tiny, limits.max
        subnormal = (rng.integers(0, 1 << 20, BLOCK) * least.astype(np.float64)).astype(dtype)
        for values in (
            subnormal,
            subnormal * rng.choice(np.array([-1, 1], dtype), BLOCK),
            np.full(BLOCK, least),
            np.append(subnormal, tiny),
            np.append(np.full(BLOCK, least), [1.0, -1.0]),
            np.append(np.zeros(BLOCK), [1.0, least]),
            np.append(np.zeros(BLOCK), [most, least, -most]),
            np.array([most, most, -most, -most, least]),
            np.array([least, -least]),
        ):
            assert_reads(total(values.astype(dtype)), values.astype(dtype))

    @COMPUTE_DTYPES
    def test_where_one_number_dwarfs_the_others(self, dtype: Any) -> None:
        for place, exponent in itertools.product((0, 1, 255, 256, BLOCK - 1), range(-150, 60, 7)):
            values = np.full(BLOCK, np.ldexp(dtype(1.5), exponent), dtype)
            values[place] = 1
            assert_reads(total(values), values)

    def test_and_that_of_fsum(self, rng: np.random.Generator) -> None:
        for low, high in ((-2, 2), (-30, 30), (-300, 300), (-1070, -1000)):
            values = spread(rng, np.float64, 20_001, low, high)
            assert total(values).sum() == math.fsum(values)
        narrow = spread(rng, np.float32, 20_001, -140, 120)
        assert total(narrow).sum("float64") == math.fsum(narrow)

    @settings(max_examples=300, deadline=None)
    @given(hnp.arrays(np.uint64, st.integers(0, 50)), st.integers(1, 3))
    def test_of_any_bits_at_all(self, raw: Array, repeats: int) -> None:
        values = np.tile(raw.view(np.float64), repeats)
        assert_reads(total(values), values)
        narrow = values.view(np.float32)
        assert_reads(total(narrow), narrow)

    def test_of_every_16_bit_number(self) -> None:
        for name in ("float16", "bfloat16"):
            values = np.arange(1 << 16, dtype=np.uint16).view(DTYPES[name])
            values = values[np.isfinite(values.astype(np.float32))]
            assert_reads(total(values), values)
            positive = values[values.astype(np.float32) > 0]
            assert_reads(total(positive), positive)


class TestRoundingOnce:
    @EVERY_DTYPE
    def test_ties_go_to_even_and_the_least_digit_decides(self, dtype: np.dtype[Any]) -> None:
        digits = {"float32": 24, "float16": 11, "bfloat16": 8, "float64": 53}[dtype.name]
        for odd, rest in itertools.product((0, 1), (0.0, 2.0**-1074, -(2.0**-1074))):
            found = total(1.0, odd * 2.0 ** (1 - digits), 2.0**-digits, rest)
            exact = Fraction(1) + odd * Fraction(2) ** (1 - digits) + Fraction(1, 2**digits) + Fraction(rest)
            assert bits(found.sum(dtype)) == bits(round_exactly(exact, dtype))
            assert bits(found.mean(dtype)) == bits(round_exactly(exact / 4, dtype))

    @EVERY_DTYPE
    def test_a_mean_is_a_rational_number_rounded_once(self, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
        for n in (3, 7, 10, 1000, 4097):
            values = spread(rng, np.float64, n, -20, 3)
            assert bits(total(values).mean(dtype)) == bits(round_exactly(exact_sum(values) / n, dtype))

    def test_a_sum_is_infinite_only_where_the_exact_one_rounds_to_that(self) -> None:
        most = np.finfo(np.float64).max
        half_ulp = 2.0**970
        assert total(most, most, -most).sum() == most
        assert total(*[most] * 1000).mean() == most
        assert total(*[most] * 1000).sum() == np.inf
        assert total(*[-most] * 2).sum() == -np.inf
        assert total(most, np.nextafter(half_ulp, 0)).sum() == most
        assert total(most, half_ulp).sum() == np.inf
        assert total(most, half_ulp, -(2.0**-1074)).sum() == most
        assert total(65519.99).sum("float16") == np.float16(65504)
        assert total(65520.0).sum("float16") == np.inf
        assert total(65520.0, -(2.0**-1074)).sum("float16") == np.float16(65504)

    def test_a_result_may_be_subnormal(self) -> None:
        for dtype in DTYPES.values():
            least = float(reference_least(dtype))
            assert total(least, least).sum(dtype) == dtype.type(2 * least)
            assert bits(total(3 * least, 0.0).mean(dtype)) == bits(dtype.type(2 * least))  # 1.5, a tie
            assert bits(total(least, 0.0).mean(dtype)) == bits(dtype.type(0.0))


def reference_least(dtype: np.dtype[Any]) -> float:
    return {"float32": 2.0**-149, "float16": 2.0**-24, "bfloat16": 2.0**-133, "float64": 2.0**-1074}[dtype.name]


class TestZeros:
    def test_nothing_sums_to_zero_and_has_no_mean(self) -> None:
        for empty in (ExactSum(), total(np.zeros((3, 0), np.float32))):
            assert empty.count == 0
            assert bits(empty.sum("float64")) == bits(np.float64(0.0))
            assert np.isnan(empty.mean())
        assert bits(np.float64(LossAccumulator().result("sum"))) == bits(ExactSum().sum())

    @EVERY_DTYPE
    def test_zeros_of_either_sign_sum_to_plus_zero(self, dtype: Any) -> None:
        for values in ([0.0], [-0.0], [-0.0] * BLOCK, [0.0, -0.0], [1.0, -1.0], [-1.0, 0.0, 1.0]):
            found = total(np.array(values, dtype))
            assert bits(found.sum(dtype)) == bits(found.mean(dtype)) == bits(dtype.type(0.0))

    def test_a_negative_sum_too_small_for_the_dtype_is_minus_zero(self) -> None:
        assert bits(total(-(2.0**-1074)).sum("float32")) == bits(np.float32(-0.0))
        assert bits(total(-(2.0**-1074), 0.0, 0.0).mean()) == bits(np.float64(-0.0))


class TestWhatIsNotFinite:
    @EVERY_DTYPE
    @pytest.mark.parametrize("size", [1, 300, BLOCK, 2 * BLOCK + 5])
    def test_infinities_and_nan_follow_ieee_754(self, dtype: Any, size: int) -> None:
        for place, odd in itertools.product({0, size // 2, size - 1}, ([np.inf], [-np.inf], [np.nan], [-np.nan])):
            for others in (1.0, -1.0, 0.0):
                values = np.full(size, others).astype(dtype)
                values[place] = odd[0]
                assert_reads(total(values), values)

    def test_infinities_of_both_signs_make_nan_in_any_chunks(self) -> None:
        for chunks in itertools.permutations([np.inf, -np.inf, 1.0]):
            assert np.isnan(total(*chunks).sum())
            assert np.isnan(total(np.array(chunks)).mean())

    def test_numbers_that_overflow_beside_an_infinity(self) -> None:
        most = np.finfo(np.float64).max
        assert total(most, most, -np.inf).sum() == -np.inf


class TestOrderAndChunks:
    @EVERY_DTYPE
    def test_no_permutation_changes_a_bit(self, dtype: Any, rng: np.random.Generator) -> None:
        values = spread(rng, dtype, 5000, -30, 15)
        expected = total(values)
        for _ in range(10):
            assert total(rng.permutation(values)) == expected
        assert total(np.sort(values)) == total(np.sort(values)[::-1]) == expected
        assert_reads(expected, values)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.integers(0, 400), max_size=20), st.randoms(use_true_random=False))
    def test_any_cuts_and_any_tree_of_merges_with_pickling_in_between(self, cuts: list[int], random: Any) -> None:
        values = spread(np.random.default_rng(3), np.float64, 400, -400, 400)
        sums = [total(part) for part in np.split(values, sorted(cuts))]
        while len(sums) > 1:
            first = pickle.loads(pickle.dumps(sums.pop(random.randrange(len(sums)))))
            sums[random.randrange(len(sums))] += first
        assert sums[0] == total(values)
        assert_reads(sums[0], values)

    def test_one_by_one_or_all_at_once(self, rng: np.random.Generator) -> None:
        values = spread(rng, np.float64, 300, -100, 100)
        singly = total(*values.tolist())
        assert bits(singly.sum()) == bits(total(values).sum())
        assert total(*values) == total(values)  # NumPy scalars have a dtype

    @pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
    @EVERY_DTYPE
    def test_any_layout(self, dtype: Any, layout: Callable[[Array], Array], rng: np.random.Generator) -> None:
        for shape in [(4961,), (41, 121), (11, 11, 41)]:
            values = spread(rng, dtype, 4961, -40, 10).reshape(shape)
            assert total(layout(values)) == total(values)

    def test_an_expanded_array_counts_each_element(self) -> None:
        for shape in [(), (1, 7), (300, 1)]:
            small = np.float32(0.1) * np.ones(shape, np.float32)
            assert_reads(total(np.broadcast_to(small, (300, 7))), np.broadcast_to(small, (300, 7)))

    @EVERY_DTYPE
    def test_any_number_of_threads(self, dtype: Any, rng: np.random.Generator) -> None:
        values = spread(rng, dtype, 400_000, -60, 10)
        bcelogits.set_num_threads(1)
        expected = total(values)
        assert_reads(expected, values)
        for threads in (2, 3, 8):
            bcelogits.set_num_threads(threads)
            assert total(values) == total(values[::-1]) == expected

    def test_many_python_threads_may_feed_one_sum(self, rng: np.random.Generator) -> None:
        values = spread(rng, np.float64, 64 * 20_000, -300, 300).reshape(64, -1)
        found = ExactSum()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(found.add, values))
        assert found == total(values)

    def test_the_interpreter_is_free_meanwhile(self) -> None:
        values = np.broadcast_to(np.float32([0.1]), (1 << 27,))
        bcelogits.set_num_threads(1)
        assert others_run_during(lambda: total(values))

    def test_any_number_of_processes(self, rng: np.random.Generator) -> None:
        values = spread(rng, np.float32, 100_000, -100, 20)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = ExactSum()
            for part in pool.map(total, np.array_split(values, 7)):
                found += part
        assert found == total(values)
        assert_reads(found, values)

    @pytest.mark.parametrize("isa", bcelogits.info()["isas"])
    def test_any_instruction_set(self, isa: str, run_python: Any, rng: np.random.Generator, tmp_path: Any) -> None:
        arrays, expected = {}, {}
        for dtype, width in itertools.product(("float32", "float64"), (5, 30, 59, 60, 100, 142, 300)):
            for signs in ("positive", "both", "cancelling"):
                name = f"{dtype} {width} {signs}"
                arrays[name] = spread(rng, dtype, 2 * BLOCK + 77, 10 - width, 10, signs)
                expected[name] = [v.hex() for v in read(total(arrays[name]))]
        np.savez(tmp_path / "values.npz", **arrays)
        script = """
import json, numpy as np, bcelogits
arrays, found = np.load("values.npz"), {}
for name in arrays:
    total = bcelogits.ExactSum()
    total.add(arrays[name])
    found[name] = [float(v).hex() for v in (total.sum("float64"), total.mean("float64"))]
print(json.dumps(found), bcelogits.info()["isa"], sep="\\n")
"""
        done = run_python(script, BCELOGITS_MAX_ISA=isa)
        assert done.returncode == 0, done.stderr
        text, used = done.stdout.splitlines()
        assert used == isa
        assert json.loads(text) == expected


def read(found: ExactSum) -> tuple[float, float]:
    return float(found.sum("float64")), float(found.mean("float64"))


class TestMerging:
    def test_counts_beyond_32_and_up_to_64_bits(self) -> None:
        found = total(np.full(1 << 10, 0.1))
        for doublings in range(53):
            assert found.count == 1 << 10 + doublings
            assert bits(found.mean()) == bits(np.float64(0.1))
            assert found.sum() == np.ldexp(0.1, 10 + doublings)
            found.merge(found)
        for one_too_many in (found, total(*[1.0] * (1 << 10)), *[found] * 3):
            before = found.copy()
            if found.count + one_too_many.count < 1 << 64:
                found += one_too_many
                continue
            with pytest.raises(ValueError, match=r"^count: 2\^64 or more, expected fewer numbers in all$"):
                found += one_too_many
            assert found == before

    def test_the_largest_numbers_as_often_as_can_be_counted(self) -> None:
        most = np.finfo(np.float64).max
        found = total(most, -1.0)
        for _ in range(62):
            found.merge(found)
        assert found.count == 1 << 63
        assert found.sum() == np.inf
        assert bits(found.mean()) == bits(round_exactly((Fraction(most) - 1) / 2, DTYPES["float64"]))
        opposite = total(-most, 0.0)
        for _ in range(61):
            opposite.merge(opposite)
        found += opposite
        assert bits(found.mean()) == bits(
            round_exactly((Fraction(most) / 2 - 1) * (1 << 62) / found.count, DTYPES["float64"])
        )

    def test_the_other_stays_as_it_was(self) -> None:
        first, second = total(1.0, 2.0), total(np.float32([3.0]))
        same = second
        second_before = pickle.dumps(second)
        result = first
        first += second
        assert result is first
        assert same is second
        assert pickle.dumps(second) == second_before
        assert (first.count, first.sum()) == (3, 6.0)

    def test_losses_and_numbers_are_kept_in_the_same_way(self, rng: np.random.Generator) -> None:
        x, t = rng.normal(0, 8, (2, 5000)).astype(np.float32)
        losses = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
        accumulator = LossAccumulator()
        accumulator.update(x, t)
        assert total(losses) == accumulator
        assert bits(total(losses).mean()) == bits(accumulator.result("mean"))
        accumulator.add(losses)
        both = total(losses, losses)
        assert both == accumulator
        both += accumulator
        assert both.count == 4 * x.size

    def test_the_dtype_is_the_promoted_one_of_the_arrays(self) -> None:
        half, brain, single, double = (np.ones(1, DTYPES[n]) for n in ("float16", "bfloat16", "float32", "float64"))
        for chunks, expected in [
            ((half,), "float16"),
            ((brain, 1.0), "bfloat16"),
            ((half, brain), "float32"),
            ((single, half, 3), "float32"),
            ((brain, double), "float64"),
            ((1.0,), "float64"),
            ((), "float64"),
        ]:
            for order in itertools.permutations(chunks):
                assert total(*order).sum().dtype == total(*order).mean().dtype == DTYPES[expected]
                merged = ExactSum()
                for chunk in order:
                    merged += total(chunk)
                assert merged == total(*order)


class TestEquality:
    def test_sums_are_equal_that_hold_the_same(self) -> None:
        assert total(1.0, 2.0) == total(2.0, 1.0) == total(3.0, 0.0)
        assert total(1.0) != total(1.0, 0.0)
        assert total(1.0) != total(np.float32(1.0))
        assert total(1e300, 1.0, -1e300, 0.0) == total(0.25, 0.75, 0.0, 0.0)
        assert total(2.0**-1074) != total(0.0)
        assert total(np.nan) == total(-np.nan) != total(np.inf)
        assert ExactSum() == LossAccumulator()
        assert ExactSum() != 0
        assert (ExactSum() == None) is False  # noqa: E711

    def test_it_is_not_hashable(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            hash(ExactSum())

    def test_it_shows_what_it_holds(self) -> None:
        assert repr(total(np.float32([0.5, 1.0]))) == "ExactSum(count=2, sum=1.5)"
        assert repr(LossAccumulator()) == "LossAccumulator(count=0, sum=0.0)"


class TestPythonNumbers:
    @pytest.mark.parametrize(
        "number", [0, 1, -7, 2**53 + 1, -(2**64) - 3, 10**30, 3**600, 2**1023 + 1, 2**1024 - 2**970 - 1, 0.1, -1e-320]
    )
    def test_no_digit_is_lost(self, number: float) -> None:
        found = total(number, 1.5)
        exact = Fraction(number) + Fraction(3, 2)
        assert found.count == 2
        assert bits(found.sum()) == bits(round_exactly(exact, DTYPES["float64"]))
        if isinstance(number, int):
            found.add(-number)
            assert found.sum() == 1.5

    def test_an_int_beyond_the_range_is_named(self) -> None:
        found = total(1.0)
        for number in (2**1024, -(10**400)):
            with pytest.raises(ValueError, match=r"^values: an int beyond .*, expected a number within the range of"):
                found.add(number)
        assert found == total(1.0)


class TestErrors:
    @pytest.mark.parametrize(
        "bad",
        [None, "1", [1.0], True, 1j, Fraction(1, 2), np.int64(3), np.ones(3, int), np.ones(3, complex), object()],
        ids=repr,
    )
    def test_what_is_no_number_is_named_and_adds_nothing(self, bad: Any) -> None:
        found = total(1.0)
        with pytest.raises(
            TypeError,
            match=r"^values: .*, expected an array of float32, float16, bfloat16 or float64, or a Python number$",
        ):
            found.add(bad)
        assert found == total(1.0)

    def test_a_foreign_byte_order_is_named(self) -> None:
        with pytest.raises(TypeError, match=r"^values: float32 of foreign byte order, expected native byte order"):
            total(np.ones(3, ">f4"))

    def test_a_masked_array_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^values: a masked array"):
            total(np.ma.masked_array([1.0, 2.0], [True, False]))

    @pytest.mark.parametrize("dtype", [int, "int8", "longdouble", ">f4", complex, "nonsense", 3, object()])
    def test_a_bad_dtype_is_named(self, dtype: Any) -> None:
        for read_out in (total(1.0).sum, total(1.0).mean):
            with pytest.raises(TypeError, match=r"^dtype: .*, expected float32, float16, bfloat16 or float64$"):
                read_out(dtype)

    @pytest.mark.parametrize("other", [None, 3, 1.0, "x", np.float32(1)])
    def test_only_sums_can_be_merged(self, other: Any) -> None:
        found = total(1.0)
        with pytest.raises(TypeError):
            found.merge(other)
        with pytest.raises(TypeError):
            found += other
        assert found == total(1.0)


# States that were pickled before Python made them: compressed, base 85.
STORED = {
    b"c-muPU}1m(CWcWk3h;xo^C!ju02)OCWB": (),
    b"c-muPU|?WlfB+_j5dj=P#0@1}(hX@KGA&Ku6Ik7k|NlYs|NjvB_kUFWNTNYt;d&-!0Q26EkN": (
        np.float32([0.1, -3e7, 1e-40]),
        np.ones(2, DTYPES["bfloat16"]) * DTYPES["bfloat16"].type(2),
        -(2**80),
    ),
}


class TestStates:
    @pytest.mark.parametrize("stored", STORED)
    def test_one_that_was_stored_long_ago_is_read_and_written_alike(self, stored: bytes) -> None:
        state, expected = zlib.decompress(base64.b85decode(stored)), total(*STORED[stored])
        loaded = ExactSum.__new__(ExactSum)
        loaded.__setstate__(state)
        assert loaded == expected
        assert expected.__getstate__() == loaded.__getstate__() == state

    @pytest.mark.parametrize("kind", [ExactSum, LossAccumulator])
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_picklable(self, kind: type[ExactSum], protocol: int, rng: np.random.Generator) -> None:
        values = spread(rng, np.float32, 5000, -60, 30)
        found = kind()
        found.add(values[:1234])
        found = pickle.loads(pickle.dumps(found, protocol))
        assert type(found) is kind
        found.add(values[1234:])
        assert_reads(found, values)

    @pytest.mark.parametrize("function", [copy.copy, copy.deepcopy, ExactSum.copy, LossAccumulator.copy])
    @pytest.mark.parametrize("kind", [ExactSum, LossAccumulator])
    def test_a_copy_has_a_life_of_its_own(self, function: Any, kind: type[ExactSum]) -> None:
        original = kind()
        original.add(np.float32([1.0, np.inf]))
        other = function(original)
        assert type(other) is kind
        assert other == original
        other.add(1.0)
        assert (original.count, other.count) == (2, 3)

    def test_a_state_is_small_and_of_fixed_size(self, rng: np.random.Generator) -> None:
        states = {len(pickle.dumps(total(v))) for v in (1.0, 1e300, spread(rng, np.float64, 9999, -900, 900), np.nan)}
        assert len(states) == 1
        assert states.pop() < 700

    def test_equal_sums_have_equal_states(self) -> None:
        assert total(1.0, 2.0).__getstate__() == total(3.0, 0.0).__getstate__()

    @pytest.mark.parametrize("kind", [ExactSum, LossAccumulator])
    def test_a_damaged_state_is_refused(self, kind: type[ExactSum]) -> None:
        whole = total(np.float32([0.1, 3e7])).__getstate__()

        def load(state: bytes) -> None:
            kind.__new__(kind).__setstate__(state)

        load(whole)
        with pytest.raises(ValueError, match=r"^state: empty, expected version 2$"):
            load(b"")
        with pytest.raises(ValueError, match=r"^state: version 1, expected version 2$"):
            load(b"\1" + whole[1:])
        for cut in (whole[:-1], whole + b"\0", whole[:7]):
            with pytest.raises(ValueError, match=rf"^state: {len(cut)} bytes, expected {len(whole)}$"):
                load(cut)
        for place in range(8, 8 * len(whole)):
            flipped = bytearray(whole)
            flipped[place // 8] ^= 1 << place % 8
            with pytest.raises(ValueError, match=r"^state: damaged, expected bytes that an exact sum has given$"):
                load(bytes(flipped))

    def test_a_state_that_no_sum_can_have_is_refused_though_its_checksum_is_right(self) -> None:
        whole = bytearray(total(1.0).__getstate__())
        for place, value in [
            (1, b"\x08"),
            (2, b"\x09"),
            (3, b"\x01"),
            (4, bytes(8)),
            (12, bytes(4)),
            (12, b"\xff" * 4),
            (16, b"\xff" * 8),
            (16 + 8 * 67, b"\xff" * 7 + b"\x7f"),
            (16 + 8 * 67, bytes(7) + b"\x80"),
        ]:
            bad = whole.copy()
            bad[place : place + len(value)] = value
            bad[-4:] = zlib.crc32(bad[:-4]).to_bytes(4, "little")
            with pytest.raises(ValueError, match=r"^state: damaged"):
                ExactSum.__new__(ExactSum).__setstate__(bytes(bad))

    def test_what_is_no_bytes_is_no_state(self) -> None:
        with pytest.raises(TypeError):
            ExactSum.__new__(ExactSum).__setstate__("state")  # type: ignore[arg-type]


class TestIntegers:
    """What ranks add up among themselves: the state as integers, summed element by element."""

    def test_their_sum_is_the_sum(self, rng: np.random.Generator) -> None:
        values = spread(rng, np.float32, 10_000, -60, 30)
        parts = [total(part) for part in np.array_split(values, 9)]
        added = sum(np.frombuffer(part.integers(), np.int64) for part in parts)
        found = _core.Accumulator.from_integers(np.asarray(added).tobytes(), "float32")
        assert found == total(values)

    def test_they_are_checked(self) -> None:
        one = total(1.0)
        whole = one.integers()
        with pytest.raises(ValueError, match=r"^integers: \d+ bytes, expected \d+$"):
            _core.Accumulator.from_integers(whole[:-8])
        for place, value in [(0, 0), (1, 0), (1, 1 << 40), (5, -1), (40, 1 << 50), (72, 1 << 50)]:
            bad = np.frombuffer(whole, np.int64).copy()
            bad[place] = value
            with pytest.raises(ValueError, match=r"^integers: damaged"):
                _core.Accumulator.from_integers(bad.tobytes())
