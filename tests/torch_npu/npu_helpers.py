"""What the files that run inside torch_npu share."""

from __future__ import annotations

import torch

NPU = "npu:0"
FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def assert_same_bits(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Dtype, shape and every bit; an NPU tensor is copied to the CPU first."""
    actual, expected = actual.detach().cpu(), expected.detach().cpu()
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    as_int = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[actual.element_size()]
    a, e = actual.contiguous().view(as_int), expected.contiguous().view(as_int)
    assert torch.equal(a, e), f"{actual}\n{expected}"


def layouts(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same numbers, contiguous, transposed, and with gaps."""
    if value.ndim == 0:
        return {"contiguous": value}
    gaps = torch.zeros(*value.shape[:-1], value.shape[-1] * 2, dtype=value.dtype)
    gaps[..., ::2] = value
    return {
        "contiguous": value,
        "transposed": value.transpose(0, -1).contiguous().transpose(0, -1),
        "gaps": gaps[..., ::2],
    }


def on_npu(value: torch.Tensor) -> torch.Tensor:
    """On the device with the strides that it has here: the storage is moved, not the view alone."""
    size = 1 + sum((n - 1) * s for n, s in zip(value.shape, value.stride(), strict=True)) if value.numel() else 0
    flat = value.as_strided((size,), (1,), value.storage_offset()).npu()
    return flat.as_strided(value.shape, value.stride())
