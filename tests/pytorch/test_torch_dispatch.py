"""Which implementation a call gets: ours for plain tensors on the CPU, PyTorch's own for all that we do not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch_helpers import OURS, REDUCTIONS, THEIRS, same

from bcelogits.torch import BCEWithLogitsLoss, _function, patch

X, T = torch.tensor([-20.0, 1.0]), torch.tensor([0.0, 1.0])  # the first loss of which PyTorch reads as 0


def is_ours(loss: Tensor) -> bool:
    return loss[0].item() > 0


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls that PyTorch's own implementation gets from ours."""
    calls: list[tuple[Any, ...]] = []

    def spy(*args: Any, **kwargs: Any) -> Tensor:
        calls.append(args)
        return THEIRS(*args, **kwargs)

    monkeypatch.setattr(_function, "_ORIGINAL", spy)
    return calls


# ---- ours --------------------------------------------------------------------------------------------------------


PLAIN: dict[str, Callable[[], Tensor]] = {
    "a tensor": lambda: X,
    "a parameter": lambda: torch.nn.Parameter(X),
    "a buffer": lambda: torch.nn.Buffer(X),
    "the data of a parameter": lambda: torch.nn.Parameter(X).data,
    "a view": lambda: torch.stack([X, X])[0],
    "a result": lambda: X * 1,
    "shared memory": lambda: X.clone().share_memory_(),
    "a tensor over an array": lambda: torch.from_numpy(X.numpy()),
}


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_plain_tensors_get_our_loss(make: Callable[[], Tensor], original: list[Any]) -> None:
    assert is_ours(OURS(make(), T, reduction="none").detach())
    assert not original


def test_modules_of_fake_tensors_get_our_loss() -> None:
    with FakeTensorMode():
        layer = torch.nn.Linear(4, 3)
        criterion = BCEWithLogitsLoss(pos_weight=torch.nn.Parameter(torch.ones(3)))
        loss = criterion(layer(torch.randn(2, 4)), torch.rand(2, 3))
        assert "bcelogits" in type(loss.grad_fn).__name__
        loss.backward()
        assert criterion.pos_weight.grad.shape == (3,)
        assert layer.weight.grad.shape == (3, 4)


def test_modes_that_watch_operators_see_ours() -> None:
    seen: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    x = X.clone().requires_grad_()
    with Watch():
        loss = OURS(x, T)
        loss.backward()
    assert seen.count("bcelogits.loss.default") == seen.count("bcelogits.backward.default") == 1
    assert same(loss.detach(), OURS(X, T))
    assert same(x.grad, torch.autograd.grad(OURS(v := X.clone().requires_grad_(), T), v)[0])


def test_the_backward_pass_is_seen_by_a_mode_that_the_forward_pass_was_not() -> None:
    seen: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    x = X.clone().requires_grad_()
    loss = OURS(x, T)
    with Watch():
        loss.backward()
    assert "bcelogits.backward.default" in seen


def test_modes_that_watch_functions_do_not_change_the_loss() -> None:
    class Watch(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return function(*args, **(kwargs or {}))

    with Watch(), torch.device("cpu"):
        assert same(OURS(X, T), OURS(X.clone(), T.clone()))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_default_device_is_not_where_the_loss_of_cpu_tensors_goes(reduction: str) -> None:
    expected = OURS(X, T, reduction=reduction)
    x = X.clone().requires_grad_()
    with torch.device("meta"):
        loss = OURS(x, T, reduction=reduction)
        assert loss.device.type == "cpu"
        loss.backward(torch.ones_like(expected, device="cpu"))
    assert same(loss.detach(), expected)
    assert x.grad.device.type == "cpu"


def test_deterministic_algorithms_and_filled_memory_change_nothing() -> None:
    expected = OURS(X, T, reduction="none")
    torch.use_deterministic_algorithms(True)
    try:
        assert same(OURS(X, T, reduction="none"), expected)
    finally:
        torch.use_deterministic_algorithms(False)


# ---- PyTorch's own: other devices ----------------------------------------------------------------------------------


def test_tensors_on_other_devices_get_pytorchs_loss(original: list[Any]) -> None:
    """Fake tensors stand for them: what they would compute is recorded, not computed."""
    with FakeTensorMode():
        x, t, w = (torch.empty(shape, device="cuda") for shape in ((3, 4), (3, 4), (4,)))
        for reduction in REDUCTIONS:
            loss = OURS(x, t, w, reduction=reduction, pos_weight=w)
            assert loss.device.type == "cuda"
    assert len(original) == 3


def test_meta_tensors_get_pytorchs_loss(original: list[Any]) -> None:
    assert OURS(X.to("meta"), T.to("meta")).is_meta
    assert len(original) == 1


@pytest.mark.parametrize("place", range(4))
def test_tensors_on_different_devices_are_refused_as_pytorch_refuses_them(place: int) -> None:
    operands = [X, T, T, T]
    operands[place] = operands[place].to("meta")
    x, t, w, p = operands
    errors = []
    for function in (OURS, THEIRS):
        with pytest.raises(RuntimeError, match="device") as caught:
            function(x, t, w, pos_weight=p)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


# ---- PyTorch's own: layouts ------------------------------------------------------------------------------------------


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "sparse": lambda t: t.to_sparse(),
    "compressed sparse": lambda t: t.reshape(1, -1).to_sparse_csr(),
    "MKLDNN": lambda t: t.to_mkldnn(),
    "quantized": lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8),
    "nested": lambda t: torch.nested.nested_tensor([t, t[:1]]),
    "jagged": lambda t: torch.nested.nested_tensor([t, t[:1]], layout=torch.jagged),
}


@pytest.mark.filterwarnings("ignore:Sparse .* tensor support is in beta:UserWarning")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype:UserWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*[Qq]uantiz.*:UserWarning")
@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("which", ["input", "target", "weight", "pos_weight", "both"])
def test_tensors_of_other_layouts_get_what_pytorch_makes_of_them(
    make: Callable[[Tensor], Tensor], which: str, original: list[Any]
) -> None:
    other = make(torch.rand(4))
    dense = torch.rand(4 if other.is_nested else other.shape)
    operands = {"input": dense, "target": dense} | dict.fromkeys(
        ("input", "target") if which == "both" else (which,), other
    )
    outcomes: list[Any] = []
    for function in (OURS, THEIRS):
        try:
            outcomes.append(function(**operands))
        except Exception as error:
            outcomes.append((type(error), str(error)))
    assert len(original) == 1
    if isinstance(outcomes[0], Tensor):
        assert same(*outcomes)
    else:
        assert outcomes[0] == outcomes[1]


# ---- PyTorch's own: subclasses ---------------------------------------------------------------------------------------


class Trivial(Tensor):
    """A subclass that adds nothing."""


class Watched(Tensor):
    """A subclass that wants to know which functions it meets."""

    met: ClassVar[list[Any]] = []

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.met.append(function)
        return super().__torch_function__(function, types, args, kwargs or {})


class ParameterOfItsOwn(torch.nn.Parameter):
    """A subclass of Parameter."""


@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("cls", [Trivial, Watched])
def test_subclasses_get_pytorchs_loss_of_their_type(cls: type[Tensor], patched: bool) -> None:
    x, t = X.as_subclass(cls), T.as_subclass(cls)
    if patched:
        with patch():
            loss = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    else:
        loss = OURS(x, t, reduction="none")
    assert type(loss) is type(THEIRS(x, t, reduction="none")) is cls
    assert not is_ours(loss)
    assert type(OURS(X, T, weight=t)) is cls


def test_a_subclass_meets_pytorchs_function() -> None:
    Watched.met.clear()
    OURS(X.as_subclass(Watched), T)
    assert Watched.met == [THEIRS]


def test_a_subclass_of_parameter_gets_pytorchs_loss(original: list[Any]) -> None:
    loss = OURS(ParameterOfItsOwn(X), T, reduction="none")
    assert not is_ours(loss.detach())
    assert len(original) == 1


def test_a_parameter_without_data_is_refused_as_pytorch_refuses_it() -> None:
    for function in (OURS, THEIRS):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            function(torch.nn.UninitializedParameter(), T)


def test_a_subclass_that_wraps_tensors_gets_pytorchs_loss() -> None:
    x, t = TwoTensor(X, X), TwoTensor(T, T)
    loss = OURS(x, t, reduction="none")
    assert type(loss) is TwoTensor
    assert same(loss.a, THEIRS(X, T, reduction="none"))


def test_what_is_no_tensor_but_handles_functions_is_asked() -> None:
    class Recorder:
        @classmethod
        def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return function, args, kwargs

    recorder = Recorder()
    function, args, kwargs = OURS(X, recorder, reduction="sum")
    assert function is OURS
    assert args == (X, recorder, None)
    assert kwargs == {"reduction": "sum", "pos_weight": None}
    with pytest.raises(ValueError, match="reduction"):
        OURS(X, recorder, reduction="x")


# ---- tensors without memory ------------------------------------------------------------------------------------------


REFUSED = "RuntimeError: input: a tensor without memory, expected a tensor of float32, float16, bfloat16 or float64"
WITHOUT_MEMORY = {  # how it is made, and what its loss against 0 is
    "freed": ("freed()", REFUSED),
    "zeros that are not there": ("torch._efficientzerotensor((3,))", "0.6931"),
    "a wrapper for functionalization": ("torch._to_functional_tensor(torch.zeros(3))", "0.6931"),
}


def test_a_tensor_without_memory_does_not_end_the_process(run_python: Callable[..., Any]) -> None:
    script = f"""
import torch
from bcelogits.torch import binary_cross_entropy_with_logits as loss
def freed():
    x = torch.zeros(3)
    x.untyped_storage().resize_(0)
    return x
for make in {[make for make, _ in WITHOUT_MEMORY.values()]}:
    try:
        print(loss(eval(make), torch.zeros(3)))
    except Exception as error:
        print(f"{{type(error).__name__}}: {{error}}")
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    for line, (name, (_, expected)) in zip(done.stdout.splitlines(), WITHOUT_MEMORY.items(), strict=True):
        assert expected in line, name
