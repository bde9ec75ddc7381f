"""Queued work: what it uses stays until it is done; streams, events and threads."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import numpy as np
import pytest
from acl_helpers import in_thread, launch, loss_of, memory_in_use
from oracle import bits
from zoo import values

import bcelogits
from bcelogits import aclnn


def test_launches_on_one_stream_share_the_workspace(no_leak: None) -> None:
    arrays = values((300, 200))
    x, t = aclnn.Tensor(arrays["logits"].T), aclnn.Tensor(arrays["targets"].T.astype(np.float16))
    out = aclnn.Tensor.empty((1,), "float16")
    with aclnn.binary_cross_entropy_with_logits_get_workspace_size(x, t, out=out).repeatable() as executor:
        if executor.workspace_size == 0:
            pytest.skip("this call asks for no workspace")
        with aclnn.Stream() as first, aclnn.Stream() as second:
            executor.launch(first)
            before = memory_in_use()
            for _ in range(5):
                executor.launch(first)
            assert memory_in_use() == before
            second.wait(first.record())
            executor.launch(second)
            assert memory_in_use() >= before + executor.workspace_size
        wanted = bcelogits.binary_cross_entropy_with_logits(
            arrays["logits"].T, arrays["targets"].T.astype(np.float16), out=np.zeros(1, np.float16)
        )
        assert bits(out.numpy()) == bits(wanted)


def test_queued_work_keeps_what_it_uses(no_leak: None) -> None:
    arrays = values((500, 400))
    with aclnn.Stream() as stream, aclnn.Event() as gate:
        before = memory_in_use()
        result = launch(arrays, stream)
        gc.collect()
        assert memory_in_use() >= before + 3 * arrays["logits"].nbytes
        stream.record(gate)
        stream.synchronize()
        gc.collect()
        assert memory_in_use() < before + 3 * arrays["logits"].nbytes
        assert gate.query()
        assert bits(result.numpy()) == loss_of(arrays)
        for _ in range(3):
            launch(arrays, stream)  # nobody looks at the result
        gc.collect()


def test_many_launches_without_a_wait_do_not_pile_up(no_leak: None) -> None:
    arrays = values((8,))
    with aclnn.Stream() as stream:
        before = memory_in_use()
        for _ in range(2000):
            launch(arrays, stream)
        assert memory_in_use() - before < 1000 * 3 * 64


def test_closing_memory_waits_for_the_work_that_uses_it(no_leak: None) -> None:
    arrays = values((2000, 500))
    x, t = aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"])
    with aclnn.Stream() as stream:
        result: aclnn.Tensor = aclnn.binary_cross_entropy_with_logits(x, t, reduction="none", stream=stream)
        x.close()
        t.close()
        stream.synchronize()
        assert bits(result.numpy()) == loss_of(arrays)
        result.close()


def test_streams_wait_for_events(no_leak: None) -> None:
    arrays = values((400, 500))
    with aclnn.Stream() as first, aclnn.Stream() as second, aclnn.Event() as event:
        x, t, out = aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"]), aclnn.Tensor.empty((400, 500))
        for _ in range(10):
            gradient = aclnn.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="none", stream=first)
            assert first.record(event) is event
            second.wait(event)
            aclnn.binary_cross_entropy_with_logits(gradient, t, reduction="none", out=out, stream=second)
        second.synchronize()
        first.synchronize()  # its last task may still be ending when the event that it recorded has been seen
        assert first.query()
        assert second.query()
        wanted = bcelogits.binary_cross_entropy_with_logits_backward(
            1.0, arrays["logits"], arrays["targets"], reduction="none"
        )
        assert bits(out.numpy()) == loss_of({"logits": wanted, "targets": arrays["targets"]})


def test_times_and_time_outs(device: aclnn.Device) -> None:
    with aclnn.Stream() as stream, aclnn.Event() as start, aclnn.Event() as end:
        with pytest.raises(aclnn.AclError) as caught:
            start.elapsed_time(end)
        assert caught.value.name == "ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID"
        start.record(stream)
        stream.record(end)
        stream.synchronize(timeout_ms=60_000)
        end.synchronize(timeout_ms=60_000)
        end.synchronize()
        assert 0 <= start.elapsed_time(end) < 60_000
        start.record()  # on the default stream
        start.synchronize()


def test_a_stream_that_does_not_end_in_time(device: aclnn.Device) -> None:
    acl = aclnn.install_acl()
    release = threading.Event()
    with aclnn.Stream() as stream:
        tid, status = acl.util.start_thread(lambda _: acl.rt.process_report(60_000), [])
        assert status == 0
        assert acl.rt.subscribe_report(tid, stream.handle) == 0
        assert acl.rt.launch_callback(lambda _: release.wait(60), [], 1, stream.handle) == 0
        result = launch(values((3,)), stream)
        assert not stream.query()
        with pytest.raises(aclnn.AclError) as caught:
            stream.synchronize(timeout_ms=20)
        assert caught.value.name == "ACL_ERROR_RT_STREAM_SYNC_TIMEOUT"
        release.set()
        assert bits(result.numpy()) == loss_of(values((3,)))
        assert acl.util.stop_thread(tid) == 0
        assert acl.rt.unsubscribe_report(tid, stream.handle) == 0


def test_a_failure_of_queued_work_is_raised_where_it_is_waited_for(device: aclnn.Device) -> None:
    library = aclnn.load()
    arrays = values((1500, 800))
    x, t = aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"])
    acl = aclnn.install_acl()
    release = threading.Event()
    with aclnn.Stream() as stream:
        tid, _ = acl.util.start_thread(lambda _: acl.rt.process_report(60_000), [])
        acl.rt.subscribe_report(tid, stream.handle)
        acl.rt.launch_callback(lambda _: release.wait(60), [], 1, stream.handle)
        result: aclnn.Tensor = aclnn.binary_cross_entropy_with_logits(x, t, reduction="none", stream=stream)
        library.call("aclrtFree", x.memory._address)  # behind its back
        x.memory._open = False
        release.set()
        with pytest.raises(aclnn.AclError, match="self") as caught:
            result.numpy()
        assert caught.value.code == 507015
        stream.synchronize()
        acl.util.stop_thread(tid)
        acl.rt.unsubscribe_report(tid, stream.handle)
    x.close()


def test_a_thread_needs_a_device_of_its_own(device: aclnn.Device, no_leak: None) -> None:
    def without() -> Any:
        return aclnn.Stream()

    with pytest.raises(aclnn.AclError) as caught:
        in_thread(without)
    assert caught.value.name == "ACL_ERROR_RT_CONTEXT_NULL"
    arrays = values((300, 100))

    def inside() -> bytes:
        with aclnn.Device(), aclnn.Stream() as stream:
            return bits(launch(arrays, stream).numpy())

    assert in_thread(inside) == loss_of(arrays)


def test_tensors_are_read_and_dropped_in_any_thread(device: aclnn.Device, no_leak: None) -> None:
    arrays = values((700, 300))
    for stream in (None, aclnn.Stream()):
        result = launch(arrays, stream)
        assert in_thread(lambda result=result: bits(result.numpy())) == loss_of(arrays)
        result = launch(arrays, stream)
        in_thread(result.close)
        result = launch(arrays, stream)
        del result
        in_thread(gc.collect)
        if stream is not None:
            stream.synchronize()


def test_threads_at_the_same_time(device: aclnn.Device, no_leak: None) -> None:
    failures: list[str] = []

    def work(seed: int) -> None:
        arrays = values((64, 100), seed=seed)
        wanted = loss_of(arrays)
        with aclnn.Device(), aclnn.Stream() as stream:
            for i in range(50):
                if bits(launch(arrays, stream if i % 2 else None).numpy()) != wanted:
                    failures.append(f"thread {seed}, round {i}")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures


def test_repeated_use_does_not_grow(no_leak: None) -> None:
    arrays = values((16,))
    before = memory_in_use()
    for _ in range(300):
        aclnn.binary_cross_entropy_with_logits(arrays["logits"], arrays["targets"])
        with aclnn.Stream() as stream, stream.record():
            pass
        with pytest.raises(aclnn.AclError):
            aclnn.binary_cross_entropy_with_logits(arrays["logits"], arrays["targets"][:3])
        assert memory_in_use() == before


def test_calls_let_other_threads_run(device: aclnn.Device) -> None:
    """A call that blocks does so without the interpreter's lock."""
    acl = aclnn.install_acl()
    seen: list[float] = []
    with aclnn.Stream() as stream:
        tid, _ = acl.util.start_thread(lambda _: acl.rt.process_report(60_000), [])
        acl.rt.subscribe_report(tid, stream.handle)
        started = threading.Event()

        def callback(_: Any) -> None:
            started.wait(60)
            seen.append(time.monotonic())

        acl.rt.launch_callback(callback, [], 1, stream.handle)
        threading.Timer(0.05, started.set).start()
        stream.synchronize()
        assert len(seen) == 1
        acl.util.stop_thread(tid)
        acl.rt.unsubscribe_report(tid, stream.handle)
