"""Other packages, each as one function: loss and gradient of every element, in their dtype, on one thread."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

import bcelogits
from accuracy_report.ulp import Array

Contender: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]

OURS = "bcelogits"
_BF16 = np.dtype(ml_dtypes.bfloat16)


def _bcelogits() -> tuple[str, Contender]:
    return bcelogits.__version__, lambda x, t: bcelogits.value_and_grad(x, t, reduction="none")


def _numpy() -> tuple[str, Contender]:
    def run(x: Array, t: Array) -> tuple[Array, Array]:
        one = x.dtype.type(1)
        with np.errstate(all="ignore"):
            loss = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
            return loss.astype(x.dtype), (one / (one + np.exp(-x)) - t).astype(x.dtype)

    return np.__version__, run


def _torch() -> tuple[str, Contender]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)

    def tensor(array: Array) -> Any:
        if array.dtype == _BF16:
            return torch.from_numpy(array.view(np.uint16).copy()).view(torch.bfloat16)
        return torch.from_numpy(array.copy())

    def back(value: Any, dtype: np.dtype[Any]) -> Array:
        value = value.detach()
        result: Array = value.view(torch.uint16).numpy().view(dtype) if value.dtype == torch.bfloat16 else value.numpy()
        return result

    def run(x: Array, t: Array) -> tuple[Array, Array]:
        inputs, targets = tensor(x).requires_grad_(), tensor(t)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
        loss.backward(torch.ones_like(loss))
        return back(loss, x.dtype), back(inputs.grad, x.dtype)

    return str(torch.__version__), run


def _optax() -> tuple[str, Contender]:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    jax: Any = importlib.import_module("jax")
    optax: Any = importlib.import_module("optax")
    jax.config.update("jax_enable_x64", True)
    function = optax.losses.sigmoid_binary_cross_entropy

    def both(x: Any, t: Any) -> Any:
        loss, pull = jax.vjp(lambda logits: function(logits, t), x)
        return loss, pull(jax.numpy.ones_like(loss))[0]

    compiled = jax.jit(both)

    def run(x: Array, t: Array) -> tuple[Array, Array]:
        loss, gradient = compiled(jax.numpy.asarray(x), jax.numpy.asarray(t))
        return np.asarray(loss), np.asarray(gradient)

    return f"{optax.__version__}, jax {jax.__version__}", run


def _tensorflow() -> tuple[str, Contender]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    tf: Any = importlib.import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    def both(x: Any, t: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=x)
        return loss, tape.gradient(loss, x)

    compiled = tf.function(both, autograph=False, reduce_retracing=True)

    def run(x: Array, t: Array) -> tuple[Array, Array]:
        loss, gradient = compiled(tf.constant(x), tf.constant(t))
        return loss.numpy(), gradient.numpy()

    return str(tf.__version__), run


CONTENDERS: dict[str, Callable[[], tuple[str, Contender]]] = {
    OURS: _bcelogits,
    "NumPy, one line": _numpy,
    "PyTorch": _torch,
    "optax under jit": _optax,
    "TensorFlow": _tensorflow,
}
PEERS = tuple(name for name in CONTENDERS if name != OURS)


@cache
def load(name: str) -> tuple[str, Contender] | None:
    """Name with version, and function; None where the package is not installed."""
    try:
        version, run = CONTENDERS[name]()
    except ImportError:
        return None
    return f"{name} {version}", run
