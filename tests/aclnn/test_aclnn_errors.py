"""Errors through `aclnn`: the status, its name, the function and the library's text, and nothing written."""

from __future__ import annotations

import pickle
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from acl_helpers import memory_in_use
from error_table import CASES, Case
from error_table import Tensor as Spec
from zoo import values

from bcelogits import aclnn
from bcelogits.aclnn import _codes, _operators

PHASE_ONE: dict[str, Any] = {
    _operators.LOSS: aclnn.binary_cross_entropy_with_logits_get_workspace_size,
    _operators.BACKWARD: aclnn.binary_cross_entropy_with_logits_backward_get_workspace_size,
    _operators.TARGET_BACKWARD: aclnn.binary_cross_entropy_with_logits_target_backward_get_workspace_size,
}
PARAMETERS = {
    "self": "logits",
    "target": "targets",
    "weightOptional": "weight",
    "posWeightOptional": "pos_weight",
    "gradOutput": "grad_output",
    "out": "out",
    "gradTarget": "out",
}
DTYPES = {
    **{0: "float32", 1: "float16", 2: "int8", 3: "int32", 9: "int64", 11: "float64", 12: "bool"},
    **{16: "complex64", 27: "bfloat16"},
}
INT64 = range(-(2**63), 2**63)


def expressible(case: Case) -> bool:
    """Whether Python can make the call: sizes and executors are not passed, dtypes have names."""
    tensors = [spec for spec in case.tensors().values() if spec is not None]
    known = all(spec.dtype in DTYPES and spec.form >= -1 and spec.form != 77 for spec in tensors)
    return known and not case.no_size and not case.no_executor and case.reduction in INT64


TABLE = [case for case in CASES if expressible(case)]


def make(stack: ExitStack, spec: Spec) -> aclnn.Tensor:
    memory = stack.enter_context(aclnn.Memory(spec.bytes_needed))
    memory.write(np.full(spec.bytes_needed, 0xA5, np.uint8))
    tensor = aclnn.Tensor.view(memory, spec.shape, DTYPES[spec.dtype], spec.strides, format=spec.form)
    return stack.enter_context(tensor)


def test_the_table_has_cases_for_every_operator() -> None:
    assert all(sum(case.op == op for case in TABLE) > 50 for op in PHASE_ONE)


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_phase_one_raises_what_the_documents_say(case: Case, no_leak: None) -> None:
    with ExitStack() as stack:
        tensors: dict[str, aclnn.Tensor | None] = {
            PARAMETERS[n]: None if spec is None else make(stack, spec) for n, spec in case.tensors().items()
        }
        with pytest.raises(aclnn.AclError) as caught:
            PHASE_ONE[case.op](**tensors, reduction=case.reduction)
        error = caught.value
        assert (error.code, error.name) == (case.code, _codes.name_of(case.code))
        assert error.function == f"{case.op}GetWorkspaceSize"
        text = rf"{case.op}\w*: {case.parameter}: .*({case.given}).*, expected .*({case.allowed})"
        assert re.search(text, error.text, re.IGNORECASE), error.text
        assert str(error) == f"{error.function} returned {error.code} {error.name}: {error.text}"
        for tensor in tensors.values():
            if tensor is not None:
                memory = np.zeros(tensor.memory.nbytes, np.uint8)
                tensor.memory.read(memory)
                assert set(memory.tolist()) == {0xA5}


BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "targets of another shape": (
        {"targets": np.zeros((4, 2), np.float32)},
        r"target: shape \(4, 2\), expected \(4, 3\)",
    ),
    "logits of float64": ({"logits": np.zeros((4, 3))}, "self: .*(float64|double|DOUBLE)"),
    "a weight that does not broadcast": ({"weight": np.zeros(2, np.float32)}, r"weightOptional: shape \(2,\)"),
    "a weight of integers": ({"weight": np.zeros(3, np.int32)}, "weightOptional: .*int32"),
    "reduction 3": ({"reduction": 3}, "reduction: 3"),
    "reduction -1": ({"reduction": -1}, "reduction: -1"),
    "out of another shape": ({"out": np.zeros((4, 2), np.float32)}, r"out: shape \(4, 2\)"),
    "out of another dtype": ({"out": np.zeros((4, 3), np.float16)}, "out: .*float16"),
    "nine dimensions": ({name: np.zeros((1,) * 9, np.float32) for name in ("logits", "targets")}, "self: .*9"),
    "no targets": ({"targets": None}, "target: null"),
    "neither targets nor out": ({"targets": None, "out": None}, "target: null"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
@pytest.mark.parametrize("on_device", [False, True], ids=["arrays", "tensors"])
def test_bad_operands_are_refused_and_nothing_leaks(name: str, on_device: bool, no_leak: None) -> None:
    changes, text = BAD_ARRAYS[name]
    arrays = values((4, 3))
    kwargs: dict[str, Any] = {"logits": arrays["logits"], "targets": arrays["targets"], "reduction": "none"} | changes
    kwargs.setdefault("out", np.full((4, 3), -7.25, np.float32))
    before = {k: v.tobytes() for k, v in kwargs.items() if isinstance(v, np.ndarray)}
    given: dict[str, Any] = kwargs
    if on_device:
        given = {k: aclnn.Tensor(v) if isinstance(v, np.ndarray) else v for k, v in kwargs.items()}
    with pytest.raises(aclnn.AclError, match=text) as caught:
        aclnn.binary_cross_entropy_with_logits(**given)
    assert caught.value.code == (161001 if changes.get("targets", 1) is None else 161002)
    after = {k: (v.numpy() if on_device else v).tobytes() for k, v in given.items() if k in before}
    assert after == before


def test_what_cannot_be_passed_is_a_type_or_value_error(device: aclnn.Device, no_leak: None) -> None:
    x = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match=r"^reduction: 'avg', expected 'none' \(0\), 'mean' \(1\) or 'sum' \(2\)$"):
        aclnn.binary_cross_entropy_with_logits(x, x, reduction="avg")
    with aclnn.Tensor(x) as tensor:
        pairs: list[tuple[Any, Any]] = [(x, tensor), (tensor, x)]
        for logits, out in pairs:
            with pytest.raises(TypeError, match=r"^out: a (Tensor|ndarray), expected the kind of logits, a "):
                aclnn.binary_cross_entropy_with_logits(logits, logits, reduction="none", out=out)
    for bad in (x.astype(">f4"), np.array(["a"]), np.array([None]), np.zeros(2, np.longdouble)):
        with pytest.raises(TypeError, match="no ACL data type"):
            aclnn.Tensor(bad)
    with pytest.raises(TypeError, match="dtype bfloat16: an array of float32 does not hold its elements"):
        aclnn.Tensor(x, dtype="bfloat16")
    with pytest.raises(TypeError, match="no ACL data type"):
        aclnn.Tensor(x, dtype="float12")


def test_a_failure_to_create_a_tensor_names_no_code(device: aclnn.Device, no_leak: None) -> None:
    for strides, offset in [((-1,), 0), ((1,), -1)]:
        with aclnn.Memory(64) as memory, pytest.raises(aclnn.AclError, match="expected 0 or more") as caught:
            aclnn.Tensor.view(memory, (4,), "float32", strides, offset)
        assert caught.value.function == "aclCreateTensor"
        assert caught.value.code is None
        assert caught.value.name == "NULL"


def test_an_executor_is_used_up_by_its_first_launch(no_leak: None) -> None:
    x = aclnn.Tensor(np.zeros(4, np.float32))
    executor = aclnn.binary_cross_entropy_with_logits_get_workspace_size(x, x, out=aclnn.Tensor.empty((1,)))
    executor.launch()
    with pytest.raises(aclnn.AclError) as caught:
        executor.launch()
    assert caught.value.code == 561103
    assert caught.value.function == _operators.LOSS
    executor.close()


def test_a_workspace_must_be_large_enough(no_leak: None) -> None:
    shape = (300, 200)
    x = aclnn.Tensor(np.zeros(shape[::-1], np.float16).T)
    t = aclnn.Tensor.empty(shape, "bfloat16")
    t.memory.write(np.zeros(shape, np.uint16))
    out = aclnn.Tensor.empty((1,), "bfloat16")
    phase_one = aclnn.binary_cross_entropy_with_logits_get_workspace_size
    size = phase_one(x, t, out=out).workspace_size
    if size <= 32:
        pytest.skip("this call asks for no workspace")
    with aclnn.Memory(32) as small, pytest.raises(aclnn.AclError, match="workspace") as caught:
        phase_one(x, t, out=out).launch(workspace=small)
    assert caught.value.code == 161002
    with aclnn.Memory(size) as enough:
        phase_one(x, t, out=out).launch(workspace=enough)
        assert np.isfinite(out.numpy().astype(np.float32)).all()
    phase_one(x, t, out=out).launch()
    out.numpy()


def test_no_logits(device: aclnn.Device, no_leak: None) -> None:
    x: Any = np.zeros(3, np.float32)
    functions: list[tuple[Any, tuple[float, ...]]] = [
        (aclnn.binary_cross_entropy_with_logits, ()),
        (aclnn.binary_cross_entropy_with_logits_backward, (1.0,)),
        (aclnn.binary_cross_entropy_with_logits_target_backward, (1.0,)),
    ]
    for function, before in functions:
        with pytest.raises(aclnn.AclError, match="self: null") as caught:
            function(*before, None, x)
        assert caught.value.code == 161001


def test_runtime_failures(device: aclnn.Device, no_leak: None) -> None:
    calls: list[tuple[Any, int, str]] = [
        (lambda: aclnn.Device(1000), 107001, "aclrtSetDevice"),
        (lambda: aclnn.Memory(0), 107000, "aclrtMalloc"),
        (lambda: aclnn.Memory(1 << 60), 207001, "aclrtMalloc"),
    ]
    for make_it, code, function in calls:
        with pytest.raises(aclnn.AclError) as caught:
            make_it()
        assert (caught.value.code, caught.value.function) == (code, function)
        assert caught.value.text


def test_a_bad_configuration_is_refused(tmp_path: Path, run_python: Any) -> None:
    (tmp_path / "bad.json").write_text("{")
    script = """
from bcelogits import aclnn
for config in ("absent.json", "bad.json"):
    try:
        aclnn.Device(config=config)
    except aclnn.AclError as error:
        print(error.code, error.function)
with aclnn.Device():
    pass
"""
    done = run_python(script)
    assert done.stdout.splitlines() == ["100003 aclInit", "100006 aclInit"], done.stderr


def test_an_error_can_be_pickled() -> None:
    error = aclnn.AclError("aclrtMalloc", 207001, "no more")
    again = pickle.loads(pickle.dumps(error))
    assert (again.function, again.code, again.name, again.text, str(again)) == (
        error.function,
        207001,
        "ACL_ERROR_RT_MEMORY_ALLOCATION",
        "no more",
        str(error),
    )


def test_names_of_codes_are_those_of_the_headers(root: Path) -> None:
    headers = [*(root / "include" / "acl").rglob("*.h"), root / "include" / "bcelogits" / "aclnn_status.h"]
    pattern = re.compile(r"\b(ACL(?:NN)?_ERR(?:OR)?_\w+)\s*=?\s*\(?(\d{6})\b")
    found = {(int(code), name) for path in headers for name, code in pattern.findall(path.read_text())}
    assert len(found) > 100
    assert set(_codes.NAMES.items()) - {(0, "ACL_SUCCESS")} <= found


def test_memory_is_counted_at_all(device: aclnn.Device) -> None:
    before = memory_in_use()
    with aclnn.Memory(1 << 20):
        assert memory_in_use() >= before + (1 << 20)
    assert memory_in_use() == before
