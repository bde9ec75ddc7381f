"""Streams, events and memory of torch.npu."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.utils.data
import torch_npu  # noqa: F401
from npu_helpers import NPU


def test_a_stream_works_in_order_and_can_be_waited_for() -> None:
    stream = torch.npu.Stream()
    with torch.npu.stream(stream):
        assert torch.npu.current_stream() == stream
        value = torch.ones(1 << 16, device=NPU)
        for _ in range(20):
            value = value + value
    stream.synchronize()
    assert stream.query()
    assert value.max().item() == 2.0**20
    torch.npu.synchronize()


def test_an_event_orders_two_streams_and_tells_the_time() -> None:
    first, second = torch.npu.Stream(), torch.npu.Stream()
    start, end = (torch.npu.Event(enable_timing=True) for _ in range(2))
    with torch.npu.stream(first):
        start.record()
        value = torch.full((1 << 18,), 2.0, device=NPU)
        value.mul_(3.0)
        end.record()
    with torch.npu.stream(second):
        second.wait_event(end)
        doubled = value * 2
    second.synchronize()
    assert end.query()
    assert start.elapsed_time(end) >= 0
    assert doubled.min().item() == doubled.max().item() == 12.0


def test_threads_share_the_device() -> None:
    def one(seed: int) -> float:
        torch.npu.set_device(0)
        value = torch.full((1000,), float(seed)).npu()
        return float((value * 2).sum().item())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(8))) == [2000.0 * seed for seed in range(8)]


def test_workers_of_a_data_loader_are_children_of_a_process_that_uses_the_device() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(12.0))
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=2)
    assert [batch.npu().sum().item() for (batch,) in loader] == [6.0, 22.0, 38.0]


def test_memory_is_counted_and_given_back() -> None:
    torch.npu.empty_cache()
    before = torch.npu.memory_allocated()
    value = torch.empty(1 << 20, device=NPU)
    assert torch.npu.memory_allocated() >= before + (1 << 22)
    del value
    assert torch.npu.memory_allocated() == before
    reserved = torch.npu.memory_reserved()
    torch.npu.empty_cache()
    assert torch.npu.memory_reserved() <= reserved
    free, total = torch.npu.mem_get_info()
    assert 0 < free <= total


def test_out_of_memory_is_an_error_that_can_be_caught() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(1 << 50, dtype=torch.uint8, device=NPU)
    assert torch.ones(2, device=NPU).sum().item() == 2


def test_deterministic_mode_changes_nothing() -> None:
    x, t = torch.randn(100).npu(), torch.rand(100).npu()
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    before = loss(x, t).item()
    torch.use_deterministic_algorithms(True)
    try:
        assert loss(x, t).item() == before
    finally:
        torch.use_deterministic_algorithms(False)
