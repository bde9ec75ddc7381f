"""The module `acl`: importable only if asked for; its callbacks and threads."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from acl_helpers import ok

RunPython = Callable[..., Any]


# ---- where it comes from ---------------------------------------------------------------------------------------


def test_it_cannot_be_imported_unless_asked_for(run_python: RunPython) -> None:
    done = run_python("import bcelogits.aclnn, importlib.util; print(importlib.util.find_spec('acl'))")
    assert done.stdout == "None\n", done.stderr


def test_it_is_installed_on_request(run_python: RunPython, root: Path) -> None:
    script = """
from bcelogits import aclnn
module = aclnn.install_acl()
import acl, acl.rt
from acl.rt import memcpy
from acl import util
assert aclnn.install_acl() is acl is module and memcpy is acl.rt.memcpy
print(acl.__file__)
"""
    done = run_python(script)
    assert Path(done.stdout.strip()) == root / "python" / "site-packages" / "acl" / "__init__.py", done.stderr


def test_another_module_of_the_name_is_not_replaced(run_python: RunPython, tmp_path: Path) -> None:
    (tmp_path / "acl.py").write_text("")
    script = """
import acl
from bcelogits import aclnn
try:
    aclnn.install_acl()
except RuntimeError as error:
    print(error)
"""
    done = run_python(script)
    assert done.stdout == f"acl: imported already from {tmp_path / 'acl.py'}\n", done.stderr


def test_it_is_found_on_the_path_alone(run_python: RunPython, root: Path) -> None:
    script = "import acl; from acl.rt import memcpy; import acl.util; print(acl.init(), acl.finalize())"
    done = run_python(script, PYTHONPATH=str(root / "python" / "site-packages"))
    assert done.stdout == "0 0\n", done.stderr


def test_without_the_package_it_says_so(run_python: RunPython, root: Path) -> None:
    script = "import sys; sys.modules['bcelogits'] = None; import acl"
    done = run_python(script, PYTHONPATH=str(root / "python" / "site-packages"))
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: "), done.stderr
    script = """
import importlib.machinery, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "bcelogits":
            raise ModuleNotFoundError("No module named 'bcelogits'", name="bcelogits")
sys.meta_path.insert(0, Absent())
import acl
"""
    done = run_python(script, PYTHONPATH=str(root / "python" / "site-packages"))
    last = done.stderr.splitlines()[-1]
    expected = f"acl: this module is part of bcelogits, and bcelogits is not installed for {sys.executable}"
    assert last == f"ModuleNotFoundError: {expected}"


def test_what_is_not_supported_is_not_there(acl: ModuleType) -> None:
    assert not any(hasattr(acl, name) for name in ("mdl", "create_data_buffer"))
    assert not any(hasattr(acl.media, name) for name in ("dvpp_create_channel", "dvpp_vpc_resize_async"))
    assert acl.op.set_model_dir("op_models") == 200001
    assert "bytes_to_ptr" in dir(acl.util)
    assert hasattr(acl.rt, "create_event_ex_with_flag")


# ---- callbacks and threads -------------------------------------------------------------------------------------


def test_callbacks_run_in_the_thread_that_subscribed(acl: ModuleType) -> None:
    ended = threading.Event()
    ran: list[Any] = []

    def process(args: list[Any]) -> None:
        context, timeout = args
        assert acl.rt.set_context(context) == 0
        while not ended.is_set():
            acl.rt.process_report(timeout)

    context, stream = ok(acl.rt.get_context()), ok(acl.rt.create_stream())
    tid = ok(acl.util.start_thread(process, [context, 20]))
    assert acl.rt.subscribe_report(tid, stream) == 0
    assert acl.rt.subscribe_report(tid, stream) == 107011
    for i in range(50):  # functions and data that nobody else keeps
        code = acl.rt.launch_callback(
            lambda data: ran.append((threading.get_ident(), data)), [i, object()], i % 2, stream
        )
        assert code == 0
    assert acl.rt.synchronize_stream(stream) == 0
    deadline = time.monotonic() + 30
    while len(ran) < 50 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert [data[0] for _, data in ran] == list(range(50))
    assert {thread for thread, _ in ran} == {tid}
    assert acl.rt.unsubscribe_report(tid, stream) == 0
    ended.set()
    assert acl.util.stop_thread(tid) == 0
    assert acl.util.stop_thread(tid) == 100000
    assert acl.rt.destroy_stream(stream) == 0


def test_a_callback_that_cannot_be_queued_is_forgotten(acl: ModuleType) -> None:
    from bcelogits.aclnn.pyacl import _threads

    stream = ok(acl.rt.create_stream())
    before = dict(_threads._callbacks)
    assert acl.rt.launch_callback(print, [], 0, stream) == 107015
    assert _threads._callbacks == before
    assert acl.rt.destroy_stream(stream) == 0


def test_a_thread_that_never_looks_up_is_stopped(acl: ModuleType) -> None:
    def process(_: Any) -> None:
        while True:
            acl.rt.process_report(10)

    tid = ok(acl.util.start_thread(process, []))
    stream = ok(acl.rt.create_stream())
    assert acl.rt.subscribe_report(tid, stream) == 0
    assert acl.util.stop_thread(tid) == 0
    assert acl.rt.unsubscribe_report(tid, stream) == 0
    assert acl.rt.destroy_stream(stream) == 0


def test_a_callback_may_be_a_c_function(acl: ModuleType) -> None:
    ran: list[Any] = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ran.append)
    stream = ok(acl.rt.create_stream())
    tid = ok(acl.util.start_thread(lambda _: acl.rt.process_report(10_000), None))
    assert acl.rt.subscribe_report(tid, stream) == 0
    assert acl.rt.launch_callback(function, None, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.util.stop_thread(tid) == 0
    assert ran == [None]
    assert acl.rt.unsubscribe_report(tid, stream) == 0
    assert acl.rt.destroy_stream(stream) == 0
