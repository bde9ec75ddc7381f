"""Training loops whose loss runs on npu:0: the numbers are those of the same loop with our loss on the CPU."""

from __future__ import annotations

import pytest
import torch
import torch_npu  # noqa: F401
from npu_helpers import NPU, assert_same_bits
from torch.nn.functional import binary_cross_entropy_with_logits

import bcelogits.torch


def test_a_model_on_the_cpu_with_its_loss_on_the_npu() -> None:
    def train(on_npu: bool) -> tuple[list[float], torch.Tensor]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        x = torch.randn(64, 8)
        y = (x @ torch.randn(8, 3) > 0).float()
        history = []
        for _ in range(30):
            optimizer.zero_grad()
            if on_npu:
                loss = binary_cross_entropy_with_logits(model(x).to(NPU), y.to(NPU))
            else:
                loss = bcelogits.torch.binary_cross_entropy_with_logits(model(x), y)
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        return history, torch.cat([p.detach().flatten() for p in model.parameters()])

    there, parameters = train(True)
    here, expected = train(False)
    assert there == here
    assert_same_bits(parameters, expected)
    assert there[-1] < 0.3 * there[0]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_parameters_on_the_npu(momentum: float) -> None:
    target = torch.tensor([1.0, 0.0, 1.0, 0.0])

    def train(device: str, loss: object) -> torch.Tensor:
        logits = torch.zeros(4, device=device, requires_grad=True)
        optimizer = torch.optim.SGD([logits], lr=1.0, momentum=momentum, weight_decay=0.01, foreach=False)
        for _ in range(10):
            optimizer.zero_grad()
            loss(logits, target.to(device), reduction="sum").backward()  # type: ignore[operator]
            optimizer.step()
        return logits.detach().cpu()

    there = train(NPU, binary_cross_entropy_with_logits)
    here = train("cpu", bcelogits.torch.binary_cross_entropy_with_logits)
    torch.testing.assert_close(there, here, rtol=1e-6, atol=0)  # the CPU's own a + c * b is not always fused
    assert torch.equal(there > 0, target > 0)


def test_gradients_accumulate_and_scale() -> None:
    x, t = torch.randn(6).npu().requires_grad_(), torch.rand(6).npu()
    for _ in range(2):
        (binary_cross_entropy_with_logits(x, t) * 0.5).backward()
    assert x.grad is not None
    once = x.grad.clone()
    x.grad = None
    binary_cross_entropy_with_logits(x, t).backward()
    assert_same_bits(once, x.grad)
