"""round_to against NumPy's and ml_dtypes' casts and exact rationals; ulp and ulp_error against their definition."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from oracle import FORMATS

from bcelogits.reference import round_to, ulp, ulp_error

mpmath = pytest.importorskip("mpmath")
bfloat16 = pytest.importorskip("ml_dtypes").bfloat16

DTYPES: list[Any] = [np.float16, bfloat16, np.float32, np.float64]


def same(first: Any, second: Any) -> bool:
    return bool(first.dtype == second.dtype and first.tobytes() == second.tobytes())


def doubles() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Float64 of every size, ties and their neighbours for each format, and the edges of each range."""
    rng = np.random.default_rng(7)
    spread = rng.standard_normal(2000) * 2.0 ** rng.uniform(-160, 140, 2000)
    values = [spread, np.array([0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308])]
    for dtype in DTYPES[:3]:
        bits = np.dtype(dtype).itemsize * 8
        patterns = rng.integers(0, 2**bits, 400, dtype=np.uint64).astype(f"u{bits // 8}")
        patterns[:4] = [0, 1, 2, 3]
        with np.errstate(invalid="ignore"):  # signalling NaN patterns, dropped in the next line
            numbers = patterns.view(dtype).astype(np.float64)
        numbers = numbers[np.isfinite(numbers)]
        fraction_bits, emin = FORMATS[np.dtype(dtype).name]
        exponents = np.maximum(np.frexp(numbers)[1] - 1, emin)
        ties = numbers + np.ldexp(0.5, exponents - fraction_bits)
        values += [numbers, ties, np.nextafter(ties, math.inf), np.nextafter(ties, -math.inf)]
    halfway_f16, halfway_f32 = 65520.0, float(Fraction(2) ** 128 - Fraction(2) ** 103)
    edges = [halfway_f16, np.nextafter(halfway_f16, 0), halfway_f32, np.nextafter(halfway_f32, 0)]
    values.append(np.array(edges + [-v for v in edges]))
    return np.concatenate(values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_to_agrees_with_casts_of_float64(dtype: Any) -> None:
    values = doubles()
    if dtype is bfloat16:
        # ml_dtypes casts float64 by way of float32, which rounds twice: the exact rational decides in its place.
        expected = np.array([nearest(Fraction(float(v)), dtype) if np.isfinite(v) else dtype(v) for v in values], dtype)
        expected[values == 0] = values[values == 0].astype(dtype)
    else:
        with np.errstate(over="ignore", under="ignore"):
            expected = values.astype(dtype)
    for value, wanted in zip(values, expected, strict=True):
        got = round_to(float(value), dtype)
        assert same(got, wanted), (value, got, wanted)
        if np.isfinite(value) and value != 0:  # an mpf has no negative zero
            assert same(round_to(mpmath.mpf(float(value)), dtype), wanted)


def nearest(value: Fraction, dtype: Any) -> Any:
    """The nearest value of `dtype` by trying the neighbours of a cast; the even one of two equally near."""
    with np.errstate(over="ignore", under="ignore"):
        guess = np.asarray(float(value)).astype(dtype)
    info = {"float16": 65504.0, "bfloat16": float(np.finfo(np.float32).max), "float32": float(np.finfo(np.float32).max)}
    unsigned = f"u{np.dtype(dtype).itemsize}"
    pattern = int(np.abs(guess).view(unsigned))
    sign = -1 if value < 0 else 1
    best: tuple[Fraction, int, Any] | None = None
    for candidate in range(max(pattern - 1, 0), pattern + 2):
        number = np.array(candidate, dtype=unsigned).view(dtype)
        magnitude = float(number)
        if math.isnan(magnitude):
            continue
        # Infinity takes the place of the next power of two, as round to nearest does.
        top = Fraction(2) ** math.frexp(info[np.dtype(dtype).name])[1]
        exact = top if math.isinf(magnitude) else Fraction(magnitude)
        key = (abs(abs(value) - exact), candidate & 1, number)
        if best is None or key[:2] < best[:2]:
            best = key
    assert best is not None
    return np.asarray(sign * float(best[2])).astype(dtype)[()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_to_keeps_every_value_of_a_format(dtype: Any) -> None:
    bits = np.dtype(dtype).itemsize * 8
    if bits == 16:
        values = np.arange(2**16, dtype=np.uint16).view(dtype)
    else:
        patterns = np.random.default_rng(3).integers(0, 2**bits, 3000, dtype=np.uint64, endpoint=False)
        values = patterns.astype(f"u{bits // 8}").view(dtype)
    with np.errstate(invalid="ignore"):
        values = values[~np.isnan(values.astype(np.float64))]
    assert same(round_to(values, dtype), values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_to_sees_beyond_float64(dtype: Any) -> None:
    fraction_bits, emin = FORMATS[np.dtype(dtype).name]
    with mpmath.workprec(4000):
        tie = 1 + mpmath.mpf(2) ** -(fraction_bits + 1)
        nudge = mpmath.mpf(2) ** -300
        next_up = 1 + 2.0**-fraction_bits
        assert float(round_to(tie, dtype)) == 1.0
        assert float(round_to(tie + nudge, dtype)) == next_up
        assert float(round_to(-tie - nudge, dtype)) == -next_up
        assert float(round_to(tie - nudge, dtype)) == 1.0
        smallest = mpmath.mpf(2) ** (emin - fraction_bits)
        assert float(round_to(smallest / 2, dtype)) == 0.0
        assert float(round_to(smallest / 2 + smallest * nudge, dtype)) == float(smallest)
        assert float(round_to(mpmath.exp(mpmath.mpf(-1e30)), dtype)) == 0.0
        assert float(round_to(mpmath.exp(mpmath.mpf(1e30)), dtype)) == math.inf
    assert math.isnan(round_to(mpmath.nan, dtype))
    assert math.isinf(round_to(mpmath.inf, dtype))


def test_names_of_dtypes() -> None:
    for name, dtype in zip(["f16", "bf16", "f32", "f64"], DTYPES, strict=True):
        assert round_to(1.0, name).dtype == round_to(1.0, np.dtype(dtype)).dtype == np.dtype(dtype)
        assert round_to(1.0, np.dtype(dtype).name).dtype == np.dtype(dtype)
    with pytest.raises(TypeError, match="dtype: int32"):
        round_to(1.0, np.int32)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_is_the_spacing(dtype: Any) -> None:
    fraction_bits, emin = FORMATS[np.dtype(dtype).name]
    values = [1.0, 1.5, 1.9999, 2.0, 0.75, -3.0, 2.0**emin, 2.0**emin * 1.5, 2.0 ** (emin - 1), 0.0]
    for value in values:
        exponent = math.frexp(value)[1] - 1 if value else emin
        expected = 2.0 ** (max(exponent, emin) - fraction_bits)
        assert ulp(value, dtype) == ulp(mpmath.mpf(value), dtype) == expected
    assert ulp(np.array(values), dtype).tolist() == [ulp(v, dtype) for v in values]
    assert ulp(np.array([mpmath.mpf(v) for v in values], object), dtype).tolist() == [ulp(v, dtype) for v in values]
    assert ulp(mpmath.mpf(2) ** 5000, dtype) == ulp(math.inf, dtype) == ulp(float(round_to(1e308, dtype)), dtype)
    assert math.isnan(ulp(math.nan, dtype))
    assert math.isnan(ulp(np.array([math.nan]), dtype)[0])


def test_ulp_matches_numpy_spacing() -> None:
    values = np.random.default_rng(5).integers(0, 0x7F800000, 1000, dtype=np.uint32).view(np.float32)
    assert (ulp(values, "f32") == np.spacing(values)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_error(dtype: Any) -> None:
    kind = np.dtype(dtype).type
    step = ulp(1.0, dtype)
    with mpmath.workprec(400):
        third = mpmath.mpf(1) + step / mpmath.mpf(3)
    truths: list[Any] = [third, mpmath.mpf(1), mpmath.inf, mpmath.nan, mpmath.inf, mpmath.mpf(1), mpmath.mpf(0)]
    actual = np.array([1.0, 1.0 + 2 * step, math.inf, math.nan, 1.0, math.nan, 0.0], dtype=dtype)
    expected = [1 / 3, 2.0, 0.0, 0.0, math.inf, math.inf, 0.0]
    assert ulp_error(actual, np.array(truths, object), dtype).tolist() == pytest.approx(expected)
    singly = [ulp_error(a, truth, dtype) for a, truth in zip(actual, truths, strict=True)]
    assert singly == pytest.approx(expected)
    narrow = np.array([float(v) for v in truths[1:]])
    assert ulp_error(actual[1:], narrow, dtype).tolist() == pytest.approx(expected[1:])
    assert ulp_error(kind(0.0), ulp(0.0, dtype), dtype) == 1.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_error_is_continuous_across_the_overflow_threshold(dtype: Any) -> None:
    infinity = np.dtype(dtype).type(math.inf)
    unit = ulp(math.inf, dtype)
    with mpmath.workprec(1200):
        place = mpmath.mpf(2) ** {"float16": 16, "bfloat16": 128, "float32": 128, "float64": 1024}[np.dtype(dtype).name]
        assert ulp_error(infinity, place - mpmath.mpf(unit) / 4, dtype) == 0.25
        assert ulp_error(infinity, place, dtype) == 0.0
        assert ulp_error(infinity, 3 * place, dtype) == 0.0
        assert ulp_error(-infinity, 3 * place, dtype) == math.inf or ulp_error(-infinity, 3 * place, dtype) > 100
        largest = float(place - unit)
        assert ulp_error(round_to(largest, dtype), place, dtype) == 1.0
    assert ulp_error(infinity, largest, dtype) == 1.0
    assert ulp_error(np.array([infinity, -infinity]), np.array([largest, -largest]), dtype).tolist() == [1.0, 1.0]
    assert ulp_error(np.array([infinity]), np.array([0.5]), dtype)[0] > 100
