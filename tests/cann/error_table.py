"""The documented error conditions of phase one as data: what is passed, which code, which words of the text.

The same table serves every binding of the C API: `Case.tensors()` describes the call in the words of the C prototypes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from binding import (
    BACKWARD,
    BF16,
    DOUBLE,
    FLOAT,
    FLOAT16,
    FRACTAL_NZ,
    FRACTAL_Z,
    LOSS,
    NC1HWC0,
    ND,
    PARAMETERS,
    TARGET_BACKWARD,
)

NULL_POINTER, INVALID, NO_SUCH_OPERATOR = 161001, 161002, 561003
OPS = (LOSS, BACKWARD, TARGET_BACKWARD)
SHAPE = (4, 2)


@dataclass(frozen=True)
class Tensor:
    """A tensor argument: contiguous unless strides are given; the memory behind it is large enough."""

    shape: tuple[int, ...] = SHAPE
    dtype: int = FLOAT
    form: int = ND
    strides: tuple[int, ...] | None = None

    @property
    def bytes_needed(self) -> int:
        strides = self.strides
        if strides is None:
            strides = tuple(_product(self.shape[i + 1 :]) for i in range(len(self.shape)))
        last = sum((n - 1) * s for n, s in zip(self.shape, strides, strict=True))
        return 16 * (max(last, 0) + 1)  # of the widest type


def _product(numbers: tuple[int, ...]) -> int:
    product = 1
    for n in numbers:
        product *= n
    return product


@dataclass(frozen=True)
class Case:
    """A call that must fail. `given` and `allowed` are regular expressions for the two halves of the text."""

    name: str
    op: str
    parameter: str
    code: int
    changes: Mapping[str, Tensor | None] = field(default_factory=dict)
    reduction: int = 0
    given: str = ""
    allowed: str = ""
    no_size: bool = False
    no_executor: bool = False

    def __str__(self) -> str:
        return f"{self.op.removeprefix('aclnnBinaryCrossEntropyWithLogits') or 'Forward'}: {self.name}"

    def tensors(self) -> dict[str, Tensor | None]:
        """All tensor arguments in the order of the prototype; optional ones are absent unless the case has them."""
        made: dict[str, Tensor | None] = {}
        for parameter in PARAMETERS[self.op]:
            default = None if parameter.endswith("Optional") else Tensor()
            if parameter == "out" and self.op == LOSS and self.reduction in (1, 2):
                default = Tensor((1,))
            made[parameter] = self.changes.get(parameter, default)
        return made


def _out(op: str) -> str:
    return PARAMETERS[op][-1]


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape).replace("(", r"\(").replace(")", r"\)")


FLOATS = "float32.*float16.*bfloat16"


def _nulls() -> Iterator[Case]:
    for op in OPS:
        for parameter in PARAMETERS[op]:
            if not parameter.endswith("Optional"):
                yield Case(f"{parameter} is NULL", op, parameter, NULL_POINTER, {parameter: None})
        yield Case("workspaceSize is NULL", op, "workspaceSize", NULL_POINTER, no_size=True)
        yield Case("executor is NULL", op, "executor", NULL_POINTER, no_executor=True)


def _dtypes() -> Iterator[Case]:
    names = {DOUBLE: "double|float64", 2: "int8", 3: "int32", 9: "int64", 12: "bool", 16: "complex64", -1: "undef"}
    names |= {34: "hifloat8", 13: "string"}
    for op in OPS:
        for parameter in PARAMETERS[op]:
            for dtype, name in names.items():
                tensor = Tensor(dtype=dtype)
                yield Case(
                    f"{parameter} of data type {dtype}", op, parameter, INVALID, {parameter: tensor}, 0, name, FLOATS
                )


def _formats() -> Iterator[Case]:
    blocked = {NC1HWC0: "NC1HWC0", FRACTAL_Z: "FRACTAL_Z", FRACTAL_NZ: "FRACTAL_NZ", -1: "UNDEF|-1"}
    for op in OPS:
        for parameter in PARAMETERS[op]:
            for form, name in blocked.items():
                tensor = Tensor(form=form)
                yield Case(f"{parameter} in format {form}", op, parameter, INVALID, {parameter: tensor}, 0, name, "ND")


def _shapes() -> Iterator[Case]:
    for op in OPS:
        for shape in [(4, 3), (2, 4), (4, 1), (2,), (), (1, 4, 2), (8,), (0, 2)]:
            for parameter in ("target", _out(op)):
                yield Case(
                    *(f"{parameter} of shape {shape}", op, parameter, INVALID, {parameter: Tensor(shape)}, 0),
                    *(_shape(shape), _shape(SHAPE) + ".*self"),
                )
        for parameter in PARAMETERS[op]:
            if parameter in ("weightOptional", "posWeightOptional", "gradOutput"):
                for shape in [(3,), (4,), (2, 4), (1, 4, 2), (3, 2), (0,), (4, 0), (1, 1, 1)]:
                    yield Case(
                        *(f"{parameter} of shape {shape}", op, parameter, INVALID, {parameter: Tensor(shape)}, 0),
                        *(_shape(shape), "broadcast.*" + _shape(SHAPE)),
                    )
        for reduction in (1, 2):
            yield Case(
                *(f"target of shape (4, 3), reduction {reduction}", op, "target", INVALID),
                *({"target": Tensor((4, 3))}, reduction, _shape((4, 3)), _shape(SHAPE)),
            )


def _ranks() -> Iterator[Case]:
    nine = Tensor((1,) * 8 + (2,))
    for op in OPS:
        required = {p: nine for p in ("self", "target", _out(op))}
        if "gradOutput" in PARAMETERS[op]:
            required["gradOutput"] = Tensor((1,))
        yield Case("self of 9 dimensions", op, "self", INVALID, required, 0, "9", "8")
        for parameter in PARAMETERS[op]:
            if parameter != "self":
                yield Case(f"{parameter} of 9 dimensions", op, parameter, INVALID, {parameter: nine}, 0)


def _reductions() -> Iterator[Case]:
    for op in OPS:
        for reduction in (-1, 3, 4, 2**31, 2**32, 2**32 + 1, -(2**63), 2**63 - 1):
            yield Case(f"reduction {reduction}", op, "reduction", INVALID, {}, reduction, str(reduction), "0.*1.*2")


def _outs() -> Iterator[Case]:
    for reduction in (1, 2):
        for shape in [(2,), (1, 1), SHAPE, (0,)]:
            yield Case(
                *(f"out of shape {shape}, reduction {reduction}", LOSS, "out", INVALID, {"out": Tensor(shape)}),
                *(reduction, _shape(shape), r"\(1,\)"),
            )
    for dtype in (FLOAT16, BF16):
        for reduction, shape in [(0, SHAPE), (1, (1,)), (2, ())]:
            other = {"out": Tensor(shape, dtype)}
            yield Case(
                *(f"out of data type {dtype}, reduction {reduction}", LOSS, "out", INVALID, other, reduction),
                *("float16", "float32.*target"),
            )
        # torch_npu passes the type of target, the documents name that of self; nothing else is accepted.
        yield Case(f"out of data type {dtype}", BACKWARD, "out", INVALID, {"out": Tensor(dtype=dtype)}, 0, "float16")
    for op in OPS:
        out = _out(op)
        for name, strides in {"a broadcast view": (0, 1), "a sliding window": (1, 1), "one element": (0, 0)}.items():
            shared = {out: Tensor(SHAPE, strides=strides)}
            yield Case(f"{out} is {name}", op, out, INVALID, shared, 0, "share|same", "overlap|own|once")


CASES = [*_nulls(), *_dtypes(), *_formats(), *_shapes(), *_ranks(), *_reductions(), *_outs()]
