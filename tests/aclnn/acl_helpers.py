"""What several tests do: a loss with and without the device, work in a thread, memory in use, a call of pyACL."""

from __future__ import annotations

import threading
from ctypes import byref, c_size_t
from typing import Any

from oracle import bits

import bcelogits
from bcelogits import aclnn


def memory_in_use() -> int:
    """Bytes of device memory that are allocated."""
    free, total = c_size_t(), c_size_t()
    aclnn.load().call("aclrtGetMemInfo", 1, byref(free), byref(total))
    return total.value - free.value


def ok(returned: tuple[Any, int]) -> Any:
    """The value that comes with status 0."""
    assert returned[-1] == 0
    return returned[0]


def loss_of(arrays: dict[str, Any]) -> bytes:
    """The bits of the elementwise loss, as the NumPy function has it."""
    return bits(bcelogits.binary_cross_entropy_with_logits(arrays["logits"], arrays["targets"], reduction="none"))


def launch(arrays: dict[str, Any], stream: aclnn.Stream | None = None) -> aclnn.Tensor:
    """The elementwise loss on the device, which may not be done yet."""
    x, t = aclnn.Tensor(arrays["logits"]), aclnn.Tensor(arrays["targets"])
    result: aclnn.Tensor = aclnn.binary_cross_entropy_with_logits(x, t, reduction="none", stream=stream)
    return result


def in_thread(work: Any) -> Any:
    """The result of `work` in another thread, or its exception."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
