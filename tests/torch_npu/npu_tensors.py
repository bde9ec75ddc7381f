"""Moving, filling, casting, comparing and printing tensors on npu:0 give what PyTorch gives on the CPU."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch_npu  # noqa: F401
from npu_helpers import NPU, assert_same_bits, layouts, on_npu

DTYPES = (
    *(torch.float32, torch.float16, torch.bfloat16, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)
NUMBERS = torch.tensor([[0.0, 1.0, -2.5], [100.25, -7.0, 0.001]])


def test_there_is_a_device() -> None:
    assert torch.npu.is_available()
    assert torch.npu.device_count() == 1
    assert torch.npu.current_device() == 0
    assert torch.npu.get_device_name(0) == "Ascend910B2"


@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(dtype: torch.dtype) -> None:
    for value in layouts(NUMBERS.to(dtype)).values():
        there = value.npu()
        assert (there.device.type, there.dtype, there.shape) == ("npu", dtype, value.shape)
        assert_same_bits(there.cpu(), value)
        assert_same_bits(on_npu(value).contiguous(), value)
        assert_same_bits(on_npu(value).clone(), value)
        assert_same_bits(torch.empty_like(there).copy_(value), value)
        assert_same_bits(torch.empty_like(there).copy_(on_npu(value)), value)


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
def test_casts_are_those_of_the_cpu(source: torch.dtype, to: torch.dtype) -> None:
    value = NUMBERS.abs().to(source) if to == torch.uint8 or source == torch.uint8 else NUMBERS.to(source)
    for view in layouts(value).values():
        assert_same_bits(on_npu(view).to(to), view.to(to))


def test_fills() -> None:
    for dtype in DTYPES:
        assert_same_bits(torch.zeros(2, 3, dtype=dtype, device=NPU), torch.zeros(2, 3, dtype=dtype))
        assert_same_bits(torch.ones(2, 3, dtype=dtype, device=NPU), torch.ones(2, 3, dtype=dtype))
        assert_same_bits(torch.full((3,), 1, dtype=dtype, device=NPU), torch.full((3,), 1, dtype=dtype))
    value = NUMBERS.clone().npu()
    assert_same_bits(value.zero_(), torch.zeros(2, 3))
    assert_same_bits(value.fill_(-0.1), torch.full((2, 3), -0.1))
    value[1, 2] = 4.0
    value[:, 0] = torch.tensor([8.0, 9.0])
    assert value.tolist() == [[8.0, pytest.approx(-0.1), pytest.approx(-0.1)], [9.0, pytest.approx(-0.1), 4.0]]


ARITHMETIC: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "add number": lambda a, b: a + 1.5,
    "mul number": lambda a, b: a * 3,
    "div number": lambda a, b: a / 4,
    "from a number": lambda a, b: 1.0 - a,
    "row": lambda a, b: a * b[0],
    "column": lambda a, b: a + b[:, :1],
    "in place": lambda a, b: a.clone().add_(b).mul_(2).sub_(1).div_(b),
    "neg": lambda a, b: -a,
    "abs": lambda a, b: a.abs(),
    "ceil": lambda a, b: a.ceil(),
    "floor": lambda a, b: a.floor(),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_rounds_as_the_cpu_does(name: str) -> None:
    g = torch.Generator().manual_seed(7)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        a, b = (torch.randn(5, 7, generator=g).to(dtype) for _ in range(2))
        assert_same_bits(ARITHMETIC[name](a.npu(), b.npu()), ARITHMETIC[name](a, b))


def test_a_square_root_is_correctly_rounded() -> None:
    value = torch.rand(1000, generator=torch.Generator().manual_seed(8)) * 100
    assert_same_bits(value.npu().sqrt(), torch.from_numpy(np.sqrt(value.numpy())))


def test_comparisons_and_logic() -> None:
    a, b = torch.tensor([1.0, 2.0, float("nan"), -0.0]), torch.tensor([1.0, 3.0, float("nan"), 0.0])
    x, y = a.npu(), b.npu()
    for compare in (torch.eq, torch.ne, torch.lt, torch.le, torch.gt, torch.ge):
        assert_same_bits(compare(x, y), compare(a, b))
        assert_same_bits(compare(x, 2), compare(a, 2))
    assert_same_bits((x < 2) & (y == 1) | ~(x > 0), (a < 2) & (b == 1) | ~(a > 0))
    assert_same_bits(torch.isfinite(x), torch.isfinite(a))
    assert_same_bits(torch.isnan(x), torch.isnan(a))
    assert torch.equal(x[:2], x[:2].clone())
    assert not torch.equal(x[:2], y[:2])
    assert torch.allclose(x[:2], x[:2] + 1e-7)
    assert not torch.allclose(x, y)
    assert torch.allclose(x[:1], y[:1], equal_nan=True)
    assert torch.masked_select(x, x > 1).tolist() == [2.0]


def test_reductions() -> None:
    a = torch.arange(24.0).reshape(2, 3, 4) - 5
    for reduce in (torch.sum, torch.mean):
        assert reduce(a.npu()).item() == reduce(a).item()
        for dim in (0, -1, (0, 2)):
            assert_same_bits(reduce(a.npu(), dim), reduce(a, dim))
            assert_same_bits(reduce(a.npu(), dim, keepdim=True), reduce(a, dim, keepdim=True))
    assert (a.npu().max().item(), a.npu().min().item()) == (18.0, -5.0)
    assert (a.npu() > 0).any().item() is True
    assert (a.npu() > 0).all().item() is False
    ones = torch.full((4097,), 0.1, dtype=torch.float16)  # where adding in float16 stops at 256 * 0.1
    assert ones.npu().sum().item() == pytest.approx(409.6, rel=1e-3)


@pytest.mark.parametrize(
    "value",
    [
        *(NUMBERS, NUMBERS.half(), NUMBERS.bfloat16(), NUMBERS.int(), NUMBERS > 0, torch.tensor(2.5), torch.empty(0)),
        *(torch.tensor([1e-8, 1e8, float("inf"), float("nan")]), torch.arange(2000.0)),
        torch.arange(6000.0).reshape(40, 150),
    ],
    ids=str,
)
def test_a_tensor_prints_as_on_the_cpu(value: torch.Tensor) -> None:
    there = re.sub(r",\s*device='npu:0'", "", repr(value.npu()))
    assert "".join(there.split()) == "".join(repr(value).split())


def test_single_numbers_lists_and_copies() -> None:
    there = NUMBERS.npu()
    assert there[0, 2].item() == -2.5
    assert there.tolist() == NUMBERS.tolist()
    assert_same_bits(copy.deepcopy(there), NUMBERS)
    assert_same_bits(there.t(), NUMBERS.t())
    assert_same_bits(there.reshape(3, 2), NUMBERS.reshape(3, 2))
    assert_same_bits(there[0].expand(4, 3).contiguous(), NUMBERS[0].expand(4, 3).contiguous())
    assert_same_bits(NUMBERS.pin_memory().npu(non_blocking=True), NUMBERS)
    for dim in (0, 1, -1):
        assert_same_bits(torch.cat([there, there.t().contiguous().t()], dim), torch.cat([NUMBERS, NUMBERS], dim))
        assert_same_bits(torch.stack([there, there], dim), torch.stack([NUMBERS, NUMBERS], dim))
    file = io.BytesIO()
    torch.save(there, file)
    file.seek(0)
    assert torch.load(file).device.type == "npu"
