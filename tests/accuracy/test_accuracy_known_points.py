"""Operands that once were out of the contract, or are the hardest that any sweep has met."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from accuracy_report.measure import measure, new_row
from accuracy_report.operands import GRADIENT, LOSS, TARGET_GRADIENT, Operands, Options
from accuracy_report.rows import Row

from bcelogits._formats import FORMATS

Check = Callable[[Iterable[Row]], None]

# dtype, function, operands. g: an array for reduction "none"; scalar: grad_output of reduction "sum".
POINTS: list[tuple[str, str, dict[str, float]]] = [
    ("f16", LOSS, {"x": -6.389617919921875e-05, "t": 0}),
    ("f16", LOSS, {"x": 6.395578384399414e-05, "t": 1}),
    ("f32", LOSS, {"x": 0.08502195030450821, "t": 0}),
    ("f32", GRADIENT, {"x": 5.890218734741211, "t": 1}),
    # far from the largest term that a quotient of float32 can hold, then multiplied
    ("f32", GRADIENT, {"x": 79.98489379882812, "t": 1, "p": 6.293807382462546e-05, "scalar": 65536}),
    ("f32", GRADIENT, {"x": 79.94724, "t": 1, "p": 7.460476e-05, "scalar": 65536}),
    ("f32", GRADIENT, {"x": 79.47695922851562, "t": 1, "w": 9457.2412, "g": 984258.5625, "p": 7.035755e-05}),
    ("f32", GRADIENT, {"x": -101.26860809326172, "t": 0, "g": 1042989.9375}),
    ("f32", LOSS, {"x": 7.8803287, "t": 0.49964115}),
    ("f32", GRADIENT, {"x": 4.486503601074219, "t": 0.9365884, "p": 3064.182}),
    ("f64", LOSS, {"x": -0.8813735869762, "t": 0}),
    ("f64", GRADIENT, {"x": -708.3964186253538, "t": 0}),
    ("f64", TARGET_GRADIENT, {"x": -0.8813735869623246, "t": 0, "w": 41.47707149504949, "p": 0.008762925930404442}),
    # exp(-|x|) is subnormal, the result is not, or is larger
    ("f64", LOSS, {"x": 745.2583072507019, "t": 1, "w": 779565.0578125628}),
    ("f64", LOSS, {"x": 740.9966208002479, "t": 1, "p": 11206.810506871901}),
    ("f64", GRADIENT, {"x": 722.6108596966388, "t": 1, "scalar": 65536}),
    ("f64", GRADIENT, {"x": -730.2501327180777, "t": 0, "g": 882382.2434405481}),
    # a product of two operands leaves the format, that with the third does not
    ("f64", LOSS, {"x": -1.1608587737637677e277, "t": 4e-323, "w": 1.9680423999513015, "p": 0.00037289033733044614}),
    (
        "f64",
        GRADIENT,
        {"x": -6.186736529338251e106, "t": 8.24179994e-316, "w": 799618.0296, "p": 1.0000018, "g": 182.4},
    ),
    ("f64", TARGET_GRADIENT, {"x": -2.0606119874448223e305, "t": 0, "w": 0.01697012279590382, "p": 1730.9421922213917}),
    # every factor rounded on its own adds up
    ("f64", LOSS, {"x": 2.256217032640595e229, "t": 0.4216318350090024, "w": 0.013308170595848726}),
    (
        "f64",
        GRADIENT,
        {"x": 674.0739896728128, "t": 1, "w": 446376.2705955775, "p": 0.0001860932658866116, "g": 0.13267946385624832},
    ),
]


def _name(value: object) -> str:
    return " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


@pytest.mark.parametrize(("dtype", "function", "point"), POINTS, ids=_name)
def test_point(dtype: str, function: str, point: dict[str, float], assert_within_contract: Check) -> None:
    form = FORMATS[dtype]
    # More than a vector, so that whole vectors and the remainder both meet it.
    arrays = {name: np.full(37, value).astype(form.dtype) for name, value in point.items()}
    scalar = float(point["scalar"]) if "scalar" in point else None
    operands = Operands(arrays["x"], arrays["t"], arrays.get("w"), arrays.get("p"), arrays.get("g", scalar))
    options = Options("w" in point, "p" in point, "g" in point, scalar=scalar)
    row = new_row(form, function, point["t"] not in (0, 1), options)
    measure(row, function, operands)
    assert_within_contract([row])


@pytest.mark.parametrize(
    ("function", "n", "x", "w", "p", "t"),
    [
        (GRADIENT, 150, 686.4593268646532, 18534.261143973254, 2.6289263460976744, 1.0),
        (GRADIENT, 150, -4.394157543770017e44, 0.8276678418732093, 0.7093943207205854, 0.9446316381189964),
        (TARGET_GRADIENT, 80, -7.691654100400651e250, 48.209044486954824, 0.07122291656080866, 0.5),
    ],
)
def test_mean_of_far_logits(
    function: str, n: int, x: float, w: float, p: float, t: float, assert_within_contract: Check
) -> None:
    options = Options(weight=True, pos_weight=True, mean=True)
    row = new_row(FORMATS["f64"], function, t not in (0, 1), options)
    logits, targets, weight, pos_weight = (np.full(n, value) for value in (x, t, w, p))
    measure(row, function, Operands(logits, targets, weight, pos_weight, mean=True))
    assert_within_contract([row])
