"""Every invalid call of the table: the right error and text, and no byte of any array changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import LOSS
from zoo import AN_ARRAY, INVALID, BadCall

import bcelogits
from bcelogits import _core


def memory(kwargs: dict[str, Any]) -> dict[str, bytes]:
    """All bytes that the call could reach: of the arrays, and of those that they are views of."""
    found = {}
    for name, value in kwargs.items():
        while isinstance(value, np.ndarray) and not value.dtype.hasobject:
            found[f"{name} {id(value)}"] = value.tobytes()
            value = value.base
    return found


def refuse(call: BadCall, kwargs: dict[str, Any]) -> None:
    before = memory(kwargs)
    with pytest.raises(call.error) as caught:
        getattr(bcelogits, call.op)(**kwargs)
    text = str(caught.value)
    assert text == call.text or (call.text.endswith("...") and text.startswith(call.text.removesuffix("...")))
    assert memory(kwargs) == before


@pytest.mark.parametrize("call", INVALID, ids=str)
def test_an_invalid_call_is_refused_and_changes_nothing(call: BadCall) -> None:
    refuse(call, call.make())


@pytest.mark.parametrize("call", [c for c in INVALID if not c.text.startswith(("out", "grad_out:"))], ids=str)
def test_an_invalid_call_leaves_a_good_out_untouched(call: BadCall) -> None:
    kwargs = call.make()
    reduced = call.op == LOSS and kwargs.get("reduction", "mean") != "none"
    shape = () if reduced else np.shape(kwargs["logits"])
    refuse(call, kwargs | {call.output: np.full(shape, -7.25, np.float32)})


BAD_OPERANDS = [c for c in INVALID if not c.text.startswith(("out", "grad_out:", "reduction:", "grad_output: None"))]


@pytest.mark.parametrize("call", BAD_OPERANDS, ids=str)
def test_a_check_of_the_operands_alone_refuses_them_in_the_same_words(call: BadCall) -> None:
    operands = {n: v for n, v in call.make().items() if n not in ("out", "grad_out", "reduction")}
    with pytest.raises(call.error) as caught:
        _core.check(**operands)
    text = str(caught.value)
    assert text == call.text or (call.text.endswith("...") and text.startswith(call.text.removesuffix("...")))


def test_a_check_of_the_operands_reads_no_element() -> None:
    huge = np.broadcast_to(np.float32(0), (2**40, 2**20))
    assert _core.check(huge, huge, huge) == np.float32
    with pytest.raises(ValueError, match=r"^pos_weight: shape \(2,\), expected one that broadcasts to "):
        _core.check(huge, huge, pos_weight=np.zeros(2, np.float32))


@pytest.mark.parametrize("operand", ["logits", "targets", "weight", "pos_weight"])
def test_a_torch_tensor_is_not_taken_for_an_array(operand: str) -> None:
    torch = pytest.importorskip("torch")
    kwargs: dict[str, Any] = {"logits": np.ones(3, np.float32), "targets": np.ones(3, np.float32)}
    with pytest.raises(TypeError, match=f"^{operand}: a Tensor, {AN_ARRAY}$"):
        bcelogits.binary_cross_entropy_with_logits(**kwargs | {operand: torch.ones(3)})


def test_logits_are_never_broadcast_against_targets() -> None:
    column, row = np.zeros((3, 1), np.float32), np.zeros((1, 3), np.float32)
    for x, t in [(column, row), (row, column), (column, np.zeros((3, 3), np.float32)), (row, np.float32(0))]:
        with pytest.raises(ValueError, match=r"^targets: shape .*, the shape of logits$"):
            bcelogits.binary_cross_entropy_with_logits(x, t)


def test_the_first_fault_is_named_in_the_order_of_the_arguments() -> None:
    bad = np.ones(3, np.int32)
    with pytest.raises(TypeError, match=r"^logits: "):
        bcelogits.binary_cross_entropy_with_logits(bad, bad, bad, pos_weight=bad)
    with pytest.raises(TypeError, match=r"^grad_output: "):
        bcelogits.binary_cross_entropy_with_logits_backward(bad, bad, bad, bad)


@pytest.mark.parametrize("arguments", [(), (np.ones(2, np.float32),)])
def test_missing_arguments_are_named(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"missing .* required positional argument.*'targets'"):
        bcelogits.binary_cross_entropy_with_logits(*arguments)


def test_pos_weight_reduction_and_out_are_keywords_only() -> None:
    x = np.ones(2, np.float32)
    with pytest.raises(TypeError, match="positional arguments"):
        bcelogits.binary_cross_entropy_with_logits(x, x, None, None)


class Interface:
    """An array behind nothing but `__array_struct__`."""

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    def __array_struct__(self) -> Any:
        return self.array.__array_struct__


def test_an_object_with_the_array_interface_is_an_array() -> None:
    x = np.float32([1, -2, 3])
    result = bcelogits.binary_cross_entropy_with_logits(Interface(x), Interface(x), reduction="none")
    assert result.tobytes() == bcelogits.binary_cross_entropy_with_logits(x, x, reduction="none").tobytes()


def test_an_object_with_a_bad_array_interface_is_refused() -> None:
    x = np.float32([1, -2, 3])

    class Malformed:
        __array_struct__ = 3

    class Raises:
        @property
        def __array_struct__(self) -> Any:
            raise RuntimeError("no")

    for bad in (Malformed(), Raises(), Interface(np.ones(3, np.int32)), Interface(np.ones(3, "V2"))):
        with pytest.raises(TypeError, match=r"^targets: "):
            bcelogits.binary_cross_entropy_with_logits(x, bad)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_not_the_operands_fault_stays_what_it_is(error: type[BaseException]) -> None:
    class Interrupted:
        @property
        def __array_struct__(self) -> Any:
            raise error

    with pytest.raises(error):
        bcelogits.binary_cross_entropy_with_logits(np.float32([1, -2, 3]), Interrupted())
