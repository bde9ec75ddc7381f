"""The same bits for any number of threads, memory layout, instruction set and neighbourhood."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import pytest
from oracle import Array, bits
from zoo import LAYOUTS, unaligned

import bcelogits

PAIRS = pytest.mark.parametrize("pair", corpus.PAIRS, ids=" ".join)


def evaluate(named: dict[str, Array], reduction: str) -> list[bytes]:
    """The results of all functions."""
    g, x, t, w, p = (named[k] for k in ("grad_output", "logits", "targets", "weight", "pos_weight"))
    upstream = g if reduction == "none" else g.ravel()[:1]
    loss = bcelogits.binary_cross_entropy_with_logits
    backward = bcelogits.binary_cross_entropy_with_logits_backward
    target_backward = bcelogits.binary_cross_entropy_with_logits_target_backward
    results = [
        loss(x, t, reduction=reduction),
        loss(x, t, w, pos_weight=p, reduction=reduction),
        backward(upstream, x, t, reduction=reduction),
        backward(upstream, x, t, w, pos_weight=p, reduction=reduction),
        target_backward(upstream, x, t, w, reduction=reduction),
        target_backward(upstream, x, t, pos_weight=p, reduction=reduction),
        *bcelogits.value_and_grad(x, t, w, pos_weight=p, reduction=reduction),
    ]
    return [bits(result) for result in results]


def operands(pair: tuple[str, str], finite: bool = True) -> dict[str, Array]:
    return corpus.operands(*(corpus.DTYPES[name] for name in pair), finite=finite)


class TestInstructionSets:
    def run(self, isa: str) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BCELOGITS_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(Path(corpus.__file__))],
            env=environment | {"BCELOGITS_MAX_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        result: dict[str, str] = json.loads(done.stdout)
        return result

    @pytest.mark.parametrize("isa", bcelogits.info()["isas"])
    def test_each_gives_the_stored_hashes(self, isa: str) -> None:
        stored = json.loads(corpus.HASHES.read_text())
        found = self.run(isa)
        assert found.keys() == stored.keys()
        different = [name for name in stored if stored[name] != found[name]]
        assert not different, f"{len(different)} of {len(stored)}: {different[:10]}"


class TestThreads:
    SIZE = 400_000  # a dozen chunks

    @PAIRS
    def test_any_number_gives_the_same_bits(self, pair: tuple[str, str]) -> None:
        named = {k: np.resize(v, self.SIZE) for k, v in operands(pair).items()}
        for reduction in ("none", "mean"):
            bcelogits.set_num_threads(1)
            expected = evaluate(named, reduction)
            for threads in (2, 3, 8):
                bcelogits.set_num_threads(threads)
                assert evaluate(named, reduction) == expected, threads

    def test_again_and_again(self) -> None:
        named = {k: np.resize(v, self.SIZE) for k, v in operands(("f32", "f32")).items()}
        bcelogits.set_num_threads(8)
        expected = evaluate(named, "sum")
        for _ in range(20):
            assert evaluate(named, "sum") == expected

    def test_a_float64_sum_of_any_scale(self, rng: np.random.Generator) -> None:
        w = rng.normal(size=self.SIZE) * np.exp2(rng.uniform(-200, 200, self.SIZE))
        zero = np.zeros(self.SIZE)
        results = set()
        for threads in (1, 2, 3, 8):
            bcelogits.set_num_threads(threads)
            results.add(bits(bcelogits.binary_cross_entropy_with_logits(zero, zero, w, reduction="sum")))
        assert len(results) == 1


class TestLayouts:
    @pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
    @PAIRS
    def test_any_layout_gives_the_same_bits(self, pair: tuple[str, str], layout: Callable[[Array], Array]) -> None:
        for shape in [(4961,), (41, 121), (11, 11, 41)]:
            named = {k: v[:4961].reshape(shape) for k, v in operands(pair, finite=False).items()}
            moved = {k: layout(v) for k, v in named.items()}
            assert all(bits(moved[k]) == bits(named[k]) for k in named)
            assert evaluate(moved, "none") == evaluate(named, "none")
            named = {k: v[:4961].reshape(shape) for k, v in operands(pair).items()}
            expected = evaluate(named, "sum")
            assert evaluate({k: layout(v) for k, v in named.items()}, "sum") == expected
            for mixed in ("logits", "targets"):
                assert evaluate(named | {mixed: layout(named[mixed])}, "sum") == expected

    @pytest.mark.parametrize("offset", range(1, 17))
    def test_any_alignment_gives_the_same_bits(self, offset: int) -> None:
        for dtype in corpus.DTYPES:
            named = operands((dtype, dtype), finite=False)
            expected = evaluate(named, "none")
            moved = {}
            for name, array in named.items():
                buffer = np.zeros(array.nbytes + 64, np.uint8)
                moved[name] = buffer[offset : offset + array.nbytes].view(array.dtype)
                moved[name][...] = array
            assert evaluate(moved, "none") == expected

    def test_an_output_of_any_layout_holds_the_same_bits(self) -> None:
        x, t = (a[:4961].reshape(41, 121) for a in list(operands(("f32", "f32"), finite=False).values())[:2])
        expected = bits(bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none"))
        for name, layout in LAYOUTS.items():
            if name != "read-only":
                out = layout(np.zeros_like(x))
                bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none", out=out)
                assert bits(out) == expected

    @PAIRS
    def test_an_expanded_operand_is_the_operand_repeated(self, pair: tuple[str, str]) -> None:
        for part in [(), (1,), (121,), (41, 1), (1, 121)]:
            named = {k: v[:4961].reshape(41, 121) for k, v in operands(pair, finite=False).items()}
            small = {k: v.ravel()[100 : 100 + int(np.prod(part))].reshape(part) for k, v in named.items()}
            for name in ("weight", "pos_weight", "grad_output"):
                whole = np.ascontiguousarray(np.broadcast_to(small[name], (41, 121)))
                views = [np.broadcast_to(small[name], (41, 121))] if name == "grad_output" else [small[name]]
                for view in views:
                    assert evaluate(named | {name: view}, "none") == evaluate(named | {name: whole}, "none")


class TestTransposedOperands:
    """Large operands whose memory runs across that of the others."""

    SHAPES = ((300, 257), (129, 131), (16, 31, 67), (40, 8, 70), (3, 2048, 9), (7, 6, 20, 33))

    @pytest.mark.parametrize("dtype", corpus.DTYPES)
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_any_order_of_axes_in_any_operand(self, shape: tuple[int, ...], dtype: str) -> None:
        everything = operands((dtype, dtype), finite=True)
        named = {k: np.resize(v, shape) for k, v in everything.items()}
        expected = {r: evaluate(named, r) for r in ("none", "mean")}
        for axes in itertools.permutations(range(len(shape))):
            transposed = {
                k: np.ascontiguousarray(v.transpose(axes)).transpose(np.argsort(axes)) for k, v in named.items()
            }
            for name in named:
                for threads in (1, 3):
                    bcelogits.set_num_threads(threads)
                    for mixed in (named | {name: transposed[name]}, transposed | {name: named[name]}):
                        assert {r: evaluate(mixed, r) for r in expected} == expected

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_an_output_across_the_inputs(self, shape: tuple[int, ...]) -> None:
        named = {k: np.resize(v, shape) for k, v in operands(("f32", "f32")).items()}
        x, t, w = (named[k] for k in ("logits", "targets", "weight"))
        loss = bcelogits.binary_cross_entropy_with_logits
        expected = bits(loss(x, t, w, reduction="none"))
        for axes in itertools.permutations(range(len(shape))):
            for dtype in (np.float32, np.float64):
                whole = np.zeros([shape[i] + 1 for i in axes], dtype).transpose(np.argsort(axes))
                for out in (whole[tuple(slice(n) for n in shape)], whole[tuple(slice(None, 0, -1) for _ in shape)]):
                    assert loss(x, t, w, reduction="none", out=out) is out
                    assert bits(out.astype(np.float32)) == expected
            for name in ("logits", "targets", "weight"):
                place = named[name].transpose(axes).copy().transpose(np.argsort(axes))
                operand = {"logits": x, "targets": t, "weight": w} | {name: place}
                assert bits(loss(**operand, reduction="none", out=place)) == expected

    def test_with_weights_of_one_column_and_one_row(self) -> None:
        named = {k: np.resize(v, (300, 257)) for k, v in operands(("f32", "f32")).items()}
        for part in [(300, 1), (1, 257), (257,), (1, 1)]:
            small = {k: np.resize(named[k], part) for k in ("weight", "pos_weight")}
            expected = evaluate(named | small, "none")
            for across in (("logits",), ("targets",), ("logits", "targets"), ("grad_output",)):
                moved = {k: np.asfortranarray(named[k]) for k in across}
                assert evaluate(named | small | moved, "none") == expected

    @pytest.mark.parametrize("ndim", [4, 62, 63, 64])
    def test_in_many_dimensions(self, ndim: int) -> None:
        shape = (2,) * min(ndim - 2, 4) + (1,) * max(ndim - 6, 0) + (130, 140)
        assert len(shape) == ndim
        rng = np.random.default_rng(1)
        x, t = (rng.normal(size=math.prod(shape)).reshape(shape) for _ in range(2))
        for axes in (range(ndim)[::-1], [*range(1, ndim), 0], [*range(ndim - 2), ndim - 1, ndim - 2]):
            across = np.ascontiguousarray(t.transpose(axes)).transpose(np.argsort(axes))
            assert bits(bcelogits.value_and_grad(x, across, reduction="none")[1]) == bits(
                bcelogits.value_and_grad(x, t, reduction="none")[1]
            )
            assert bcelogits.binary_cross_entropy_with_logits(x, across) == (
                bcelogits.binary_cross_entropy_with_logits(x, t)
            )


class TestNeighbours:
    """An element's result does not depend on where it stands and what stands beside it."""

    @PAIRS
    def test_each_element_alone(self, pair: tuple[str, str]) -> None:
        named = {k: v[:700] for k, v in operands(pair, finite=False).items()}
        together = evaluate(named, "none")
        alone = [evaluate({k: v[i : i + 1] for k, v in named.items()}, "none") for i in range(700)]
        assert [b"".join(parts) for parts in zip(*alone, strict=True)] == together

    @pytest.mark.parametrize("dtype", corpus.DTYPES)
    def test_shifted_by_any_lane(self, dtype: str) -> None:
        named = operands((dtype, dtype), finite=False)
        together = evaluate(named, "none")
        for shift in range(1, 34):
            shifted = evaluate({k: v[shift:] for k, v in named.items()}, "none")
            for a, b in zip(shifted, together, strict=True):
                assert a == b[-len(a) :]

    @pytest.mark.parametrize("dtype", corpus.DTYPES)
    def test_among_any_company(self, dtype: str) -> None:
        """Ordinary elements in a crowd of special ones."""
        ordinary, special = (operands((dtype, dtype), finite=f) for f in (True, False))
        expected = evaluate(ordinary, "none")
        for period in (2, 3, 8, 17):
            crowd = {k: v.copy() for k, v in special.items()}
            for k, v in crowd.items():
                v[::period] = ordinary[k][::period]
            results = evaluate(crowd, "none")
            for a, b in zip(results, expected, strict=True):
                size = len(a) // corpus.SIZE
                rows = [np.frombuffer(r, np.uint8).reshape(-1, size)[::period] for r in (a, b)]
                np.testing.assert_array_equal(*rows)

    @pytest.mark.parametrize("dtype", corpus.DTYPES)
    def test_whatever_the_length(self, dtype: str) -> None:
        named = operands((dtype, dtype), finite=False)
        together = evaluate(named, "none")
        for size in [*range(1, 70), 2047, 2048, 2049, 4095, 4097]:
            part = evaluate({k: v[:size] for k, v in named.items()}, "none")
            for a, b in zip(part, together, strict=True):
                assert a == b[: len(a)]


CANONICAL = {"f32": 0x7FC00000, "f16": 0x7E00, "bf16": 0x7FC0, "f64": 0x7FF8000000000000}


class TestOneNaN:
    """Every NaN that leaves a function has the same bits, whatever came in."""

    @pytest.mark.parametrize("dtype", corpus.DTYPES)
    def test_in_every_function(self, dtype: str) -> None:
        kind = np.dtype(corpus.DTYPES[dtype])
        unsigned = corpus.UNSIGNED[kind.itemsize]
        signalling = CANONICAL[dtype] + 1 - (1 << {"f32": 22, "f16": 9, "bf16": 6, "f64": 51}[dtype])
        sign = 1 << (8 * kind.itemsize - 1)
        patterns = [CANONICAL[dtype], CANONICAL[dtype] + 5, signalling]
        nans = np.array([p | s for p in patterns for s in (0, sign)], unsigned).view(kind)
        good = np.ones(nans.size, kind)
        loss, backward = bcelogits.binary_cross_entropy_with_logits, bcelogits.binary_cross_entropy_with_logits_backward
        target_backward = bcelogits.binary_cross_entropy_with_logits_target_backward
        results: list[Any] = [
            loss(nans, good, reduction="none"),
            loss(good, nans, reduction="none"),
            loss(good, good, nans, reduction="none"),
            loss(good, good, pos_weight=nans, reduction="none"),
            backward(good, nans, good, reduction="none"),
            backward(good, good, nans, reduction="none"),
            backward(nans, good, good, reduction="none"),
            target_backward(good, nans, good, reduction="none"),
            target_backward(nans, good, good, pos_weight=good, reduction="none"),
            *bcelogits.value_and_grad(nans, good, reduction="none"),
            *bcelogits.value_and_grad(good, good, good, pos_weight=nans, reduction="none"),
            loss(nans, good),
            loss(nans, good, reduction="sum"),
        ]
        for result in results:
            assert set(np.atleast_1d(result).view(unsigned).tolist()) == {CANONICAL[dtype]}


def test_the_corpus_holds_what_it_should() -> None:
    for dtype in corpus.DTYPES:
        with np.errstate(invalid="ignore"):  # signalling NaN are among them
            x = operands((dtype, dtype), finite=False)["logits"].astype(float)
        assert np.isnan(x).any()
        assert np.isinf(x).any()
        assert (np.isfinite(x[:3000:5]).sum()) > 300
        wide = x[:2048].reshape(-1, 16)
        assert (~np.isfinite(wide)).any(axis=1).sum() > 20
        assert np.isfinite(operands((dtype, dtype))["logits"].astype(float)).all()
    assert unaligned(np.ones(3)).ctypes.data % 8
