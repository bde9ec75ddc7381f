"""Backends of frameworks: each runs where its framework is installed, and says what it cannot do."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from backend_cases import PATTERNS, assert_right, case, operands

from bcelogits.reference.truth import Op
from bcelogits.verify import backends

MODULES = {"torch": "torch", "torch-compile": "torch", "optax": "optax", "tensorflow": "tensorflow"}
MODULES["tensorflow-xla"] = "tensorflow"
COMPILED = ("torch-compile", "tensorflow-xla")  # seconds for each case

# What frameworks warn of at their own first use is not this package's.
pytestmark = pytest.mark.filterwarnings("default")


def named(*names: str) -> list[object]:
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                importlib.util.find_spec(MODULES[name]) is None, reason=f"{MODULES[name]} is not installed"
            ),
        )
        for name in names
    ]


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "f64"])
@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("name", named("torch", "optax", "tensorflow"))
def test_a_framework_runs_every_operator(name: str, op: Op, dtype: str) -> None:
    backend = backends.get(name)
    for reduction, pattern in product(("none", "mean", "sum"), PATTERNS):
        wanted = case(op, dtype, reduction, pattern)
        given = operands(wanted)
        if name == "optax" and wanted.pos_weight is not None:
            assert backend.unsupported(wanted) == "optax has no pos_weight"
            continue
        assert backend.unsupported(wanted) == "", wanted.name
        assert_right(backend.run(wanted, given), wanted, given, units=8)


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("name", named(*COMPILED))
def test_a_compiled_framework_runs_every_operator(name: str, op: Op) -> None:
    backend = backends.get(name)
    for wanted in (case(op, "f32", "mean", "full weights"), case(op, "bf16", "none")):
        given = operands(wanted)
        assert backend.unsupported(wanted) == ""
        assert_right(backend.run(wanted, given), wanted, given, units=8)


@pytest.mark.parametrize("name", named("torch", "optax", "tensorflow"))
def test_a_framework_takes_views_and_read_only_memory(name: str) -> None:
    backend, wanted = backends.get(name), case(Op.BACKWARD, "bf16", "none")
    plain = operands(wanted)
    views = replace(plain, logits=np.asfortranarray(plain.logits), targets=np.flip(np.flip(plain.targets).copy()))
    views.targets.flags.writeable = False
    np.testing.assert_array_equal(backend.run(wanted, views), backend.run(wanted, plain))


@pytest.mark.parametrize("name", named("torch", "optax", "tensorflow"))
def test_a_framework_takes_operands_without_dimensions(name: str) -> None:
    for op in Op:
        backend, wanted = backends.get(name), case(op, "f32", "none", shape=())
        given = operands(wanted)
        assert_right(backend.run(wanted, given), wanted, given, units=8)


@pytest.mark.parametrize("name", named("torch", "optax", "tensorflow"))
def test_a_gradient_of_a_mean_has_one_grad_output(name: str) -> None:
    backend = backends.get(name)
    assert "(4, 5)" in backend.unsupported(case(Op.BACKWARD, "f32", "mean", grad_output=(4, 5)))
    wanted = case(Op.BACKWARD, "f32", "mean", grad_output=(1, 1))
    given = operands(wanted)
    assert_right(backend.run(wanted, given), wanted, given, units=8)


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        *(
            pytest.param(*parameter.values, changes, why, marks=parameter.marks)  # type: ignore[attr-defined]
            for name, changes, why in (
                ("torch", {"dtypes": {"targets": "f32"}}, "its result would be f32, and the case's output is f16"),
                ("torch", {"dtypes": {"out": "f32"}}, "its result would be f16, and the case's output is f32"),
                ("optax", {"dtypes": {"weight": "f32"}, "weight": (5,)}, "its result would be f32, "),
                ("tensorflow", {"dtypes": {"targets": "f32"}}, "TensorFlow does not mix dtypes: logits f16, targets f"),
            )
            for parameter in named(name)
        )
    ],
)
def test_a_mix_of_dtypes_that_a_framework_does_not_have_is_said(
    name: str, changes: dict[str, object], why: str
) -> None:
    assert backends.get(name).unsupported(case(Op.LOSS, "f16", "none", **changes)).startswith(why)


@pytest.mark.parametrize("name", named("torch", "optax"))
def test_a_grad_output_that_would_be_rounded_is_refused_and_a_narrower_one_is_not(name: str) -> None:
    backend = backends.get(name)
    assert "f32" in backend.unsupported(case(Op.BACKWARD, "f16", "none", dtypes={"grad_output": "f32"}))
    wanted = case(Op.BACKWARD, "f32", "none", dtypes={"grad_output": "f16"})
    given = operands(wanted)
    assert_right(backend.run(wanted, given), wanted, given, units=8)


@pytest.mark.parametrize("name", named("torch"))
def test_torch_mixes_dtypes_where_its_result_has_that_of_the_output(name: str) -> None:
    backend = backends.get(name)
    for wanted in (
        case(Op.LOSS, "f16", "none", dtypes={"targets": "f32", "out": "f32"}),
        case(Op.BACKWARD, "f16", "none", "weight per column", dtypes={"weight": "f32"}),
    ):
        given = operands(wanted)
        assert_right(backend.run(wanted, given), wanted, given, units=2.0**14)  # of float32: as good as float16


@pytest.mark.parametrize("name", named("optax"))
def test_jax_runs_on_the_cpu_and_float64_stays_off_for_others(name: str) -> None:
    import jax

    backends.get(name).run(case(Op.LOSS, "f64", "none"), operands(case(Op.LOSS, "f64", "none")))
    assert not jax.config.jax_enable_x64
    assert os.environ["JAX_PLATFORMS"] == "cpu"


def test_versions_name_the_framework() -> None:
    installed = [name for name, module in MODULES.items() if importlib.util.find_spec(module) is not None]
    if not installed:
        pytest.skip("none of torch, optax, tensorflow is installed")
    for name in installed:
        version = backends.get(name).version
        assert MODULES[name].removesuffix("-compile") in version
        assert any(digit in version for digit in "0123456789")
