"""Infinities, zeros and NaN: the limits that the formula has, in every dtype."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from oracle import BACKWARD, DTYPES, LOSS, TARGET_BACKWARD, assert_within_contract

import bcelogits

INF, NAN = math.inf, math.nan
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


def one(function: Any, dtype: np.dtype[Any], *operands: float, **weights: float | None) -> float:
    """The result for one element, of arrays of `dtype`; it must not depend on what stands beside it."""
    upstream = [np.full(40, v).astype(dtype) for v in operands[:-2]]
    neighbours = np.linspace(-5, 5, 40).astype(dtype)
    x, t = neighbours.copy(), np.full(40, 0.5).astype(dtype)
    x[3], t[3] = operands[-2:]
    arrays = {k: np.full(40, v).astype(dtype) for k, v in weights.items() if v is not None}
    result = function(*upstream, x, t, **arrays, reduction="none")
    alone = function(
        *(u[:1] for u in upstream), x[3:4], t[3:4], **{k: v[:1] for k, v in arrays.items()}, reduction="none"
    )
    assert alone.tobytes() == result[3:4].tobytes()
    return float(result[3])


def loss(dtype: np.dtype[Any], x: float, t: float, w: float | None = None, p: float | None = None) -> float:
    return one(bcelogits.binary_cross_entropy_with_logits, dtype, x, t, weight=w, pos_weight=p)


def gradient(
    dtype: np.dtype[Any], x: float, t: float, w: float | None = None, p: float | None = None, g: float = 1.0
) -> float:
    return one(bcelogits.binary_cross_entropy_with_logits_backward, dtype, g, x, t, weight=w, pos_weight=p)


def target_gradient(
    dtype: np.dtype[Any], x: float, t: float, w: float | None = None, p: float | None = None, g: float = 1.0
) -> float:
    return one(bcelogits.binary_cross_entropy_with_logits_target_backward, dtype, g, x, t, weight=w, pos_weight=p)


WEIGHTS: list[dict[str, float]] = [{}, {"w": 1}, {"w": 3}, {"p": 1}, {"p": 3}, {"w": 2, "p": 5}]
WITH_AND_WITHOUT_WEIGHTS = pytest.mark.parametrize("weights", WEIGHTS, ids=str)


@EVERY_DTYPE
@WITH_AND_WITHOUT_WEIGHTS
class TestInfiniteLogits:
    def test_the_right_label_costs_nothing(self, dtype: np.dtype[Any], weights: dict[str, float]) -> None:
        assert loss(dtype, INF, 1, **weights) == 0
        assert loss(dtype, -INF, 0, **weights) == 0

    def test_the_wrong_label_costs_infinitely_much(self, dtype: np.dtype[Any], weights: dict[str, float]) -> None:
        assert loss(dtype, INF, 0, **weights) == INF
        assert loss(dtype, -INF, 1, **weights) == INF

    def test_a_soft_label_costs_infinitely_much(self, dtype: np.dtype[Any], weights: dict[str, float]) -> None:
        assert loss(dtype, INF, 0.5, **weights) == INF
        assert loss(dtype, -INF, 0.5, **weights) == INF

    def test_the_gradient_has_its_limit(self, dtype: np.dtype[Any], weights: dict[str, float]) -> None:
        w, p = weights.get("w", 1), weights.get("p", 1)
        assert gradient(dtype, INF, 1, **weights) == 0
        assert gradient(dtype, -INF, 0, **weights) == 0
        assert gradient(dtype, INF, 0, **weights) == w
        assert gradient(dtype, -INF, 1, **weights) == -w * p
        assert gradient(dtype, INF, 0.5, **weights) == w / 2
        assert gradient(dtype, -INF, 0.5, **weights) == -w * p / 2

    def test_the_gradient_of_targets_has_its_limit(self, dtype: np.dtype[Any], weights: dict[str, float]) -> None:
        for t in (0, 0.5, 1):
            assert target_gradient(dtype, INF, t, **weights) == -INF
            assert target_gradient(dtype, -INF, t, **weights) == INF


@EVERY_DTYPE
class TestZeroTimesInfinity:
    def test_no_weight_means_no_loss(self, dtype: np.dtype[Any]) -> None:
        for x, t in itertools.product((INF, -INF, 5), (0, 0.5, 1)):
            assert loss(dtype, x, t, w=0) == 0
            assert loss(dtype, x, t, w=0, p=INF) == 0
            assert gradient(dtype, x, t, w=0) == 0
            assert gradient(dtype, x, t, w=0, p=INF) == 0
            assert gradient(dtype, x, t, w=INF, g=0) == 0
            assert target_gradient(dtype, x, t, w=0) == 0
            assert target_gradient(dtype, x, t, w=0, p=3) == 0

    def test_an_infinite_weight_on_no_loss_is_none(self, dtype: np.dtype[Any]) -> None:
        assert loss(dtype, INF, 1, w=INF) == 0
        assert loss(dtype, -INF, 0, w=INF) == 0
        assert gradient(dtype, INF, 1, w=INF) == 0
        assert gradient(dtype, INF, 1, g=INF) == 0
        assert target_gradient(dtype, 0, 1, w=INF) == 0

    def test_an_infinite_weight_on_a_loss_is_infinite(self, dtype: np.dtype[Any]) -> None:
        for w in (INF, -INF):
            assert loss(dtype, 1, 0, w=w) == w
            assert loss(dtype, INF, 0, w=w) == w
            assert gradient(dtype, 1, 0, w=w) == w
            assert gradient(dtype, 1, 1, w=w) == -w
            assert target_gradient(dtype, 1, 1, w=w) == -w

    def test_no_pos_weight_means_no_positive_term(self, dtype: np.dtype[Any]) -> None:
        assert loss(dtype, -INF, 1, p=0) == 0
        assert gradient(dtype, -INF, 1, p=0) == 0
        assert target_gradient(dtype, -INF, 1, p=0) == 0
        assert target_gradient(dtype, INF, 1, p=0) == -INF

    def test_an_infinite_pos_weight_counts_only_for_positives(self, dtype: np.dtype[Any]) -> None:
        assert loss(dtype, -INF, 0, p=INF) == 0
        assert loss(dtype, INF, 0, p=INF) == INF
        assert loss(dtype, INF, 1, p=INF) == 0
        assert loss(dtype, 1, 1, p=INF) == INF
        assert loss(dtype, 1, 0.5, p=INF) == INF
        assert math.isclose(loss(dtype, 0, 0, p=INF), math.log(2), rel_tol=2**-8)
        assert gradient(dtype, 0, 0, p=INF) == 0.5
        assert gradient(dtype, 1, 1, p=INF) == -INF
        assert gradient(dtype, INF, 1, p=INF) == 0


@EVERY_DTYPE
class TestNaN:
    def test_a_nan_in_any_operand_gives_nan(self, dtype: np.dtype[Any]) -> None:
        finite: dict[str, float] = {"x": 1, "t": 1, "w": 2, "p": 3}
        for name in finite:
            others = [k for k in finite if k != name]
            for v in itertools.product((0, 1, INF), repeat=3):
                operands = dict(zip(others, v, strict=True)) | {name: NAN}
                if operands["t"] == INF:
                    continue
                assert math.isnan(loss(dtype, **operands)), operands
                assert math.isnan(gradient(dtype, **operands)), operands
                if name != "t":
                    assert math.isnan(target_gradient(dtype, **operands)), operands

    def test_without_weights_too(self, dtype: np.dtype[Any]) -> None:
        assert math.isnan(loss(dtype, NAN, 0))
        assert math.isnan(loss(dtype, INF, NAN))
        assert math.isnan(gradient(dtype, NAN, 0))
        assert math.isnan(gradient(dtype, INF, NAN))
        assert math.isnan(target_gradient(dtype, NAN, 0))

    def test_a_nan_in_grad_output_gives_nan(self, dtype: np.dtype[Any]) -> None:
        for x, t in itertools.product((0, INF, -INF), (0, 1)):
            assert math.isnan(gradient(dtype, x, t, g=NAN))
            assert math.isnan(target_gradient(dtype, x, t, g=NAN))
            assert math.isnan(gradient(dtype, x, t, w=0, p=0, g=NAN))
        x32 = np.zeros(5, dtype)
        assert np.isnan(bcelogits.binary_cross_entropy_with_logits_backward(NAN, x32, x32)).all()

    def test_targets_play_no_part_in_their_own_gradient(self, dtype: np.dtype[Any]) -> None:
        assert target_gradient(dtype, 1, NAN) == -1

    def test_one_nan_leaves_the_others_alone_and_makes_the_reductions_nan(self, dtype: np.dtype[Any]) -> None:
        x, t = np.zeros(100, dtype), np.zeros(100, dtype)
        x[37] = NAN
        losses = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
        assert np.flatnonzero(np.isnan(losses)).tolist() == [37]
        for reduction in ("mean", "sum"):
            assert np.isnan(bcelogits.binary_cross_entropy_with_logits(x, t, reduction=reduction))


@EVERY_DTYPE
def test_infinite_losses_make_infinite_reductions(dtype: np.dtype[Any]) -> None:
    x, t = np.zeros(5000, dtype), np.zeros(5000, dtype)
    x[4000] = INF
    w = np.ones(5000, dtype)
    for reduction in ("mean", "sum"):
        assert bcelogits.binary_cross_entropy_with_logits(x, t, reduction=reduction) == INF
        assert bcelogits.binary_cross_entropy_with_logits(x, t, -w, reduction=reduction) == -INF
    x[1], w[1] = INF, -1
    for reduction in ("mean", "sum"):
        assert np.isnan(bcelogits.binary_cross_entropy_with_logits(x, t, w, reduction=reduction))


def special_logits(dtype: np.dtype[Any]) -> list[float]:
    """Including where the arithmetic changes its course."""
    from ml_dtypes import finfo

    limits = finfo(dtype)
    tiny, least = float(limits.tiny), float(limits.smallest_subnormal)
    points = [0.0, least, tiny, 1e-3, 1.0, 16.6, 79.9, 80.0, 80.1, 87.0, 88.7, 104.0, 110.0, 669.0, 671.0, 745.2, 760.0]
    magnitudes = [v for v in [*points, 3e4, float(limits.max) / 4] if v <= float(limits.max)]
    return [s * v for v in [*magnitudes, INF] for s in (1, -1)]


@EVERY_DTYPE
@pytest.mark.parametrize("p", [None, 0.0, 1.0, 2.5, INF])
@pytest.mark.parametrize("w", [None, 0.0, -0.0, 1.0, -2.0, 0.5, INF, -INF])
def test_every_combination_of_special_values_agrees_with_the_oracle(
    dtype: np.dtype[Any], w: float | None, p: float | None
) -> None:
    grid = np.array(list(itertools.product(special_logits(dtype), (0.0, 0.5, 1.0)))).T
    if w is not None and abs(w) > 1:  # a weight that brings back what underflows: a test of its own, below
        size = np.abs(grid[0])
        grid = grid[:, (size == 0) | ((size >= 1e-3) & (size <= 80)) | (size == INF)]
    if INF in (p, w and abs(w)) and dtype != np.float64:  # exp(-|x|) > 0 is 0 to the oracle, which has float64
        grid = grid[:, (np.abs(grid[0]) < 700) | (np.abs(grid[0]) == INF)]
    kwargs: dict[str, Any] = {"logits": grid[0].astype(dtype), "targets": grid[1].astype(dtype), "reduction": "none"}
    kwargs |= {k: np.full(1, v).astype(dtype) for k, v in [("weight", w), ("pos_weight", p)] if v is not None}
    assert_within_contract(LOSS, kwargs, bcelogits.binary_cross_entropy_with_logits(**kwargs))
    for op in (BACKWARD, TARGET_BACKWARD):
        assert_within_contract(op, kwargs, getattr(bcelogits, op)(1.0, **kwargs))


@pytest.mark.parametrize(("dtype", "tail"), [(np.float32, (80, 140)), (np.float64, (670, 800))])
@pytest.mark.parametrize("weight", [1.0, 3.0, 1000.0, 2.0**40, 2.0**-20])
def test_a_weight_scales_a_tail_before_it_is_rounded_to_a_subnormal_number(
    dtype: type, tail: tuple[float, float], weight: float
) -> None:
    x = np.linspace(*tail, 61).astype(dtype)
    for logits, target in ((x, 1.0), (-x, 0.0)):
        kwargs: dict[str, Any] = {"logits": logits, "targets": np.full(x.shape, target, dtype), "reduction": "none"}
        for operand in ("weight", "pos_weight") if target else ("weight",):
            weighted = kwargs | {operand: np.full(1, weight, dtype)}
            assert_within_contract(LOSS, weighted, bcelogits.binary_cross_entropy_with_logits(**weighted))
            result = bcelogits.binary_cross_entropy_with_logits_backward(1.0, **weighted)
            assert_within_contract(BACKWARD, weighted, result)
        upstream = np.full(1, weight, dtype)
        result = bcelogits.binary_cross_entropy_with_logits_backward(upstream, **kwargs)
        assert_within_contract(BACKWARD, kwargs | {"grad_output": upstream}, result)


@EVERY_DTYPE
def test_targets_outside_0_and_1_follow_the_formula(dtype: np.dtype[Any]) -> None:
    x = np.tile(np.linspace(-30, 30, 25), 4).astype(dtype)
    t = np.repeat([-1.0, -0.25, 1.5, 3.0], 25).astype(dtype)
    kwargs: dict[str, Any] = {"logits": x, "targets": t, "reduction": "none"}
    for weights in ({}, {"pos_weight": np.full(1, 2.5).astype(dtype)}):
        weighted = kwargs | weights
        assert_within_contract(LOSS, weighted, bcelogits.binary_cross_entropy_with_logits(**weighted))
        result = bcelogits.binary_cross_entropy_with_logits_backward(1.0, **weighted)
        assert_within_contract(BACKWARD, weighted, result)


@EVERY_DTYPE
def test_the_sign_of_zero_does_not_matter_for_the_loss(dtype: np.dtype[Any]) -> None:
    half = np.array([0.5]).astype(dtype)
    results = [
        bcelogits.binary_cross_entropy_with_logits(np.array([z]).astype(dtype), half, reduction="none")
        for z in (0.0, -0.0)
    ]
    assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.parametrize("function", ["mean", "sum", "none"])
@EVERY_DTYPE
def test_nothing_at_all(dtype: np.dtype[Any], function: str) -> None:
    for shape in [(0,), (0, 3), (2, 0)]:
        empty = np.empty(shape, dtype)
        result, gradient = bcelogits.value_and_grad(empty, empty, reduction=function)
        assert gradient.shape == shape
        if function == "none":
            assert result.shape == shape
        else:
            assert np.isnan(result) if function == "mean" else result == 0
        again = bcelogits.binary_cross_entropy_with_logits(empty, empty, reduction=function)
        assert np.asarray(again).tobytes() == np.asarray(result).tobytes()
