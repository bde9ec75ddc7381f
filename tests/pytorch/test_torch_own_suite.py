"""PyTorch's own tests of this loss, from the installed package, run against ours; and a table of what differs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from oracle import BACKWARD, LOSS, TARGET_BACKWARD, Array, assert_within_contract, truth
from torch import Tensor
from torch_helpers import DTYPES, NAMES, OURS, REDUCTIONS, THEIRS, array, numpy_result, same

from bcelogits import reference
from bcelogits.torch import BCEWithLogitsLoss, patch

pytest.importorskip("expecttest", reason="PyTorch's tests need expecttest")

from torch.testing._internal import common_nn
from torch.testing._internal.autocast_test_lists import AutocastCPUTestLists
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

(OP,) = (op for op in op_db if op.name == "nn.functional.binary_cross_entropy_with_logits")
(MODULE,) = (m for m in module_db if m.module_cls is torch.nn.BCEWithLogitsLoss)


# ---- the truth -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """Operands of a call under PyTorch's names."""

    input: Tensor
    target: Tensor
    weight: Tensor | None
    pos_weight: Tensor | None
    reduction: str

    def run(self, function: Callable[..., Tensor]) -> dict[str, Tensor]:
        """The loss, and the gradients of its sum."""
        x, t = (v.detach().clone().requires_grad_() for v in (self.input, self.target))
        loss = function(x, t, self.weight, reduction=self.reduction, pos_weight=self.pos_weight)
        for_input, for_target = torch.autograd.grad(loss, (x, t), torch.ones_like(loss))
        return {LOSS: loss.detach(), BACKWARD: for_input, TARGET_BACKWARD: for_target}

    def arrays(self) -> dict[str, Any]:
        named = {"logits": self.input, "targets": self.target, "weight": self.weight, "pos_weight": self.pos_weight}
        return {k: None if v is None else array(v) for k, v in named.items()}

    def truth(self, op: str) -> Array:
        arrays = self.arrays()
        upstream = () if op == LOSS else (1.0,)
        x, t, w, p = arrays.values()
        function = getattr(reference, op)
        return np.asarray(function(*upstream, x, t, w, pos_weight=p, reduction=self.reduction, precision="mp"))


def operands(input: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sample:
    (target,) = args
    return Sample(
        input.detach(), target.detach(), kwargs.get("weight"), kwargs.get("pos_weight"), kwargs.get("reduction", "mean")
    )


def samples(dtype: torch.dtype) -> Iterator[Sample]:
    """All that PyTorch's tests compute with: of the functional and of the module."""
    for sample in OP.sample_inputs("cpu", dtype, requires_grad=False):
        yield operands(sample.input, sample.args, sample.kwargs)
    for module in MODULE.module_inputs_func(MODULE, "cpu", dtype, requires_grad=False, training=True):
        x, t = module.forward_input.args
        yield operands(x, (t,), module.constructor_input.kwargs)


def errors(sample: Sample, results: dict[str, Tensor]) -> dict[str, Array]:
    """How far results are from the truth, in ULP of their dtype; of gradients, of the larger of their two terms."""
    found = {}
    for op, result in results.items():
        actual = array(result)
        value = sample.truth(op)
        error = np.asarray(reference.ulp_error(actual, value, actual.dtype), np.float64).reshape(actual.shape)
        if op != LOSS:
            _, larger = truth(op, sample.arrays() | {"reduction": sample.reduction})
            unit = np.fmax(reference.ulp(value, actual.dtype), reference.ulp(larger, actual.dtype))
            error = error * (reference.ulp(value, actual.dtype) / unit)
        found[op] = error.ravel()
    return found


# ---- samples ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_sample_of_pytorchs_tests_has_pytorchs_shape_dtype_and_strides(dtype: torch.dtype) -> None:
    for sample in samples(dtype):
        ours, theirs = sample.run(OURS), sample.run(THEIRS)
        for op, result in ours.items():
            assert result.shape == theirs[op].shape
            assert result.dtype == theirs[op].dtype
            assert result.stride() == theirs[op].stride()


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_sample_of_pytorchs_tests_is_within_the_accuracy_contract(dtype: torch.dtype) -> None:
    for sample in samples(dtype):
        results, kwargs = sample.run(OURS), sample.arrays() | {"reduction": sample.reduction}
        named = {k: getattr(sample, k) for k in NAMES}
        if sample.reduction == "none":
            assert_within_contract(LOSS, kwargs, array(results[LOSS]))
        else:
            assert array(results[LOSS]).tobytes() == numpy_result(LOSS, named, sample.reduction, dtype).tobytes()
        for op in (BACKWARD, TARGET_BACKWARD):
            assert_within_contract(op, kwargs, array(results[op]))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_our_errors_over_pytorchs_samples_are_no_larger_than_theirs(dtype: torch.dtype) -> None:
    """The largest and the mean; in 16 bits, those of every element."""
    ours: dict[str, list[Array]] = {LOSS: [], BACKWARD: [], TARGET_BACKWARD: []}
    theirs: dict[str, list[Array]] = {LOSS: [], BACKWARD: [], TARGET_BACKWARD: []}
    for sample in samples(dtype):
        for function, into in ((OURS, ours), (THEIRS, theirs)):
            for op, error in errors(sample, sample.run(function)).items():
                into[op].append(error)
    for op in ours:
        mine, other = np.concatenate(ours[op]), np.concatenate(theirs[op])
        assert mine.max() <= other.max()
        assert mine.mean() <= other.mean()
        if dtype.itemsize == 2:
            assert (mine <= other).all()


@pytest.mark.parametrize("index", range(len(list(OP.sample_inputs("cpu", torch.float64)))))
def test_every_sample_passes_pytorchs_gradient_checks(index: int) -> None:
    """As TestFwdGradients and TestBwdGradients check an operator that supports all of it, as this one does."""
    assert OP.supports_forward_ad
    assert OP.supports_fwgrad_bwgrad
    sample = list(OP.sample_inputs("cpu", torch.float64, requires_grad=True))[index]

    def function(x: Tensor, t: Tensor) -> Tensor:
        return OURS(x, t, **sample.kwargs)

    operands = (sample.input, *sample.args)
    fast = sample.input.numel() > 30
    torch.autograd.gradcheck(
        function,
        operands,
        check_batched_grad=True,
        check_grad_dtypes=True,
        check_forward_ad=True,
        check_batched_forward_grad=not fast,
        check_undefined_grad=True,
        fast_mode=fast,
    )
    torch.autograd.gradgradcheck(
        function,
        operands,
        gen_non_contig_grad_outputs=True,
        check_batched_grad=not fast,
        check_grad_dtypes=True,
        check_fwd_over_rev=True,
        fast_mode=True,
    )


def test_pytorch_lists_no_calls_that_must_fail() -> None:
    """Were there any, they would belong here; those that its other tests make are in the table of differences."""
    with pytest.raises(TypeError, match="NoneType"):
        OP.error_inputs("cpu")
    assert MODULE.module_error_inputs_func is None


# ---- the module's tests ----------------------------------------------------------------------------------------


class Case(common_nn.NNTestCase):
    """What PyTorch's test classes of modules and criteria ask of a test case."""

    def _forward(self, module: torch.nn.Module, input: tuple[Tensor, ...] | Tensor) -> Tensor:
        result: Tensor = module(*input) if isinstance(input, tuple) else module(input)
        return result

    def _backward(
        self, module: Any, input: Any, output: Tensor, grad_output: Tensor, create_graph: bool = False
    ) -> Tensor | None:
        output.backward(grad_output, retain_graph=True, create_graph=create_graph)
        (x,) = input if isinstance(input, tuple) else (input,)
        return None if x.grad is None else x.grad.data

    def _forward_criterion(self, criterion: Any, input: Tensor, target: Tensor, extra_args: Any = ()) -> Tensor:
        result: Tensor = criterion(input, target, *extra_args)
        return result

    def _get_parameters(self, module: torch.nn.Module) -> tuple[list[Tensor], list[Tensor | None]]:
        parameters = list(module.parameters())
        return [*parameters], [p.grad for p in parameters]

    def _zero_grad_parameters(self, module: torch.nn.Module) -> None:
        module.zero_grad()


CRITERIA = [test for test in common_nn.criterion_tests if test.get("fullname", "").startswith("BCEWithLogitsLoss")]
FUNCTIONS = [
    common_nn.bce_with_logistic_legacy_enum_test,
    common_nn.bce_with_logistic_no_reduce_test,
    common_nn.bce_with_logistic_no_reduce_scalar_test,
]


@pytest.mark.parametrize("test", CRITERIA, ids=lambda test: test["fullname"])
def test_pytorchs_tests_of_the_criterion_pass_with_ours_in_its_place(test: dict[str, Any]) -> None:
    with patch():
        common_nn.CriterionTest(**test)(Case())


def test_pytorch_has_its_three_tests_of_the_criterion() -> None:
    assert len(CRITERIA) == 3


@pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated")
@pytest.mark.parametrize("make", FUNCTIONS, ids=lambda f: f.__name__)
def test_pytorchs_tests_of_the_function_pass_with_ours_in_its_place(make: Callable[[], dict[str, Any]]) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with patch():
            common_nn.NewModuleTest(**make())(Case())
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_sample_of_the_module_does_what_pytorchs_module_tests_check(dtype: torch.dtype, training: bool) -> None:
    """TestModule's forward, repr, pickle, non-contiguous tensors, factory arguments, and train against eval."""
    inputs = MODULE.module_inputs_func(MODULE, "cpu", dtype, requires_grad=True, training=training)
    for sample in inputs:
        args, kwargs = sample.constructor_input.args, sample.constructor_input.kwargs
        module, original = BCEWithLogitsLoss(*args, **kwargs), torch.nn.BCEWithLogitsLoss(*args, **kwargs)
        module.train(training)
        x, t = sample.forward_input.args
        result = module(x, t)
        assert repr(module) == repr(original)
        assert module.state_dict().keys() == original.state_dict().keys()
        assert same(copy.deepcopy(module)(x, t), result)
        assert same(pickle.loads(pickle.dumps(module))(x, t), result)
        wide = sample.reference_fn(module, x.detach().double(), t.double())
        torch.testing.assert_close(result.double(), wide.double(), **_tolerance(dtype))
        apart = [v.detach().repeat_interleave(2, -1)[..., ::2].requires_grad_(v.requires_grad) for v in (x, t)]
        again = module(*apart)
        assert same(again, result)
        upstream = torch.rand_like(result)
        result.backward(upstream, retain_graph=True)
        again.backward(upstream)
        assert same(apart[0].grad, x.grad)


def _tolerance(dtype: torch.dtype) -> dict[str, float]:
    """PyTorch's own for a test of this dtype."""
    from torch.testing._comparison import get_tolerances

    rtol, atol = get_tolerances(dtype, rtol=None, atol=None)
    return {"rtol": rtol, "atol": atol}


def test_pytorchs_list_of_calls_under_autocast_gives_pytorchs_dtypes() -> None:
    lists = AutocastCPUTestLists(torch.device("cpu"))
    entries = [*lists.torch_fp32, *lists.nn_fp32]
    calls = [operands for name, operands, *_ in entries if name == "binary_cross_entropy_with_logits"]
    assert calls
    for arguments in calls:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            ours, theirs = OURS(*arguments), THEIRS(*arguments)
        assert ours.dtype == theirs.dtype == torch.float32


# ---- what differs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A call, what PyTorch and we make of it (a number, or an error), and why ours is not PyTorch's."""

    call: Callable[[Callable[..., Tensor]], Any]
    theirs: Any
    ours: Any
    why: str


def gradient(function: Callable[..., Tensor], x: list[float], t: list[float], **more: Any) -> list[float]:
    variable = torch.tensor(x, requires_grad=True)
    (result,) = torch.autograd.grad(function(variable, torch.tensor(t), reduction="sum", **more), variable)
    values: list[float] = result.tolist()
    return values


def loss(function: Callable[..., Tensor], x: Any, t: Any, dtype: torch.dtype = torch.float32, **more: Any) -> float:
    return function(torch.tensor(x, dtype=dtype), torch.tensor(t, dtype=dtype), **more).item()


def weight_gradient(function: Callable[..., Tensor], name: str) -> Any:
    weight = torch.ones(2, requires_grad=True)
    function(torch.zeros(2), torch.ones(2), reduction="sum", **{name: weight}).backward()
    assert weight.grad is not None
    return weight.grad.tolist()


INF, NAN = float("inf"), float("nan")
TINY = float(np.float32(np.log1p(np.exp(-20))))
LOG2 = float(np.float32(np.log(2)))
MANY = torch.zeros((1,) * 65)
X, T = torch.tensor([1.0, -2.0]), torch.tensor([1.0, 0.0])
ACCURATE = "the loss and gradient of a confident prediction are what little they are, not 0"
LIMIT = "an infinite logit stands for the limit, and 0 times infinity is 0"

DIFFERENCES: dict[str, Difference] = {
    "loss of a confident negative": Difference(lambda f: loss(f, [-20.0], [0.0]), 0.0, TINY, ACCURATE),
    "the same in bfloat16": Difference(
        lambda f: loss(f, [-5.0], [0.0], torch.bfloat16), 0.0, 0.0067138671875, ACCURATE
    ),
    "gradient of a confident positive": Difference(lambda f: gradient(f, [20.0], [1.0]), [0.0], [-TINY], ACCURATE),
    "infinite logit, target 1": Difference(lambda f: loss(f, [INF], [1.0]), NAN, 0.0, LIMIT),
    "infinitely negative logit, target 0": Difference(lambda f: loss(f, [-INF], [0.0]), NAN, 0.0, LIMIT),
    "infinitely negative logit, target 1": Difference(lambda f: loss(f, [-INF], [1.0]), NAN, INF, LIMIT),
    "infinitely negative logit, soft target": Difference(lambda f: loss(f, [-INF], [0.5]), NAN, INF, LIMIT),
    "infinite loss masked by a weight of 0": Difference(
        lambda f: loss(f, [-INF, 0.0], [1.0, 1.0], weight=torch.tensor([0.0, 1.0]), reduction="sum"), NAN, LOG2, LIMIT
    ),
    "infinite pos_weight, target 0": Difference(
        lambda f: loss(f, [0.0], [0.0], pos_weight=torch.tensor([INF])), NAN, LOG2, LIMIT
    ),
    "gradient for weight": Difference(
        lambda f: weight_gradient(f, "weight"), RuntimeError, [LOG2, LOG2], "we can and they do not"
    ),
    "gradient for pos_weight": Difference(
        lambda f: weight_gradient(f, "pos_weight"), RuntimeError, [LOG2, LOG2], "we can and they do not"
    ),
    "a mask of bools as weight": Difference(
        lambda f: loss(f, [0.0, 1.0], [1.0, 1.0], weight=torch.tensor([True, False]), reduction="sum"),
        LOG2,
        RuntimeError,
        "operands are of the four float dtypes; convert the mask",
    ),
    "complex targets": Difference(
        lambda f: f(X, T.to(torch.complex64)).dtype, torch.complex64, RuntimeError, "the four float dtypes"
    ),
    "integer logits": Difference(
        lambda f: f(X.long(), T), NotImplementedError, RuntimeError, "the error names the operand, not a kernel"
    ),
    "integer targets": Difference(lambda f: f(X, T.long()), RuntimeError, RuntimeError, "the text alone"),
    "targets of another size": Difference(lambda f: f(X, T[:1]), ValueError, ValueError, "the text alone"),
    "a weight that does not broadcast": Difference(
        lambda f: f(X, T, torch.ones(3)), RuntimeError, RuntimeError, "the text alone"
    ),
    "an unknown reduction": Difference(lambda f: f(X, T, reduction="x"), ValueError, ValueError, "the text alone"),
    "logits that are no tensor": Difference(
        lambda f: f([1.0], T), AttributeError, TypeError, "theirs is an accident of asking for size()"
    ),
    "a weight that is no tensor": Difference(lambda f: f(X, T, 1.0), TypeError, TypeError, "the text alone"),
    "65 dimensions": Difference(
        lambda f: f(MANY, MANY).item(), LOG2, ValueError, "64 dimensions is NumPy's limit and the engine's"
    ),
}


def outcome(difference: Difference, function: Callable[..., Tensor]) -> Any:
    try:
        return difference.call(function)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
def test_we_differ_from_pytorch_as_the_table_says(difference: Difference) -> None:
    np.testing.assert_equal(outcome(difference, THEIRS), difference.theirs)
    np.testing.assert_equal(outcome(difference, OURS), difference.ours)


def test_the_loss_of_infinite_logits_agrees_where_pytorchs_is_a_number() -> None:
    for x, t in ((INF, 0.0), (INF, 0.5), (NAN, 0.0), (NAN, 1.0)):
        np.testing.assert_equal(loss(OURS, [x], [t]), loss(THEIRS, [x], [t]))
    for x in (INF, -INF, NAN):
        for t in (0.0, 0.5, 1.0):
            np.testing.assert_equal(gradient(OURS, [x], [t]), gradient(THEIRS, [x], [t]))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_loss_of_nothing_is_pytorchs(reduction: str) -> None:
    for shape in ((0,), (3, 0, 2)):
        x, t = torch.empty(shape), torch.empty(shape)
        np.testing.assert_equal(OURS(x, t, reduction=reduction).numpy(), THEIRS(x, t, reduction=reduction).numpy())
