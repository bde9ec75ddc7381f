"""``torch.func`` and forward mode: grad, vmap, jvp, jacobians, hessians, nested, with the bits of the plain calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, grad
from torch.func import functional_call, functionalize, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap
from torch_helpers import DTYPES, NAMES, OURS, REDUCTIONS, THEIRS, WEIGHTS, call, random_operands, same, with_weights

F64 = torch.float64


def plain_gradients(operands: dict[str, Any], reduction: str, upstream: Tensor | None = None) -> dict[str, Tensor]:
    """Of all operands, through autograd without transforms."""
    live = {k: v.detach().requires_grad_() for k, v in operands.items() if v is not None}
    loss = call(live, reduction)
    results = grad(loss, tuple(live.values()), torch.ones_like(loss) if upstream is None else upstream)
    return dict(zip(live, results, strict=True))


# ---- one transform -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", WEIGHTS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_grad_gives_the_bits_of_autograd(dtype: torch.dtype, given: tuple[str, ...]) -> None:
    operands = with_weights(random_operands(dtype=dtype), given)
    for reduction in ("mean", "sum"):
        gradients, loss = torch.func.grad_and_value(lambda o, r=reduction: call(o, r))(
            {k: v for k, v in operands.items() if v is not None}
        )
        assert same(loss, call(operands, reduction))
        for name, expected in plain_gradients(operands, reduction).items():
            assert same(gradients[name], expected)


def test_vjp_gives_the_bits_of_autograd() -> None:
    operands = random_operands()
    for reduction in REDUCTIONS:
        loss, pull = vjp(lambda o, r=reduction: call(o, r), operands)
        upstream = torch.rand_like(loss)
        (gradients,) = pull(upstream)
        for name, expected in plain_gradients(operands, reduction, upstream).items():
            assert same(gradients[name], expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_vmap_is_a_call_for_each(reduction: str) -> None:
    batch = random_operands((6, 5, 7)) | {"pos_weight": torch.rand(6, 7), "weight": torch.rand(6, 5, 1)}
    together = vmap(lambda o: call(o, reduction))(batch)
    for i, one in enumerate(together):
        assert same(one, call({k: v[i] for k, v in batch.items()}, reduction))


def test_vmap_goes_along_any_dimension_of_any_operand() -> None:
    x, t, w = torch.randn(5, 7, 6), torch.rand(6, 5, 7), torch.rand(7)
    together = vmap(lambda x, t, w: OURS(x, t, w), in_dims=(2, 0, None))(x, t, w)
    assert same(together, torch.stack([OURS(x[..., i], t[i], w) for i in range(6)]))
    together = vmap(lambda w: OURS(x[..., 0], t[0], w))(torch.rand(4, 7))
    assert together.shape == (4,)
    together = vmap(lambda x: OURS(x, t[0], reduction="none"), in_dims=-1, out_dims=1)(x)
    assert together.shape == (5, 6, 7)
    assert same(together[:, 2], OURS(x[..., 2], t[0], reduction="none"))
    assert same(vmap(lambda x, t: OURS(x, t), chunk_size=4)(x, x), vmap(lambda x, t: OURS(x, t))(x, x))


def test_nested_vmaps_are_a_call_for_each() -> None:
    x, t = torch.randn(3, 4, 5), torch.rand(3, 4, 5)
    together = vmap(vmap(OURS))(x, t)
    assert together.shape == (3, 4)
    for i, j in itertools.product(range(3), range(4)):
        assert same(together[i, j], OURS(x[i, j], t[i, j]))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_vmap_over_nothing_has_pytorchs_shape(reduction: str) -> None:
    x, t = torch.empty(0, 3, requires_grad=True), torch.empty(0, 3)
    results = [vmap(lambda x, t, f=f: f(x, t, reduction=reduction))(x, t) for f in (OURS, THEIRS)]
    assert same(*results)
    results[0].sum().backward()
    assert same(x.grad, torch.empty(0, 3))


def test_autograd_goes_through_vmap() -> None:
    x, t = torch.randn(4, 5, requires_grad=True), torch.rand(4, 5, requires_grad=True)
    vmap(OURS)(x, t).sum().backward()
    for row, gradient in ((x, x.grad), (t, t.grad)):
        rows = [grad(OURS(a, b), a if row is x else b)[0] for a, b in zip(x.split(1), t.split(1), strict=True)]
        assert same(gradient, torch.cat(rows))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_jvp_is_the_directional_derivative(name: str, reduction: str) -> None:
    operands = {k: v.to(F64) for k, v in random_operands().items()}
    direction = torch.rand_like(operands[name])
    tangents = [
        jvp(lambda v, f=f: call(operands | {name: v}, reduction, f), (operands[name],), (direction,))[1]
        for f in ((OURS, THEIRS) if name in ("input", "target") else (OURS,))
    ]
    if len(tangents) == 2:
        torch.testing.assert_close(*tangents)
    # The same from reverse mode: J v by two backward passes.
    v = operands[name].detach().requires_grad_()
    loss = call(operands | {name: v}, reduction)
    dummy = torch.zeros_like(loss, requires_grad=True)
    (pulled,) = grad(loss, v, dummy, create_graph=True)
    (expected,) = grad(pulled, dummy, direction)
    torch.testing.assert_close(tangents[0], expected)


def test_dual_numbers_carry_tangents() -> None:
    x, t, dx = torch.randn(5), torch.rand(5), torch.rand(5)
    with forward_ad.dual_level():
        primal, tangent = forward_ad.unpack_dual(OURS(forward_ad.make_dual(x, dx), t))
        _, theirs = forward_ad.unpack_dual(THEIRS(forward_ad.make_dual(x, dx), t))
        assert tangent is not None
        torch.testing.assert_close(tangent, theirs)
        assert forward_ad.unpack_dual(OURS(x, t)).tangent is None
    assert same(primal, OURS(x, t))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_tangent_has_the_dtype_of_the_loss(dtype: torch.dtype) -> None:
    operands = random_operands(dtype=dtype)
    for name in NAMES:
        for reduction in REDUCTIONS:
            value, tangent = jvp(
                lambda v, n=name, r=reduction: call(operands | {n: v}, r),
                (operands[name],),
                (torch.ones_like(operands[name]),),
            )
            assert (value.dtype, value.shape) == (tangent.dtype, tangent.shape)
            assert value.dtype == dtype


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning")  # PyTorch's, of its own graph
def test_a_function_may_be_linearized() -> None:
    x, t, dx = torch.randn(5, dtype=F64), torch.rand(5, dtype=F64), torch.rand(5, dtype=F64)
    value, tangent = jvp(lambda x: OURS(x, t), (x,), (dx,))
    linear_value, linear = linearize(lambda x: OURS(x, t), x)
    assert same(linear_value, value)
    torch.testing.assert_close(linear(dx), tangent)


# ---- several transforms --------------------------------------------------------------------------------------------


def test_gradients_per_sample_are_those_of_each_sample() -> None:
    """The use that vmap(grad) is made for, through a module's parameters."""
    model = torch.nn.Linear(4, 3)
    parameters = {k: v.detach() for k, v in model.named_parameters()}
    features, targets = torch.randn(6, 4), torch.rand(6, 3).round()
    pos_weight = torch.rand(3) + 1

    def loss(parameters: dict[str, Tensor], x: Tensor, t: Tensor) -> Tensor:
        return OURS(functional_call(model, parameters, (x,)), t, pos_weight=pos_weight)

    per_sample = vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(parameters, features, targets)
    for i, (x, t) in enumerate(zip(features, targets, strict=True)):
        logits = model(x)
        expected = grad(logits, tuple(model.parameters()), grad(OURS(logits, t, pos_weight=pos_weight), logits)[0])
        for name, value in zip(parameters, expected, strict=True):
            torch.testing.assert_close(per_sample[name][i], value)


def test_gradients_per_sample_of_the_logits_have_the_bits_of_each_samples() -> None:
    batch = random_operands((6, 7))
    shared = {k: batch[k][0] if k == "weight" else batch[k] for k in ("weight", "pos_weight")}
    per_sample = vmap(torch.func.grad(lambda x, t: call({"input": x, "target": t, **shared}, "mean")))(
        batch["input"], batch["target"]
    )
    for i, gradient in enumerate(per_sample):
        one = {"input": batch["input"][i], "target": batch["target"][i], **shared}
        assert same(gradient, plain_gradients(one, "mean")["input"])


JACOBIANS: dict[str, Callable[..., Any]] = {"jacrev": jacrev, "jacfwd": jacfwd}


@pytest.mark.parametrize("transform", JACOBIANS.values(), ids=JACOBIANS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_jacobians_are_pytorchs(transform: Callable[..., Any], reduction: str) -> None:
    x, t = torch.randn(2, 3, dtype=F64), torch.rand(2, 3, dtype=F64)
    for argument in (0, 1):
        ours, theirs = (
            transform(lambda x, t, f=f: f(x, t, reduction=reduction), argnums=argument)(x, t) for f in (OURS, THEIRS)
        )
        torch.testing.assert_close(ours, theirs)


HESSIANS: dict[str, Callable[..., Any]] = {
    "forward over reverse": hessian,
    "reverse over reverse": lambda f: jacrev(jacrev(f)),
    "reverse over forward": lambda f: jacrev(jacfwd(f)),
}


@pytest.mark.parametrize("transform", HESSIANS.values(), ids=HESSIANS)
def test_hessians_are_pytorchs(transform: Callable[..., Any]) -> None:
    x, t, w = torch.randn(4, dtype=F64), torch.rand(4, dtype=F64), torch.rand(4, dtype=F64)
    ours, theirs = (transform(lambda x, f=f: f(x, t, w, pos_weight=2 * w))(x) for f in (OURS, THEIRS))
    torch.testing.assert_close(ours, theirs)
    batch = torch.randn(3, 4, dtype=F64)
    ours, theirs = (vmap(transform(lambda x, f=f: f(x, t)))(batch) for f in (OURS, THEIRS))
    torch.testing.assert_close(ours, theirs)


def test_grad_of_grad_and_grad_of_vmap_nest() -> None:
    x, t = torch.randn(3, 4, dtype=F64), torch.rand(3, 4, dtype=F64)
    nests: list[Callable[[Callable[..., Tensor]], Tensor]] = [
        lambda f: torch.func.grad(lambda x: torch.func.grad(lambda x: f(x, t))(x).square().sum())(x),
        lambda f: torch.func.grad(lambda x: vmap(f)(x, t).square().sum())(x),
        lambda f: vmap(vmap(torch.func.grad(torch.func.grad(f))))(x, t),
        lambda f: jvp(torch.func.grad(lambda x: f(x, t)), (x,), (t,))[1],
        lambda f: torch.func.grad(lambda x: jvp(lambda x: f(x, t), (x,), (t,))[1])(x),
        lambda f: vmap(lambda v: jvp(lambda x: f(x, t), (x,), (v,))[1])(torch.stack([t, x])),
    ]
    for nest in nests:
        torch.testing.assert_close(nest(OURS), nest(THEIRS))


def test_a_closure_over_what_an_outer_transform_tracks_works() -> None:
    x, t = torch.randn(4, dtype=F64), torch.rand(4, dtype=F64)

    def inner(x: Tensor) -> Tensor:
        return torch.func.grad(lambda w: OURS(x, t, w * x.exp(), reduction="sum"))(t).sum()

    # The inner derivative is loss(x, t) exp(x), elementwise.
    v = x.detach().requires_grad_()
    (expected,) = grad((THEIRS(v, t, reduction="none") * v.exp()).sum(), v)
    torch.testing.assert_close(torch.func.grad(inner)(x), expected)


# ---- where PyTorch's own runs ---------------------------------------------------------------------------------------


def test_functionalize_runs_pytorchs_own() -> None:
    """It takes neither autograd functions nor, under another transform, operators with a derivative of their own."""
    x, t = torch.randn(4), torch.rand(4)
    assert same(functionalize(OURS)(x, t), THEIRS(x, t))
    assert same(functionalize(torch.func.grad(OURS))(x, t), torch.func.grad(THEIRS)(x, t))


def test_a_jvp_of_a_jvp_runs_pytorchs_own() -> None:
    """In one, the second tangent of an autograd function would silently be 0."""
    x, t, v = torch.randn(4), torch.rand(4), torch.rand(4)

    def second(function: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda x: jvp(lambda x: jvp(lambda x: function(x, t), (x,), (v,))[1], (x,), (v,))[1]

    assert second(OURS)(x) != 0
    assert same(second(OURS)(x), second(THEIRS)(x))
    assert same(torch.func.grad(second(OURS))(x), torch.func.grad(second(THEIRS))(x))


def test_the_loss_is_ours_again_after_a_transform_that_failed() -> None:
    x, t = torch.tensor([-20.0]), torch.tensor([0.0])

    def fails(x: Tensor) -> Tensor:
        raise ZeroDivisionError

    for transform in (torch.func.grad(fails), vmap(fails), functionalize(fails)):
        with pytest.raises(ZeroDivisionError):
            transform(x)
    assert OURS(x, t).item() > 0
