"""Devices, streams, events, memory, tensors and executors: they are given back once, in any order, from any thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from acl_helpers import loss_of
from oracle import bits
from zoo import LAYOUTS, values

from bcelogits import aclnn

RESOURCES: dict[str, Any] = {
    "Stream": aclnn.Stream,
    "Event": aclnn.Event,
    "Memory": lambda: aclnn.Memory(64),
    "Tensor": lambda: aclnn.Tensor(np.zeros(3, np.float32)),
    "Executor": lambda: aclnn.binary_cross_entropy_with_logits_get_workspace_size(
        *(aclnn.Tensor(np.zeros(3, np.float32)) for _ in range(2)), out=aclnn.Tensor.empty((1,))
    ),
}


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_is_closed_once(name: str, no_leak: None) -> None:
    thing = RESOURCES[name]()
    assert not thing.closed
    with thing as same:
        assert same is thing
    assert thing.closed
    thing.close()
    with pytest.raises(ValueError, match=f"this {name} is closed"):
        _ = thing.address if name == "Memory" else thing.handle
    with pytest.raises(ValueError, match="closed"), thing:
        pass


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_is_given_back_with_its_last_reference(name: str, no_leak: None) -> None:
    for _ in range(3):
        RESOURCES[name]()


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_may_outlive_its_device(name: str, run_python: Any) -> None:
    script = f"""
import numpy as np
from bcelogits import aclnn
import gc, sys
sys.path.insert(0, {__file__.rpartition("/")[0]!r})
sys.path.insert(0, {__file__.rpartition("/aclnn/")[0]!r})
from test_aclnn_objects import RESOURCES
for kept in range(2):
    with aclnn.Device():
        thing = RESOURCES[{name!r}]()
    assert thing.closed
    thing.close()
with aclnn.Device():
    other = RESOURCES[{name!r}]()
    del thing
    gc.collect()
    assert not other.closed
    other.close()
thing = aclnn.Device()  # and neither is a device that nobody closes a problem at exit
left = RESOURCES[{name!r}]()
"""
    done = run_python(script)
    assert (done.returncode, done.stderr) == (0, "")


def test_devices_nest(run_python: Any) -> None:
    script = """
from bcelogits import aclnn
library = aclnn.load()
outer = aclnn.Device()
with aclnn.Device(), aclnn.Device(1) as other:
    assert library.device() == 1
    memory, stream = aclnn.Memory(64), aclnn.Stream()
assert memory.closed and stream.closed
with aclnn.Device():
    memory = aclnn.Memory(64)
assert not memory.closed
outer.close()
assert memory.closed
assert library.device() is None
assert library.function("aclFinalize")() == 100037  # finalized already
with aclnn.Device():
    assert library.function("aclInit")(None) == 100002
assert library.function("aclInit")(None) == 0
with aclnn.Device():
    pass
assert library.function("aclFinalize")() == 0  # not by the device, which had not initialised
"""
    done = run_python(script, BCELOGITS_DEVICE_COUNT="2")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_device_that_cannot_be_had_leaves_nothing(run_python: Any) -> None:
    script = """
from bcelogits import aclnn
try:
    aclnn.Device(5)
except aclnn.AclError as error:
    print(error.code)
print(aclnn.load().function("aclFinalize")())
"""
    assert run_python(script).stdout.split() == ["107001", "100037"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (1,), (45,), (6, 7), (3, 4, 5), (0,), (3, 0, 2), (1, 1, 1)])
def test_a_tensor_keeps_values_and_layout(layout: str, shape: tuple[int, ...], no_leak: None) -> None:
    array = np.asarray(LAYOUTS[layout](values(shape)["logits"]) if shape else values(shape)["logits"])
    with aclnn.Tensor(array) as tensor:
        back = tensor.numpy()
    assert bits(back) == bits(array)
    assert back.shape == tensor.shape == array.shape
    if all(s > 0 and s % 4 == 0 for s in array.strides) and array.size > 1:
        stepped = [n > 1 for n in array.shape]
        assert [s for s, n in zip(back.strides, stepped, strict=True) if n] == [
            s for s, n in zip(array.strides, stepped, strict=True) if n
        ]


def test_memory_is_written_from_and_read_to_arrays(no_leak: None) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    with aclnn.Memory(array.nbytes) as memory:
        memory.write(array.T)
        back = np.empty((4, 3), np.float32)
        memory.read(back)
        assert bits(back) == bits(array.T)
        memory.read(back[:2])
        for bad in (back.T, np.broadcast_to(back[0], (2, 3))):
            with pytest.raises(ValueError, match="expected a C-contiguous array that can be written to"):
                memory.read(bad)
        for call in (memory.write, memory.read):
            with pytest.raises(aclnn.AclError) as caught:
                call(np.zeros(13, np.float32))
            assert caught.value.function == "aclrtMemcpy"


def test_a_broadcast_view_is_not_blown_up(no_leak: None) -> None:
    array = np.broadcast_to(np.array([1, 2], np.float32), (1000, 1000, 2))
    with aclnn.Tensor(array) as tensor:
        assert tensor.strides == (0, 0, 1)
        assert tensor.memory.nbytes == 8
        assert bits(tensor.numpy()) == bits(array)


DTYPE_NAMES = ["float32", "float16", "float64", "int8", "int32", "uint8", "int64", "bool", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_a_tensor_of_any_dtype(dtype: str, no_leak: None) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)
    with aclnn.Tensor(array) as tensor:
        assert tensor.dtype == dtype
        assert bits(tensor.numpy()) == bits(array)
        assert tensor.numpy().dtype == array.dtype
        assert repr(tensor) == f"Tensor(shape=(2, 3), dtype={dtype})"


def test_a_repeatable_executor_on_other_memory(no_leak: None) -> None:
    arrays = [values((50, 60), seed=seed) for seed in range(3)]
    x, t = (aclnn.Tensor(arrays[0][name]) for name in ("logits", "targets"))
    out = aclnn.Tensor.empty((50, 60))
    phase_one = aclnn.binary_cross_entropy_with_logits_get_workspace_size
    with phase_one(x, t, reduction="none", out=out).repeatable() as executor, aclnn.Stream() as stream:
        for given in (arrays[0], arrays[1]):
            x.memory.write(given["logits"])
            t.memory.write(given["targets"])
            executor.launch(stream)
            assert bits(out.numpy()) == loss_of(given)
        other = [aclnn.Tensor(arrays[2][name]) for name in ("logits", "targets")]
        executor.set_input_tensor_addr(0, other[0])
        executor.set_tensor_addr(1, other[1])
        elsewhere = aclnn.Tensor.empty((50, 60))
        executor.set_output_tensor_addr(0, elsewhere)
        del other
        executor.launch(stream)
        assert bits(elsewhere.numpy()) == loss_of(arrays[2])
        assert bits(out.numpy()) == loss_of(arrays[1])
        executor.set_tensor_addr(4, out, out.address)
        executor.launch(stream)
        assert bits(out.numpy()) == loss_of(arrays[2])
        with pytest.raises(aclnn.AclError) as caught:
            executor.set_tensor_addr(9, out)
        assert caught.value.code == 161002
        with pytest.raises(aclnn.AclError) as caught:
            executor.set_tensor_addr(2, out)  # there is no weight
        assert caught.value.code == 161002
    assert executor.closed


def test_a_child_process_starts_afresh(run_python: Any) -> None:
    """Nothing of the parent is closed by the child, and the child may open its own."""
    script = """
import gc, os, sys, warnings
import numpy as np
from bcelogits import aclnn
x, t = np.float32([0, 2]), np.float32([1, 1])
device, stream, tensor = aclnn.Device(), aclnn.Stream(), aclnn.Tensor(x)
result = aclnn.binary_cross_entropy_with_logits(tensor, tensor, reduction="none", stream=stream)
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    assert device.closed and stream.closed and tensor.closed and result.closed
    assert aclnn.load().device() is None
    with aclnn.Device():
        mine = aclnn.Tensor(x)
        del tensor, result, stream
        gc.collect()
        assert mine.numpy().tolist() == [0, 2]
    print(aclnn.binary_cross_entropy_with_logits(x, t), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert tensor.numpy().tolist() == [0, 2] and not stream.closed
result.numpy()
device.close()
print(aclnn.binary_cross_entropy_with_logits(x, t))
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert first == second
