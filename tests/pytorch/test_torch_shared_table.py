"""The calls that all bindings share, through tensors: the NumPy functions' verdicts, texts and bits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from oracle import BACKWARD, DTYPES, LOSS, OPERANDS, TARGET_BACKWARD, VALUE_AND_GRAD, is_python_number
from torch import Tensor
from torch_helpers import OURS, THEIRS, array, bits, numpy_gradients, numpy_result, tensor
from zoo import AN_ARRAY, FLOATS, INVALID, VALID, BadCall, Call

NAMES = {"logits": "input", "targets": "target"}
CODES = {"none": 0, "mean": 1, "sum": 2}
REDUCTIONS = {number: name for name, number in CODES.items()}
OPERATORS = {
    LOSS: torch.ops.bcelogits.loss,
    BACKWARD: torch.ops.bcelogits.backward,
    TARGET_BACKWARD: torch.ops.bcelogits.target_backward,
}


# ---- arguments -------------------------------------------------------------------------------------------------


def has_backward_strides(value: Any) -> bool:
    return isinstance(value, np.ndarray) and any(s < 0 for s in value.strides)


def skip_what_tensors_cannot_be(kwargs: dict[str, Any]) -> None:
    """Skip, by kind, a call that PyTorch has no counterpart of."""
    if "out" in kwargs or "grad_out" in kwargs:
        pytest.skip("an output of the caller's: PyTorch's loss takes none")
    operands = {k: v for k, v in kwargs.items() if k in OPERANDS}
    if any(map(has_backward_strides, operands.values())):
        pytest.skip("negative strides: PyTorch has none")
    if any(is_python_number(v) for k, v in operands.items() if k != "grad_output"):
        pytest.skip("a Python number as an operand: PyTorch takes tensors alone")


def arguments(kwargs: dict[str, Any]) -> tuple[dict[str, Any], str, Any]:
    """Operands under PyTorch's names, the reduction, and the upstream gradient (numbers as 0-d tensors)."""
    named = {NAMES.get(k, k): tensor(v) for k, v in kwargs.items() if k in OPERANDS and k != "grad_output"}
    upstream = kwargs.get("grad_output", 1.0)
    if is_python_number(upstream):
        wide = any(t.dtype == torch.float64 for t in named.values())
        upstream = np.asarray(upstream, np.float64 if wide else np.float32)
    reduction = kwargs.get("reduction", "mean")
    return named, REDUCTIONS.get(reduction, reduction), tensor(upstream)


def operator_call(op: str, named: dict[str, Any], reduction: str, upstream: Tensor) -> Tensor:
    """A call of the registered operator."""
    operands = (named["input"], named["target"], named.get("weight"), named.get("pos_weight"), CODES[reduction])
    arguments = (*operands, named["target"].dtype) if op == LOSS else (upstream, *operands)
    result: Tensor = OPERATORS[op](*arguments)
    return result


def leaf(t: Tensor) -> Tensor:
    return t.detach().requires_grad_()


# ---- valid calls -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [c for c in VALID if c.op in (LOSS, VALUE_AND_GRAD)], ids=str)
def test_a_valid_call_gives_the_bits_of_the_numpy_functions(call: Call) -> None:
    kwargs = call.make()
    skip_what_tensors_cannot_be(kwargs)
    named, reduction, _ = arguments(kwargs)
    dtype = named["target"].dtype
    expected = numpy_result(LOSS, named, reduction, dtype)
    if call.op == LOSS:
        for result in (OURS(**named, reduction=reduction), operator_call(LOSS, named, reduction, torch.ones(()))):
            assert type(result) is Tensor
            assert result.dtype == dtype
            assert result.shape == expected.shape
            assert bits(result) == expected.tobytes()
        return
    x, t = leaf(named["input"]), leaf(named["target"])
    loss = OURS(x, t, named.get("weight"), reduction=reduction, pos_weight=named.get("pos_weight"))
    assert bits(loss) == expected.tobytes()
    gradients = torch.autograd.grad(loss, (x, t), torch.ones_like(loss))
    for gradient, by_numpy in zip(gradients, numpy_gradients(named, reduction), strict=True):
        assert gradient.shape == by_numpy.shape
        assert bits(gradient) == by_numpy.tobytes()


@pytest.mark.parametrize("call", [c for c in VALID if c.op in (BACKWARD, TARGET_BACKWARD)], ids=str)
def test_a_valid_gradient_has_the_bits_of_the_numpy_functions(call: Call) -> None:
    kwargs = call.make()
    skip_what_tensors_cannot_be(kwargs)
    named, reduction, upstream = arguments(kwargs)
    of = "input" if call.op == BACKWARD else "target"
    expected = numpy_result(call.op, named, reduction, named[of].dtype, upstream)
    result = operator_call(call.op, named, reduction, upstream)
    assert type(result) is Tensor
    assert (result.shape, result.dtype) == (named[of].shape, named[of].dtype)
    assert bits(result) == expected.tobytes()

    # Through autograd, where the upstream gradient is one that autograd hands over: of the loss's shape and dtype.
    variable = leaf(named[of])
    loss = OURS(**named | {of: variable}, reduction=reduction)
    if upstream.dtype == loss.dtype and (reduction == "none" or upstream.numel() == 1):
        upstream = upstream.expand(loss.shape) if reduction == "none" else upstream.reshape(())
        (gradient,) = torch.autograd.grad(loss, variable, upstream)
        assert bits(gradient) == expected.tobytes()


def test_a_tensor_off_its_alignment_is_read_where_it_lies() -> None:
    x, t = (np.frombuffer(bytearray(4 * n + 1), np.uint8, offset=1).view(np.float32) for n in (9, 9))
    x[:], t[:] = np.linspace(-4, 4, 9), 0.25
    assert tensor(x).data_ptr() % 4 == 1
    expected = numpy_result(LOSS, {"input": tensor(x.copy()), "target": tensor(t.copy())}, "none", torch.float32)
    assert array(OURS(tensor(x), tensor(t), reduction="none")).tobytes() == expected.tobytes()


# ---- invalid calls ---------------------------------------------------------------------------------------------

# NumPy dtypes that PyTorch has.
TENSOR_DTYPES = ("int32", "int64", "uint8", "bool", "complex64", "complex128")
A_TENSOR = f"expected a tensor of {FLOATS}"


def skip_what_tensors_cannot_be_wrong_in(call: BadCall, kwargs: dict[str, Any]) -> None:
    if call.text.startswith(("out", "grad_out:")) or "out" in kwargs or "grad_out" in kwargs:
        pytest.skip("an output of the caller's: PyTorch's loss takes none")
    for value in kwargs.values():
        if isinstance(value, np.ma.MaskedArray):
            pytest.skip("a masked array: PyTorch has none")
        if isinstance(value, np.ndarray) and not value.dtype.isnative:
            pytest.skip("foreign byte order: PyTorch has none")
        if isinstance(value, np.ndarray) and not (value.dtype.name in DTYPES or value.dtype.name in TENSOR_DTYPES):
            pytest.skip("a dtype that PyTorch has not")


def as_tensor(value: Any) -> Any:
    return tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value


def translated(text: str) -> str:
    """The NumPy functions' message in PyTorch's words."""
    for ours, theirs in NAMES.items():
        text = re.sub(rf"\b{ours}\b", theirs, text)
    return text.replace(AN_ARRAY, A_TENSOR)


def outcome(function: Callable[..., Any], kwargs: dict[str, Any]) -> type[BaseException] | None:
    try:
        function(**kwargs)
    except Exception as error:
        return type(error)
    return None


# What PyTorch makes of the same mistake, where that is another type of error, or none.
OTHER_VERDICTS: dict[tuple[str, str], tuple[type[Exception] | None, str]] = {
    **{
        (operand, dtype): (None, "PyTorch converts weights of any dtype; here the caller does")
        for operand in ("weight", "pos_weight")
        for dtype in ("int32", "int64", "uint8", "bool")
    },
    **{
        ("input", dtype): (NotImplementedError, "a RuntimeError that names PyTorch's kernel") for dtype in TENSOR_DTYPES
    },
    **{("target", dtype): (None, "PyTorch computes with complex targets") for dtype in ("complex64", "complex128")},
    **{
        (operand, "no tensor"): (AttributeError, "PyTorch asks anything for its size()")
        for operand in ("input", "target")
    },
}


def verdict_key(call: BadCall, kwargs: dict[str, Any]) -> tuple[str, str]:
    operand = NAMES.get(operand := call.text.partition(":")[0], operand)
    value = kwargs.get(operand)
    return operand, str(value.dtype).removeprefix("torch.") if isinstance(value, Tensor) else "no tensor"


@pytest.mark.parametrize("call", [c for c in INVALID if c.op in (LOSS, VALUE_AND_GRAD)], ids=str)
def test_an_invalid_call_is_refused_as_pytorch_refuses_it_in_our_words(call: BadCall) -> None:
    given = call.make()
    skip_what_tensors_cannot_be_wrong_in(call, given)
    kwargs = {NAMES.get(k, k): v if k == "reduction" else as_tensor(v) for k, v in given.items()}
    if call.op == VALUE_AND_GRAD and isinstance(x := kwargs["input"], Tensor) and x.is_floating_point():
        x.requires_grad_()
    with pytest.raises((RuntimeError, TypeError, ValueError)) as caught:
        OURS(**kwargs)

    text = str(caught.value)
    if "reduction" in call.text:
        assert text == f"reduction: {kwargs['reduction']!r}, expected 'none', 'mean' or 'sum'"
    elif call.text.endswith("..."):  # a Python number, which is refused as such
        assert text == f"{call.text.removesuffix('...')}a Python int, {A_TENSOR}"
    else:
        assert text == translated(call.text)

    theirs = outcome(THEIRS, kwargs)
    key = verdict_key(call, kwargs)
    if theirs is not caught.type:
        expected, _ = OTHER_VERDICTS[key]
        assert theirs is expected
        assert key[1] != "no tensor" or caught.type is TypeError


@pytest.mark.parametrize("call", [c for c in INVALID if c.op in (BACKWARD, TARGET_BACKWARD)], ids=str)
def test_an_operator_refuses_an_invalid_call(call: BadCall) -> None:
    given = call.make()
    skip_what_tensors_cannot_be_wrong_in(call, given)
    kwargs = {NAMES.get(k, k): v if k == "reduction" else as_tensor(v) for k, v in given.items()}
    reduction, upstream = kwargs.pop("reduction", "mean"), kwargs.pop("grad_output")
    if is_python_number(upstream):
        upstream = torch.ones(()) if abs(upstream) < 1e300 else upstream
    if isinstance(reduction, (bool, np.ndarray, np.generic)):
        pytest.skip("PyTorch's dispatcher reads it as an int")
    operands = (upstream, kwargs["input"], kwargs["target"], kwargs.get("weight"), kwargs.get("pos_weight"))
    reduction = CODES.get(reduction, reduction) if isinstance(reduction, str) else reduction
    fits_schema = all(isinstance(v, Tensor) or (v is None and i > 2) for i, v in enumerate(operands))
    if not fits_schema or type(reduction) is not int or abs(reduction) >= 2**63:
        with pytest.raises((RuntimeError, TypeError, ValueError)):  # PyTorch's own, of the schema
            OPERATORS[call.op](*operands, reduction)
        return
    with pytest.raises((RuntimeError, ValueError)) as caught:
        OPERATORS[call.op](*operands, reduction)
    text = str(caught.value)
    if "reduction" in call.text:
        assert text == f"reduction: {reduction}, expected 0 (none), 1 (mean) or 2 (sum)"
        assert caught.type is ValueError
    else:
        assert text == translated(call.text)
        assert caught.type is (ValueError if call.text.startswith("targets: shape") else RuntimeError)


@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_a_reduction_is_no_number_as_in_pytorch(reduction: int) -> None:
    x = torch.ones(3)
    for function in (OURS, THEIRS):
        with pytest.raises(ValueError, match="reduction"):
            function(x, x, reduction=reduction)


@pytest.mark.parametrize("dtype", ["float8_e5m2", "float8_e4m3fn", "uint16", "int8"])
@pytest.mark.parametrize("operand", ["input", "target", "weight", "pos_weight"])
def test_dtypes_that_numpy_has_not_are_refused_by_name(operand: str, dtype: str) -> None:
    kwargs: dict[str, Any] = {"input": torch.ones(3), "target": torch.ones(3)}
    bad = torch.ones(3).to(getattr(torch, dtype))
    with pytest.raises(RuntimeError, match=rf"^{operand}: dtype {dtype}, {A_TENSOR}$"):
        OURS(**kwargs | {operand: bad})
