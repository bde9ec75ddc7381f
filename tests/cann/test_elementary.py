"""The elementary operators through the C API: values against exact arithmetic, casts, layouts, codes and texts."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import POINTER, byref, c_bool, c_double, c_int32, c_int64, c_uint64, c_void_p
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from binding import ACL_DTYPES, Acl, Array
from toolchain import ROOT

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype(np.float32), np.dtype(np.float16), BF16, np.dtype(np.float64)]
INTEGERS = [np.dtype(t) for t in (np.bool_, np.uint8, np.int8, np.int16, np.int32, np.int64)]
DTYPES = {**ACL_DTYPES, np.dtype(np.int16): 6}
NULL, INVALID = 161001, 161002
OPERATORS_TABLE = (ROOT / "native/cann/capi/elementary.def").read_text()
NAMES = re.findall(r"^ELEMENTARY\((\w+), ", OPERATORS_TABLE, flags=re.MULTILINE)


class Elementary:
    """Calls with NumPy arrays and numbers in the place of tensors and scalars."""

    def __init__(self, acl: Acl) -> None:
        self.acl = acl
        for name in ("aclCreateScalar", "aclCreateIntArray", "aclCreateTensorList"):
            getattr(acl.base, name).restype = c_void_p
        acl.base.aclDestroyScalar.argtypes = acl.base.aclDestroyIntArray.argtypes = [c_void_p]

    @contextmanager
    def tensor(self, array: Array) -> Iterator[int]:
        """A tensor with the array's layout; afterwards the array has what the device memory holds."""
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        assert base.flags.c_contiguous
        view = array
        data = base.tobytes()
        offset = (view.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // max(view.itemsize, 1)
        with self.acl.on_device(data) as address:
            made = self.acl.create_tensor(
                view.shape,
                DTYPES[view.dtype],
                address,
                strides=[s // view.itemsize for s in view.strides],
                offset=offset if view.size else 0,
                storage=(base.size,),
            )
            assert made is not None, self.acl.recent()
            try:
                yield made
                if base.flags.writeable:
                    flat = np.frombuffer(self.acl.download(address, len(data)), base.dtype)
                    base[...] = flat.reshape(base.shape)
            finally:
                self.acl.destroy_tensor(made)

    def handle(self, stack: ExitStack, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return c_void_p(stack.enter_context(self.tensor(value)))
        if isinstance(value, bool | c_int32 | c_int64 | c_double | None):
            return c_bool(value) if isinstance(value, bool) else value
        if isinstance(value, int | float):
            held = c_int64(value) if isinstance(value, int) else c_double(value)
            made = c_void_p(self.acl.base.aclCreateScalar(byref(held), 9 if isinstance(value, int) else 11))
            stack.callback(self.acl.base.aclDestroyScalar, made)
            return made
        if isinstance(value, tuple):  # of dimensions
            dims = (c_int64 * max(len(value), 1))(*value)
            made = c_void_p(self.acl.base.aclCreateIntArray(dims, c_uint64(len(value))))
            stack.callback(self.acl.base.aclDestroyIntArray, made)
            return made
        if isinstance(value, list):  # of tensors, which are destroyed with their arrays
            members = (c_void_p * len(value))(*(self.handle(stack, v) for v in value))
            return c_void_p(self.acl.base.aclCreateTensorList(members, c_uint64(len(value))))
        raise TypeError(type(value))

    def status(self, name: str, *arguments: Any) -> tuple[int, str]:
        """Both phases and the wait; the code and text of what fails, or 0."""
        with ExitStack() as stack:
            handles = [self.handle(stack, a) for a in arguments]
            size, executor = c_uint64(77), c_void_p(77)
            one = getattr(self.acl.operators, f"aclnn{name}GetWorkspaceSize")
            code = int(one(*handles, byref(size), byref(executor)))
            if code:
                assert (size.value, executor.value) == (77, 77), "written to although it failed"
                return code, self.acl.recent()
            two = getattr(self.acl.operators, f"aclnn{name}")
            workspace = c_void_p(self.acl.malloc(size.value)) if size.value else None
            if workspace:
                stack.callback(self.acl.free, workspace.value)
            code = int(two(workspace, size, executor, None))
            self.acl.synchronize()
            return code, self.acl.recent() if code else ""

    def run(self, name: str, *arguments: Any) -> None:
        code, text = self.status(name, *arguments)
        assert code == 0, text


@pytest.fixture(scope="module")
def ops(acl: Acl) -> Elementary:
    return Elementary(acl)


def rounded(value: Fraction, dtype: np.dtype[Any]) -> Any:
    """To nearest even, once: between the two neighbours of the format, by exact comparison."""
    guess = np.float64(float(value)).astype(dtype)
    candidates = [guess, np.nextafter(guess, dtype.type(math.inf)), np.nextafter(guess, dtype.type(-math.inf))]
    finite = [c for c in candidates if np.isfinite(c.astype(np.float64))]
    best = min(abs(Fraction(float(c)) - value) for c in finite)
    nearest = [c for c in finite if abs(Fraction(float(c)) - value) == best]
    even = [c for c in nearest if int(np.asarray(c).view(f"u{dtype.itemsize}")) % 2 == 0]
    return (even or nearest)[0]


def numbers(rng: np.random.Generator, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if dtype in FLOATS:
        return np.asarray(rng.normal(0, 3, shape)).astype(dtype)
    if dtype == np.bool_:
        return np.asarray(rng.random(shape) < 0.5)
    low = 0 if dtype.kind == "u" else -9
    return np.asarray(rng.integers(low, 10, shape)).astype(dtype)


def views(array: Array) -> dict[str, Array]:
    """The same numbers: as they are, Fortran order, every second element, from an offset."""
    gaps = np.zeros((*array.shape[:-1], array.shape[-1] * 2), array.dtype)
    gaps[..., ::2] = array
    later = np.zeros(array.size + 3, array.dtype)
    later[3:] = array.ravel()
    return {
        "plain": array.copy(),
        "transposed": array.T.copy().T,
        "gaps": gaps[..., ::2],
        "offset": later[3:].reshape(array.shape),
    }


class TestCasts:
    @pytest.mark.parametrize("to", FLOATS + INTEGERS, ids=str)
    @pytest.mark.parametrize("source", FLOATS + INTEGERS, ids=str)
    def test_numbers_that_both_hold_stay(
        self, source: np.dtype[Any], to: np.dtype[Any], ops: Elementary, rng: np.random.Generator
    ) -> None:
        values = np.abs(numbers(rng, source, (3, 5)).astype(np.float64)).round()
        if np.bool_ in (source, to):
            values = values > 1
        for layout, view in views(values.astype(source)).items():
            out = np.zeros((3, 5), to)
            ops.run("Cast", view, c_int32(DTYPES[to]), out)
            np.testing.assert_array_equal(out, values.astype(to), err_msg=layout)
            copied = views(np.zeros((3, 5), to))["gaps"]
            ops.run("InplaceCopy", copied, view)
            np.testing.assert_array_equal(copied, values.astype(to), err_msg=layout)

    def test_wide_to_narrow_is_rounded_once_to_nearest_even(self, ops: Elementary) -> None:
        # Between two float16 numbers by less than half a float32 step: through float32 it would go the other way.
        tricky = [1 + 2**-11 + 2**-40, 1 + 2**-11 - 2**-40, 1 + 3 * 2**-11, 2**-25 + 2**-60, 65519.999, 65520.0, -1e300]
        for dtype in (np.dtype(np.float16), BF16, np.dtype(np.float32)):
            out = np.zeros(len(tricky), dtype)
            ops.run("Cast", np.array(tricky), c_int32(DTYPES[dtype]), out)
            largest = float(ml_dtypes.finfo(dtype).max)
            for value, got in zip(tricky, out, strict=True):
                if abs(value) < largest:
                    assert got == rounded(Fraction(value), dtype), (value, dtype)
                elif abs(value) > 2 * largest:
                    assert np.isinf(got.astype(np.float64))
        assert np.isinf(out[-1])

    def test_large_integers_are_rounded_once(self, ops: Elementary) -> None:
        values = [2**62 + 2**54 + 1, 2**62 + 2**54, 2**53 + 1, 2**24 + 1, 2**31 + 2**23 + 1, -(2**62 + 2**54 + 1)]
        for dtype in (BF16, np.dtype(np.float32), np.dtype(np.float64)):
            out = np.zeros(len(values), dtype)
            ops.run("Cast", np.array(values, np.int64), c_int32(DTYPES[dtype]), out)
            assert out.tolist() == [rounded(Fraction(v), dtype) for v in values]

    def test_to_integers_cuts_saturates_and_takes_nan_as_0(self, ops: Elementary) -> None:
        values = np.array([1.9, -1.9, 300.0, -300.0, 1e30, -1e30, math.inf, -math.inf, math.nan, -0.0])
        for dtype in (np.int8, np.uint8, np.int16, np.int32, np.int64):
            info = np.iinfo(dtype)
            expected = [0 if math.isnan(v) else int(max(min(v, info.max), info.min)) for v in values.tolist()]
            for source in (np.float64, np.float32):
                out = np.zeros(len(values), dtype)
                with np.errstate(over="ignore"):
                    ops.run("Cast", values.astype(source), c_int32(DTYPES[np.dtype(dtype)]), out)
                assert out.tolist() == expected, dtype

    def test_integers_keep_the_low_bits_and_bool_is_not_0(self, ops: Elementary) -> None:
        values = np.array([300, -1, 2**40 + 7, 0], np.int64)
        out = np.zeros(4, np.uint8)
        ops.run("Cast", values, c_int32(DTYPES[out.dtype]), out)
        assert out.tolist() == [44, 255, 7, 0]
        flags = np.zeros(4, np.bool_)
        ops.run("Cast", np.array([0.5, math.nan, 0.0, -0.0]), c_int32(12), flags)
        assert flags.tolist() == [True, True, False, False]

    def test_a_copy_keeps_every_bit(self, ops: Elementary) -> None:
        patterns = np.array([0x7FC00001, 0xFF800001, 0x80000000, 0x00000001], np.uint32).view(np.float32)
        out = np.zeros(4, np.float32)
        ops.run("InplaceCopy", out, patterns)
        assert out.view(np.uint32).tolist() == patterns.view(np.uint32).tolist()


ARITHMETIC: dict[str, tuple[Callable[[Fraction, Fraction, Fraction], Fraction], bool]] = {
    "Add": (lambda a, b, s: a + s * b, True),
    "Sub": (lambda a, b, s: a - s * b, True),
    "Rsub": (lambda a, b, s: b - s * a, True),
    "Mul": (lambda a, b, _: a * b, False),
    "Div": (lambda a, b, _: a / b, False),
}


class TestArithmetic:
    @pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)
    @pytest.mark.parametrize("name", ARITHMETIC)
    def test_one_rounding(self, name: str, dtype: np.dtype[Any], ops: Elementary, rng: np.random.Generator) -> None:
        exact, scaled = ARITHMETIC[name]
        a, b = numbers(rng, dtype, (4, 6)), numbers(rng, dtype, (6,))
        for scale in (1, -1, 0.1) if scaled else (1,):
            factor = Fraction(float(dtype.type(scale)))
            expected = [
                [
                    rounded(exact(Fraction(float(x)), Fraction(float(y)), factor), dtype)
                    for x, y in zip(r, b, strict=True)
                ]
                for r in a
            ]
            for view in views(a).values():
                out = np.zeros((4, 6), dtype)
                ops.run(name, view, b, *([scale] if scaled else []), out)
                np.testing.assert_array_equal(out, np.array(expected, dtype))

    def test_16_bits_are_calculated_in_float32_and_rounded_once(
        self, ops: Elementary, rng: np.random.Generator
    ) -> None:
        for dtype in (np.dtype(np.float16), BF16):
            a, b = numbers(rng, dtype, (50,)), numbers(rng, dtype, (50,))
            out = np.zeros(50, dtype)
            ops.run("Add", a, b, 1, out)
            np.testing.assert_array_equal(out, (a.astype(np.float32) + b.astype(np.float32)).astype(dtype))

    def test_integers_wrap(self, ops: Elementary) -> None:
        out = np.zeros(2, np.int64)
        ops.run("Add", np.array([2**63 - 1, 5], np.int64), np.array([1, 6], np.int64), 1, out)
        assert out.tolist() == [-(2**63), 11]
        small = np.zeros(2, np.int8)
        ops.run("Muls", np.array([100, -7], np.int8), 3, small)
        assert small.tolist() == [44, -21]

    def test_in_place_and_with_a_number(self, ops: Elementary) -> None:
        x = np.array([1.0, 2.0, 4.0], np.float32)
        for name, arguments, expected in (
            ("InplaceAdds", (1, 2), [3, 4, 6]),
            ("InplaceMuls", (2,), [6, 8, 12]),
            ("InplaceSubs", (1, 1), [5, 7, 11]),
            ("InplaceDivs", (2,), [2.5, 3.5, 5.5]),
            ("InplaceAdd", (np.ones(1, np.float32), 0.5), [3, 4, 6]),
            ("InplaceLerps", (np.zeros(3, np.float32), 0.5), [1.5, 2, 3]),
            ("InplaceAddcmul", (np.full(3, 2, np.float32), np.full(3, 3, np.float32), 1), [7.5, 8, 9]),
            ("InplaceAddcdiv", (np.full(3, 3, np.float32), np.full(3, 2, np.float32), 1), [9, 9.5, 10.5]),
            ("InplaceZero", (), [0, 0, 0]),
            ("InplaceOne", (), [1, 1, 1]),
            ("InplaceFillScalar", (0.25,), [0.25] * 3),
            ("InplaceFillTensor", (np.float32([7]),), [7, 7, 7]),
        ):
            ops.run(name, x, *arguments)
            assert x.tolist() == expected, name

    def test_large_tensors_are_shared_among_threads(self, ops: Elementary, rng: np.random.Generator) -> None:
        a, b = numbers(rng, FLOATS[0], (600, 1000)), numbers(rng, FLOATS[0], (600, 1))
        out = np.zeros((600, 1000), np.float32)
        ops.run("Mul", a.T.copy().T, b, out)
        np.testing.assert_array_equal(out, a * b)

    def test_single_operands(self, ops: Elementary) -> None:
        x = np.array([-1.5, 2.25, -0.0, math.inf], np.float32)
        for name, expected in (
            ("Abs", np.abs(x)),
            ("Neg", -x),
            ("Ceil", np.ceil(x)),
            ("Floor", np.floor(x)),
            ("Relu", np.maximum(x, 0)),
        ):
            out = np.zeros_like(x)
            ops.run(name, x, out)
            np.testing.assert_array_equal(out, expected, err_msg=name)


COMPARISONS = {
    "Eq": operator.eq,
    "Ne": operator.ne,
    "Gt": operator.gt,
    "Ge": operator.ge,
    "Lt": operator.lt,
    "Le": operator.le,
}


class TestComparisons:
    @pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
    @pytest.mark.parametrize("name", COMPARISONS)
    def test_tensors_and_numbers(
        self, name: str, dtype: np.dtype[Any], ops: Elementary, rng: np.random.Generator
    ) -> None:
        a, b = numbers(rng, dtype, (40,)), numbers(rng, dtype, (40,))
        a[:10] = b[:10]
        if dtype in FLOATS:
            a[11] = math.nan
        out = np.zeros(40, np.bool_)
        ops.run(f"{name}Tensor", a, b, out)
        with np.errstate(invalid="ignore"):  # ml_dtypes complains about NaN
            np.testing.assert_array_equal(out, COMPARISONS[name](a, b))
        ops.run(f"{name}Scalar", a, 1, out)
        np.testing.assert_array_equal(out, COMPARISONS[name](a.astype(np.float64), 1.0))

    def test_logic(self, ops: Elementary) -> None:
        a, b = np.array([0, 0, 3, 5], np.int32), np.array([0, 2, 0, 4], np.int32)
        p, q = a != 0, b != 0
        out, flags = np.zeros(4, np.int32), np.zeros(4, np.bool_)
        for name, expected in (("And", p & q), ("Or", p | q), ("Xor", p ^ q)):
            ops.run(f"Logical{name}", a, b, flags)
            np.testing.assert_array_equal(flags, expected)
        for name, expected in (("And", a & b), ("Or", a | b), ("Xor", a ^ b)):
            ops.run(f"Bitwise{name}Tensor", a, b, out)
            np.testing.assert_array_equal(out, expected)
        ops.run("BitwiseNot", a, out)
        np.testing.assert_array_equal(out, ~a)
        ops.run("BitwiseNot", p, flags)
        np.testing.assert_array_equal(flags, ~p)
        ops.run("LogicalNot", a, flags)
        np.testing.assert_array_equal(flags, ~p)
        ops.run("IsFinite", np.float32([1, math.inf, math.nan, -2]), flags)
        assert flags.tolist() == [True, False, False, True]

    def test_closeness_and_equality(self, ops: Elementary) -> None:
        a, b = np.array([1.0, math.nan, math.inf, 1.0]), np.array([1.0 + 1e-9, math.nan, math.inf, 1.1])
        out = np.zeros(4, np.bool_)
        ops.run("IsClose", a, b, c_double(1e-5), c_double(1e-8), False, out)
        assert out.tolist() == [True, False, True, False]
        ops.run("IsClose", a, b, c_double(0.0), c_double(0.2), True, out)
        assert out.tolist() == [True, True, True, True]
        for other, expected in ((a[[0, 2, 3]], True), (a[[0, 3, 2]], False)):
            one = np.zeros(1, np.bool_)
            ops.run("Equal", a[[0, 2, 3]], other, one)
            assert one.tolist() == [expected]


class TestReductions:
    def test_sums_are_exact_and_rounded_once(self, ops: Elementary, rng: np.random.Generator) -> None:
        for dtype in FLOATS:
            x = (numbers(rng, dtype, (5, 300)).astype(np.float64) * 10.0 ** rng.integers(-3, 3, (5, 300))).astype(dtype)
            exact = [sum((Fraction(float(v)) for v in row), Fraction()) for row in x]
            for view in views(x).values():
                out, mean = np.zeros(5, dtype), np.zeros((5, 1), dtype)
                ops.run("ReduceSum", view, (1,), False, c_int32(DTYPES[dtype]), out)
                ops.run("Mean", view, (-1,), True, c_int32(DTYPES[dtype]), mean)
                assert out.tolist() == [rounded(e, dtype) for e in exact]
                assert mean[:, 0].tolist() == [rounded(e / 300, dtype) for e in exact]

    def test_every_choice_of_dimensions(self, ops: Elementary, rng: np.random.Generator) -> None:
        x = numbers(rng, np.dtype(np.int32), (2, 3, 4))
        for dims in ((), (0,), (1,), (2,), (0, 2), (-1, 0), (0, 1, 2)):
            axes = dims or (0, 1, 2)
            for keep in (False, True):
                out = np.zeros(x.sum(axis=axes, keepdims=keep).shape, np.int64)
                ops.run("ReduceSum", x, dims, keep, c_int32(9), out)
                np.testing.assert_array_equal(out, x.sum(axis=axes, keepdims=keep))
                flags = np.zeros(out.shape, np.bool_)
                ops.run("All", x != 2, dims, keep, flags)
                np.testing.assert_array_equal(flags, (x != 2).all(axis=axes, keepdims=keep))
                ops.run("Any", x == 2, dims, keep, flags)
                np.testing.assert_array_equal(flags, (x == 2).any(axis=axes, keepdims=keep))

    def test_extremes(self, ops: Elementary) -> None:
        for values, largest, least in (
            (np.float16([1, -3, 7]), 7, -3),
            (np.array([2**62 + 1, 2**62], np.int64), 2**62 + 1, 2**62),
        ):
            out = np.zeros((), values.dtype)
            ops.run("Max", values, out)
            assert out == largest
            ops.run("Min", values, out)
            assert out == least
        out = np.zeros((), np.float32)
        ops.run("Max", np.float32([1, math.nan, 3]), out)
        assert np.isnan(out)

    def test_of_nothing(self, ops: Elementary) -> None:
        out = np.ones((), np.float32)
        ops.run("ReduceSum", np.zeros((0, 3), np.float32), (), False, c_int32(0), out)
        assert out == 0
        ops.run("Mean", np.zeros((0, 3), np.float32), (), False, c_int32(0), out)
        assert np.isnan(out)
        assert ops.status("Max", np.zeros(0, np.float32), out)[0] == INVALID


class TestLists:
    def test_joined(self, ops: Elementary, rng: np.random.Generator) -> None:
        a, b = numbers(rng, FLOATS[0], (2, 3)), numbers(rng, FLOATS[0], (2, 3)).T.copy().T
        for dim in (0, 1, -1):
            out = np.zeros_like(np.concatenate([a, b], dim))
            ops.run("Cat", [a, b], c_int64(dim), out)
            np.testing.assert_array_equal(out, np.concatenate([a, b], dim))
            out = np.zeros_like(np.stack([a, b], dim))
            ops.run("Stack", [a, b], c_int64(dim), out)
            np.testing.assert_array_equal(out, np.stack([a, b], dim))

    def test_each_by_itself(self, ops: Elementary, rng: np.random.Generator) -> None:
        x, y = ([numbers(rng, FLOATS[0], shape) for shape in ((3,), (2, 2))] for _ in range(2))
        out = [np.zeros_like(v) for v in x]
        ops.run("ForeachAddListV2", x, y, 2, out)
        for a, b, c in zip(x, y, out, strict=True):
            np.testing.assert_array_equal(c, a + np.float32(2) * b)
        ops.run("ForeachMulScalarV2", x, 3, out)
        for a, c in zip(x, out, strict=True):
            np.testing.assert_array_equal(c, a * np.float32(3))

    def test_lists_that_do_not_fit(self, ops: Elementary) -> None:
        a, out = np.ones((2, 3), np.float32), np.zeros((4, 3), np.float32)
        for arguments in (([a], c_int64(0), out), ([a, a, a], c_int64(0), out), ([a, a], c_int64(2), out)):
            assert ops.status("Cat", *arguments)[0] == INVALID
        code, text = ops.status("ForeachAddListV2", [a, a], [a], 1, [out, out])
        assert code == INVALID
        assert "x2: 1 tensors, expected 2" in text
        assert not out.any()

    def test_selected_by_a_mask(self, ops: Elementary, rng: np.random.Generator) -> None:
        x, mask = numbers(rng, FLOATS[0], (40, 60)), numbers(rng, np.dtype(np.bool_), (60,))
        with ExitStack() as stack:
            out = np.zeros(x.size, np.float32)
            handles = [ops.handle(stack, v) for v in (x.T.copy().T, mask, out)]
            size, executor = c_uint64(), c_void_p()
            operators = ops.acl.operators
            assert operators.aclnnMaskedSelectGetWorkspaceSize(*handles, byref(size), byref(executor)) == 0
            assert operators.aclnnMaskedSelect(None, size, executor, None) == 0
            ops.acl.synchronize()
            dims, rank = POINTER(c_int64)(), c_uint64()
            assert ops.acl.base.aclGetViewShape(handles[2], byref(dims), byref(rank)) == 0
            found = [dims[i] for i in range(rank.value)]
        expected = x[:, mask].ravel()
        assert found == [expected.size]
        np.testing.assert_array_equal(out[: expected.size], expected)


F = np.ones((2, 3), np.float32)
REFUSED: dict[str, tuple[str, tuple[Any, ...], int, str]] = {
    "no self": ("Add", (None, F, 1, F.copy()), NULL, "self: null pointer, expected a tensor"),
    "no out": ("Abs", (F, None), NULL, "out: null pointer, expected a tensor"),
    "no number": ("Adds", (F, None, None, F.copy()), NULL, "other: null pointer, expected an aclScalar"),
    "shape": ("Add", (F, np.ones(2, np.float32), 1, F.copy()), INVALID, r"other: shape \(2,\), expected one that"),
    "larger out": ("Abs", (np.ones(3, np.float32), F.copy()), INVALID, r"out: shape \(2, 3\), expected that to which"),
    "bits of a float": ("BitwiseNot", (F, F.copy()), INVALID, "self: dtype float32, expected bool or an integer"),
    "mean of integers": (
        "Mean",
        (np.ones(3, np.int32), (), False, c_int32(0), np.zeros((), np.float32)),
        INVALID,
        "self",
    ),
    "dtype beside out": (
        "Cast",
        (F, c_int32(1), F.copy()),
        INVALID,
        "dtype: float16, expected float32, the dtype of out",
    ),
    "dimension": ("ReduceSum", (F, (2,), False, c_int32(0), np.zeros(2, np.float32)), INVALID, "dim: 2, expected"),
    "dimension twice": ("ReduceSum", (F, (1, -1), False, c_int32(0), np.zeros(2, np.float32)), INVALID, "dim: -1"),
    "reduced shape": (
        "ReduceSum",
        (F, (1,), False, c_int32(0), np.zeros(3, np.float32)),
        INVALID,
        r"out: shape \(3,\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_and_nothing_is_written(case: str, ops: Elementary) -> None:
    name, arguments, expected, message = REFUSED[case]
    code, text = ops.status(name, *arguments)
    assert code == expected, text
    assert re.search(rf"aclnn{name}GetWorkspaceSize: {message}", text), text


def test_overlap_is_refused_but_not_in_place(ops: Elementary, acl: Acl) -> None:
    with acl.on_device(np.arange(8, dtype=np.float32).tobytes()) as address:
        made = [acl.create_tensor((4,), 0, address, offset=o, storage=(8,)) for o in (0, 1)]
        broadcast = acl.create_tensor((4,), 0, address, strides=[0], storage=(8,))
        size, executor = c_uint64(), c_void_p()
        one = acl.operators.aclnnAbsGetWorkspaceSize
        for source, out, code in ((0, 1, INVALID), (0, 0, 0)):
            tensors = (c_void_p(made[source]), c_void_p(made[out]))
            assert one(*tensors, byref(size), byref(executor)) == code, acl.recent()
        acl.base.aclDestroyAclOpExecutor(executor)
        assert "out: overlaps self" in acl.recent()
        assert (
            acl.operators.aclnnInplaceZeroGetWorkspaceSize(c_void_p(broadcast), byref(size), byref(executor)) == INVALID
        )
        assert "selfRef: several elements share memory" in acl.recent()
        for tensor in (*made, broadcast):
            acl.destroy_tensor(tensor)


def test_every_operator_refuses_null_everywhere_without_a_crash(acl: Acl) -> None:
    for name in NAMES:
        one, two = (getattr(acl.operators, f"aclnn{name}{phase}") for phase in ("GetWorkspaceSize", ""))
        nulls = [None] * 9
        assert one(*nulls) in (NULL, INVALID), name
        assert f"aclnn{name}GetWorkspaceSize: " in acl.recent()
        assert two(None, c_uint64(0), None, None) == 561103
        assert f"aclnn{name}: executor: null pointer" in acl.recent()


def test_the_executor_of_another_operator_is_refused(ops: Elementary, acl: Acl) -> None:
    x = np.ones(3, np.float32)
    with ops.tensor(x) as tensor:
        size, executor = c_uint64(), c_void_p()
        assert acl.operators.aclnnInplaceZeroGetWorkspaceSize(c_void_p(tensor), byref(size), byref(executor)) == 0
        assert acl.operators.aclnnInplaceOne(None, size, executor, None) == INVALID
        assert "one of aclnnInplaceZeroGetWorkspaceSize" in acl.recent()
    assert x.tolist() == [1, 1, 1]


def test_memory_that_was_freed_is_refused(acl: Acl) -> None:
    address = acl.malloc(16)
    tensor = acl.create_tensor((4,), 0, address)
    size, executor = c_uint64(), c_void_p()
    assert acl.operators.aclnnInplaceZeroGetWorkspaceSize(c_void_p(tensor), byref(size), byref(executor)) == 0
    acl.free(address)
    assert acl.operators.aclnnInplaceZero(None, size, executor, None) == INVALID
    assert "selfRef: address" in acl.recent()
    acl.destroy_tensor(tensor)
