"""The tests of the PyTorch front-end: skipped without PyTorch, and each leaves PyTorch's settings as it found them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

try:
    import torch
except ModuleNotFoundError:
    HAS_TORCH = False
else:
    HAS_TORCH = True


class WithoutTorch(pytest.Module):
    """A file of this folder where there is no PyTorch."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        pytest.skip("PyTorch is not installed (pip install 'bcelogits[torch]')", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    return None if HAS_TORCH else WithoutTorch.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # PyTorch scripts some of its own functions at their first use, which it has deprecated.
    own_use = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(own_use)


@pytest.fixture(autouse=True)
def _same_settings_afterwards() -> Iterator[None]:
    threads, original = torch.get_num_threads(), torch.nn.functional.binary_cross_entropy_with_logits
    torch.manual_seed(20_26)
    # PyTorch's own loss wakes its threads for a handful of elements, which takes long where others compute.
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    assert torch.nn.functional.binary_cross_entropy_with_logits is original, "a patch was left behind"
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert torch._C._len_torch_dispatch_stack() == 0
