"""The table of calls that all callers share: the same verdicts, texts and bits as the NumPy functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import operands
import oracle
import pytest
import zoo
from binding import ACL_DTYPES, BACKWARD, LOSS, NAMES, PARAMETERS, PHASE_ONE, TARGET_BACKWARD, Acl, AclError
from calls import OPS, result_shape

import bcelogits

REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def expressible(array: object) -> bool:
    """Can the C API describe it? Negative strides, float64 and more than 8 dimensions cannot be passed."""
    return (
        isinstance(array, np.ndarray)
        and array.dtype in ACL_DTYPES
        and array.dtype != np.float64
        and array.ndim <= 8
        and all(s >= 0 and s % array.itemsize == 0 for s in array.strides)
    )


def arguments(call: zoo.Call) -> dict[str, Any]:
    """The arguments of a call; a number as gradOutput becomes a tensor of rank 0."""
    kwargs = call.make()
    if call.op != oracle.LOSS:
        given = kwargs["grad_output"]
        kwargs["grad_output"] = np.asarray(given, np.float32 if oracle.is_python_number(given) else None)
    return kwargs


def valid_calls() -> Iterator[tuple[str, zoo.Call]]:
    for call in zoo.VALID:
        if call.op not in OPS:
            continue
        arrays = [v for k, v in arguments(call).items() if k != "reduction" and v is not None]
        if all(expressible(a) for a in arrays):
            yield str(call), call


VALID = list(valid_calls())


def test_most_of_the_table_can_be_expressed() -> None:
    assert len(VALID) > 600


@pytest.mark.parametrize("op", OPS)
def test_a_valid_call_gives_the_bits_of_the_numpy_function(op: str, acl: Acl) -> None:
    """One test for an operator's part of the table: a call takes less time than a report of it."""
    for name, call in VALID:
        if call.op == op:
            try:
                check_valid(acl, call)
            except Exception as error:
                error.add_note(name)
                raise


def allowed_result(op: str, out: np.dtype[Any], x: np.dtype[Any], t: np.dtype[Any]) -> bool:
    """The documents fix the dtype of out: that of target; of self or target; any."""
    return {LOSS: out == t, BACKWARD: out in (x, t), TARGET_BACKWARD: True}[op]


def check_valid(acl: Acl, call: zoo.Call) -> None:
    op = OPS[call.op]
    ours, theirs = arguments(call), call.make()
    given = ours.get("reduction", "mean")
    reduction = given if isinstance(given, int) else REDUCTIONS[given]
    x, t = ours["logits"], ours["targets"]
    if "out" not in ours:
        shape = result_shape(op, x.shape, reduction)
        ours["out"], theirs["out"] = np.zeros(shape, t.dtype), np.zeros(shape, t.dtype)
    arrays = {NAMES.get(k, PARAMETERS[op][-1]): v for k, v in ours.items() if k != "reduction"}
    if not allowed_result(op, ours["out"].dtype, x.dtype, t.dtype):
        with pytest.raises(AclError, match="161002"):
            operands.run(acl, op, reduction, arrays)
        return
    getattr(bcelogits, call.op)(**theirs)
    operands.run(acl, op, reduction, arrays)
    assert oracle.bits(ours["out"]) == oracle.bits(theirs["out"])
    for name, value in ours.items():
        if isinstance(value, np.ndarray) and name != "grad_output":
            assert oracle.bits(operands.owner(value)) == oracle.bits(operands.owner(theirs[name])), name


INVALID_WORDS = {"targets": "target", "logits": "self", "weight": "weightOptional", "pos_weight": "posWeightOptional"}
INVALID_WORDS |= {"grad_output": "gradOutput"}


def translated(op: str, text: str) -> str:
    """A text of the NumPy functions in the words of the C prototypes."""
    parameter, colon, rest = text.partition(":")
    parameter = PARAMETERS[op][-1] if parameter == "out" else INVALID_WORDS[parameter]
    for words in ("the shape of {}", "overlaps {},"):
        for python, c in INVALID_WORDS.items():
            if words.format(python) in rest:
                return f"{PHASE_ONE[op]}: {parameter}{colon}" + rest.replace(words.format(python), words.format(c))
    return f"{PHASE_ONE[op]}: {parameter}{colon}{rest}"


def invalid_calls() -> Iterator[zoo.BadCall]:
    for call in zoo.INVALID:
        about_python = call.text.startswith("reduction") or call.text.endswith("...")
        if call.op in OPS and call.error is ValueError and not about_python:
            arrays = [v for k, v in arguments(call).items() if k != "reduction"]
            if all(expressible(a) and operands.owner(a).flags.writeable for a in arrays):
                yield call


@pytest.mark.parametrize("call", list(invalid_calls()), ids=str)
def test_an_invalid_call_has_the_verdict_and_the_text_of_the_numpy_function(call: zoo.BadCall, acl: Acl) -> None:
    op, kwargs = OPS[call.op], arguments(call)
    reduction = REDUCTIONS[kwargs.pop("reduction", "mean")]
    if "out" not in kwargs:
        kwargs["out"] = np.zeros(result_shape(op, kwargs["logits"].shape, reduction), kwargs["targets"].dtype)
    arrays = {NAMES.get(k, PARAMETERS[op][-1]): v for k, v in kwargs.items()}
    with operands.Operands(acl, op, arrays) as given:
        one = acl.phase_one(op, given.handles(), reduction)
    if not allowed_result(op, kwargs["out"].dtype, kwargs["logits"].dtype, kwargs["targets"].dtype):
        assert one.status == 161002
        return
    assert one.status == 161002, one.text
    assert one.text.splitlines()[0].endswith(translated(op, call.text))
