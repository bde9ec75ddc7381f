"""The array zoo, and the one table of valid and invalid calls: every binding must agree on each of them.

A binding's test runs the table with the arrays converted to its own: the verdict, the text of an error and the bits of
a result are those of the NumPy functions. `VALID` and `INVALID` are the table; arrays are made anew for each run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from oracle import BACKWARD, DTYPES, LOSS, OPS, TARGET_BACKWARD, VALUE_AND_GRAD, Array

BLOCK = 2048  # elements of one kernel call, native/engine/kernels/table.hpp: sizes around it are special

# ---- shapes, layouts, values -----------------------------------------------------------------------------------

SHAPES: dict[str, tuple[int, ...]] = {
    "0-d": (),
    "empty": (0,),
    "empty 3-d": (3, 0, 2),
    "one element": (1,),
    "one element 3-d": (1, 1, 1),
    "seven": (7,),
    "block - 1": (BLOCK - 1,),
    "block": (BLOCK,),
    "block + 1": (BLOCK + 1,),
    "odd matrix": (31, 67),
    "3-d": (3, 5, 7),
    "column": (9, 1),
    "12-d": (2,) * 12,
    "64-d": (1,) * 64,
    "64-d, not all one": (1,) * 30 + (3,) + (1,) * 31 + (2, 5),
}


def _in_larger_buffer(a: Array) -> Array:
    wide = np.zeros(tuple(n + 3 for n in a.shape), a.dtype)
    view = wide[tuple(slice(2, 2 + n) for n in a.shape)]
    view[...] = a
    return view


def _every(step: int) -> Callable[[Array], Array]:
    def make(a: Array) -> Array:
        wide = np.zeros(tuple(n * abs(step) for n in a.shape), a.dtype)
        view = wide[tuple(slice(None, None, step) for _ in a.shape)]
        view[...] = a
        return view

    return make


def _permuted(a: Array) -> Array:
    axes = [*range(1, a.ndim), 0] if a.ndim else []
    return np.ascontiguousarray(a.transpose(axes)).transpose(np.argsort(axes)) if a.ndim else a


def _reversed_first_axis(a: Array) -> Array:
    return np.ascontiguousarray(a[::-1])[::-1] if a.ndim else a


def unaligned(a: Array) -> Array:
    """The same values one byte off any alignment."""
    buffer = bytearray(a.nbytes + 1)
    view = np.frombuffer(buffer, np.uint8, offset=1).view(a.dtype).reshape(a.shape) if a.size else a
    view[...] = a
    return view


def _read_only(a: Array) -> Array:
    b = a.copy()
    b.flags.writeable = False
    return b


# Each gives an array equal to its argument, laid out in another way.
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": np.ascontiguousarray,
    "Fortran": lambda a: np.asfortranarray(a).reshape(a.shape, order="A"),
    "permuted": _permuted,
    "in a larger buffer": _in_larger_buffer,
    "every second": _every(2),
    "backwards": _every(-1),
    "backwards every third": _every(-3),
    "first axis backwards": _reversed_first_axis,
    "unaligned": unaligned,
    "read-only": _read_only,
}


def values(shape: tuple[int, ...], dtype: str = "float32", seed: int = 1) -> dict[str, Array]:
    """Logits, soft and hard targets, and positive weights of a shape."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 6, shape)
    t = np.where(rng.random(shape) < 0.5, rng.integers(0, 2, shape), rng.random(shape))
    w, p, g = (np.exp2(rng.uniform(-3, 3, shape)) for _ in range(3))
    named = {"logits": x, "targets": t, "weight": w, "pos_weight": p, "grad_output": g}
    return {name: np.asarray(a).astype(DTYPES[dtype]) for name, a in named.items()}


# ---- calls -----------------------------------------------------------------------------------------------------

Make = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """A call of a public function. `make` returns fresh arguments by name."""

    name: str
    op: str
    make: Make

    def __str__(self) -> str:
        return f"{self.op.removeprefix('binary_cross_entropy_with_logits').lstrip('_') or 'loss'}: {self.name}"

    @property
    def output(self) -> str:
        """The name of the argument for the output array."""
        return "grad_out" if self.op == VALUE_AND_GRAD else "out"


@dataclass(frozen=True)
class BadCall(Call):
    """A call that must fail with this error; a text that ends with "..." is the start of the message."""

    error: type[Exception]
    text: str


def _each(name: str, make: Make, ops: tuple[str, ...] = OPS) -> Iterator[Call]:
    """The call for each function: `grad_output` is dropped where it is no argument, and 1 where it is missing."""
    for op in ops:

        def complete(op: str = op) -> dict[str, Any]:
            kwargs = make()
            upstream = kwargs.pop("grad_output", 1.0)
            if op == VALUE_AND_GRAD and "out" in kwargs:
                kwargs["grad_out"] = kwargs.pop("out")
            return {"grad_output": upstream, **kwargs} if op in (BACKWARD, TARGET_BACKWARD) else kwargs

        yield Call(name, op, complete)


def _only(kwargs: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: kwargs[name] for name in ("logits", "targets", *names)}


def _plain(shape: tuple[int, ...] = (4, 3), dtype: str = "float32", **more: Any) -> dict[str, Any]:
    return _only(values(shape, dtype)) | more


def _shapes() -> Iterator[Call]:
    for name, shape in SHAPES.items():
        for reduction in ("none", "mean", "sum"):
            yield from _each(f"{name}, {reduction}", lambda s=shape, r=reduction: _plain(s, reduction=r))
        yield from _each(
            f"{name}, all operands",
            lambda s=shape: values(s) | {"reduction": "none"},
        )


def _layouts() -> Iterator[Call]:
    def laid_out(layout: Callable[[Array], Array], shape: tuple[int, ...], which: set[str]) -> dict[str, Any]:
        named = values(shape)
        return {k: layout(a) if k in which else a for k, a in named.items()} | {"reduction": "none"}

    everything = {"logits", "targets", "weight", "pos_weight", "grad_output"}
    for (name, layout), shape in itertools.product(LAYOUTS.items(), [(45,), (6, 7), (3, 4, 5)]):
        yield from _each(f"{name}, {len(shape)}-d", lambda f=layout, s=shape: laid_out(f, s, everything))
    for name, layout in LAYOUTS.items():
        for operand in sorted(everything):
            yield from _each(
                f"{name}, {operand} alone",
                lambda f=layout, o=operand: laid_out(f, (6, 7), {o}),
                (BACKWARD,) if operand == "grad_output" else (LOSS, VALUE_AND_GRAD),
            )

    def broadcast_views() -> dict[str, Any]:
        named = values((1, 5))
        return {k: np.broadcast_to(a, (4, 5)) for k, a in named.items()} | {"reduction": "none"}

    def one_element_everywhere() -> dict[str, Any]:
        named = values(())
        return {k: np.broadcast_to(a, (3, 700)) for k, a in named.items()} | {"reduction": "none"}

    def diagonal() -> dict[str, Any]:
        return {k: a.diagonal() for k, a in values((9, 9)).items()} | {"reduction": "none"}

    yield from _each("broadcast views", broadcast_views)
    yield from _each("one element everywhere", one_element_everywhere)
    yield from _each("diagonals", diagonal)
    yield from _each(
        "a mean over a transposed matrix",
        lambda: {k: a.T for k, a in _plain((70, 90)).items()} | {"reduction": "mean"},
    )


def _weights() -> Iterator[Call]:
    shape = (4, 3, 5)
    parts: list[tuple[int, ...]] = [(), (1,), (5,), (3, 1), (3, 5), (1, 3, 5), (4, 1, 1), (4, 1, 5), (4, 3, 1), shape]
    for operand, part in itertools.product(("weight", "pos_weight", "grad_output"), parts):
        ops = (BACKWARD, TARGET_BACKWARD) if operand == "grad_output" else OPS

        def make(operand: str = operand, part: tuple[int, ...] = part) -> dict[str, Any]:
            return _plain(shape, reduction="none") | {operand: values(part, seed=2)[operand]}

        yield from _each(f"{operand} of shape {part}", make, ops)
    numbers: list[Any] = [2.5, 3, 0, 0.1, np.float32(0.1), np.float64(0.1), np.float16(2.5), np.array(0.7)]
    for operand, number in itertools.product(("weight", "pos_weight", "grad_output"), numbers):
        ops = (BACKWARD, TARGET_BACKWARD) if operand == "grad_output" else OPS
        yield from _each(
            f"{operand} {number!r}",
            lambda o=operand, n=number: _plain(shape, reduction="none") | {o: n},
            ops,
        )
    for reduction in ("mean", "sum", "none"):
        yield from _each(
            f"weight and pos_weight per class, {reduction}",
            lambda r=reduction: _plain((40, 5), reduction=r) | {k: values((5,))[k] for k in ("weight", "pos_weight")},
        )
    yield from _each(
        "pos_weight per class, more classes than a block",
        lambda: _plain((2, BLOCK + 3), reduction="none") | {"pos_weight": values((BLOCK + 3,))["pos_weight"]},
        (LOSS, BACKWARD),
    )
    yield from _each(
        "negative weights",
        lambda: _plain(shape, reduction="sum") | {"weight": -values(shape)["weight"]},
    )
    for part in [(), (1,), (1, 1)]:
        for reduction in ("mean", "sum"):
            yield from _each(
                f"{reduction} with grad_output of shape {part}",
                lambda s=part, r=reduction: _plain(shape, reduction=r) | {"grad_output": np.full(s, 3.0, np.float32)},
                (BACKWARD, TARGET_BACKWARD),
            )


def _dtypes() -> Iterator[Call]:
    for a, b in itertools.product(DTYPES, repeat=2):

        def make(a: str = a, b: str = b) -> dict[str, Any]:
            return {"logits": values((3, 7), a)["logits"], "targets": values((3, 7), b)["targets"]}

        for reduction in ("none", "mean"):
            yield from _each(f"{a} and {b}, {reduction}", lambda m=make, r=reduction: m() | {"reduction": r})
    for operand, dtype in itertools.product(("weight", "pos_weight", "grad_output"), DTYPES):
        ops = (BACKWARD, TARGET_BACKWARD) if operand == "grad_output" else OPS
        yield from _each(
            f"{operand} of {dtype}, the rest float16",
            lambda o=operand, d=dtype: _plain((3, 7), "float16", reduction="none") | {o: values((3, 7), d)[o]},
            ops,
        )
    for dtype in DTYPES:
        scalar = DTYPES[dtype].type
        yield from _each(
            f"NumPy scalars of {dtype}",
            lambda s=scalar: {"logits": s(-1.5), "targets": s(0.25), "reduction": "none"},
        )
        yield from _each(f"NumPy scalars of {dtype}, mean", lambda s=scalar: {"logits": s(-1.5), "targets": s(0.25)})


def _outputs() -> Iterator[Call]:
    every_op_elementwise = {"reduction": "none"}
    for operands, dtype in itertools.product(DTYPES, repeat=2):
        yield from _each(
            f"out of {dtype} for {operands}",
            lambda o=operands, d=dtype: _plain((5, 9), o, out=np.zeros((5, 9), DTYPES[d])) | every_op_elementwise,
        )
        for shape in [(), (1,)]:
            yield from _each(
                f"out of {dtype} and shape {shape} for the mean of {operands}",
                lambda o=operands, d=dtype, s=shape: _plain((5, 9), o, out=np.zeros(s, DTYPES[d])),
                (LOSS,),
            )
    for name, layout in LAYOUTS.items():
        if name != "read-only":
            yield from _each(
                f"out {name}",
                lambda f=layout: _plain((6, 7), out=f(np.zeros((6, 7), np.float32))) | every_op_elementwise,
            )
            yield from _each(
                f"out {name} of another dtype",
                lambda f=layout: _plain((6, 7), out=f(np.zeros((6, 7), np.float16))) | every_op_elementwise,
            )

    def in_place(
        name: str, dtype: str, layout: Callable[[Array], Array] = np.ascontiguousarray, reduction: str = "none"
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = values((37, 61), dtype)
        if reduction != "none":
            del kwargs["grad_output"]
        kwargs[name] = layout(kwargs[name])
        return kwargs | {"out": kwargs[name], "reduction": reduction}

    for dtype in DTYPES:
        yield from _each(f"in place of logits, {dtype}", lambda d=dtype: in_place("logits", d))
        yield from _each(f"in place of targets, {dtype}", lambda d=dtype: in_place("targets", d), (LOSS, BACKWARD))
    for reduction in ("mean", "sum"):
        yield from _each(
            f"gradient in place of logits, {reduction}",
            lambda r=reduction: in_place("logits", "float32", reduction=r),
            (BACKWARD, TARGET_BACKWARD, VALUE_AND_GRAD),
        )
    for name, layout in LAYOUTS.items():
        if name != "read-only":
            yield from _each(f"in place of logits, {name}", lambda f=layout: in_place("logits", "float32", f))
    for operand in ("weight", "pos_weight"):
        yield from _each(f"in place of {operand}", lambda o=operand: in_place(o, "float32"), (LOSS, BACKWARD))
    yield from _each("in place of grad_output", lambda: in_place("grad_output", "float32"), (BACKWARD,))

    def same_bytes_other_dtype() -> dict[str, Any]:
        x = values((5, 9), "float16")
        return _only(x) | {"out": x["logits"].view(DTYPES["bfloat16"]), "reduction": "none"}

    def halves_of_rows() -> dict[str, Any]:
        kwargs = _plain((6, 4))
        buffer = np.zeros((6, 8), np.float32)
        buffer[:, :4] = kwargs["logits"]
        return kwargs | {"logits": buffer[:, :4], "out": buffer[:, 4:], "reduction": "none"}

    def interleaved_columns() -> dict[str, Any]:
        kwargs = _plain((6, 4))
        buffer = np.zeros((6, 8), np.float32)
        buffer[:, ::2] = kwargs["logits"]
        return kwargs | {"logits": buffer[:, ::2], "out": buffer[:, 1::2], "reduction": "none"}

    def halves_of_a_buffer() -> dict[str, Any]:
        kwargs = _plain((24,))
        buffer = np.zeros(48, np.float32)
        buffer[:24] = kwargs["logits"]
        return kwargs | {"logits": buffer[:24], "out": buffer[24:], "reduction": "none"}

    def logits_and_targets_in_one_buffer() -> dict[str, Any]:
        buffer = np.arange(8, dtype=np.float32) / 8
        return {"logits": buffer[:6], "targets": buffer[2:], "weight": buffer[1:7], "reduction": "none"}

    yield from _each("in place, the bytes as another dtype", same_bytes_other_dtype)
    yield from _each("out in the other half of the rows", halves_of_rows)
    yield from _each("out in the columns between those of logits", interleaved_columns)
    yield from _each("out in the other half of the buffer", halves_of_a_buffer)
    yield from _each("inputs that overlap each other", logits_and_targets_in_one_buffer)
    yield from _each("an empty out", lambda: _plain((0, 3), out=np.zeros((0, 3), np.float32)) | every_op_elementwise)


def _reductions() -> Iterator[Call]:
    for number in (0, 1, 2):
        yield from _each(f"reduction {number}", lambda n=number: _plain((4, 3), reduction=n))
    yield from _each("no reduction given", lambda: _plain((4, 3)))


VALID: list[Call] = [
    *_shapes(),
    *_layouts(),
    *_weights(),
    *_dtypes(),
    *_outputs(),
    *_reductions(),
]

# ---- calls that must be refused --------------------------------------------------------------------------------

FLOATS = "float32, float16, bfloat16 or float64"
AN_ARRAY = f"expected an array of {FLOATS}"
NATIVE = "expected native byte order (convert with .astype(a.dtype.newbyteorder('=')))"
GRADIENTS = (BACKWARD, TARGET_BACKWARD)
ELEMENTWISE_ONLY = {"reduction": "none"}


def _bad(name: str, make: Make, error: type[Exception], text: str, ops: tuple[str, ...] = OPS) -> Iterator[BadCall]:
    for call in _each(name, make, ops):
        # The output of value_and_grad is the gradient.
        wording = (
            "grad_out" + text.removeprefix("out") if call.op == VALUE_AND_GRAD and text.startswith("out:") else text
        )
        yield BadCall(call.name, call.op, call.make, error, wording)


def _ops_with(operand: str) -> tuple[str, ...]:
    return GRADIENTS if operand == "grad_output" else OPS


def _bad_kinds() -> Iterator[BadCall]:
    shape = (4, 3)

    def array_of(dtype: Any) -> Callable[[], Any]:
        return lambda: np.ones(shape, np.int8).astype(dtype)

    unsupported: dict[str, Callable[[], Any]] = {
        **{
            d: array_of(d) for d in ("int32", "int64", "uint8", "bool", "complex64", "complex128", "object", "S4", "U4")
        },
        "longdouble": array_of(np.longdouble),
        "datetime64[s]": lambda: np.zeros(shape, "M8[s]"),
        "timedelta64[s]": lambda: np.zeros(shape, "m8[s]"),
        "void of two bytes": lambda: np.zeros(shape, "V2"),
        "structured": lambda: np.zeros(shape, [("a", "f4")]),
    }
    not_arrays: dict[str, tuple[Callable[[], Any], str]] = {
        "list": (lambda: [[1.0] * 3] * 4, "a list"),
        "tuple": (lambda: (1.0, 2.0), "a tuple"),
        "str": (lambda: "1.0", "a str"),
        "bytes": (lambda: b"1.0", "a bytes"),
        "bytearray": (lambda: bytearray(48), "a bytearray"),
        "memoryview": (lambda: memoryview(np.ones(12, np.float32)), "a memoryview"),
        "dict": (dict, "a dict"),
        "bool": (lambda: True, "a bool"),
        "complex number": (lambda: 1j, "a complex"),
        "class": (lambda: float, "a type"),
        "object": (object, "a object"),
    }
    for operand in ("logits", "targets", "weight", "pos_weight", "grad_output"):
        ops = _ops_with(operand)
        for name, make in unsupported.items():
            yield from _bad(
                f"{operand}: {name}",
                lambda o=operand, m=make: _plain(shape, **ELEMENTWISE_ONLY) | {o: m()},
                TypeError,
                f"{operand}: dtype {make().dtype}, {AN_ARRAY}",
                ops,
            )
        for name, (make, what) in not_arrays.items():
            yield from _bad(
                f"{operand}: {name}",
                lambda o=operand, m=make: _plain(shape, **ELEMENTWISE_ONLY) | {o: m()},
                TypeError,
                f"{operand}: {what}, {AN_ARRAY}",
                ops,
            )
        for dtype in ("float16", "float32", "float64"):
            yield from _bad(
                f"{operand}: {dtype} byte-swapped",
                lambda o=operand, d=dtype: (
                    _plain(shape, **ELEMENTWISE_ONLY) | {o: np.ones(shape, np.dtype(d).newbyteorder("S"))}
                ),
                TypeError,
                f"{operand}: {dtype} of foreign byte order, {NATIVE}",
                ops,
            )
        yield from _bad(
            f"{operand}: masked",
            lambda o=operand: _plain(shape, **ELEMENTWISE_ONLY) | {o: np.ma.masked_array(np.ones(shape, np.float32))},
            TypeError,
            f"{operand}: a masked array (its mask would be ignored), {AN_ARRAY}",
            ops,
        )
        if operand in ("logits", "targets"):
            for number in (1.0, 1):
                yield from _bad(
                    f"{operand}: {number!r}",
                    lambda o=operand, n=number: _plain(shape, **ELEMENTWISE_ONLY) | {o: n},
                    TypeError,
                    f"{operand}: a Python {type(number).__name__}, {AN_ARRAY}",
                )
        else:
            yield from _bad(
                f"{operand}: an int beyond float64",
                lambda o=operand: _plain(shape, **ELEMENTWISE_ONLY) | {o: 10**400},
                ValueError,
                f"{operand}: ...",
                ops,
            )
        if operand not in ("weight", "pos_weight"):
            yield from _bad(
                f"{operand}: None",
                lambda o=operand: _plain(shape, **ELEMENTWISE_ONLY) | {o: None},
                TypeError,
                f"{operand}: None, {AN_ARRAY}",
                ops,
            )


def _bad_shapes() -> Iterator[BadCall]:
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((4, 2), (4, 3)),
        ((4, 2), (2, 4)),
        ((4, 2), (4, 1)),
        ((4, 2), (2,)),
        ((4, 2), ()),
        ((4, 2), (1, 4, 2)),
        ((4, 2), (8,)),
        ((1, 2), (4, 2)),
        ((), (1,)),
        ((3,), (0,)),
        ((0,), (0, 1)),
        ((0, 2), (0, 3)),
    ]
    for (x, t), reduction in itertools.product(pairs, ("none", "mean")):
        yield from _bad(
            f"targets {t} for logits {x}, {reduction}",
            lambda x=x, t=t, r=reduction: {
                "logits": np.ones(x, np.float32),
                "targets": np.ones(t, np.float32),
                "reduction": r,
            },
            ValueError,
            f"targets: shape {t}, expected {x}, the shape of logits",
        )
    shape = (4, 1, 3)
    for operand in ("weight", "pos_weight", "grad_output"):
        whose = "logits" if operand == "grad_output" else "targets"
        for part in [(2,), (4,), (4, 3), (2, 1, 3), (4, 2, 3), (1, 4, 1, 3), (1, 1, 1, 1), (0,), (4, 1, 0)]:
            yield from _bad(
                f"{operand} of shape {part} for {shape}",
                lambda o=operand, s=part: _plain(shape, **ELEMENTWISE_ONLY) | {o: np.ones(s, np.float32)},
                ValueError,
                f"{operand}: shape {part}, expected one that broadcasts to {shape}, the shape of {whose}",
                _ops_with(operand),
            )


def _bad_reductions() -> Iterator[BadCall]:
    allowed = "expected 'none' (0), 'mean' (1) or 'sum' (2)"
    for value in ("avg", "MEAN", "mean ", "", "mean\0", "\ud800", "1", 3, -1, 2**31, 2**70, -(2**70)):
        yield from _bad(
            f"reduction {value!r}",
            lambda v=value: _plain((4, 3), reduction=v),
            ValueError,
            f"reduction: {value!r}, {allowed}",
        )
    for value in (True, False, 1.0, None, b"mean", ["mean"], ("mean",), np.array(1), np.float32(1)):
        yield from _bad(
            f"reduction {value!r}",
            lambda v=value: _plain((4, 3), reduction=v),
            TypeError,
            f"reduction: {value!r}, expected a str or an int",
        )


def _bad_outputs() -> Iterator[BadCall]:
    shape = (4, 3)

    def elementwise(out: Callable[[dict[str, Any]], Any]) -> Make:
        def make() -> dict[str, Any]:
            kwargs: dict[str, Any] = values(shape) | ELEMENTWISE_ONLY
            return kwargs | {"out": out(kwargs)}

        return make

    for part in [(), (1,), (3,), (4, 1), (3, 4), (12,), (4, 3, 1), (1, 4, 3), (0,)]:
        yield from _bad(
            f"out of shape {part} for {shape}",
            elementwise(lambda _, s=part: np.zeros(s, np.float32)),
            ValueError,
            f"out: shape {part}, expected {shape}, the shape of logits",
        )
        if part not in ((), (1,)):
            yield from _bad(
                f"out of shape {part} for the mean",
                lambda s=part: _plain(shape, out=np.zeros(s, np.float32)),
                ValueError,
                f"out: shape {part}, expected () or (1,) for a reduced result",
                (LOSS,),
            )
    for dtype in ("int32", "bool", "complex64", "object"):
        yield from _bad(
            f"out of {dtype}",
            elementwise(lambda _, d=dtype: np.zeros(shape, d)),
            TypeError,
            f"out: dtype {dtype}, {AN_ARRAY}",
        )
    yield from _bad(
        "out byte-swapped",
        elementwise(lambda _: np.zeros(shape, np.dtype(np.float32).newbyteorder("S"))),
        TypeError,
        f"out: float32 of foreign byte order, {NATIVE}",
    )
    yield from _bad("out a list", elementwise(lambda _: [[0.0] * 3] * 4), TypeError, f"out: a list, {AN_ARRAY}")
    yield from _bad("out a number", elementwise(lambda _: 0.0), TypeError, f"out: a Python float, {AN_ARRAY}")
    yield from _bad(
        "out masked",
        elementwise(lambda _: np.ma.zeros(shape, np.float32)),
        TypeError,
        f"out: a masked array (its mask would be ignored), {AN_ARRAY}",
    )
    # A NumPy scalar cannot be written to: accepting it would lose the result.
    for scalar in (np.float32(0), np.float64(0), DTYPES["bfloat16"].type(0)):
        yield from _bad(
            f"out a NumPy {type(scalar).__name__}",
            lambda s=scalar: _plain(shape, out=s),
            TypeError,
            "out: ...",
            (LOSS,),
        )
    yield from _bad(
        "out read-only",
        elementwise(lambda _: _read_only(np.zeros(shape, np.float32))),
        ValueError,
        "out: read-only, expected a writable array",
    )
    yield from _bad(
        "out read-only for the mean",
        lambda: _plain(shape, out=_read_only(np.zeros((), np.float32))),
        ValueError,
        "out: read-only, expected a writable array",
        (LOSS,),
    )

    yield from _bad(
        "out a broadcast view",
        elementwise(lambda _: np.lib.stride_tricks.as_strided(np.zeros(3, np.float32), shape, (0, 4))),
        ValueError,
        "out: several elements share memory, expected an array without overlap",
    )
    yield from _bad(
        "out a sliding window",
        elementwise(lambda _: np.lib.stride_tricks.as_strided(np.zeros(6, np.float32), shape, (4, 4))),
        ValueError,
        "out: several elements share memory, expected an array without overlap",
    )

    # An out that would be written before the input is read.
    def shifted(kwargs: dict[str, Any], operand: str, offset: int = 1) -> dict[str, Any]:
        buffer = np.zeros(14, np.float32)
        kwargs[operand] = buffer[:12].reshape(shape)
        return kwargs | {"out": buffer[offset : 12 + offset].reshape(shape)}

    for operand in ("logits", "targets", "weight", "pos_weight", "grad_output"):
        expected = f"out: overlaps {operand}, expected separate memory or exactly the same elements"
        for offset in (1, 2):
            yield from _bad(
                f"out shifted by {offset} against {operand}",
                lambda o=operand, n=offset: shifted(values(shape) | ELEMENTWISE_ONLY, o, n),
                ValueError,
                expected,
                _ops_with(operand),
            )
    against_logits = "out: overlaps logits, expected separate memory or exactly the same elements"
    overlapping: dict[str, Callable[[dict[str, Any]], Any]] = {
        "out backwards over logits": lambda k: k["logits"][::-1],
        "out over the bytes of logits, half as wide": lambda k: k["logits"].view(np.float16)[:, :3],
        "out over logits, one byte off": lambda k: (
            k["logits"].reshape(-1).view(np.uint8)[1:25].view(np.float16).reshape(shape)
        ),
    }
    for name, out in overlapping.items():
        yield from _bad(name, elementwise(out), ValueError, against_logits)

    def transposed() -> dict[str, Any]:
        kwargs = values((4, 4)) | ELEMENTWISE_ONLY
        return kwargs | {"out": kwargs["logits"].T}

    def weight_of_one_row() -> dict[str, Any]:
        kwargs = values(shape) | ELEMENTWISE_ONLY
        out = np.zeros(shape, np.float32)
        return kwargs | {"weight": out[0], "out": out}

    def result_inside_logits() -> dict[str, Any]:
        kwargs = _plain((12,))
        return kwargs | {"out": kwargs["logits"][3:4]}

    yield from _bad("out the transpose of logits", transposed, ValueError, against_logits)
    yield from _bad(
        "weight a row of out",
        weight_of_one_row,
        ValueError,
        "out: overlaps weight, expected separate memory or exactly the same elements",
    )
    yield from _bad(
        "the mean into an element of logits",
        result_inside_logits,
        ValueError,
        "out: overlaps logits, expected separate memory",
        (LOSS,),
    )


INVALID: list[BadCall] = [*_bad_kinds(), *_bad_shapes(), *_bad_reductions(), *_bad_outputs()]
