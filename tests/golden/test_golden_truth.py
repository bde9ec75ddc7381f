"""The truth of elements against mpmath and exact rationals: values, rounding, scale, flags, special operands."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from exact_operator import truths
from oracle import DTYPES, FORMATS, LONG, round_exactly

from bcelogits.golden import FAMILIES, Case, Flag, Op, Special, elementwise, make_operands

MIN_NORMAL = {dtype: 2.0 ** FORMATS[long][1] for dtype, long in LONG.items()}
FINITE = [name for name in FAMILIES if name not in ("specials", "exhaustive16")]


def inputs_of(case: Case) -> dict[str, Any]:
    operands = make_operands(case).items()
    return {k: np.broadcast_to(v, case.shape).astype(np.float64).ravel() for k, v in operands.items()}


def assert_is_truth(op: Op, inputs: dict[str, Any], dtype: str, count: int = 1) -> None:
    truth = elementwise(op, inputs, dtype, count=count)
    kind = DTYPES[LONG[dtype]]
    assert truth.rounded.dtype == kind
    for i, (exact, larger) in enumerate(truths(op, inputs, count)):
        where = {name: float(v[i]) for name, v in inputs.items()}
        expected = round_exactly(exact, kind)
        got = truth.rounded[i]
        assert float(got) == float(expected), (where, got, expected)
        if abs(exact) < Fraction(2) ** 1023:
            value = Fraction(float(truth.value[i]))
            # Some ULP of float64, those of its subnormal range included; of the result itself, near a root too.
            slack = max(abs(exact) * Fraction(2) ** -47, Fraction(2) ** -1073)
            assert abs(value - exact) <= slack, (where, float(value), float(exact))
            if dtype == "f64":
                low = Fraction(float(truth.low[i]))
                assert abs(value + low - exact) <= max(larger * Fraction(2) ** -100, Fraction(2) ** -1074), where
            else:
                assert truth.low[i] == 0
            has_terms = op is Op.BACKWARD or (op is Op.TARGET_BACKWARD and "pos_weight" in inputs)
            scale = larger if has_terms else abs(exact)
            assert abs(Fraction(float(truth.scale[i])) - scale) <= max(scale / 2**48, Fraction(2) ** -1073), where
        flags = Flag(int(truth.flags[i]))
        magnitude = abs(float(expected))
        assert bool(flags & Flag.OVERFLOW) == math.isinf(magnitude)
        assert bool(flags & Flag.ZERO) == (magnitude == 0 and exact != 0), where
        assert bool(flags & Flag.SUBNORMAL) == (0 < magnitude < MIN_NORMAL[dtype])
        assert not flags & (Flag.SPECIAL | Flag.CHOICE)


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("family", FINITE)
def test_every_family_is_rounded_correctly(family: str, op: Op, dtype: str) -> None:
    for seed, weights in enumerate((None, (300,))):
        case = Case("", op, dtype, (300,), "none", family, seed, weights, weights, grad_output=(300,))
        assert_is_truth(op, inputs_of(case), dtype, count=1 + 299 * seed)


# ---- rounding --------------------------------------------------------------------------------------------------


def test_float64_alone_rounds_this_one_wrongly() -> None:
    # The only float32 logit below 104 where float64 arithmetic, rounded once, is not the correctly rounded loss.
    x = np.arange(-40, 41) * 2.0**-35 + float(np.float32(4.46809921e-4))
    assert_is_truth(Op.LOSS, {"logits": x, "targets": np.zeros(x.size)}, "f32")


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", Op)
def test_a_tail_far_below_the_last_bit_breaks_a_tie(op: Op, dtype: str) -> None:
    """The rational part of the result is a tie; exp(-|x|), down to 2**-1075 of it, says where it rounds to."""
    bits = FORMATS[LONG[dtype]][0]
    tie = 1 + 2.0 ** -(bits - 1) + 3 * 2.0 ** -(bits + 1) if bits < 52 else None
    magnitudes = np.array([40.0, 72.0, 100.0, 128.0, 200.0, 512.0, 740.0])
    rows = []
    for x, t, sign in itertools.product([*magnitudes, *-magnitudes], [0.0, 1.0, 0.25], [1.0, -1.0]):
        if tie is not None:
            rows.append((x, t, sign * tie, 0.75 if op is Op.TARGET_BACKWARD else 1.0, 1.0))
        else:  # the product of two float64 numbers of 27 and 28 bits
            rows.append((x, t, sign * (1 + 2.0**-26), 1.25, 1 + 2.0**-27))
    names = ("logits", "targets", "weight", "pos_weight", "grad_output")
    assert_is_truth(op, dict(zip(names, np.array(rows).T.copy(), strict=True)), dtype)


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", Op)
def test_exact_ties_go_to_the_even_neighbour(op: Op, dtype: str) -> None:
    """x = 0 (the gradients are rational), and pos_weight = 1: the target gradient is the product -x * w * g."""
    rng = np.random.default_rng(3)
    n = 400
    few = {"f16": 8, "bf16": 6, "f32": 13, "f64": 27}[dtype]  # bits of a factor: products have one bit too many

    def factor() -> Any:
        return rng.integers(2 ** (few - 1), 2**few, n) * 2.0**-few

    inputs = {"logits": np.zeros(n), "targets": factor() / 2, "weight": factor(), "grad_output": factor()}
    if op is Op.TARGET_BACKWARD:
        inputs["logits"] = factor()
    assert_is_truth(op, inputs, dtype)
    assert_is_truth(op, inputs, dtype, count=64)
    assert_is_truth(op, inputs, dtype, count=3)


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", Op)
def test_operands_of_every_magnitude(op: Op, dtype: str) -> None:
    """Float64 operands, whose products leave float64's range on the way although the result does not."""
    rng = np.random.default_rng(4)
    n = 250

    def spread(low: int, high: int) -> Any:
        return rng.uniform(1, 2, n) * 2.0 ** rng.integers(low, high, n)

    sign = rng.choice([-1.0, 1.0], n)
    inputs = {
        "logits": np.where(rng.random(n) < 0.3, sign * spread(-1074, 40), rng.normal(0, 300, n)),
        "targets": np.where(rng.random(n) < 0.5, spread(-1074, -1), rng.integers(0, 2, n)),
        "weight": spread(-1000, 1000),
        "pos_weight": spread(-1000, 1000),
        "grad_output": sign / spread(-1000, 1000),
    }
    assert_is_truth(op, inputs, dtype)
    inputs["weight"], inputs["grad_output"] = spread(-60, 60), spread(-60, 60)
    assert_is_truth(op, inputs, dtype, count=10)


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("op", Op)
def test_every_499th_logit_of_16_bits(op: Op, dtype: str) -> None:
    case = Case("", op, dtype, (9, 65_280 if dtype == "bf16" else 63_488), family="exhaustive16", pos_weight=(1,))
    sample = {name: values[::499] for name, values in inputs_of(case).items()}
    assert_is_truth(op, sample, dtype)


def test_targets_outside_0_1_and_negative_weights_are_flagged_and_right() -> None:
    rng = np.random.default_rng(5)
    n = 200
    inputs = {"logits": rng.normal(0, 9, n), "targets": rng.uniform(-1, 2, n), "weight": rng.normal(0, 1, n)}
    inputs["pos_weight"] = rng.normal(0, 2, n)
    for op in Op:
        assert_is_truth(op, inputs, "f32")
        flags = elementwise(op, inputs, "f32").flags
        outside = (inputs["targets"] < 0) | (inputs["targets"] > 1)
        outside |= (inputs["weight"] < 0) | (inputs["pos_weight"] < 0)
        assert ((flags & Flag.OUTSIDE != 0) == outside).all()


ANCHORS = [  # docs/precision.md 5.6: x, t, p, loss, dL/dx, dL/dt
    (0.0, 0.5, 1.0, 0.693147180559945309, 0.0, 0.0),
    (1.0, 1.0, 1.0, 0.313261687518222834, -0.268941421369995121, -1.0),
    (-20.0, 0.0, 1.0, 2.0611536203143807e-9, 2.06115361819020358e-9, 20.0),
    (20.0, 1.0, 1.0, 2.0611536203143807e-9, -2.06115361819020358e-9, -20.0),
    (-16.5, 0.0, 1.0, 6.8256031433905731e-8, 6.82560291044628704e-8, 16.5),
    (-87.0, 0.0, 1.0, 1.64581143108227365e-38, 1.64581143108227365e-38, 87.0),
    (-95.0, 0.0, 1.0, 5.52108227702853273e-42, 5.52108227702853273e-42, 95.0),
    (-103.0, 0.0, 1.0, 1.85211676951797546e-45, 1.85211676951797546e-45, 103.0),
    (-104.0, 0.0, 1.0, 6.81355682154529851e-46, 6.81355682154529851e-46, 104.0),
    (40.0, 1.0, 1.0, 4.24835425529158899e-18, -4.24835425529158898e-18, -40.0),
    (10.0, 1 - 2.0**-10, 1.0, 0.00981102389921686465, 0.000931164631297565605, -10.0),
    (10.0, 1 - 2.0**-10, 3.0, 0.009901733027925561, 0.000840457561605006259, -9.99990920220156627),
]


def test_anchor_values() -> None:
    x, t, p, *expected = (np.array(column) for column in zip(*ANCHORS, strict=True))
    inputs = {"logits": x, "targets": t, "pos_weight": p}
    for op, wanted in zip(Op, expected, strict=True):
        np.testing.assert_allclose(elementwise(op, inputs, "f64").value, wanted, rtol=3e-16, atol=0)
        np.testing.assert_array_equal(elementwise(op, inputs, "f32").rounded, wanted.astype(np.float32))
    tail = Flag.SUBNORMAL, Flag.SUBNORMAL, Flag.ZERO
    assert tuple(elementwise(Op.LOSS, inputs, "f32").flags[6:9]) == tail


# ---- special operands ------------------------------------------------------------------------------------------

INF, NAN = math.inf, math.nan
TABLE = [  # docs/precision.md 5.4: x, t, limit, two-term form
    (INF, 0.0, INF, INF),
    (INF, 1.0, 0.0, NAN),
    (INF, 0.5, INF, INF),
    (-INF, 0.0, 0.0, NAN),
    (-INF, 1.0, INF, NAN),
    (-INF, 0.5, INF, NAN),
]


@pytest.mark.parametrize("dtype", LONG)
def test_infinite_logits(dtype: str) -> None:
    x, t, limit, two_term = (np.array(column) for column in zip(*TABLE, strict=True))
    inputs = {"logits": x, "targets": t}
    for special, expected in ((Special.LIMIT, limit), (Special.TORCH, two_term)):
        truth = elementwise(Op.LOSS, inputs, dtype, special=special)
        np.testing.assert_array_equal(truth.value, expected)
        np.testing.assert_array_equal(truth.rounded.astype(np.float64), expected)
        assert (truth.flags & Flag.SPECIAL).all()
        assert (((truth.flags & Flag.CHOICE) != 0) == (limit != two_term)).all()
        gradient = elementwise(Op.BACKWARD, inputs, dtype, special=special)
        np.testing.assert_array_equal(gradient.value, [1, 0, 0.5, 0, -1, -0.5])
        target = elementwise(Op.TARGET_BACKWARD, inputs, dtype, special=special)
        np.testing.assert_array_equal(target.value, -x)


def test_special_and_ordinary_elements_do_not_disturb_each_other() -> None:
    case = Case("", Op.LOSS, "f32", (4000,), family="specials", weight=(4000,), pos_weight=(4000,))
    inputs = inputs_of(case)
    finite = np.logical_and.reduce([np.isfinite(v) for v in inputs.values()])
    assert 500 < finite.sum() < 3500
    for op in Op:
        for special in Special:
            truth = elementwise(op, inputs, "f32", special=special)
            alone = elementwise(op, {k: v[finite] for k, v in inputs.items()}, "f32")
            for name in ("value", "scale", "rounded", "flags"):
                np.testing.assert_array_equal(getattr(truth, name)[finite], getattr(alone, name))
        nan = np.logical_or.reduce([np.isnan(v) for k, v in inputs.items() if k != "targets"])
        assert np.isnan(truth.value[nan]).all()


def test_the_limit_is_the_reference_and_torch_is_ieee_arithmetic() -> None:
    from bcelogits import reference

    values = [-INF, -3.0, -0.0, 0.0, 2.0, INF, NAN]
    rows = list(itertools.product(values, [0.0, 0.5, 1.0, NAN], [0.0, 1.5, INF, NAN], [0.0, 1.0, 3.0, INF]))
    x, t, w, p = np.array(rows).T.copy()
    g = np.full(x.size, 0.75)
    inputs = {"logits": x, "targets": t, "weight": w, "pos_weight": p, "grad_output": g}
    functions = [getattr(reference, op.function) for op in Op]
    with np.errstate(all="ignore"):
        tail = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0.0)
        s = 1 / (1 + np.exp(-x))
        two_term = [
            w * ((1 - t) * x + (1 + (p - 1) * t) * tail),
            w * g * ((p * t + 1 - t) * s - p * t),
            w * g * (-(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)) + p * tail),
        ]
    strange = ~np.logical_and.reduce([np.isfinite(v) for v in (x, t, w, p)])
    for op, function, ieee in zip(Op, functions, two_term, strict=True):
        upstream = () if op is Op.LOSS else (g,)
        limit = function(*upstream, x, t, w, pos_weight=p, reduction="none")
        np.testing.assert_allclose(elementwise(op, inputs, "f64").value, limit, rtol=1e-14)
        expected = np.where(strange, ieee, limit)
        got = elementwise(op, inputs, "f64", special=Special.TORCH)
        if op is Op.TARGET_BACKWARD:  # a NaN among the targets plays no part
            assert (got.flags[np.isnan(t) & np.isfinite(x) & np.isfinite(w) & np.isfinite(p)] & Flag.SPECIAL == 0).all()
        np.testing.assert_allclose(got.value, expected, rtol=1e-14)


def test_a_gradient_at_an_infinite_logit_is_rounded_correctly() -> None:
    # w * (1 - t) is a tie of float16: 1 + 2**-11.
    inputs = {"logits": np.array([INF, INF]), "targets": np.array([0.5, 0.0])}
    inputs |= {"weight": np.array([2 + 2.0**-10, 1 + 3 * 2.0**-11]), "pos_weight": np.array([INF, 2.0])}
    assert elementwise(Op.BACKWARD, inputs, "f16").rounded.tolist() == [1.0, 1 + 2.0**-9]


# ---- arguments -------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused() -> None:
    x = np.zeros(3)
    with pytest.raises(ValueError, match="dtype: 'f8', expected one of f16, bf16, f32, f64"):
        elementwise(Op.LOSS, {"logits": x, "targets": x}, "f8")
    with pytest.raises(ValueError, match="inputs: logits, expected logits, targets"):
        elementwise(Op.LOSS, {"logits": x}, "f32")
    with pytest.raises(ValueError, match=r"inputs: weight of shape \(2,\), expected \(3,\) as logits"):
        elementwise(Op.LOSS, {"logits": x, "targets": x, "weight": np.zeros(2)}, "f32")


def test_no_elements() -> None:
    truth = elementwise(Op.BACKWARD, {"logits": np.zeros(0), "targets": np.zeros(0)}, "f16")
    assert (truth.value.size, truth.rounded.dtype.name, truth.flags.dtype.name) == (0, "float16", "uint8")
