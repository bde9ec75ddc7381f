"""The module `acl`: each function with the returns that pyACL documents."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from acl_helpers import ok

RunPython = Callable[..., Any]


# What each call returns: "ret", or the types of the values before it. Arguments are made by `arguments` below.
RETURNS: dict[str, tuple[Any, ...]] = {
    "get_soc_name": (str,),
    "data_type_size(0)": (int,),
    "rt.set_device(0)": ("ret",),
    "rt.get_device()": (int, "ret"),
    "rt.get_device_count()": (int, "ret"),
    "rt.get_run_mode()": (int, "ret"),
    "rt.create_context(0)": (int, "ret"),
    "rt.get_context()": (int, "ret"),
    "rt.set_context(context)": ("ret",),
    "rt.create_stream()": (int, "ret"),
    "rt.create_stream_with_config(0, 3)": (int, "ret"),
    "rt.synchronize_stream(stream)": ("ret",),
    "rt.synchronize_stream(0)": ("ret",),
    "rt.synchronize_stream_with_timeout(stream, 1000)": ("ret",),
    "rt.synchronize_device()": ("ret",),
    "rt.stream_query(stream)": (int, "ret"),
    "rt.create_event()": (int, "ret"),
    "rt.create_event_with_flag(8)": (int, "ret"),
    "rt.create_event_ex_with_flag(8)": (int, "ret"),
    "rt.record_event(event, stream)": ("ret",),
    "rt.record_event(event, 0)": ("ret",),
    "rt.stream_wait_event(stream, event)": ("ret",),
    "rt.synchronize_event(event)": ("ret",),
    "rt.query_event(event)": (int, "ret"),
    "rt.query_event_status(event)": (int, "ret"),
    "rt.event_elapsed_time(event, event)": (float, "ret"),
    "rt.reset_event(event, stream)": ("ret",),
    "rt.malloc(64, 0)": (int, "ret"),
    "rt.malloc_cached(64, 0)": (int, "ret"),
    "rt.malloc_host(64)": (int, "ret"),
    "rt.memcpy(ptr, 64, ptr2, 64, 3)": ("ret",),
    "rt.memcpy_async(ptr, 64, ptr2, 64, 3, stream)": ("ret",),
    "rt.memset(ptr, 64, 7, 64)": ("ret",),
    "rt.memset_async(ptr, 64, 7, 64, stream)": ("ret",),
    "rt.get_mem_info(1)": (int, int, "ret"),
    "rt.destroy_event(event)": ("ret",),
    "rt.destroy_stream(stream)": ("ret",),
    "rt.free(ptr)": ("ret",),
    "rt.free_host(host)": ("ret",),
    "rt.destroy_context(other)": ("ret",),
    "rt.reset_device(0)": ("ret",),
}


@pytest.fixture
def arguments(acl: ModuleType) -> dict[str, Any]:
    context = ok(acl.rt.get_context())
    made = {
        "other": ok(acl.rt.create_context(0)),
        "context": context,
    }
    assert acl.rt.set_context(context) == 0
    made |= {
        "stream": ok(acl.rt.create_stream()),
        "event": ok(acl.rt.create_event()),
        "ptr": ok(acl.rt.malloc(64, 0)),
        "ptr2": ok(acl.rt.malloc(64, 0)),
        "host": ok(acl.rt.malloc_host(64)),
    }
    assert acl.rt.record_event(made["event"], made["stream"]) == 0
    assert acl.rt.synchronize_stream(made["stream"]) == 0
    assert acl.rt.set_device(0) == 0
    return made


@pytest.mark.parametrize("call", RETURNS)
def test_a_call_returns_what_pyacl_documents(call: str, acl: ModuleType, arguments: dict[str, Any]) -> None:
    kinds = RETURNS[call]
    expression = f"acl.{call}" + ("" if "(" in call else "()")
    returned = eval(expression, {"acl": acl, **arguments})
    if len(kinds) == 1:
        assert not isinstance(returned, tuple)
        returned = (returned,)
    assert len(returned) == len(kinds)
    for value, kind in zip(returned, kinds, strict=True):
        assert type(value) is (int if kind == "ret" else kind)
        if kind == "ret":
            assert value == 0, acl.get_recent_err_msg()
    while acl.rt.get_device()[1] == 0 and acl.rt.reset_device(0) == 0:
        pass  # all that the call has made
    assert acl.rt.set_device(0) == 0


def test_the_table_has_every_function(acl: ModuleType) -> None:
    named = {match[1] for call in RETURNS if (match := re.match(r"rt\.(\w+)", call))}
    with_callbacks = {"subscribe_report", "unsubscribe_report", "launch_callback", "process_report"}
    assert named | with_callbacks == set(acl.rt.__all__)
    assert all(inspect.getdoc(getattr(acl.rt, name)) for name in acl.rt.__all__)


FAILING: dict[str, tuple[Any, int]] = {
    "rt.set_device(99)": (107001, 107001),
    "rt.malloc(0, 0)": ((0, 107000), 107000),
    "rt.free(0)": (107000, 107000),
    "rt.synchronize_stream(12345)": (107017, 107017),
    "rt.destroy_event(12345)": (107017, 107017),
    "rt.query_event(0)": (None, 107000),
    "rt.memcpy(ptr, 4, ptr2, 64, 3)": (107000, 107000),
}


@pytest.mark.parametrize("call", FAILING)
def test_a_failure_is_a_status(call: str, acl: ModuleType, arguments: dict[str, Any]) -> None:
    whole, code = FAILING[call]
    acl.get_recent_err_msg()
    returned = eval(f"acl.{call}", {"acl": acl, **arguments})
    assert (returned[-1] if isinstance(returned, tuple) else returned) == code
    if whole is not None:
        assert returned == whole
    text = acl.get_recent_err_msg()
    assert isinstance(text, str)
    assert "aclrt" in text
    assert acl.get_recent_err_msg() is None


def test_events_have_two_polarities(acl: ModuleType, arguments: dict[str, Any]) -> None:
    event = arguments["event"]
    assert acl.rt.query_event(event) == (0, 0)
    assert acl.rt.query_event_status(event) == (1, 0)


def test_initialisation_is_counted(run_python: RunPython, root: Path, tmp_path: Path) -> None:
    (tmp_path / "acl.json").write_text("{}")
    script = """
import acl
print(acl.init(), acl.init("acl.json"), acl.finalize_reference(), acl.finalize(), acl.finalize())
print(acl.init("acl.json"), acl.finalize(), acl.init("absent.json"))
"""
    done = run_python(script, PYTHONPATH=str(root / "python" / "site-packages"))
    assert done.stdout == "0 100002 (1, 0) 0 100037\n0 0 100003\n", done.stderr


def test_a_copy_there_and_back(acl: ModuleType) -> None:
    """As samples do it: host array, device, device, host bytes."""
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    size = array.nbytes
    data = array.tobytes()
    first, second = ok(acl.rt.malloc(size, acl.ACL_MEM_MALLOC_HUGE_FIRST)), ok(acl.rt.malloc(size, 2))
    assert acl.rt.memcpy(first, size, acl.util.bytes_to_ptr(data), size, acl.ACL_MEMCPY_HOST_TO_DEVICE) == 0
    assert acl.rt.memcpy(second, size, first, size, acl.ACL_MEMCPY_DEVICE_TO_DEVICE) == 0
    host = ok(acl.rt.malloc_host(size))
    stream = ok(acl.rt.create_stream())
    assert acl.rt.memcpy_async(host, size, second, size, acl.ACL_MEMCPY_DEVICE_TO_HOST, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.util.ptr_to_bytes(host, size) == data
    view = acl.util.ptr_to_numpy(host, (3, 4), 11)
    assert view.dtype == np.float32
    assert np.array_equal(view, array)
    view[0, 0] = 99  # the memory itself
    assert np.frombuffer(acl.util.ptr_to_bytes(host, 4), np.float32)[0] == 99
    target = bytes(size)
    assert acl.rt.memcpy(acl.util.bytes_to_ptr(target), size, second, size, 2) == 0
    assert target == data
    for free, ptr in [(acl.rt.free, first), (acl.rt.free, second), (acl.rt.free_host, host)]:
        assert free(ptr) == 0
    assert acl.rt.destroy_stream(stream) == 0


def test_addresses_of_arrays(acl: ModuleType) -> None:
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    assert acl.util.numpy_to_ptr(array) == array.ctypes.data
    ptr, same = acl.util.numpy_contiguous_to_ptr(array)
    assert same is array
    assert ptr == array.ctypes.data
    ptr, copied = acl.util.numpy_contiguous_to_ptr(array.T)
    assert copied.flags.c_contiguous
    assert ptr == copied.ctypes.data
    assert np.array_equal(copied, array.T)
    with pytest.warns(RuntimeWarning, match="numpy_contiguous_to_ptr"):
        acl.util.numpy_to_ptr(array.T)
    assert acl.util.ptr_to_numpy(0, (0, 3), 11).shape == (0, 3)


NPY_TYPES = {
    **{0: "?", 1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "l", 8: "L", 9: "q", 10: "Q"},
    **{11: "f", 12: "d", 23: "e"},
}


@pytest.mark.parametrize("number", NPY_TYPES)
def test_numbers_of_numpy_types(number: int, acl: ModuleType) -> None:
    dtype = np.dtype(NPY_TYPES[number])
    assert dtype.num == number
    array = np.ones(5, dtype)
    assert acl.util.ptr_to_numpy(array.ctypes.data, (5,), number).dtype == dtype


def test_a_log_line(acl: ModuleType) -> None:
    assert acl.app_log(acl.ACL_ERROR, "100% %s of it") == 0
