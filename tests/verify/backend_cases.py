"""Cases for the tests of backends: moderate operands, on which even a poor implementation has some right digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bcelogits import reference
from bcelogits._formats import FORMATS
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op

EPSILON = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-23, "f64": 2.0**-52}

PATTERNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one element": {"shape": (1,)},
    "empty": {"shape": (0, 3)},
    "weight per column": {"weight": (5,)},
    "weight per row, pos_weight per column": {"weight": (4, 1), "pos_weight": (5,)},
    "full weights": {"weight": (4, 5), "pos_weight": (4, 5)},
}


def case(op: Op, dtype: str, reduction: str, pattern: str = "plain", **changes: Any) -> Case:
    fields: dict[str, Any] = {"shape": (4, 5), **PATTERNS[pattern], **changes}
    if op is not Op.LOSS and reduction == "none":
        fields.setdefault("grad_output", fields["shape"])
    return Case(f"{op} {dtype} {reduction} {pattern}", op, dtype, reduction=reduction, **fields)


def operands(case: Case) -> Operands:
    rng = np.random.default_rng(20_26)

    def array(name: str, shape: tuple[int, ...] | None, low: float, high: float) -> Any:
        if shape is None:
            return None
        return np.asarray(rng.uniform(low, high, shape)).astype(FORMATS[case.dtype_of(name)].dtype)

    return Operands(
        logits=array("logits", case.shape, -4, 4),
        targets=array("targets", case.shape, 0, 1),
        weight=array("weight", case.weight, 0.5, 2),
        pos_weight=array("pos_weight", case.pos_weight, 0.5, 3),
        grad_output=None if case.op is Op.LOSS else array("grad_output", case.grad_output or (), 0.5, 2),
    )


def truth(case: Case, given: Operands) -> npt.NDArray[np.float64]:
    gradient = () if case.op is Op.LOSS else (given.grad_output,)
    result = getattr(reference, case.op.function)(
        *gradient, given.logits, given.targets, given.weight, pos_weight=given.pos_weight, reduction=case.reduction
    )
    return np.asarray(result)


def assert_right(actual: npt.NDArray[Any], case: Case, given: Operands, units: float) -> None:
    """Of the output's dtype and shape, and right within so many epsilons of the largest intermediate number."""
    assert actual.dtype == FORMATS[case.dtype_of("out")].dtype
    assert actual.shape == case.out_shape
    exact = truth(case, given)
    size = max(1.0, float(np.abs(exact).max(initial=0)) if np.isfinite(exact).all() else 1.0)
    bound = units * EPSILON[case.dtype_of("out")] * size
    np.testing.assert_allclose(actual.astype(np.float64), exact, rtol=0, atol=bound, equal_nan=True)
