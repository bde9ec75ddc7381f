"""Every valid call of the table: the right shape, dtype and values, and nothing else touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import (
    BACKWARD,
    LOSS,
    OPERANDS,
    TARGET_BACKWARD,
    VALUE_AND_GRAD,
    Array,
    assert_within_contract,
    bits,
    compute_dtype,
    promoted,
    reduce_exactly,
)
from zoo import VALID, Call

import bcelogits

NAMES = {0: "none", 1: "mean", 2: "sum"}


def reduction_of(kwargs: dict[str, Any]) -> str:
    value = kwargs.get("reduction", "mean")
    return NAMES.get(value, value)


def copies(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The operands as they were, C-contiguous and of no relation to the call's memory."""
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in kwargs.items() if k not in ("out", "grad_out")}


def elementwise_losses(kwargs: dict[str, Any]) -> Array:
    """What a reduction adds up: the losses, rounded to the compute dtype."""
    operands = {k: v for k, v in kwargs.items() if k in OPERANDS and k != "grad_output"}
    losses = np.empty(np.shape(kwargs["logits"]), compute_dtype(operands))
    bcelogits.binary_cross_entropy_with_logits(**operands, reduction="none", out=losses)
    return losses


def check_loss(kwargs: dict[str, Any], loss: Any) -> None:
    operands = {k: v for k, v in kwargs.items() if k != "grad_output"}
    if reduction_of(kwargs) == "none":
        assert_within_contract(LOSS, operands, loss)
    else:
        losses = elementwise_losses(kwargs)
        assert_within_contract(LOSS, operands, losses)
        expected = reduce_exactly(losses, reduction_of(kwargs), np.asarray(loss).dtype)
        assert bits(loss) == bits(expected), (loss, expected)


@pytest.mark.parametrize("call", VALID, ids=str)
def test_a_valid_call_gives_the_truth(call: Call) -> None:
    kwargs = call.make()
    before = copies(kwargs)
    out = kwargs.get(call.output)
    result = getattr(bcelogits, call.op)(**kwargs)

    dtype = promoted(np.asarray(before["logits"]).dtype, np.asarray(before["targets"]).dtype)
    loss, gradient = result if call.op == VALUE_AND_GRAD else (result, result)
    if call.op in (LOSS, VALUE_AND_GRAD):
        reduced = reduction_of(kwargs) != "none"
        if call.op == LOSS and out is not None:
            assert loss is out
        else:
            assert loss.dtype == dtype
            assert isinstance(loss, np.generic if reduced else np.ndarray)
            assert type(loss) is (dtype.type if reduced else np.ndarray)
        check_loss(before, np.asarray(loss).reshape(()) if reduced else loss)
    if call.op != LOSS:
        assert gradient is out if out is not None else (type(gradient) is np.ndarray and gradient.dtype == dtype)
        name = TARGET_BACKWARD if call.op == TARGET_BACKWARD else BACKWARD
        assert_within_contract(name, before, gradient)

    for name, value in before.items():
        if isinstance(value, np.ndarray) and kwargs[name] is not out and not np.may_share_memory(kwargs[name], out):
            assert bits(kwargs[name]) == bits(value), f"{name} was written to"


@pytest.mark.parametrize(("number", "name"), NAMES.items())
def test_a_reduction_may_be_given_as_a_number(number: int, name: str) -> None:
    x, t = np.float32([[-3, 0, 5]]), np.float32([[0, 1, 0.5]])
    by_number, by_name = (bcelogits.value_and_grad(x, t, reduction=r) for r in (number, name))
    for a, b in zip(by_number, by_name, strict=True):
        assert bits(a) == bits(b)
        assert np.shape(a) == np.shape(b)


NUMBERS = [0.1, 1 / 3, 7, 1e-30, 2**24 + 1]


def operands_of(dtype: type) -> tuple[Array, Array]:
    return np.linspace(-60, 60, 1001).astype(dtype), np.linspace(0, 1, 1001).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_as_weight_is_read_like_an_array_of_the_compute_dtype(number: float, dtype: type) -> None:
    x, t = operands_of(dtype)
    array = np.full(x.shape, number, dtype)
    for op, operand in [(LOSS, "weight"), (LOSS, "pos_weight"), (BACKWARD, "weight"), (TARGET_BACKWARD, "pos_weight")]:
        function, more = getattr(bcelogits, op), {} if op == LOSS else {"grad_output": 1.0}
        plain = function(**more, logits=x, targets=t, reduction="none", **{operand: number})
        assert bits(plain) == bits(function(**more, logits=x, targets=t, reduction="none", **{operand: array}))


@pytest.mark.parametrize("op", [BACKWARD, TARGET_BACKWARD])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_as_grad_output_is_read_like_an_array_of_the_compute_dtype(
    number: float, dtype: type, op: str
) -> None:
    x, t = operands_of(dtype)
    function = getattr(bcelogits, op)
    as_array = function(np.full(x.shape, number, dtype), x, t, reduction="none")
    assert bits(function(number, x, t, reduction="none")) == bits(as_array)


def test_the_layout_of_a_new_result_follows_logits() -> None:
    x = np.asfortranarray(np.ones((5, 7), np.float32))
    assert bcelogits.binary_cross_entropy_with_logits(x, x, reduction="none").flags.f_contiguous
    x = np.ones((5, 7), np.float32)
    assert bcelogits.binary_cross_entropy_with_logits(x, x, reduction="none").flags.c_contiguous


def test_subclasses_of_arrays_give_plain_arrays(tmp_path: Any) -> None:
    memory = np.memmap(tmp_path / "x", np.float32, "w+", shape=(3, 2))
    memory[...] = 2
    result = bcelogits.binary_cross_entropy_with_logits(memory, memory, reduction="none")
    assert type(result) is np.ndarray
    assert bits(result) == bits(bcelogits.binary_cross_entropy_with_logits(+memory, +memory, reduction="none"))
    assert bcelogits.binary_cross_entropy_with_logits(memory, memory, reduction="none", out=memory) is memory
    memory._mmap.close()
