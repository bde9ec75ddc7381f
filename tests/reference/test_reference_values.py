"""The oracle against published anchor values, its own two precisions against each other, and the limits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bcelogits import reference

mpmath = pytest.importorskip("mpmath")

LOSS = reference.binary_cross_entropy_with_logits
BACKWARD = reference.binary_cross_entropy_with_logits_backward
TARGET_BACKWARD = reference.binary_cross_entropy_with_logits_target_backward

# x, t, p: loss, dloss/dx, dloss/dt; computed elsewhere, correct to all digits shown.
ANCHORS = [
    (0.0, 0.5, 1.0, "0.693147180559945309", "0", "0"),
    (1.0, 1.0, 1.0, "0.313261687518222834", "-0.268941421369995121", "-1"),
    (-20.0, 0.0, 1.0, "2.0611536203143807e-9", "2.06115361819020358e-9", "20"),
    (20.0, 1.0, 1.0, "2.0611536203143807e-9", "-2.06115361819020358e-9", "-20"),
    (-16.5, 0.0, 1.0, "6.8256031433905731e-8", "6.82560291044628704e-8", "16.5"),
    (-87.0, 0.0, 1.0, "1.64581143108227365e-38", "1.64581143108227365e-38", "87"),
    (-95.0, 0.0, 1.0, "5.52108227702853273e-42", "5.52108227702853273e-42", "95"),
    (-103.0, 0.0, 1.0, "1.85211676951797546e-45", "1.85211676951797546e-45", "103"),
    (-104.0, 0.0, 1.0, "6.81355682154529851e-46", "6.81355682154529851e-46", "104"),
    (40.0, 1.0, 1.0, "4.24835425529158899e-18", "-4.24835425529158898e-18", "-40"),
    (-14.913008, 1.0, 3.0, "44.7390250011153001", "-2.99999899888486577", "44.7390246674101996"),
    (10.0, 1 - 2**-10, 1.0, "0.00981102389921686465", "0.000931164631297565605", "-10"),
    (10.0, 1 - 2**-10, 3.0, "0.009901733027925561", "0.000840457561605006259", "-9.99990920220156627"),
]


def one(function: Any, *operands: float, p: Any = None, precision: str = "mp", dtype: Any = np.float64) -> Any:
    x, t = (np.asarray([v], dtype=dtype) for v in operands[-2:])
    upstream = operands[:-2]
    result = function(*upstream, x, t, pos_weight=p, reduction="none", precision=precision)
    return result[0]


@pytest.mark.parametrize(("x", "t", "p", "loss", "grad", "target_grad"), ANCHORS)
def test_anchor_values(x: float, t: float, p: float, loss: str, grad: str, target_grad: str) -> None:
    calls = [(LOSS, (x, t), loss), (BACKWARD, (1.0, x, t), grad), (TARGET_BACKWARD, (1.0, x, t), target_grad)]
    for function, operands, expected in calls:
        got = one(function, *operands, p=np.float64(p))
        quick = one(function, *operands, p=np.float64(p), precision="f64")
        with mpmath.workprec(320):
            truth = mpmath.mpf(expected)
            # Half a unit of the last digit shown; x = -14.913008 is no float64, which costs half an ULP of it.
            digits = len(expected.split("e")[0].replace(".", "").lstrip("-0"))
            tolerance = abs(truth) * (mpmath.mpf(10) ** (1 - digits) + mpmath.mpf(2) ** -54)
            assert abs(got - truth) <= tolerance
            assert abs(quick - truth) <= abs(truth) * 2.0**-50


def test_confident_samples_of_both_classes_cost_the_same() -> None:
    # The textbook form returns 0 here; the truth is e**-40 with a relative correction of e**-40 / 2.
    assert one(LOSS, 40.0, 1.0) == one(LOSS, -40.0, 0.0) > 0
    assert one(LOSS, -40.0, 0.0, precision="f64") == one(LOSS, 40.0, 1.0, precision="f64") > 0


@pytest.mark.parametrize("precision", ["f64", "mp"])
@pytest.mark.parametrize(
    ("x", "t", "loss", "grad"),
    [
        (math.inf, 0.0, math.inf, 1.0),
        (math.inf, 1.0, 0.0, 0.0),
        (math.inf, 0.5, math.inf, 0.5),
        (-math.inf, 0.0, 0.0, 0.0),
        (-math.inf, 1.0, math.inf, -1.0),
        (-math.inf, 0.5, math.inf, -0.5),
    ],
)
def test_infinite_logits_give_the_limit(x: float, t: float, loss: float, grad: float, precision: str) -> None:
    assert one(LOSS, x, t, precision=precision) == loss
    assert one(BACKWARD, 1.0, x, t, precision=precision) == grad
    assert one(TARGET_BACKWARD, 1.0, x, t, precision=precision) == -x
    none_left: dict[str, Any] = {"weight": 0.0, "reduction": "none", "precision": precision}
    assert LOSS([x], [t], **none_left)[0] == 0
    assert BACKWARD(0.0, [x], [t], reduction="none", precision=precision)[0] == 0
    assert TARGET_BACKWARD(1.0, [x], [t], **none_left)[0] == 0


@pytest.mark.parametrize("precision", ["f64", "mp"])
@pytest.mark.parametrize("place", ["logits", "targets", "weight", "pos_weight"])
def test_a_nan_in_any_operand_gives_nan(place: str, precision: str) -> None:
    for x, t, w, p in itertools.product([-math.inf, -1.0, 0.0, 2.0, math.inf], [0.0, 0.5, 1.0], [0.0, 1.0], [0.0, 1.0]):
        operands: dict[str, Any] = {"logits": [x], "targets": [t], "weight": [w], "pos_weight": [p]}
        operands[place] = [math.nan]
        upstream = {"grad_output": 1.0}
        calls: list[tuple[Any, dict[str, float]]] = [(LOSS, {}), (BACKWARD, upstream), (TARGET_BACKWARD, upstream)]
        for function, first in calls:
            result = function(**first, **operands, reduction="none", precision=precision)[0]
            counts = function is not TARGET_BACKWARD or place != "targets"
            assert (result != result) == counts


def test_both_precisions_agree_over_the_float32_range() -> None:
    rng = np.random.default_rng(20261122)
    x = np.concatenate([rng.normal(0, 10, 200), rng.uniform(-110, 110, 100), 2.0 ** rng.uniform(-149, 127, 60)])
    x = np.concatenate([x, -x]).astype(np.float32)
    t = rng.choice([0.0, 1.0, 0.5, 2.0**-24, 1 - 2.0**-24], x.size).astype(np.float32)
    w = rng.uniform(0, 3, x.size).astype(np.float32)
    for p in (None, 0.25, 3.0, 1e4):
        kwargs: dict[str, Any] = {"weight": w, "pos_weight": p, "reduction": "none"}
        truth = LOSS(x, t, **kwargs, precision="mp")
        assert reference.ulp_error(LOSS(x, t, **kwargs), truth, "f64").max() < 8
        # Both gradients may cancel: the error counts in units of the larger of the two terms.
        positive = abs(LOSS(x, np.ones_like(x), weight=w, pos_weight=p, reduction="none"))
        negative = abs(LOSS(x, np.zeros_like(x), weight=w, reduction="none"))
        target_error = abs(TARGET_BACKWARD(1.0, x, t, **kwargs) - TARGET_BACKWARD(1.0, x, t, **kwargs, precision="mp"))
        assert (target_error.astype(float) <= 8 * 2.0**-53 * np.maximum(positive, negative)).all()
        s, s_minus = (np.exp(-np.maximum(-z, 0.0)) for z in (x.astype(float), -x.astype(float)))
        error = abs(BACKWARD(1.0, x, t, **kwargs) - BACKWARD(1.0, x, t, **kwargs, precision="mp"))
        scale = w * np.maximum((1.0 - t) * s, (1.0 if p is None else p) * t * s_minus)
        assert (error.astype(float) <= 8 * 2.0**-53 * scale).all()


def test_mp_keeps_its_bits_at_a_root_of_the_gradient() -> None:
    # t = 1/2: the gradient is tanh(x / 2) / 2, x / 4 for tiny x; a difference of two numbers near 1/4.
    for exponent in (-30, -300, -1074):
        got = one(BACKWARD, 1.0, 2.0**exponent, 0.5)
        with mpmath.workprec(2000):
            truth = mpmath.tanh(mpmath.mpf(2) ** exponent / 2) / 2
            assert abs(got - truth) < truth * mpmath.mpf(2) ** -200


def test_gradients_are_derivatives_of_the_loss() -> None:
    step = 2.0**-40
    with mpmath.workprec(400):
        for x, t, p in itertools.product([-30.5, -1.25, 0.5, 12.0], [0.25, 1.0], [0.5, 1.0, 3.0]):
            along_x = one(LOSS, x + step, t, p=p) - one(LOSS, x - step, t, p=p)
            along_t = one(LOSS, x, t + step, p=p) - one(LOSS, x, t - step, p=p)
            assert abs(along_x / (2 * step) - one(BACKWARD, 1.0, x, t, p=p)) < 1e-20
            assert abs(along_t / (2 * step) - one(TARGET_BACKWARD, 1.0, x, t, p=p)) < 1e-20


def test_target_gradient_for_pos_weight_one_is_exact() -> None:
    x = np.array([1e-30, -3.5, 1e30, 0.1], dtype=np.float32)
    expected = -x.astype(np.float64) * np.float32(0.3)
    for precision in ("f64", "mp"):
        got = TARGET_BACKWARD(1.0, x, np.ones_like(x), 0.3, reduction="none", precision=precision)
        assert [float(v) for v in got] == expected.tolist()


# ---- operands --------------------------------------------------------------------------------------------------


def test_every_dtype_is_read_exactly() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    values = np.array([0.125, -3.0, 7.5, 40.0])
    expected = LOSS(values, np.ones(4), reduction="none")
    for dtype in (np.float16, bfloat16, np.float32, np.dtype(">f4")):
        assert (LOSS(values.astype(dtype), np.ones(4, np.int8), reduction="none") == expected).all()


def test_python_numbers_are_read_as_float32_unless_an_operand_is_float64() -> None:
    for dtype, weight in [(np.float32, float(np.float32(0.1))), (np.float64, 0.1)]:
        x = np.array([1.0], dtype=dtype)
        assert LOSS(x, x, 0.1, reduction="sum") == weight * LOSS(x, x, reduction="sum")
    single = np.ones(1, np.float32)
    assert LOSS(single, single, np.float64(0.1), reduction="sum") == 0.1 * LOSS(single, single, reduction="sum")
    # One float64 operand makes every python number one: 1e-60 is 0 as a float32.
    assert LOSS(single, single, 1e-60, reduction="sum") == 0
    assert LOSS(single, single, 1e-60, pos_weight=np.ones(1), reduction="sum") > 0


def test_weights_broadcast_to_the_targets() -> None:
    x, t = np.zeros((2, 3)), np.ones((2, 3))
    got = LOSS(x, t, np.array([[1.0], [2.0]]), pos_weight=np.array([1.0, 2.0, 3.0]), reduction="none")
    assert got == pytest.approx(math.log(2) * np.array([[1, 2, 3], [2, 4, 6]]), rel=1e-15)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"targets: shape \(4,\), expected \(4, 1\)"):
        LOSS(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(TypeError, match="logits: dtype complex128"):
        LOSS(np.zeros(2, complex), np.zeros(2))
    with pytest.raises(ValueError, match="reduction: 'max'"):
        LOSS([0.0], [0.0], reduction="max")
    with pytest.raises(ValueError, match="precision: 'f32'"):
        LOSS([0.0], [0.0], precision="f32")
    with pytest.raises(ValueError, match="broadcast"):
        LOSS(np.zeros((2, 3)), np.zeros((2, 3)), np.ones(2))


# ---- reductions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["f64", "mp"])
def test_reductions(precision: str) -> None:
    x, t = np.array([[0.0, 3.0], [-2.0, 8.0]]), np.array([[0.0, 1.0], [0.5, 0.0]])
    each = [LOSS([v], [u], reduction="none", precision=precision)[0] for v, u in zip(x.flat, t.flat, strict=True)]
    with mpmath.workprec(400):
        exact = mpmath.fsum(map(mpmath.mpf, each))
        cases: list[tuple[Any, Any]] = [("sum", exact), (2, exact), ("mean", exact / 4), (1, exact / 4)]
        for reduction, expected in cases:
            got = LOSS(x, t, reduction=reduction, precision=precision)
            assert reference.ulp_error(float(got), expected, "f64") <= 1
        gradient = BACKWARD(3.0, x, t, reduction="none", precision=precision)
        mean = BACKWARD(3.0, x, t, reduction="mean", precision=precision)
        assert gradient.shape == mean.shape == (2, 2)
        assert (gradient == 4 * mean).all()
        loss, grad = reference.value_and_grad(x, t, precision=precision)
        assert loss == LOSS(x, t, precision=precision)
        assert (grad == BACKWARD(1.0, x, t, precision=precision)).all()


@pytest.mark.parametrize("precision", ["f64", "mp"])
def test_empty_and_zero_dimensional(precision: str) -> None:
    empty = np.zeros((0, 3), np.float32)
    mean = LOSS(empty, empty, precision=precision)
    assert mean != mean
    assert LOSS(empty, empty, reduction="sum", precision=precision) == 0
    assert LOSS(empty, empty, reduction="none", precision=precision).shape == (0, 3)
    assert BACKWARD(1.0, empty, empty, precision=precision).shape == (0, 3)
    assert LOSS(0.0, 1.0, reduction="none", precision=precision).shape == ()
    assert round(float(LOSS(0.0, 1.0, precision=precision)), 12) == round(math.log(2), 12)


def test_the_sum_is_rounded_once() -> None:
    # Terms of very different size: 1e16 + 1 + ... loses every 1 in a running float64 sum.
    x = np.array([1e16] + [0.0] * 64)
    expected = Fraction(10**16) + 64 * Fraction(math.log(2))
    assert LOSS(x, np.zeros(65), reduction="sum") == float(expected)
    # The mean of terms whose sum overflows, and the sum itself.
    huge = np.array([1.5e308, 1.5e308])
    assert LOSS(huge, np.zeros(2), reduction="mean") == 1.5e308
    assert LOSS(huge, np.zeros(2), reduction="sum") == math.inf
    assert LOSS(huge, np.zeros(2), reduction="sum", precision="mp") == 2 * mpmath.mpf(1.5e308)
    infinite = np.array([math.inf, 0.0])
    assert LOSS(infinite, np.zeros(2)) == math.inf
    opposite = LOSS(np.array([math.inf, math.inf]), np.zeros(2), np.array([1.0, -1.0]))
    assert math.isnan(opposite)
