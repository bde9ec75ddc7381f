"""Other packages on the same logits, with targets 0 and 1: their worst error, and the results that they lose to 0."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np

import bcelogits
from accuracy_report import truth
from accuracy_report.operands import GRADIENT, LOSS, Operands
from accuracy_report.sweeps import float64_logits
from accuracy_report.ulp import FORMATS, Array, Floats, all_finite, errors

# Loss and gradient of every element, in the dtype of the logits.
Contender: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]


@dataclass
class PeerRow:
    """One contender, one dtype: worst errors in ULP, and zeros in place of numbers that do not round to 0."""

    contender: str
    version: str
    dtype: str
    points: int
    loss: float
    gradient: float
    lost_losses: int
    lost_gradients: int
    not_numbers: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


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

    def tensor(array: Array) -> Any:
        if array.dtype == FORMATS["bf16"].dtype:
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


CONTENDERS: dict[str, Callable[[], tuple[str, Contender]]] = {
    "bcelogits": _bcelogits,
    "NumPy, one line": _numpy,
    "PyTorch": _torch,
    "optax under jit": _optax,
}


def _points(dtype: str) -> Array:
    form = FORMATS[dtype]
    if form.bits.itemsize == 2:
        return all_finite(form)
    rng = np.random.default_rng(7)
    if dtype == "f64":
        return float64_logits(rng, 4_000)
    return np.concatenate([all_finite(form, step=4099), rng.uniform(-110, 110, 1_000_000).astype(np.float32)])


def _judge(function: str, operands: Operands, got: Array) -> tuple[float, int, int]:
    """Worst error, results lost to 0, NaNs."""
    if got.dtype == np.float64:
        exact, scale = truth.in_mpfr(function, operands, truth.Functions(operands.x))
        error: Floats = truth.mpfr_errors(got.tolist(), exact, scale, FORMATS["f64"])[0]
    else:
        error = errors(got, truth.in_float64(function, operands)[0])[0]
    finite = error[np.isfinite(error)]
    return float(finite.max()), int(np.count_nonzero((got == 0) & (error > 0.5))), int(error.size - finite.size)


def compare_peers() -> Iterator[PeerRow]:
    """One row per contender that is installed, and dtype."""
    for name, load in CONTENDERS.items():
        try:
            version, run = load()
        except ImportError:
            continue
        for dtype in FORMATS:
            x = _points(dtype)
            row = PeerRow(name, version, dtype, 2 * x.size, 0.0, 0.0, 0, 0, 0)
            for target, function in product((0, 1), (LOSS, GRADIENT)):
                operands = Operands(x, np.full(x.shape, target).astype(x.dtype))
                results = run(operands.x, operands.t)
                with np.errstate(all="ignore"):
                    worst, lost, nan = _judge(function, operands, results[0 if function == LOSS else 1])
                if function == LOSS:
                    row.loss, row.lost_losses = max(row.loss, worst), row.lost_losses + lost
                else:
                    row.gradient, row.lost_gradients = max(row.gradient, worst), row.lost_gradients + lost
                row.not_numbers += nan
            yield row
