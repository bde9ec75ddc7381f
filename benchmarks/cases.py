"""The grid of cases (operation x option x dtype x size), their input data and the answers to check against.

NumPy is imported inside the functions: the parent process and a worker that is still setting its
environment read this module before NumPy may be loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPS = ("forward-mean", "forward-none", "value_and_grad", "backward")
OPTIONS = ("none", "weighted")
DTYPES = ("float32", "float16", "bfloat16", "float64")
DTYPE_ALIASES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float64"}
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
SIZES = (64, 4096, 1 << 16, 1 << 20, 1 << 24, 1 << 27)

CLASSES = 64  # length of the weight and pos_weight vectors; every size must be a multiple of it
POSITIVES = 0.1  # share of targets that are 1
LOGIT_SCALE = 2.0  # standard deviation of the logits
BLOCK = 1 << 20  # larger inputs repeat a block of this size: no kernel is faster for it, and making data stays cheap


@dataclass(frozen=True)
class Case:
    """One cell of the grid. `weighted` has `weight` and `pos_weight` vectors over the last axis."""

    op: str
    option: str
    dtype: str
    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,) if self.option == "none" else (self.size // CLASSES, CLASSES)

    @property
    def array_bytes(self) -> int:
        return self.size * ITEM_BYTES[self.dtype]

    @property
    def reduction(self) -> str:
        return "none" if self.op == "forward-none" else "mean"

    @property
    def writes(self) -> bool:
        """Whether the operation writes an array as large as its inputs."""
        return self.op != "forward-mean"

    def __str__(self) -> str:
        return f"{self.op} {self.option} {self.dtype} {size_name(self.size)}"


@dataclass(frozen=True)
class Inputs:
    """NumPy arrays of one case; the vectors are None unless the case is weighted."""

    logits: NDArray[Any]
    targets: NDArray[Any]
    weight: NDArray[Any] | None
    pos_weight: NDArray[Any] | None


@dataclass(frozen=True)
class Answer:
    """What a contender returned (or should have), in float64: a loss (scalar or array), a gradient, or both."""

    loss: NDArray[np.float64] | None = None
    grad: NDArray[np.float64] | None = None


def size_name(size: int) -> str:
    """`2^20` for the larger powers of two, plain digits otherwise."""
    exponent = size.bit_length() - 1
    return f"2^{exponent}" if size == 1 << exponent and exponent >= 13 else str(size)


def grid(sizes: tuple[int, ...], dtypes: tuple[str, ...], ops: tuple[str, ...], options: tuple[str, ...]) -> list[Case]:
    """All combinations, small sizes first: an interrupted run has the cheap cases complete."""
    return [
        Case(op, option, dtype, size) for size in sorted(sizes) for dtype in dtypes for op in ops for option in options
    ]


def numpy_dtype(name: str) -> Any:
    """The NumPy dtype of a name in `DTYPES`; bfloat16 needs ml_dtypes."""
    import numpy as np

    if name == "bfloat16":
        import importlib

        return np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    return np.dtype(name)


def make_inputs(case: Case) -> Inputs:
    """Logits from N(0, 2), hard targets with 10 % positives, vectors from U(0.5, 1.5) and U(1, 10)."""
    import numpy as np

    rng = np.random.default_rng(20_240_607)
    dtype = numpy_dtype(case.dtype)
    block = min(case.size, BLOCK)
    logits = (LOGIT_SCALE * rng.standard_normal(block)).astype(dtype)
    targets = (rng.random(block) < POSITIVES).astype(dtype)
    vectors = (rng.uniform(0.5, 1.5, CLASSES).astype(dtype), rng.uniform(1.0, 10.0, CLASSES).astype(dtype))
    weight, pos_weight = vectors if case.option == "weighted" else (None, None)
    return Inputs(_repeat(logits, case.shape), _repeat(targets, case.shape), weight, pos_weight)


def _repeat(block: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """`block` repeated to `shape`, written once (np.tile and np.resize keep a second copy for a while)."""
    import math

    import numpy as np

    flat = np.empty(math.prod(shape), block.dtype)
    for start in range(0, flat.size, block.size):
        piece = flat[start : start + block.size]
        piece[:] = block[: piece.size]
    return flat.reshape(shape)


def expected(case: Case) -> Answer:
    """The answer of a case in float64, from log1p and exp without cancellation."""
    import numpy as np

    inputs = make_inputs(case)
    x = inputs.logits.astype(np.float64)
    t = inputs.targets.astype(np.float64)
    w = 1.0 if inputs.weight is None else inputs.weight.astype(np.float64)
    p = 1.0 if inputs.pos_weight is None else inputs.pos_weight.astype(np.float64)
    loss = w * ((1 - t) * np.logaddexp(0.0, x) + p * t * np.logaddexp(0.0, -x))
    grad = w * ((1 - t) / (1 + np.exp(-x)) - p * t / (1 + np.exp(x))) / case.size
    return {
        "forward-mean": Answer(loss=np.asarray(loss.mean())),
        "forward-none": Answer(loss=loss),
        "value_and_grad": Answer(loss=np.asarray(loss.mean()), grad=grad),
        "backward": Answer(grad=grad),
    }[case.op]
