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

SIZES = (1, 64, 4096, 1 << 16, 1 << 20, 1 << 24, 1 << 27, 1 << 28)

CLASSES = 64  # length of the weight and pos_weight vectors; where there are any, sizes are multiples of it
OPS = ("forward-mean", "forward-sum", "forward-none", "value_and_grad", "backward", "target_backward")
OPTIONS = {
    "none": "contiguous, without weights",
    "scalar": "pos_weight is one number",
    "weighted": f"weight and pos_weight are vectors over {CLASSES} classes",
    "full-weight": "weight is an array as large as the logits",
    "full": "weight and pos_weight are arrays as large as the logits",
    "transposed-targets": "column-major targets beside row-major logits",
    "transposed": "logits and targets column-major",
    "strided": "every second column of arrays twice as wide",
}
DTYPES = ("float32", "float16", "bfloat16", "float64")
DTYPE_ALIASES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float64"}
LAYOUTS = ("transposed-targets", "transposed", "strided")
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
POSITIVES = 0.1  # share of targets that are 1
LOGIT_SCALE = 2.0  # standard deviation of the logits
POS_WEIGHT = 3.0  # of the option `scalar`
BLOCK = 1 << 20  # larger inputs repeat a block of this size: no kernel is faster for it, and making data stays cheap


@dataclass(frozen=True)
class Case:
    """One cell of the grid."""

    op: str
    option: str
    dtype: str
    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        if self.option == "weighted":
            return (self.size // CLASSES, CLASSES)
        if self.option in LAYOUTS:  # as square as powers of two allow
            rows = 1 << (self.size.bit_length() - 1) // 2
            return (rows, self.size // rows)
        return (self.size,)

    @property
    def array_bytes(self) -> int:
        return self.size * ITEM_BYTES[self.dtype]

    @property
    def reduction(self) -> str:
        return self.op.removeprefix("forward-") if self.op.startswith("forward-") else "mean"

    @property
    def writes(self) -> bool:
        """Whether the operation writes an array as large as its inputs."""
        return self.op not in ("forward-mean", "forward-sum")

    @property
    def reads(self) -> int:
        """Arrays of the logits' size that memory delivers; of strided operands, with what lies between."""
        arrays = {"full-weight": 3, "full": 4}.get(self.option, 2) - (self.op == "target_backward")  # without targets
        return 2 * arrays if self.option == "strided" else arrays

    @property
    def traffic(self) -> int:
        """Bytes that must move at least."""
        return self.array_bytes * (self.reads + self.writes)

    @property
    def valid(self) -> bool:
        """Whether the option can be had at this size."""
        return self.option in ("none", "scalar", "full", "full-weight") or self.size % CLASSES == 0

    def __str__(self) -> str:
        return f"{self.op} {self.option} {self.dtype} {size_name(self.size)}"


@dataclass(frozen=True)
class Inputs:
    """NumPy arrays of one case; weights are None where the option has none, and a pos_weight may be a number."""

    logits: NDArray[Any]
    targets: NDArray[Any]
    weight: NDArray[Any] | None
    pos_weight: NDArray[Any] | float | None


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
    every = [
        Case(op, option, dtype, size) for size in sorted(sizes) for dtype in dtypes for op in ops for option in options
    ]
    return [case for case in every if case.valid]


def numpy_dtype(name: str) -> Any:
    """The NumPy dtype of a name in `DTYPES`; bfloat16 needs ml_dtypes."""
    import numpy as np

    if name == "bfloat16":
        import importlib

        return np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    return np.dtype(name)


def make_inputs(case: Case) -> Inputs:
    """Logits from N(0, 2), hard targets with 10 % positives, weights from U(0.5, 1.5) and U(1, 10)."""
    import numpy as np

    rng = np.random.default_rng(20_240_607)
    dtype = numpy_dtype(case.dtype)
    block = min(case.size, BLOCK)
    logits = (LOGIT_SCALE * rng.standard_normal(block)).astype(dtype)
    targets = (rng.random(block) < POSITIVES).astype(dtype)
    count = CLASSES if case.option == "weighted" else block
    weights = (rng.uniform(0.5, 1.5, count).astype(dtype), rng.uniform(1.0, 10.0, count).astype(dtype))
    x = _array(logits, case.shape, "" if case.option == "transposed-targets" else case.option)
    t = _array(targets, case.shape, case.option)
    weight: NDArray[Any] | None = None
    pos_weight: NDArray[Any] | float | None = None
    if case.option == "weighted":
        weight, pos_weight = weights
    elif case.option == "scalar":
        pos_weight = POS_WEIGHT
    elif case.option in ("full", "full-weight"):
        weight = _repeat(weights[0], case.shape)
        pos_weight = _repeat(weights[1], case.shape) if case.option == "full" else None
    return Inputs(x, t, weight, pos_weight)


def _array(block: NDArray[Any], shape: tuple[int, ...], option: str) -> NDArray[Any]:
    """`block` repeated to `shape`, in the memory layout that the option asks for."""
    if option == "strided":
        return _repeat(block, (shape[0], 2 * shape[1]))[:, ::2]
    if option.startswith("transposed"):
        return _repeat(block, shape[::-1]).T
    return _repeat(block, shape)


def _repeat(block: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """`block` repeated to `shape`, written once (np.tile and np.resize keep a second copy for a while)."""
    import math

    import numpy as np

    flat = np.empty(math.prod(shape), block.dtype)
    for start in range(0, flat.size, block.size):
        part = flat[start : start + block.size]
        part[:] = block[: part.size]
    return flat.reshape(shape)


def expected(case: Case) -> Answer:
    """The answer of a case in float64, from log1p and exp without cancellation."""
    import numpy as np

    inputs = make_inputs(case)
    x = inputs.logits.astype(np.float64)
    t = inputs.targets.astype(np.float64)
    w = np.asarray(1.0 if inputs.weight is None else inputs.weight).astype(np.float64)
    p = np.asarray(1.0 if inputs.pos_weight is None else inputs.pos_weight).astype(np.float64)
    loss = w * ((1 - t) * np.logaddexp(0.0, x) + p * t * np.logaddexp(0.0, -x))
    grad = w * ((1 - t) / (1 + np.exp(-x)) - p * t / (1 + np.exp(x))) / case.size
    target_grad = np.broadcast_to(w * (p * np.logaddexp(0.0, -x) - np.logaddexp(0.0, x)) / case.size, case.shape)
    return {
        "forward-mean": Answer(loss=np.asarray(loss.mean())),
        "forward-sum": Answer(loss=np.asarray(loss.sum())),
        "forward-none": Answer(loss=loss),
        "value_and_grad": Answer(loss=np.asarray(loss.mean()), grad=grad),
        "backward": Answer(grad=grad),
        "target_backward": Answer(grad=target_grad),
    }[case.op]
