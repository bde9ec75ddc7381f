"""The operators of the two-phase API from Python: the bits of the NumPy functions, within the accuracy contract."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from oracle import BACKWARD, DTYPES, LOSS, OPERANDS, OPS, TARGET_BACKWARD, Array, assert_within_contract, bits
from zoo import LAYOUTS, VALID, Call, values

import bcelogits
from bcelogits import aclnn

NARROW = ("float32", "float16", "bfloat16")
SHARED = tuple(op for op in OPS if hasattr(aclnn, op))


def expressible(kwargs: dict[str, Any], op: str) -> bool:
    """Whether the documents of the operators allow the call: no float64, at most 8 dimensions, the dtype of out."""
    arrays = [np.asarray(kwargs.get(name)) for name in (*OPERANDS, "out") if type(kwargs.get(name)) not in (int, float)]
    arrays = [a for a in arrays if a.dtype != object]  # None
    if any(a.dtype.name not in NARROW or a.ndim > 8 for a in arrays):
        return False
    if kwargs.get("out") is None:
        return True
    allowed = {LOSS: ("targets",), BACKWARD: ("logits", "targets"), TARGET_BACKWARD: ()}[op]
    return not allowed or kwargs["out"].dtype in [np.asarray(kwargs[name]).dtype for name in allowed]


def dtype_of_result(op: str, kwargs: dict[str, Any]) -> np.dtype[Any]:
    """The dtype of a new result: that of the targets, or of the logits for their gradient."""
    dtype: np.dtype[Any] = np.asarray(kwargs["logits" if op == BACKWARD else "targets"]).dtype
    return dtype


def expected(op: str, kwargs: dict[str, Any]) -> Array:
    """What the NumPy function gives, in the dtype that the operator gives."""
    if kwargs.get("out") is None:
        reduced = op == LOSS and kwargs.get("reduction", "mean") not in ("none", 0)
        shape = () if reduced else np.shape(kwargs["logits"])
        kwargs = kwargs | {"out": np.empty(shape, dtype_of_result(op, kwargs))}
    getattr(bcelogits, op)(**kwargs)
    result: Array = kwargs["out"]
    return result


CALLS = [call for call in VALID if call.op in SHARED and expressible(call.make(), call.op)]


def test_the_table_has_calls_for_every_operator() -> None:
    assert set(SHARED) == {LOSS, BACKWARD, TARGET_BACKWARD}
    assert all(sum(call.op == op for call in CALLS) > 150 for op in SHARED)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_bits_are_those_of_the_numpy_function(call: Call, device: aclnn.Device) -> None:
    wanted = expected(call.op, call.make())
    kwargs = call.make()
    result = getattr(aclnn, call.op)(**kwargs)
    assert bits(result) == bits(wanted)
    assert result.dtype == wanted.dtype
    if kwargs.get("out") is not None:
        assert result is kwargs["out"]
    else:
        assert np.shape(result) == wanted.shape
        assert isinstance(result, np.ndarray) == (call.op != LOSS or kwargs.get("reduction", "mean") in ("none", 0))


@pytest.mark.parametrize("op", SHARED)
@pytest.mark.parametrize(("logits", "targets"), list(itertools.product(NARROW, repeat=2)))
def test_results_are_within_the_accuracy_contract(op: str, logits: str, targets: str, device: aclnn.Device) -> None:
    kwargs: dict[str, Any] = values((5, 7), logits) | {"targets": values((5, 7), targets)["targets"]}
    if op == LOSS:
        del kwargs["grad_output"]
    for weighted in (True, False):
        if not weighted:
            kwargs = {name: a for name, a in kwargs.items() if name not in ("weight", "pos_weight")}
        result = getattr(aclnn, op)(**kwargs, reduction="none")
        assert result.dtype == dtype_of_result(op, kwargs)
        assert_within_contract(op, kwargs | {"reduction": "none"}, result)


@pytest.mark.parametrize("op", SHARED)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", 0, 1, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_on_the_device(op: str, reduction: Any, layout: str, device: aclnn.Device, no_leak: None) -> None:
    """Tensors in, a tensor out, in the order of a stream; each in a layout that is not copied away."""
    arrays = {name: LAYOUTS[layout](a) for name, a in values((6, 35)).items()}
    if op == LOSS:
        del arrays["grad_output"]
    with aclnn.Stream() as stream:
        tensors = {name: aclnn.Tensor(a) for name, a in arrays.items()}
        first = getattr(aclnn, op)(**tensors, reduction=reduction, stream=stream)
        given = aclnn.Tensor.empty(first.shape, "float32")
        assert getattr(aclnn, op)(**tensors, reduction=reduction, out=given, stream=stream) is given
        stream.synchronize()
        wanted = bits(expected(op, arrays | {"reduction": reduction}))
        assert bits(first.numpy()) == bits(given.numpy()) == wanted
        assert first.dtype == "float32"
        reduced = op == LOSS and reduction not in ("none", 0)
        assert first.shape == ((1,) if reduced else (6, 35))


@pytest.mark.parametrize("op", SHARED)
@pytest.mark.parametrize("shape", [(), (3,), (2, 1, 2), (0,), (1, 1, 1, 1, 1, 1, 1, 2)])
def test_numbers_are_tensors_of_one_element(op: str, shape: tuple[int, ...], device: aclnn.Device) -> None:
    arrays: dict[str, Any] = {name: values(shape)[name] for name in ("logits", "targets")}
    arrays |= {"weight": 0.3, "pos_weight": 2} | ({} if op == LOSS else {"grad_output": -1.5})
    with np.errstate(all="ignore"):
        assert bits(getattr(aclnn, op)(**arrays, reduction="none")) == bits(expected(op, arrays | {"reduction": 0}))


def test_bfloat16_without_a_dtype_for_it(device: aclnn.Device, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = values((3, 4), "bfloat16")
    x, t = (aclnn.Tensor(arrays[name].view(np.uint16), dtype="bfloat16") for name in ("logits", "targets"))
    assert x.dtype == "bfloat16"
    wanted = bits(expected(LOSS, {"logits": arrays["logits"], "targets": arrays["targets"], "reduction": "none"}))
    result = aclnn.binary_cross_entropy_with_logits(x, t, reduction="none")
    assert result.numpy().dtype == DTYPES["bfloat16"]
    assert bits(result.numpy()) == wanted
    assert bits(x.numpy()) == bits(arrays["logits"])
    assert x.numpy().dtype == np.uint16
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    result = aclnn.binary_cross_entropy_with_logits(x, t, reduction="none")
    assert result.dtype == "bfloat16"
    assert result.numpy().dtype == np.uint16
    assert bits(result.numpy()) == wanted


def test_work_in_place(device: aclnn.Device) -> None:
    arrays = values((40, 30))
    x, t = aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"])
    wanted = bits(expected(BACKWARD, {k: arrays[k] for k in ("logits", "targets")} | {"grad_output": 1.0}))
    assert aclnn.binary_cross_entropy_with_logits_backward(1.0, x, t, out=x) is x
    assert bits(x.numpy()) == wanted


def test_views_of_one_memory(device: aclnn.Device) -> None:
    """A matrix in device memory: its columns as operands, and a column as the result."""
    matrix = np.arange(40, dtype=np.float32).reshape(10, 4) / 40
    with aclnn.Memory(matrix.nbytes) as memory:
        memory.write(matrix)
        x, t, out = (aclnn.Tensor.view(memory, (10,), strides=(4,), offset=i) for i in (0, 1, 3))
        aclnn.binary_cross_entropy_with_logits(x, t, reduction="none", out=out)
        wanted = expected(LOSS, {"logits": matrix[:, 0], "targets": matrix[:, 1], "reduction": "none"})
        assert bits(out.numpy()) == bits(wanted)
        after = np.empty_like(matrix)
        memory.read(after)
        assert bits(after[:, :3]) == bits(matrix[:, :3])
        assert bits(after[:, 3]) == bits(wanted)


@pytest.mark.parametrize("out_layout", [name for name in LAYOUTS if name != "read-only"])
def test_an_out_array_keeps_what_lies_between_its_elements(out_layout: str, device: aclnn.Device) -> None:
    arrays = values((6, 7))
    kwargs: dict[str, Any] = {"logits": arrays["logits"], "targets": arrays["targets"], "reduction": "none"}
    out = LAYOUTS[out_layout](np.zeros((6, 7), np.float32))
    base = out
    while isinstance(base.base, np.ndarray):
        base = base.base
    base[...] = np.frombuffer(b"\xa5" * base.itemsize, base.dtype)[0]
    before = base.copy()
    other = LAYOUTS[out_layout](np.zeros((6, 7), np.float32))
    aclnn.binary_cross_entropy_with_logits(**kwargs, out=out)
    bcelogits.binary_cross_entropy_with_logits(**kwargs, out=other)
    assert bits(out) == bits(other)
    out[...] = np.frombuffer(b"\xa5" * 4, np.float32)[0]
    assert bits(base) == bits(before)


def test_large_work_is_queued_and_read_when_it_is_done(device: aclnn.Device, no_leak: None) -> None:
    """Temporary tensors are dropped while the work that reads them is queued."""
    arrays = values((1000, 300))
    wanted = bits(expected(LOSS, {"logits": arrays["logits"], "targets": arrays["targets"], "reduction": "none"}))
    with aclnn.Stream() as stream:
        results = [
            aclnn.binary_cross_entropy_with_logits(
                aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"]), reduction="none", stream=stream
            )
            for _ in range(8)
        ]
        assert all(bits(result.numpy()) == wanted for result in results)
    result = aclnn.binary_cross_entropy_with_logits(
        aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"]), reduction="none"
    )
    assert bits(result.numpy()) == wanted


def test_arrays_need_no_device(run_python: Any) -> None:
    script = """
import numpy as np
from bcelogits import aclnn
x, t = np.float32([0, 2]), np.float32([1, 1])
assert aclnn.load().device() is None
for _ in range(3):
    print(aclnn.binary_cross_entropy_with_logits(x, t))
    assert aclnn.load().device() is None
with aclnn.Device():
    print(aclnn.binary_cross_entropy_with_logits(x, t))
print(aclnn.binary_cross_entropy_with_logits(x, t))
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    x, t = np.array([[0, 2], [1, 1]], np.float32)
    assert done.stdout.split() == [str(bcelogits.binary_cross_entropy_with_logits(x, t))] * 5
