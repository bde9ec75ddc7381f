"""Which rule sees a float32 kernel that computes the two-term formula: the tables of docs/precision.md 5.3.

The kernel is (1-t) x + (log1p(exp(-|x|)) + max(-x, 0)) in float32: for t = 0 and x < 0 it adds x to |x| + L, and loses
L. It returns 0 for every confident negative.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from profile_cases import metric, value, verdict

from bcelogits.verify._model import Status

P, F = True, False
COLUMNS = ("cann-mixed", "cann-mixed:v1", "mare", "small", "msprobe-abs", "ascendoptest", "ttk-close", "torch", "ulp")
# x, the device's value, the golden, and who accepts the element; None where the rule does not apply.
ELEMENTS = [
    (-5, 6.715298e-3, 6.715348e-3, (P, P, P, None, F, P, P, P, F)),
    (-8, 3.356934e-4, 3.354064e-4, (P, P, P, None, F, P, F, P, F)),
    (-10, 4.577637e-5, 4.539890e-5, (P, P, F, F, F, P, F, P, F)),
    (-15, 0, 3.059023e-7, (P, P, F, F, F, P, F, P, F)),
    (-20, 0, 2.061154e-9, (P, P, F, F, F, P, P, P, F)),
    (-21, 0, 7.58e-10, (P, P, F, P, P, P, P, P, F)),
    (-25, 0, 1.39e-11, (P, P, P, P, P, P, P, P, F)),
    (-80, 0, 1.80e-35, (P, P, P, P, P, P, P, P, F)),
]


def kernel(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The two-term formula in float32."""
    assert x.dtype == t.dtype == np.float32
    lost = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, np.float32(0))
    return ((np.float32(1) - t) * x + lost).astype(np.float64)


def accepts(column: str, actual: float, golden: float) -> bool | None:
    if column == "mare":
        return metric(verdict("cann-mere", [actual], [golden]), "MARE").passed
    if column == "small":
        if golden >= 2.0**-14:
            return None
        return value(verdict("cann-dual:L0", [actual], [golden], third=[golden]), "small-value errors ratio") == 0
    judged = verdict(column, [actual], [golden])
    assert judged.status in (Status.PASS, Status.FAIL)
    return judged.status is Status.PASS


@pytest.mark.parametrize(("x", "device", "golden", "accepted"), ELEMENTS)
def test_elements(x: int, device: float, golden: float, accepted: tuple[bool | None, ...]) -> None:
    with mpmath.workprec(200):
        truth = float(mpmath.log1p(mpmath.exp(x)))
    actual = float(kernel(np.float32([x]), np.float32([0]))[0])
    assert truth == pytest.approx(golden, rel=5e-3 if x < -20 else 5e-7)
    assert actual == pytest.approx(device, rel=5e-7)
    assert tuple(accepts(column, actual, truth) for column in COLUMNS) == accepted


def softplus(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def uniform(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-5, 5, n), rng.random(n) < 0.5


def normal(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A mean and a deviation for each element: the mix of all cases that the standard draws."""
    return rng.normal(rng.uniform(-100, 100, n), rng.uniform(1, 25, n)), rng.random(n) < 0.5


def trained(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(0, 8, n)
    return x, rng.random(n) < 1 / (1 + np.exp(-x))


# Shares as published; those of `normal` depend on which means were drawn, so they hold to a few points.
TENSORS = [
    (uniform, True, 0.0, 0.058, 0.0, 0.002),
    (normal, False, 0.037, 0.215, 0.186, 0.025),
    (trained, False, 0.108, 0.312, 0.035, 0.002),
]


@pytest.mark.parametrize(("data", "mere_passes", "small_errors", "above_32", "zeros", "tolerance"), TENSORS)
def test_whole_tensors(
    data: object, mere_passes: bool, small_errors: float, above_32: float, zeros: float, tolerance: float
) -> None:
    n = 1_000_000
    x, label = data(np.random.default_rng(53), n)  # type: ignore[operator]
    x, t = x.astype(np.float32), label.astype(np.float32)
    golden = softplus(np.where(label, -1.0, 1.0) * x.astype(np.float64))
    actual = kernel(x, t)

    mixed = verdict("cann-mixed", actual, golden)
    assert mixed.status is Status.PASS
    assert value(mixed, "matched ratio") == pytest.approx(1, abs=5e-6)
    bench = verdict("msprobe-bench", actual, golden, third=golden)
    assert value(bench, "A: cosine") == pytest.approx(1, abs=5e-10)
    assert metric(bench, "A: max absolute error").passed  # below 1e-3: stage A ends with a pass

    mere = verdict("cann-mere", actual, golden)
    assert [metric(mere, name).passed for name in ("MERE", "MARE")] == [mere_passes] * 2
    dual = verdict("cann-dual:L0", actual, golden, third=golden)
    assert value(dual, "small-value errors ratio") / n == pytest.approx(small_errors, abs=tolerance)

    ulp = verdict("ulp", actual, golden)
    assert ulp.status is Status.FAIL
    assert value(ulp, "share > 32 ULP") == pytest.approx(above_32, abs=tolerance)
    assert value(ulp, "unexplained zeros") / n == pytest.approx(zeros, abs=tolerance)
