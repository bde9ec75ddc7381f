"""Calls of the C API and of the NumPy functions on the same arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import operands
import oracle
import zoo
from binding import BACKWARD, LOSS, NAMES, PARAMETERS, TARGET_BACKWARD, Acl, Array

import bcelogits

OPS = {oracle.LOSS: LOSS, oracle.BACKWARD: BACKWARD, oracle.TARGET_BACKWARD: TARGET_BACKWARD}
SUPPORTED = ("float32", "float16", "bfloat16")


def numpy_name(op: str) -> str:
    """The NumPy function of an operator."""
    return next(name for name, c in OPS.items() if c == op)


def result_shape(op: str, shape: tuple[int, ...], reduction: int) -> tuple[int, ...]:
    return (1,) if op == LOSS and reduction else shape


def both(acl: Acl, op: str, kwargs: dict[str, Any], reduction: int, out: Array, **options: Any) -> tuple[Array, Array]:
    """The result of the C API and that of the NumPy function, each in an array like `out`."""
    function = getattr(bcelogits, numpy_name(op))
    expected = np.full_like(out, -7.25)
    function(**kwargs, reduction=reduction, out=expected)
    arrays = {NAMES[name]: value for name, value in kwargs.items()} | {PARAMETERS[op][-1]: out}
    operands.run(acl, op, reduction, arrays, **options)
    return out, expected


def assert_same_bits(acl: Acl, op: str, kwargs: dict[str, Any], reduction: int, out: Array, **options: Any) -> None:
    actual, expected = both(acl, op, kwargs, reduction, out, **options)
    assert oracle.bits(actual) == oracle.bits(expected)


def operands_of(op: str, shape: tuple[int, ...], dtype: str = "float32", *optional: str) -> dict[str, Any]:
    values = zoo.values(shape, dtype)
    needed = ("logits", "targets", *optional) + (() if op == LOSS else ("grad_output",))
    return {name: values[name] for name in needed}
