"""``BCEWithLogitsLoss`` and the function as drop-ins for PyTorch's: signatures, state, copies; and ``patch()``."""

from __future__ import annotations

import copy
import inspect
import io
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import OURS, REDUCTIONS, THEIRS, random_operands, same

import bcelogits.torch
from bcelogits.torch import BCEWithLogitsLoss, patch

F = torch.nn.functional
TINY = (torch.tensor([-20.0]), torch.tensor([0.0]))  # whose loss PyTorch reads as 0


def is_ours(function: Callable[..., Tensor]) -> bool:
    return function(*TINY).item() > 0


# ---- signatures --------------------------------------------------------------------------------------------------


def test_the_signatures_are_pytorchs() -> None:
    for ours, theirs in (
        (OURS, THEIRS),
        (BCEWithLogitsLoss, torch.nn.BCEWithLogitsLoss),
        (BCEWithLogitsLoss.forward, torch.nn.BCEWithLogitsLoss.forward),
    ):
        a, b = (inspect.signature(f).parameters.values() for f in (ours, theirs))
        assert [(p.name, p.kind, p.default) for p in a] == [(p.name, p.kind, p.default) for p in b]


def test_all_arguments_may_be_given_by_position() -> None:
    operands = random_operands()
    x, t, w, p = operands.values()
    assert same(OURS(x, t, w, None, None, "sum", p), OURS(x, t, w, reduction="sum", pos_weight=p))
    assert same(BCEWithLogitsLoss(w, None, None, "sum", p)(x, t), OURS(x, t, w, reduction="sum", pos_weight=p))


def test_what_is_public_is_named() -> None:
    assert sorted(bcelogits.torch.__all__) == ["BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "patch"]
    for name in bcelogits.torch.__all__:
        assert getattr(bcelogits.torch, name).__doc__


LEGACY = [v for v in itertools.product([None, False, True], repeat=2) if v != (None, None)]


@pytest.mark.parametrize(("size_average", "reduce"), LEGACY)
def test_the_deprecated_arguments_mean_and_warn_what_they_do_in_pytorch(
    size_average: bool | None, reduce: bool | None
) -> None:
    x, t = torch.randn(4), torch.rand(4)
    results, warnings = [], []
    for function, module in ((OURS, BCEWithLogitsLoss), (THEIRS, torch.nn.BCEWithLogitsLoss)):
        with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated") as of_function:
            results.append(function(x, t, size_average=size_average, reduce=reduce))
        with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated") as of_module:
            criterion = module(size_average=size_average, reduce=reduce)
        warnings.append([str(w.message) for w in (*of_function, *of_module)])
        assert same(criterion(x, t), results[-1])
    assert warnings[0] == warnings[1]
    torch.testing.assert_close(*results)


def test_the_deprecated_name_of_the_mean_is_known() -> None:
    x, t = torch.randn(4), torch.rand(4)
    for function in (OURS, THEIRS):
        with pytest.warns(UserWarning, match="reduction='elementwise_mean' is deprecated"):
            assert same(function(x, t, reduction="elementwise_mean"), function(x, t))


@pytest.mark.parametrize("reduction", ["avg", "Mean", "", None, 1, True, b"mean", ["mean"], {}], ids=repr)
def test_an_unknown_reduction_is_a_value_error_at_the_call_as_in_pytorch(reduction: Any) -> None:
    x = torch.ones(3)
    for criterion in (BCEWithLogitsLoss(reduction=reduction), torch.nn.BCEWithLogitsLoss(reduction=reduction)):
        with pytest.raises(ValueError, match="reduction"):
            criterion(x, x)


# ---- the module --------------------------------------------------------------------------------------------------


def modules(reduction: str = "mean") -> tuple[BCEWithLogitsLoss, torch.nn.BCEWithLogitsLoss]:
    weight, pos_weight = torch.rand(7), torch.rand(5, 1)
    kwargs: dict[str, Any] = {"weight": weight, "reduction": reduction, "pos_weight": pos_weight}
    return BCEWithLogitsLoss(**kwargs), torch.nn.BCEWithLogitsLoss(**kwargs)


def test_the_module_is_one_of_pytorchs() -> None:
    ours, theirs = modules()
    assert isinstance(ours, torch.nn.BCEWithLogitsLoss)
    assert repr(ours) == repr(theirs) == "BCEWithLogitsLoss()"
    assert str(torch.nn.Sequential(ours)) == str(torch.nn.Sequential(theirs))
    assert [name for name, _ in ours.named_buffers()] == [name for name, _ in theirs.named_buffers()]
    assert list(ours.parameters()) == []
    assert ours.training
    assert ours.eval() is ours


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_module_computes_what_the_function_does(reduction: str) -> None:
    ours, _ = modules(reduction)
    x, t = torch.randn(5, 7), torch.rand(5, 7)
    expected = OURS(x, t, ours.weight, reduction=reduction, pos_weight=ours.pos_weight)
    assert same(ours(x, t), expected)
    assert same(ours(input=x, target=t), expected)


def test_the_state_goes_from_pytorchs_module_to_ours_and_back() -> None:
    ours, theirs = modules()
    other, original = modules()
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight", "pos_weight"]
    other.load_state_dict(theirs.state_dict())
    original.load_state_dict(ours.state_dict())
    for module in (other, original):
        assert same(module.weight, ours.weight)
        assert same(module.pos_weight, ours.pos_weight)
    assert BCEWithLogitsLoss().state_dict() == {}


def saved(module: torch.nn.Module) -> torch.nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded: torch.nn.Module = torch.load(file, weights_only=False)
    return loaded


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "torch.save": saved,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_is_a_module_of_its_own_that_computes_the_same(duplicate: Callable[[Any], Any]) -> None:
    ours, _ = modules("sum")
    x, t = torch.randn(5, 7), torch.rand(5, 7)
    other = duplicate(ours)
    assert type(other) is BCEWithLogitsLoss
    assert other is not ours
    assert same(other(x, t), ours(x, t))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_the_weights_move_with_the_module(dtype: torch.dtype) -> None:
    ours, theirs = (m.to(dtype) for m in modules())
    assert ours.weight.dtype == ours.pos_weight.dtype == dtype
    x, t = torch.randn(5, 7).to(dtype), torch.rand(5, 7).to(dtype)
    assert ours(x, t).dtype == theirs(x, t).dtype == dtype
    assert ours.to("meta").weight.is_meta


def test_a_weight_may_be_learned() -> None:
    criterion = BCEWithLogitsLoss()
    criterion.pos_weight = torch.nn.Parameter(torch.ones(3))
    criterion(torch.randn(2, 3), torch.ones(2, 3)).backward()
    assert criterion.pos_weight.grad.shape == (3,)
    assert [name for name, _ in criterion.named_parameters()] == ["pos_weight"]


def test_hooks_of_the_module_are_called() -> None:
    criterion, calls = BCEWithLogitsLoss(), []
    criterion.register_forward_pre_hook(lambda m, args: calls.append("before"))
    criterion.register_forward_hook(lambda m, args, out: calls.append("after"))
    criterion.register_full_backward_hook(lambda m, g_in, g_out: calls.append("backward"))
    x = torch.randn(3, requires_grad=True)
    criterion(x, torch.rand(3)).backward()
    assert calls == ["before", "after", "backward"]
    assert x.grad is not None


def test_a_subclass_of_the_module_inherits_the_loss() -> None:
    class Scaled(BCEWithLogitsLoss):
        def forward(self, input: Tensor, target: Tensor) -> Tensor:
            return 2 * super().forward(input, target)

    assert same(Scaled()(*TINY), 2 * OURS(*TINY))


# ---- patch() -------------------------------------------------------------------------------------------------------


def test_a_patch_lasts_as_long_as_its_block() -> None:
    criterion = torch.nn.BCEWithLogitsLoss()
    assert not is_ours(criterion)
    with patch():
        assert F.binary_cross_entropy_with_logits is OURS
        assert is_ours(criterion)
        assert is_ours(torch.nn.BCEWithLogitsLoss())
        assert is_ours(F.binary_cross_entropy_with_logits)
    assert F.binary_cross_entropy_with_logits is THEIRS
    assert not is_ours(criterion)


def test_a_patch_lasts_until_it_is_restored() -> None:
    patched = patch()
    assert is_ours(F.binary_cross_entropy_with_logits)
    patched.restore()
    assert F.binary_cross_entropy_with_logits is THEIRS
    patched.restore()
    assert F.binary_cross_entropy_with_logits is THEIRS


def test_a_patch_ends_with_an_exception_which_goes_on() -> None:
    with pytest.raises(ZeroDivisionError), patch():
        raise ZeroDivisionError
    assert F.binary_cross_entropy_with_logits is THEIRS


def test_a_patch_restored_in_its_block_stays_restored() -> None:
    with patch() as patched:
        patched.restore()
        assert F.binary_cross_entropy_with_logits is THEIRS
    assert F.binary_cross_entropy_with_logits is THEIRS


def test_a_patch_may_be_used_for_several_blocks() -> None:
    patched = patch()
    patched.restore()
    for _ in range(2):
        with patched:
            assert F.binary_cross_entropy_with_logits is OURS
        assert F.binary_cross_entropy_with_logits is THEIRS


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_patches_within_each_other_may_be_restored_in_any_order(order: tuple[int, ...]) -> None:
    patches = [patch() for _ in range(3)]
    for i in order:
        assert F.binary_cross_entropy_with_logits is OURS
        patches[i].restore()
    assert F.binary_cross_entropy_with_logits is THEIRS


def test_a_patch_puts_back_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*args: Any, **kwargs: Any) -> None: ...

    monkeypatch.setattr(F, "binary_cross_entropy_with_logits", other)
    with patch(), patch():
        assert F.binary_cross_entropy_with_logits is OURS
    assert F.binary_cross_entropy_with_logits is other


def test_patched_or_not_our_function_finds_pytorchs_own() -> None:
    """For what it does not compute itself; found through the patched name, it would call itself for ever."""

    class Unknown(Tensor):
        pass

    x, t = (v.as_subclass(Unknown) for v in TINY)
    with patch():
        assert OURS(x, t).item() == 0
        assert F.binary_cross_entropy_with_logits(x, t).item() == 0
        assert OURS(x.to("meta"), t.to("meta")).is_meta
