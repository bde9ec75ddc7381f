"""What is not there fails where it is called, with its name; nothing after it is disturbed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch_npu  # noqa: F401
from npu_helpers import NPU

ABSENT: dict[str, Callable[[torch.Tensor], object]] = {
    "MatMul": lambda x: x @ x,
    "Sigmoid": lambda x: x.sigmoid(),
    "NonZero": lambda x: x[x > 0],
    "Range": lambda x: torch.arange(4, device=NPU),
    "StatelessRandomUniformV2": lambda x: torch.rand(4, device=NPU),
}


@pytest.mark.parametrize("name", ABSENT)
def test_an_operator_that_is_not_there_is_named(name: str) -> None:
    x = torch.ones(2, 2).npu()
    with pytest.raises(RuntimeError, match=rf"opType: '{name}' is not supported by bcelogits"):
        ABSENT[name](x)
    assert (x + x).sum().item() == 8


def test_a_bad_call_of_the_loss_is_explained() -> None:
    x = torch.ones(3).npu()
    with pytest.raises(ValueError, match="Target size"):
        torch.nn.functional.binary_cross_entropy_with_logits(x, torch.ones(4).npu())
    with pytest.raises(RuntimeError, match=r"pos_?[wW]eight.*shape \(2,\), expected one that broadcasts to \(3,\)"):
        torch.nn.functional.binary_cross_entropy_with_logits(x, x, pos_weight=torch.ones(2).npu())


def test_collectives_are_refused() -> None:
    import torch.distributed

    torch.distributed.init_process_group("hccl", store=torch.distributed.HashStore(), rank=0, world_size=1)
    with pytest.raises(RuntimeError, match="Failed to find function HcclGetRootInfo"):
        torch.distributed.all_reduce(torch.ones(2).npu())


def test_graph_capture_is_refused() -> None:
    wanted = pytest.raises(RuntimeError, match="Failed to find function aclrtSetStreamAttribute")
    with wanted, torch.npu.graph(torch.npu.NPUGraph()):
        torch.ones(2, device=NPU)
