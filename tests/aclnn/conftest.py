"""What the tests of the C API from Python share: our libraries, a device, and memory counted before and after."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from acl_helpers import memory_in_use

from bcelogits import _cann, aclnn

# The table of errors is that of the C tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cann"))
# An installed CANN is not what is tested.
for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
    os.environ.pop(name, None)


@pytest.fixture(scope="session")
def root() -> Path:
    return _cann.root()


@pytest.fixture
def device() -> Iterator[aclnn.Device]:
    with aclnn.Device() as device:
        yield device


@pytest.fixture
def no_leak(device: aclnn.Device) -> Iterator[None]:
    """All device memory that a test allocates is given back by its end, without the help of the device's end."""
    before = memory_in_use()
    yield
    device.synchronize()
    gc.collect()
    assert memory_in_use() == before


@pytest.fixture
def acl() -> Iterator[ModuleType]:
    module = aclnn.install_acl()
    assert module.init() in (0, 100002)
    assert module.rt.set_device(0) == 0
    yield module
    assert module.rt.reset_device(0) == 0
    assert module.finalize() in (0, 100037)
