"""The backends `tensorflow` and `tensorflow-xla`: TensorFlow's losses on the CPU, gradients by `GradientTape`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, import_framework

__all__ = ["Tensorflow", "TensorflowXla"]


class Tensorflow(Backend):
    """`tf.nn.sigmoid_cross_entropy_with_logits`, or `weighted_cross_entropy_with_logits` for a pos_weight; eager."""

    def __init__(self) -> None:
        self.name = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported
        self._tf = import_framework("tensorflow", "pip install tensorflow-cpu")
        with suppress(RuntimeError):  # a program that has used it already has chosen its devices
            self._tf.config.set_visible_devices([], "GPU")
        self.version = f"tensorflow {self._tf.__version__}"

    def _function(self, case: Case) -> Callable[..., Any]:
        """A function of tensors by operand name."""
        tf = self._tf
        reduce = {"none": lambda v: v, "mean": tf.reduce_mean, "sum": tf.reduce_sum}[case.reduction]

        def value(operands: dict[str, Any]) -> Any:
            x, t = operands["logits"], operands["targets"]
            if "pos_weight" in operands:
                losses = tf.nn.weighted_cross_entropy_with_logits(t, x, operands["pos_weight"])
            else:
                losses = tf.nn.sigmoid_cross_entropy_with_logits(t, x)
            return reduce(operands["weight"] * losses if "weight" in operands else losses)

        def gradient(operands: dict[str, Any]) -> Any:
            variable = operands["logits" if case.op is Op.BACKWARD else "targets"]
            with tf.GradientTape() as tape:
                tape.watch(variable)
                result = value(operands)
            upstream = operands["grad_output"]
            shape = case.shape if case.reduction == "none" else ()
            upstream = tf.broadcast_to(upstream, shape) if shape else tf.reshape(upstream, shape)
            return tape.gradient(result, variable, output_gradients=upstream)

        return value if case.op is Op.LOSS else gradient

    def limit(self, case: Case) -> str:
        names = ["logits", "targets", *(["grad_output"] if case.op is not Op.LOSS else [])]
        names += [name for name in ("weight", "pos_weight") if getattr(case, name) is not None]
        dtypes = {name: case.dtype_of(name) for name in names}
        if len(set(dtypes.values())) > 1:
            given = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
            return f"TensorFlow does not mix dtypes: {given}"
        if case.op is not Op.LOSS and case.reduction != "none" and any(n != 1 for n in case.grad_output or ()):
            return f"a {case.reduction} has one gradient in TensorFlow; grad_output has the shape {case.grad_output}"
        return ""

    def result_dtype(self, case: Case) -> str:
        return case.dtype_of("logits")

    def compute(self, case: Case, operands: Operands) -> Array:
        with self._tf.device("CPU:0"):
            tensors = {name: self._tf.constant(np.asarray(a, order="C")) for name, a in operands.items().items()}
            result: Array = self._call(self._function(case), tensors).numpy()
        return result

    def _call(self, function: Callable[..., Any], tensors: dict[str, Any]) -> Any:
        return function(tensors)


class TensorflowXla(Tensorflow):
    """The same inside `tf.function(jit_compile=True)`."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "tensorflow-xla"
        self.version = f"XLA in {self.version}"

    def _call(self, function: Callable[..., Any], tensors: dict[str, Any]) -> Any:
        return self._tf.function(function, jit_compile=True, autograph=False)(tensors)
