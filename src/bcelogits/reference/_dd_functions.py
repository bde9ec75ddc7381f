"""Exponential, log1p, softplus and sigmoid in double-double arithmetic, by argument reduction and series.

    exp(x) = 2**k * 2**(j/64) * exp(r)           n = round(x * 64 / log 2) = 64 k + j,  |r| <= log(2) / 128
    log1p(u) = log(c) + 2 atanh(s)               c = 1 + i/64, i = round(64 u),  s = (u - i/64) / (2 c + u - i/64)

Tables and constants come from the arbitrary-precision `decimal` module of Python's standard library. log(c) is 0 for
c = 1, so a small u loses nothing; else log(c) is at least twice the series, so that nothing cancels.
"""

from __future__ import annotations

import decimal
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.reference._dd import (
    Scaled,
    add,
    constant,
    divide,
    fast_two_sum,
    multiply,
    normalise,
    scaled,
    select,
    two_product,
    two_sum,
)

__all__ = ["Tails", "exp_of_minus", "log1p_of", "tails"]

_STEPS = 64  # of both tables
_DIGITS = 80
# exp(-x) beyond this is 2**-189,101, which no factor of four float64 numbers brings into sight: x is taken as this.
_LARGEST = 131072.0
_EXP_TERMS = 13  # r**13 / 13! is below 2**-130
_EXP_DOUBLE_FROM = 6  # terms of this degree on are below 2**-54 of the whole: float64 is enough for them
_ATANH_TERMS = 8  # s**16 / 17 is below 2**-132
_ATANH_DOUBLE_FROM = 4


class _Table(NamedTuple):
    hi: Float64Array
    lo: Float64Array


@cache
def _tables() -> tuple[_Table, _Table, tuple[float, float, float]]:
    """2**(j/64), log(1 + i/64), and log(2)/64 as three float64 numbers, the first of 28 bits."""
    with decimal.localcontext(prec=_DIGITS):
        log2 = decimal.Decimal(2).ln()
        powers = [constant(Fraction((log2 * j / _STEPS).exp())) for j in range(_STEPS)]
        logs = [constant(Fraction((1 + decimal.Decimal(i) / _STEPS).ln())) for i in range(_STEPS + 1)]
        unit = Fraction(log2) / _STEPS
    first = round(unit * (1 << 34)) / (1 << 34)  # unit is near 2**-6.5: 28 bits
    second, third = constant(unit - Fraction(first))
    tables = [_Table(*(np.array(column) for column in zip(*pairs, strict=True))) for pairs in (powers, logs)]
    return tables[0], tables[1], (first, second, third)


def _times(a: tuple[Float64Array, Float64Array], b: tuple[Float64Array, Float64Array]) -> tuple[Float64Array, ...]:
    """The product of numbers near 1 without exponents."""
    product, error = two_product(a[0], b[0])
    return fast_two_sum(product, error + (a[0] * b[1] + (a[1] * b[0] + a[1] * b[1])))


def _plus(a: tuple[Float64Array, Float64Array], constants: tuple[float, float]) -> tuple[Float64Array, ...]:
    """A constant plus a number that is smaller."""
    high, error = two_sum(constants[0], a[0])
    return fast_two_sum(high, error + (a[1] + constants[1]))


def _horner(
    z: tuple[Float64Array, Float64Array], coefficients: list[Fraction], double_from: int
) -> tuple[Float64Array, Float64Array]:
    """The sum of coefficients[n] * z**n; from the power `double_from` on in float64."""
    tail = np.zeros_like(z[0])
    for value in reversed(coefficients[double_from:]):
        tail = tail * z[0] + float(value)
    total: tuple[Float64Array, Float64Array] = (tail, np.zeros_like(tail))
    for value in reversed(coefficients[:double_from]):
        high, low = _times(total, z)
        high, low = _plus((high, low), constant(value))
        total = (high, low)
    return total


def _factorials() -> list[Fraction]:
    result = [Fraction(1)]
    for n in range(1, _EXP_TERMS):
        result.append(result[-1] / n)
    return result


def exp_of_minus(x: Float64Array) -> Scaled:
    """exp(-x) for x >= 0, to 2**-102 of it; infinity gives 0."""
    powers, _, (first, second, third) = _tables()
    z = -np.minimum(x, _LARGEST)
    n = np.rint(z * (_STEPS / float(np.log(2.0))))
    # n has at most 24 bits: the first product is exact.
    high, error = two_sum(z, -n * first)
    product, product_error = two_product(n, second)
    high, more = two_sum(high, -product)
    low = error + more - (product_error + n * third)
    r = fast_two_sum(high, low)
    whole = n.astype(np.int64)
    j = whole & (_STEPS - 1)
    series = _horner(r, _factorials(), _EXP_DOUBLE_FROM)
    hi, lo = _times(series, (powers.hi[j], powers.lo[j]))
    result = normalise(hi, lo, (whole - j) // _STEPS)
    return select(np.isinf(x), scaled(np.zeros_like(x)), result)


def log1p_of(u: Scaled) -> Scaled:
    """log(1 + u) for 0 <= u <= 1, to 2**-102 of it."""
    _, logs, _ = _tables()
    shift = np.maximum(u.exponent, -1100).astype(np.int32)
    hi, lo = np.ldexp(u.hi, shift), np.ldexp(u.lo, shift)
    i = np.rint(hi * _STEPS).astype(np.int64)
    c = i / float(_STEPS)
    rest_hi, rest_lo = two_sum(hi, -c)
    # For i = 0 the rest is u itself, with the exponent that float64 may not have.
    rest = select(i == 0, u, normalise(rest_hi, rest_lo + lo, 0))
    s = divide(rest, add(scaled(2.0 + 2.0 * c), rest))
    flat = np.maximum(s.exponent, -1100).astype(np.int32)
    flat_hi, flat_lo = np.ldexp(s.hi, flat), np.ldexp(s.lo, flat)
    square_hi, square_lo = _times((flat_hi, flat_lo), (flat_hi, flat_lo))
    coefficients = [Fraction(2, 2 * n + 1) for n in range(_ATANH_TERMS)]
    series = _horner((square_hi, square_lo), coefficients, _ATANH_DOUBLE_FROM)
    atanh = multiply(s, normalise(series[0], series[1], 0))
    return add(normalise(logs.hi[i], logs.lo[i], 0), atanh)


class Tails(NamedTuple):
    """What the operator needs of x: softplus and sigmoid of both signs."""

    softplus: Scaled  # of x
    softplus_minus: Scaled  # of -x
    sigmoid: Scaled  # of x
    sigmoid_minus: Scaled  # of -x


def tails(x: Float64Array, softplus: bool = True, sigmoid: bool = True) -> Tails:
    """Softplus and sigmoid of x and of -x, for finite or infinite x (softplus of infinity is given as 0).

    Either may be left out; its fields are then not to be used.
    """
    magnitude = np.abs(x)
    positive = x >= 0
    nothing = scaled(np.zeros_like(x))
    e = exp_of_minus(magnitude)
    plus, minus, up, down = nothing, nothing, nothing, nothing
    if softplus:
        tail = log1p_of(e)
        whole = add(scaled(np.where(np.isinf(x), 0.0, magnitude)), tail)
        plus, minus = select(positive, whole, tail), select(positive, tail, whole)
    if sigmoid:
        one = scaled(np.ones_like(x))
        denominator = add(one, e)
        small, large = divide(e, denominator), divide(one, denominator)
        up, down = select(positive, large, small), select(positive, small, large)
    return Tails(plus, minus, up, down)
