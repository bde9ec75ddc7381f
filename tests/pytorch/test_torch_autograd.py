"""Gradients through autograd: of every operand, any number of times, with the bits of the NumPy functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from oracle import BACKWARD, FORMATS, LOSS, TARGET_BACKWARD
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.utils.checkpoint import checkpoint
from torch_helpers import (
    DTYPES,
    OURS,
    REDUCTIONS,
    THEIRS,
    WEIGHTS,
    array,
    bits,
    call,
    numpy_gradients,
    numpy_result,
    random_operands,
    same,
    with_weights,
)

from bcelogits import reference

Operands = dict[str, Tensor]
F64 = torch.float64


def leaves(operands: dict[str, Any], *names: str) -> dict[str, Any]:
    """The operands, those with these names as leaves that want a gradient."""
    return {k: v.detach().requires_grad_() if k in (names or operands) else v for k, v in operands.items()}


# ---- against finite differences ------------------------------------------------------------------------------------


def shaped(x: tuple[int, ...], weight: tuple[int, ...] = (), pos_weight: tuple[int, ...] = ()) -> Operands:
    shapes = {"input": x, "target": x, "weight": weight, "pos_weight": pos_weight}
    operands = {k: torch.rand(s, dtype=F64) + 0.25 for k, s in shapes.items()}
    return operands | {"input": 3 * torch.randn(x, dtype=F64)}


OPERANDS: dict[str, Callable[[], Operands]] = {
    "a matrix, weights of its shape": lambda: shaped((3, 2), (3, 2), (3, 2)),
    "a matrix, weights that broadcast": lambda: shaped((2, 3), (3,), (2, 1)),
    "a matrix, weights without dimensions": lambda: shaped((2, 3)),
    "three dimensions": lambda: shaped((2, 1, 3), (1, 1, 3), (2, 1, 1)),
    "no dimension": lambda: shaped(()),
    "no element": lambda: shaped((2, 0), (2, 1), (1,)),
    "transposed": lambda: {k: v.t() for k, v in shaped((3, 2), (3, 2), (3, 2)).items()},
    "every second": lambda: {k: v[::2] for k, v in shaped((5,), (5,), (5,)).items()},
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("make", OPERANDS.values(), ids=OPERANDS)
def test_first_derivatives_of_all_operands_are_right_in_both_modes(
    make: Callable[[], Operands], reduction: str
) -> None:
    operands = leaves(make())
    if operands["input"].numel() == 0 and reduction == "mean":
        pytest.skip("the mean of nothing is NaN, as are its differences")
    assert gradcheck(
        lambda *values: call(dict(zip(operands, values, strict=True)), reduction),
        tuple(operands.values()),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("make", OPERANDS.values(), ids=OPERANDS)
def test_second_derivatives_of_all_operands_are_right_in_both_modes(
    make: Callable[[], Operands], reduction: str
) -> None:
    operands = leaves(make())
    if operands["input"].numel() == 0 and reduction == "mean":
        pytest.skip("the mean of nothing is NaN, as are its differences")
    assert gradgradcheck(
        lambda *values: call(dict(zip(operands, values, strict=True)), reduction),
        tuple(operands.values()),
        check_fwd_over_rev=True,
        gen_non_contig_grad_outputs=reduction == "none",
    )


@pytest.mark.parametrize("given", WEIGHTS, ids=str)
def test_second_derivatives_are_right_without_some_of_the_weights(given: tuple[str, ...]) -> None:
    operands = leaves({k: v for k, v in shaped((2, 2), (2,), (2,)).items() if k in ("input", "target", *given)})
    assert gradgradcheck(
        lambda *values: call(dict(zip(operands, values, strict=True)), "mean"),
        tuple(operands.values()),
        check_fwd_over_rev=True,
        check_batched_grad=True,
    )


def test_third_derivatives_are_right() -> None:
    operands = leaves(shaped((3,), (3,), ()))

    def second(*values: Tensor) -> tuple[Tensor, ...]:
        loss = call(dict(zip(operands, values, strict=True)), "sum")
        first = grad(loss, values, create_graph=True)
        return grad([g.square().sum() for g in first], values, create_graph=True)

    assert gradcheck(second, tuple(operands.values()))


def test_the_gradient_of_an_expanded_tensor_arrives_at_what_it_was_expanded_from() -> None:
    row, t = torch.randn(1, 4, dtype=F64, requires_grad=True), torch.rand(3, 4, dtype=F64)
    assert gradcheck(lambda x: OURS(x.expand(3, 4), t), row)
    assert gradgradcheck(lambda x: OURS(x.expand(3, 4), t, reduction="none"), row)
    number = torch.randn((), dtype=F64, requires_grad=True)
    assert gradcheck(lambda x: OURS(x.expand(3, 4), x.expand(3, 4).sigmoid(), x.expand(3, 4)), number)


# ---- bits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("given", WEIGHTS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_gradients_have_the_bits_of_the_numpy_functions(
    dtype: torch.dtype, given: tuple[str, ...], reduction: str
) -> None:
    operands = with_weights(random_operands((33, 70), dtype), given)
    live = leaves({k: v for k, v in operands.items() if v is not None}, "input", "target")
    loss = call(live, reduction)
    assert bits(loss) == numpy_result(LOSS, operands, reduction, dtype).tobytes()
    loss.backward(torch.ones_like(loss))
    for name, expected in zip(("input", "target"), numpy_gradients(operands, reduction), strict=True):
        assert live[name].grad.dtype == dtype
        assert bits(live[name].grad) == expected.tobytes()


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.1, 3.0, 1 / 3, 65536.0, 1e-30, float("inf"), float("nan")])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_scaled_loss_has_the_gradient_scaled_and_rounded_once(dtype: torch.dtype, factor: float) -> None:
    operands: dict[str, Any] = random_operands(dtype=dtype)
    for reduction in REDUCTIONS:
        live = leaves(operands, "input", "target")
        loss = call(live, reduction)
        scale = torch.tensor(factor, dtype=dtype)
        (loss * scale).backward(torch.ones_like(loss))
        upstream = scale.expand(loss.shape)
        for name, expected in zip(("input", "target"), numpy_gradients(operands, reduction, upstream), strict=True):
            assert bits(live[name].grad) == expected.tobytes()


def test_each_operand_alone_gets_the_gradient_that_it_gets_among_others() -> None:
    operands = random_operands()
    names = tuple(operands)
    for reduction in REDUCTIONS:
        live = leaves(operands)
        loss = call(live, reduction)
        together = dict(zip(names, grad(loss, tuple(live.values()), torch.ones_like(loss)), strict=True))
        for name in names:
            live = leaves(operands, name)
            alone = call(live, reduction)
            assert same(alone, loss)
            alone.backward(torch.ones_like(alone))
            assert same(live[name].grad, together[name])
            assert all(live[other].grad is None for other in names if other != name)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kinds", [("float32", "bfloat16"), ("bfloat16", "float32"), ("float16", "float64")])
def test_each_gradient_has_its_operands_dtype(kinds: tuple[str, str], reduction: str) -> None:
    x, t = (DTYPES[kind] for kind in kinds)
    operands: dict[str, Any] = random_operands() | {"input": torch.randn(5, 7).to(x), "target": torch.rand(5, 7).to(t)}
    live = leaves(operands)
    loss = call(live, reduction)
    loss.sum().backward()
    for operand in live.values():
        assert operand.grad.dtype == operand.dtype
    for name, expected in zip(("input", "target"), numpy_gradients(operands, reduction), strict=True):
        assert bits(live[name].grad) == expected.tobytes()


# ---- weight and pos_weight against the oracle ----------------------------------------------------------------------

PARTS: list[tuple[int, ...]] = [(), (1,), (7,), (5, 1), (1, 7), (5, 7)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_gradients_for_the_weights_are_the_truth_within_rounding(name: str, dtype: torch.dtype, reduction: str) -> None:
    """The loss is affine in each of them: its derivative is the difference between factors 1 and 0."""
    for part in PARTS:
        operands = random_operands(dtype=dtype)
        operands[name] = torch.rand(part).to(dtype) + 1
        live = leaves(operands, name)
        loss = call(live, reduction)
        upstream = (torch.rand(loss.shape) + 0.5).to(dtype)
        loss.backward(upstream)
        actual = live[name].grad
        assert actual.shape == part
        assert actual.dtype == dtype

        x, t, w, p = map(array, operands.values())
        factors = ({"weight": w, "pos_weight": p} | {name: value} for value in (1.0, 0.0))
        one, zero = (
            np.asarray(reference.binary_cross_entropy_with_logits(x, t, **f, reduction="none", precision="mp"))
            for f in factors
        )
        terms = (one - zero) * np.broadcast_to(array(upstream.double()), x.shape)
        if reduction == "mean":
            terms = terms / x.size
        kept = tuple(i for i in range(2) if i >= 2 - len(part) and part[i - 2 + len(part)] > 1)
        rows = np.transpose(terms, (*kept, *(i for i in range(2) if i not in kept))).reshape(actual.numel(), -1)
        truth, magnitude = rows.sum(axis=1), abs(rows).sum(axis=1).astype(np.float64)

        # Per term 2 ULP of the kernel and 3 roundings (upstream over count, times weight, times target), then the sum
        # of n terms in the arithmetic's dtype, which a rounding to the operand's follows.
        unit = 2.0 ** -(FORMATS["float64" if dtype == F64 else "float32"][0] + 1)
        bound = magnitude * unit * (rows.shape[1] + 8) + 0.5 * np.asarray(reference.ulp(truth, array(actual).dtype))
        error = abs(array(actual.double()).ravel() - truth).astype(np.float64)
        assert (error <= bound).all(), (error / bound).max()


# ---- several times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("factors", [(1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (2.0, 3.0), (1.0, 1.0, 1.0)])
def test_gradients_of_one_graph_share_no_memory(factors: tuple[float, ...], reduction: str) -> None:
    operands: dict[str, Any] = random_operands()
    live = leaves(operands, "input")
    loss = call(live, reduction)
    found: list[tuple[Tensor, bytes]] = []
    for factor in factors:
        upstream = torch.full_like(loss, factor)
        (gradient,) = grad(loss, live["input"], upstream, retain_graph=True)
        expected = numpy_result(BACKWARD, operands, reduction, torch.float32, upstream).tobytes()
        assert bits(gradient) == expected
        assert all(bits(earlier) == before for earlier, before in found)
        found.append((gradient, expected))
    assert len({gradient.data_ptr() for gradient, _ in found}) == len(factors)
    found[0][0].fill_(7)
    assert all(bits(later) == before for later, before in found[1:])


def test_a_gradient_that_the_receiver_changes_does_not_come_back() -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(9)
    loss = OURS(x, t)
    (first,) = grad(loss, x, retain_graph=True)
    expected = first.clone()
    first.zero_()
    loss.backward(retain_graph=True)
    assert same(x.grad, expected)
    x.grad.zero_()
    loss.backward()
    assert same(x.grad, expected)


def test_gradients_accumulate() -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(2, 9)
    parts = [grad(OURS(x, row), x)[0] for row in t]
    OURS(x, t[0]).backward()
    OURS(x, t[1]).backward()
    assert same(x.grad, parts[0] + parts[1])
    x.grad = None
    loss = OURS(x, t[0])
    loss.backward(retain_graph=True)
    loss.backward()
    assert same(x.grad, parts[0] + parts[0])


def test_a_graph_that_was_freed_cannot_be_walked_again() -> None:
    for function in (OURS, THEIRS):
        x = torch.randn(3, requires_grad=True)
        loss = function(x, torch.rand(3))
        loss.backward()
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
            loss.backward()


def test_gradients_for_some_of_the_operands_can_be_asked_for_one_after_the_other() -> None:
    operands = leaves(random_operands())
    loss = call(operands, "mean")
    together = grad(loss, tuple(operands.values()), retain_graph=True)
    loss = call(operands, "mean")
    for operand, expected in zip(reversed(operands.values()), reversed(together), strict=True):
        loss.backward(inputs=[operand], retain_graph=True)
        assert same(operand.grad, expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_gradient_with_a_graph_has_the_bits_of_one_without(reduction: str) -> None:
    operands = leaves(random_operands())
    loss = call(operands, reduction)
    upstream = torch.rand_like(loss)
    plain = grad(loss, tuple(operands.values()), upstream, retain_graph=True)
    with_graph = grad(loss, tuple(operands.values()), upstream, create_graph=True)
    for a, b in zip(plain, with_graph, strict=True):
        assert b.requires_grad
        assert same(a, b.detach())


def test_second_derivatives_have_the_dtypes_of_the_operands() -> None:
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        operands = leaves(random_operands(dtype=dtype))
        loss = call(operands, "mean")
        first = grad(loss, tuple(operands.values()), create_graph=True)
        for g, operand in zip(first, operands.values(), strict=True):
            assert (g.dtype, g.shape) == (operand.dtype, operand.shape)
        sum(g.float().sum() for g in first).backward()
        for operand in operands.values():
            assert (operand.grad.dtype, operand.grad.shape) == (operand.dtype, operand.shape)
            assert operand.grad.isfinite().all()


def test_a_batch_of_gradients_is_each_of_them() -> None:
    operands = leaves(random_operands((4,)))
    for reduction in REDUCTIONS:
        loss = call(operands, reduction)
        batch = torch.rand(3, *loss.shape)
        together = grad(loss, tuple(operands.values()), batch, is_grads_batched=True, retain_graph=True)
        for i, upstream in enumerate(batch):
            alone = grad(loss, tuple(operands.values()), upstream, retain_graph=True)
            for many, one in zip(together, alone, strict=True):
                assert same(many[i], one)


@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobians_and_hessians_of_the_functional_interface_are_pytorchs(vectorize: bool) -> None:
    x, t = torch.randn(4, dtype=F64), torch.rand(4, dtype=F64)

    def losses(function: Callable[..., Tensor]) -> Iterator[Tensor]:
        def loss(x: Tensor) -> Tensor:
            return function(x, t, reduction="none")

        yield torch.autograd.functional.jacobian(loss, x, vectorize=vectorize)
        if vectorize:
            yield torch.autograd.functional.jacobian(loss, x, vectorize=True, strategy="forward-mode")
        yield torch.autograd.functional.hessian(lambda x: function(x, t), x, vectorize=vectorize)

    for ours, theirs in zip(losses(OURS), losses(THEIRS), strict=True):
        torch.testing.assert_close(ours, theirs)


# ---- what autograd is known for ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["input", "target", "weight", "pos_weight"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_an_operand_that_was_written_to_since_is_noticed(reduction: str, name: str) -> None:
    operands = leaves(random_operands(), "input")
    operands[name] = operands[name] * 1
    loss = call(operands, reduction)
    operands[name].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.sum().backward()


def test_hooks_see_and_change_gradients() -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(9)
    (plain,) = grad(OURS(x, t), x)
    seen: list[Tensor] = []

    def hook(g: Tensor) -> Tensor:
        seen.append(g)
        return 2 * g

    x.register_hook(hook)
    accumulated: list[int] = []
    x.register_post_accumulate_grad_hook(lambda v: accumulated.append(v.grad.numel()))
    loss = OURS(x, t)
    loss.register_hook(lambda g: 1 * g)
    loss.backward()
    assert same(seen[0], plain)
    assert same(x.grad, 2 * plain)
    assert accumulated == [9]


def test_a_hook_on_the_loss_scales_what_comes_back() -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(9)
    loss = OURS(x, t)
    loss.register_hook(lambda g: g * 3)
    loss.backward()
    assert same(x.grad, grad(3 * OURS(x, t), x)[0])


def test_logits_that_are_no_leaf_pass_their_gradient_on() -> None:
    base, t = torch.randn(9, requires_grad=True), torch.rand(9)
    x = base * 2
    x.retain_grad()
    OURS(x, t).backward()
    assert same(base.grad, x.grad * 2)
    assert same(x.grad, grad(OURS(v := x.detach().requires_grad_(), t), v)[0])


def test_tensors_that_are_the_same_get_the_sum_of_their_gradients() -> None:
    x = torch.rand(9, requires_grad=True)
    for_input = numpy_result(BACKWARD, {"input": x, "target": x}, "sum", torch.float32)
    for_target = numpy_result(TARGET_BACKWARD, {"input": x, "target": x}, "sum", torch.float32)
    OURS(x, x, reduction="sum").backward()
    assert bits(x.grad) == (for_input + for_target).tobytes()


def test_operands_in_one_buffer_are_read_where_they_lie() -> None:
    buffer = torch.rand(12)
    x, t, w = buffer[:8], buffer[2:10], buffer[4:]
    for reduction in REDUCTIONS:
        assert same(OURS(x, t, w, reduction=reduction), OURS(x.clone(), t.clone(), w.clone(), reduction=reduction))
        live = x.detach().requires_grad_()
        (gradient,) = grad(OURS(live, t, w, reduction=reduction).sum(), live)
        (apart,) = grad(OURS(v := x.clone().requires_grad_(), t.clone(), w.clone(), reduction=reduction).sum(), v)
        assert same(gradient, apart)
    assert same(buffer[:8], x)


def test_nothing_is_recorded_where_nothing_wants_a_gradient() -> None:
    x, t = torch.randn(3, requires_grad=True), torch.rand(3)
    expected = OURS(x.detach(), t)
    assert expected.grad_fn is None
    with torch.no_grad():
        result = OURS(x, t)
        assert not result.requires_grad
        assert same(result, expected)
        with torch.enable_grad():
            assert OURS(x, t).requires_grad
    with torch.inference_mode():
        result = OURS(x, t)
        assert result.is_inference()
    assert same(result, expected)


def test_tensors_of_inference_mode_are_refused_where_autograd_keeps_them_as_pytorch_does() -> None:
    with torch.inference_mode():
        t = torch.rand(3)
    for function in (OURS, THEIRS):
        with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
            function(torch.randn(3, requires_grad=True), t)
    assert OURS(torch.randn(3), t).isfinite()


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_a_checkpoint_computes_again_what_it_did_not_keep(use_reentrant: bool) -> None:
    x, t = torch.randn(9, requires_grad=True), torch.rand(9)
    loss = checkpoint(lambda x: OURS(x.tanh(), t), x, use_reentrant=use_reentrant)
    loss.backward()
    assert same(x.grad, grad(OURS(x.tanh(), t), x)[0])


def test_hooks_on_what_is_saved_are_honoured() -> None:
    operands = leaves(random_operands())
    expected = grad(call(operands, "mean"), tuple(operands.values()))
    packed: list[int] = []

    def pack(t: Tensor) -> Any:
        packed.append(t.numel())
        return t.numpy(force=True)

    with torch.autograd.graph.saved_tensors_hooks(pack, torch.tensor):
        loss = call(operands, "mean")
    assert len(packed) == len(operands)
    for a, b in zip(grad(loss, tuple(operands.values())), expected, strict=True):
        assert same(a, b)
    with torch.autograd.graph.save_on_cpu():
        loss = call(operands, "sum")
    loss.backward()


@pytest.mark.filterwarnings("ignore:Anomaly Detection:UserWarning")
def test_anomalies_are_found_where_they_arise() -> None:
    x = torch.tensor([float("nan"), 1.0], requires_grad=True)
    with torch.autograd.detect_anomaly(), pytest.warns(UserWarning, match="Error detected in _EagerBackward"):  # noqa: SIM117
        with pytest.raises(RuntimeError, match="returned nan values"):
            OURS(x, torch.ones(2)).backward()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_gradient_whose_memory_holds_its_negative_is_read_right(reduction: str) -> None:
    operands = leaves(random_operands((5,)))
    loss = call(operands, reduction)
    upstream = torch.complex(torch.zeros_like(loss), torch.rand_like(loss).detach()).conj().imag.detach()
    assert upstream.is_neg()
    for a, b in zip(
        grad(loss, tuple(operands.values()), upstream, retain_graph=True),
        grad(loss, tuple(operands.values()), upstream.resolve_neg()),
        strict=True,
    ):
        assert same(a, b)


def test_operands_whose_memory_holds_their_negative_are_read_right() -> None:
    x = torch.complex(torch.zeros(5), torch.randn(5)).conj().imag
    t = torch.complex(torch.zeros(5), -torch.rand(5)).conj().imag
    assert x.is_neg()
    assert same(OURS(x, t), OURS(x.resolve_neg(), t.resolve_neg()))
    live = x.detach().requires_grad_()
    (gradient,) = grad(OURS(live, t), live)
    assert same(gradient, grad(OURS(v := x.resolve_neg().requires_grad_(), t), v)[0])


# ---- memory layout -------------------------------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "contiguous": lambda: torch.rand(2, 3, 4, 5),
    "channels last": lambda: torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "dimensions the other way round": lambda: torch.rand(5, 4, 3, 2).permute(3, 2, 1, 0),
    "two dimensions swapped": lambda: torch.rand(3, 2, 5, 4).permute(1, 0, 3, 2),
    "every second": lambda: torch.rand(4, 6, 8, 10)[::2, ::2, ::2, ::2],
    "expanded rows": lambda: torch.rand(2, 1, 4, 5).expand(2, 3, 4, 5),
    "one element": lambda: torch.rand(()).expand(2, 3, 4, 5),
    "expanded and permuted": lambda: torch.rand(1, 5, 1, 3).expand(2, 5, 4, 3).permute(0, 3, 2, 1),
}


@pytest.mark.parametrize("for_input", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("for_target", LAYOUTS.values(), ids=LAYOUTS)
def test_losses_and_gradients_lie_in_memory_as_pytorchs_do(
    for_input: Callable[[], Tensor], for_target: Callable[[], Tensor]
) -> None:
    x, t = for_input(), for_target()
    results = {}
    for function in (OURS, THEIRS):
        live = x.detach().requires_grad_()
        loss = function(live, t, reduction="none")
        (of_elements,) = grad(loss.sum(), live)
        (of_mean,) = grad(function(live, t), live)
        results[function] = [v.stride() for v in (loss, of_elements, of_mean)]
    assert results[OURS] == results[THEIRS]
    dense = OURS(x.contiguous(), t.contiguous(), reduction="none")
    assert same(OURS(x, t, reduction="none"), dense)


def test_a_stride_may_be_larger_than_the_tensor_is_long() -> None:
    """Of a dimension with one element, any; of others, as far as the memory reaches."""
    x = torch.randn(3).as_strided((1, 3), (2**61, 1)).requires_grad_()
    t = torch.rand(3).as_strided((3, 1), (1, 2**40)).t()
    assert same(OURS(x, t), OURS(x.reshape(1, 3).clone(), t.clone()))
    OURS(x, t).backward()
    assert same(x.grad, grad(OURS(v := x.detach().clone().requires_grad_(), t.clone()), v)[0])
    wide = torch.zeros(2**24 + 1)
    wide[0], wide[2**23], wide[2**24] = -3.0, 0.5, 4.0
    far = wide.as_strided((3,), (2**23,))
    assert same(OURS(far, torch.ones(3)), OURS(far.clone(), torch.ones(3)))


# ---- threads of Python -------------------------------------------------------------------------------------------


def in_threads(work: Callable[[int], None], count: int = 2) -> None:
    """Run `work` in threads that start together; the first error of any is raised."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(i: int) -> None:
        barrier.wait()
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def test_threads_compute_at_the_same_time() -> None:
    """Long enough for the interpreter's lock to be let go of."""
    operands = [random_operands((200, 301)) for _ in range(2)]
    expected = [
        (numpy_result(LOSS, {**o}, "mean", torch.float32).tobytes(), numpy_gradients({**o}, "mean")[0].tobytes())
        for o in operands
    ]

    def work(i: int) -> None:
        for _ in range(10):
            live = leaves(operands[i], "input")
            loss = call(live, "mean")
            loss.backward()
            assert (bits(loss), bits(live["input"].grad)) == expected[i]

    in_threads(work)


def test_threads_walk_one_graph_at_the_same_time() -> None:
    live = leaves(random_operands((200, 301)), "input")
    factors = (1.0, 2.0)
    expected = [bits(grad(call(live, "mean") * factor, live["input"])[0]) for factor in factors]
    for _ in range(10):
        loss = call(live, "mean")

        def work(i: int, loss: Tensor = loss) -> None:
            upstream = torch.tensor(factors[i])
            for _ in range(2):
                assert bits(grad(loss, live["input"], upstream, retain_graph=True)[0]) == expected[i]

        in_threads(work)
