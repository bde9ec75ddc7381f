"""Tensors of the error table in device memory that is full of poison, to see what was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from binding import Acl
from error_table import Tensor

POISON = 0xA5


@contextmanager
def on_device(acl: Acl, tensors: dict[str, Tensor | None]) -> Iterator[tuple[list[int | None], dict[str, int]]]:
    """Handles of the tensors, and the addresses of their memory, which is full of poison."""
    with ExitStack() as stack:
        handles: list[int | None] = []
        addresses: dict[str, int] = {}
        for name, spec in tensors.items():
            if spec is None:
                handles.append(None)
                continue
            address = stack.enter_context(acl.on_device(bytes([POISON]) * spec.bytes_needed))
            handle = acl.create_tensor(spec.shape, spec.dtype, address, strides=spec.strides, form=spec.form)
            assert handle is not None, acl.recent()
            stack.callback(acl.destroy_tensor, handle)
            handles.append(handle)
            addresses[name] = address
        yield handles, addresses


def assert_poison(acl: Acl, tensors: dict[str, Tensor | None], addresses: dict[str, int]) -> None:
    for name, address in addresses.items():
        spec = tensors[name]
        assert spec is not None
        assert set(acl.download(address, spec.bytes_needed)) == {POISON}, f"{name} was written to"
