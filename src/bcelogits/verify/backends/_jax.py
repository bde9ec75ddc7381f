"""The backend `optax`: its loss under `jax.jit` on the CPU, gradients by `jax.vjp`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, dtype_name, first_line, import_framework

__all__ = ["Optax"]


class Optax(Backend):
    """`optax.losses.sigmoid_binary_cross_entropy`; its users multiply by a weight, and reduce, themselves."""

    def __init__(self) -> None:
        self.name = "optax"
        os.environ.setdefault("JAX_PLATFORMS", "cpu")  # read when JAX is imported
        self._jax = import_framework("jax", "pip install jax optax")
        self._optax = import_framework("optax", "pip install jax optax")
        self.version = f"optax {self._optax.__version__} / jax {self._jax.__version__}"

    def _function(self, case: Case) -> Callable[..., Any]:
        """A function of arrays by operand name."""
        jax, loss = self._jax, self._optax.losses.sigmoid_binary_cross_entropy
        reduce = {"none": lambda v: v, "mean": jax.numpy.mean, "sum": jax.numpy.sum}[case.reduction]

        def value(operands: dict[str, Any], **changed: Any) -> Any:
            given = {**operands, **changed}
            losses = loss(given["logits"], given["targets"])
            return reduce(given["weight"] * losses if "weight" in given else losses)

        def gradient(operands: dict[str, Any]) -> Any:
            name = "logits" if case.op is Op.BACKWARD else "targets"
            primal, pull = jax.vjp(lambda v: value(operands, **{name: v}), operands[name])
            upstream = operands["grad_output"].astype(primal.dtype)
            upstream = jax.numpy.broadcast_to(upstream, primal.shape) if primal.ndim else upstream.reshape(())
            return pull(upstream)[0]

        return value if case.op is Op.LOSS else gradient

    def _wide(self, case: Case) -> AbstractContextManager[Any]:
        """Float64 for a case that has it, for the others JAX as it is."""
        if "f64" not in {case.dtype, *case.dtypes.values()}:
            return nullcontext()
        switch = getattr(self._jax, "enable_x64", None)
        if switch is None:  # JAX before 0.8
            switch = import_framework("jax.experimental", "pip install jax").enable_x64
        context: AbstractContextManager[Any] = switch(True)
        return context

    def _abstract(self, case: Case) -> dict[str, Any]:
        shapes = {"logits": case.shape, "targets": case.shape, "weight": case.weight}
        if case.op is not Op.LOSS:
            shapes["grad_output"] = case.grad_output or ()
        return {
            name: self._jax.ShapeDtypeStruct(shape, FORMATS[case.dtype_of(name)].dtype)
            for name, shape in shapes.items()
            if shape is not None
        }

    def limit(self, case: Case) -> str:
        if case.pos_weight is not None:
            return "optax has no pos_weight"
        if case.op is not Op.LOSS and case.reduction != "none" and any(n != 1 for n in case.grad_output or ()):
            return f"JAX has one cotangent of a {case.reduction}, and grad_output has the shape {case.grad_output}"
        try:
            if case.op is not Op.LOSS:
                loss, given = self.result_dtype(replace(case, op=Op.LOSS)), case.dtype_of("grad_output")
                if not FORMATS[loss].holds(FORMATS[given]):
                    return f"a cotangent has the dtype of the loss, {loss}, and grad_output is {given}"
            self.result_dtype(case)
        except (TypeError, ValueError) as error:
            return f"JAX refuses it: {first_line(error)}"
        return ""

    def result_dtype(self, case: Case) -> str:
        with self._wide(case):
            return dtype_name(self._jax.eval_shape(self._function(case), self._abstract(case)).dtype)

    def compute(self, case: Case, operands: Operands) -> Array:
        with self._wide(case), self._jax.default_device(self._jax.devices("cpu")[0]):
            arrays = {name: self._jax.numpy.asarray(array) for name, array in operands.items().items()}
            return np.asarray(self._jax.jit(self._function(case))(arrays))
