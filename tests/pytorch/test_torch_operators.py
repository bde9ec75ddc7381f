"""The registered operators: opcheck, fake and meta tensors, torch.compile, torch.export and the other tracers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.library import opcheck
from torch_helpers import DTYPES, OURS, REDUCTIONS, THEIRS, WEIGHTS, call, random_operands, same, with_weights

from bcelogits.torch import BCEWithLogitsLoss, patch

OPERATORS = {name: getattr(torch.ops.bcelogits, name).default for name in ("loss", "backward", "target_backward")}
ALL_WEIGHTS = ("weight", "pos_weight")


@pytest.fixture(autouse=True)
def _no_graphs_of_other_tests() -> None:
    torch._dynamo.reset()


def arguments(name: str, operands: dict[str, Any], reduction: str) -> tuple[Any, ...]:
    code = REDUCTIONS.index(reduction)
    values = (*(operands[k] for k in ("input", "target", "weight", "pos_weight")), code)
    if name == "loss":
        return (*values, operands["target"].dtype)
    x = operands["input"]
    shape = x.shape if reduction == "none" else ()
    return (torch.rand(shape).to(x.dtype).requires_grad_(x.requires_grad), *values)


def live(operands: dict[str, Any]) -> dict[str, Any]:
    return {k: v.detach().requires_grad_() if v is not None else None for k, v in operands.items()}


# ---- opcheck -----------------------------------------------------------------------------------------------------


CHECKS = [
    *itertools.product(DTYPES.values(), ["mean"], [ALL_WEIGHTS]),
    *itertools.product([torch.float32], ["none", "sum"], [ALL_WEIGHTS]),
    *itertools.product([torch.float32], ["mean"], WEIGHTS[:-1]),
]


@pytest.mark.parametrize(("dtype", "reduction", "given"), CHECKS, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_passes_opcheck(name: str, dtype: torch.dtype, reduction: str, given: tuple[str, ...]) -> None:
    operands = live(with_weights(random_operands((3, 4), dtype), given))
    found = opcheck(OPERATORS[name], arguments(name, operands, reduction))
    assert set(found.values()) == {"SUCCESS"}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_passes_opcheck_for_other_layouts(name: str) -> None:
    t = torch.rand(2, 3, 4, 5)
    layouts = [
        (torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), t),
        (torch.randn(5, 4, 3, 2).permute(3, 2, 1, 0), t[:, :, ::1]),
        (torch.randn(2, 1, 4, 5).expand(2, 3, 4, 5), torch.rand(4, 6, 8, 10)[::2, ::2, ::2, ::2]),
        (torch.randn(()), torch.rand(())),
        (torch.randn(0, 3), torch.rand(0, 3)),
    ]
    for x, target in layouts:
        operands = {"input": x, "target": target, "weight": None, "pos_weight": None}
        for reduction in ("none", "sum"):
            found = opcheck(OPERATORS[name], arguments(name, operands, reduction))
            assert set(found.values()) == {"SUCCESS"}


def test_the_operators_are_the_three_with_these_schemas() -> None:
    operands = "Tensor input, Tensor target, Tensor? weight, Tensor? pos_weight, int reduction"
    schemas = {name: str(operator._schema) for name, operator in OPERATORS.items()}
    assert schemas == {
        "loss": f"bcelogits::loss({operands}, ScalarType dtype) -> Tensor",
        "backward": f"bcelogits::backward(Tensor grad_output, {operands}) -> Tensor",
        "target_backward": f"bcelogits::target_backward(Tensor grad_output, {operands}) -> Tensor",
    }


# ---- fake and meta tensors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_fake_tensors_know_shape_dtype_and_strides_and_touch_no_memory(reduction: str) -> None:
    with FakeTensorMode():
        x = torch.empty(2**20, 2**20).t().requires_grad_()
        t = torch.empty(2**20, 2**20, dtype=torch.float16)
        loss = OURS(x, t, reduction=reduction)
        assert loss.dtype == torch.float16
        assert loss.shape == (x.shape if reduction == "none" else ())
        assert loss.stride() == (t.stride() if reduction == "none" else ())
        loss.sum().backward()
        assert (x.grad.shape, x.grad.stride(), x.grad.dtype) == (x.shape, x.stride(), x.dtype)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_meta_tensors_give_what_pytorch_gives(reduction: str) -> None:
    results = []
    for function in (OURS, THEIRS):
        x = torch.empty(3, 5, device="meta", requires_grad=True)
        t = torch.empty(3, 5, device="meta", dtype=torch.bfloat16)
        loss = function(x, t, torch.empty(5, device="meta"), reduction=reduction)
        loss.sum().backward()
        results.append([(v.device.type, v.shape, v.dtype, v.stride()) for v in (loss, x.grad)])
    assert results[0] == results[1]


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_takes_meta_tensors_and_none_beside_real_ones(name: str) -> None:
    operands: dict[str, Any] = with_weights(random_operands(), ())
    on_meta = {k: None if v is None else v.to("meta") for k, v in operands.items()}
    values = [v.to("meta") if isinstance(v, Tensor) else v for v in arguments(name, operands, "mean")]
    assert OPERATORS[name](*values).is_meta
    for key in ("input", "target"):
        mixed = arguments(name, operands | {key: on_meta[key]}, "mean")
        with pytest.raises(RuntimeError, match="expected all on one device"):
            OPERATORS[name](*mixed)


def test_fake_tensors_are_checked_as_real_ones_are() -> None:
    with FakeTensorMode():
        x = torch.empty(3, 2)
        with pytest.raises(ValueError, match=r"^target: shape \(2,\), expected \(3, 2\), the shape of input$"):
            OURS(x, torch.empty(2))
        broadcast = r"expected one that broadcasts to \(3, 2\), the shape of target$"
        with pytest.raises(RuntimeError, match=r"^weight: shape \(3,\), " + broadcast):
            OURS(x, x, torch.empty(3))
        with pytest.raises(RuntimeError, match=r"^target: dtype int64, expected a tensor of float32, "):
            OURS(x, torch.zeros(3, 2, dtype=torch.int64))


# ---- torch.compile -----------------------------------------------------------------------------------------------


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    # Without generated code, which would only be the operators' surroundings and take seconds for each test.
    return torch.compile(function, **{"fullgraph": True, "backend": "aot_eager", **options})


def loss_and_gradients(function: Callable[..., Tensor], operands: dict[str, Any], reduction: str) -> list[Tensor]:
    leaves = live(operands)
    loss = call(leaves, reduction, function)
    wanted = [v for v in leaves.values() if v is not None]
    return [loss.detach(), *grad(loss, wanted, torch.full_like(loss, 3))]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("given", [(), ALL_WEIGHTS], ids=str)
def test_compiled_code_gives_the_bits_of_eager_code(given: tuple[str, ...], reduction: str, dynamic: bool) -> None:
    function = compiled(OURS, dynamic=dynamic)
    for dtype, shape in ((torch.float32, (5, 7)), (torch.bfloat16, (3, 7))):
        operands = with_weights(random_operands(shape, dtype), given)
        for ours, eager in zip(
            loss_and_gradients(function, operands, reduction),
            loss_and_gradients(OURS, operands, reduction),
            strict=True,
        ):
            assert same(ours, eager)


def test_dynamic_shapes_are_compiled_once() -> None:
    compilations = []

    def backend(graph: Any, inputs: Any) -> Any:
        compilations.append(graph)
        return graph.forward

    function = torch.compile(OURS, fullgraph=True, dynamic=True, backend=backend)
    for n in (3, 5, 9, 40):
        operands = random_operands((n, 4))
        assert same(call(operands, "mean", function), call(operands, "mean"))
    assert len(compilations) == 1


def test_sizes_that_are_symbols_are_checked_by_the_call() -> None:
    function = compiled(OURS, dynamic=True)
    x = torch.zeros(5, 4)
    function(x, x, pos_weight=torch.ones(4))
    with pytest.raises(ValueError, match=r"^target: shape \(4, 3\), expected \(5, 3\), the shape of input$"):
        function(torch.zeros(5, 3), torch.zeros(4, 3))
    with pytest.raises(RuntimeError, match=r"^pos_weight: shape \(3,\), expected one that broadcasts to \(5, 4\), "):
        function(x, x, pos_weight=torch.ones(3))


@pytest.mark.exhaustive
def test_inductor_compiles_a_step_with_the_bits_of_eager_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its code generator, and with other operations around the loss."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    def step(x: Tensor, t: Tensor, pos_weight: Tensor) -> Tensor:
        return OURS(x * 0.5, t, pos_weight=pos_weight) * 8

    operands = random_operands((6, 4))
    results = []
    for function in (step, torch.compile(step, fullgraph=True)):
        x = operands["input"].clone().requires_grad_()
        loss = function(x, operands["target"], operands["pos_weight"])
        loss.backward()
        results.append((loss.detach(), x.grad))
    assert all(same(a, b) for a, b in zip(*results, strict=True))


def test_a_compiled_module_keeps_its_weights() -> None:
    operands = random_operands()
    module = BCEWithLogitsLoss(operands["weight"], pos_weight=torch.nn.Parameter(operands["pos_weight"]))
    result = compiled(module)(operands["input"], operands["target"])
    assert same(result.detach(), call(operands, "mean"))
    result.backward()
    assert module.pos_weight.grad is not None


def test_patched_code_compiles() -> None:
    operands = random_operands()
    with patch():
        criterion = torch.nn.BCEWithLogitsLoss(pos_weight=operands["pos_weight"])
        result = compiled(criterion)(operands["input"], operands["target"])
    assert same(result, OURS(operands["input"], operands["target"], pos_weight=operands["pos_weight"]))


def test_compiled_code_under_autocast_has_the_dtype_of_eager_code() -> None:
    operands = random_operands(dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result, eager = call(operands, "mean", compiled(OURS)), call(operands, "mean")
    assert result.dtype == torch.float32
    assert same(result, eager)


def test_an_invalid_call_fails_while_it_is_compiled() -> None:
    with pytest.raises(Exception, match="the shape of input"):
        compiled(OURS)(torch.ones(3), torch.ones(4))
    with pytest.raises(Exception, match="expected 'none', 'mean' or 'sum'"):
        compiled(lambda x: OURS(x, x, reduction="x"))(torch.ones(3))


def test_vmap_in_compiled_code_gives_pytorchs_loss() -> None:
    x, t = torch.randn(4, 3), torch.rand(4, 3)
    assert same(compiled(torch.vmap(OURS))(x, t), torch.vmap(THEIRS)(x, t))


TRANSFORMS: dict[str, Callable[[Callable[..., Tensor]], Callable[..., Any]]] = {
    "grad": lambda f: lambda x, t: torch.func.grad(lambda x: f(x, t))(x),
    "vmap of grad": lambda f: torch.vmap(torch.func.grad(f)),
    "jvp": lambda f: lambda x, t: torch.func.jvp(lambda x: f(x, t), (x,), (t,))[1],
    "hessian": lambda f: lambda x, t: torch.func.hessian(lambda x: f(x, t))(x),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_in_compiled_code_give_pytorchs_derivatives(
    transform: Callable[[Callable[..., Tensor]], Callable[..., Any]],
) -> None:
    """There PyTorch's own loss runs: it knows no transforms of operators with a derivative of their own."""
    x, t = torch.randn(4, 3, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    torch.testing.assert_close(compiled(transform(OURS))(x, t), transform(THEIRS)(x, t))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_of_compiled_code_give_the_derivatives_of_eager_code(
    transform: Callable[[Callable[..., Tensor]], Callable[..., Any]],
) -> None:
    x, t = torch.randn(4, 3, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    torch.testing.assert_close(transform(compiled(OURS, fullgraph=False))(x, t), transform(OURS)(x, t))


# ---- other tracers -------------------------------------------------------------------------------------------------


class Model(torch.nn.Module):
    """Logits of a linear layer and their loss."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)
        self.criterion = BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        result: Tensor = self.criterion(self.linear(features), target)
        return result


@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_program_survives_a_file(tmp_path: Path, strict: bool) -> None:
    model, example = Model(), (torch.randn(5, 4), torch.rand(5, 3))
    batch = torch.export.Dim("batch", min=2, max=1000)
    program = torch.export.export(model, example, dynamic_shapes=({0: batch}, {0: batch}), strict=strict)
    assert "torch.ops.bcelogits.loss.default" in program.graph_module.code
    torch.export.save(program, tmp_path / "program.pt2")
    loaded = torch.export.load(tmp_path / "program.pt2").module()
    for n in (5, 11):
        features, target = torch.randn(n, 4), torch.rand(n, 3)
        assert same(loaded(features, target).detach(), model(features, target).detach())


def test_make_fx_records_the_operator() -> None:
    x, t = torch.randn(4), torch.rand(4)
    assert "torch.ops.bcelogits.loss.default" in make_fx(lambda x: OURS(x, t))(x).code
    code = make_fx(lambda x, t: torch.func.grad(OURS)(x, t))(x, t).code
    assert "torch.ops.bcelogits.backward.default" in code


def test_make_fx_records_the_backward_pass_of_autograd() -> None:
    def step(x: Tensor, t: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        return grad(OURS(x, t) * 3, x)[0]

    x, t = torch.randn(4), torch.rand(4)
    graph = make_fx(step)(x, t)
    other = torch.randn(4)
    assert same(graph(other, t), step(other, t))


def test_symbolic_trace_records_our_function() -> None:
    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.criterion = BCEWithLogitsLoss()

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return OURS(x, t, reduction="sum") + self.criterion(x, t)

    graph = torch.fx.symbolic_trace(Step())
    assert [n.target for n in graph.graph.nodes].count(OURS) == 2
    x, t = torch.randn(4), torch.rand(4)
    assert same(graph(x, t), Step()(x, t))


def test_torch_jit_trace_records_the_operator() -> None:
    """Not the memory that the engine has written to."""
    x, t = torch.randn(4), torch.rand(4)
    traced = torch.jit.trace(OURS, (x, t))
    assert "bcelogits::loss" in str(traced.graph)
    other = torch.randn(4, requires_grad=True)
    loss = traced(other, t)
    assert same(loss.detach(), OURS(other, t).detach())
    assert same(grad(loss, other)[0], grad(OURS(other, t), other)[0])


def test_torch_jit_script_is_not_supported_and_says_so() -> None:
    from torch.jit.frontend import NotSupportedError

    with pytest.raises(NotSupportedError):
        torch.jit.script(BCEWithLogitsLoss())
