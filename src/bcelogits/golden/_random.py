"""Random numbers that are the same bytes on every machine and with every version of NumPy.

The bits are the raw 64-bit words of NumPy's Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
3", SC 2011), a counter-based generator whose stream is fixed by its definition. Its key is the first 16 bytes, little
endian, of SHA-256 over the UTF-8 text "bcelogits:<seed>:<name>". Everything after the bits is done with the IEEE
operations +, -, *, /, sqrt, rounding to an integer and scaling by powers of two, which have one result everywhere;
the distributions of `numpy.random.Generator` may change between versions and are not used, nor is a mathematical
library, whose last bit differs between machines.

    uniform on [0, 1)   (word >> 11) * 2**-53
    integers below n    (word >> 32) * n >> 32, for n up to 2**32
    normal              the inverse of the normal distribution, Wichura's algorithm AS 241 (PPND16, Applied Statistics
                        37, 1988), at ((word >> 12) + 1/2) * 2**-52
    Bernoulli(s(x))     1 where the uniform number is below s(x) = 1 / (1 + exp(-x))
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bcelogits._typing import Float64Array

__all__ = ["Stream", "exp", "log", "sigmoid"]

_LOG2E = 1.4426950408889634
# log 2 as a sum: the first part has 32 bits, so that its product with an exponent is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_SQRT_HALF = 0.7071067811865476
_EXP_TERMS = 14


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split())


# AS 241, highest degree first: numerator and denominator in the middle, in the tails, in the far tails.
_MIDDLE = (
    _numbers(
        "2509.0809287301226727 33430.575583588128105 67265.770927008700853 45921.953931549871457 "
        "13731.693765509461125 1971.5909503065514427 133.14166789178437745 3.387132872796366608"
    ),
    _numbers(
        "5226.495278852854561 28729.085735721942674 39307.89580009271061 21213.794301586595867 "
        "5394.1960214247511077 687.1870074920579083 42.313330701600911252 1.0"
    ),
)
_TAIL = (
    _numbers(
        "7.7454501427834140764e-4 0.0227238449892691845833 0.24178072517745061177 1.27045825245236838258 "
        "3.64784832476320460504 5.7694972214606914055 4.6303378461565452959 1.42343711074968357734"
    ),
    _numbers(
        "1.05075007164441684324e-9 5.475938084995344946e-4 0.0151986665636164571966 0.14810397642748007459 "
        "0.68976733498510000455 1.6763848301838038494 2.05319162663775882187 1.0"
    ),
)
_FAR_TAIL = (
    _numbers(
        "2.01033439929228813265e-7 2.71155556874348757815e-5 0.0012426609473880784386 0.026532189526576123093 "
        "0.29656057182850489123 1.7848265399172913358 5.4637849111641143699 6.6579046435011037772"
    ),
    _numbers(
        "2.04426310338993978564e-15 1.4215117583164458887e-7 1.8463183175100546818e-5 7.868691311456132591e-4 "
        "0.0148753612908506148525 0.13692988092273580531 0.59983220655588793769 1.0"
    ),
)


def _polynomial(coefficients: Sequence[float], z: Float64Array) -> Float64Array:
    result = np.full(z.shape, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= z
        result += coefficient
    return result


def exp(x: Float64Array) -> Float64Array:
    """exp(x) to some 2 ULP of float64, the same bits everywhere; 0 below -745, infinity above 709.7."""
    clipped = np.clip(x, -800.0, 800.0)
    k = np.rint(clipped * _LOG2E)
    r = (clipped - k * _LN2_HIGH) - k * _LN2_LOW
    term, total = np.ones_like(r), np.zeros_like(r)
    for n in range(1, _EXP_TERMS):
        term = term * r / n
        total += term
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(1.0 + total, k.astype(np.int32))


def log(x: Float64Array) -> Float64Array:
    """The natural logarithm of positive finite numbers to some 2 ULP of float64, the same bits everywhere."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, mantissa * 2, mantissa)
    k = exponent - small
    s = (mantissa - 1) / (mantissa + 1)
    z = s * s
    series = np.zeros_like(s)
    for n in range(25, 1, -2):  # |s| is below 0.172: the first term left out is below 2**-70 of the result
        series = (series + 1.0 / n) * z
    result: Float64Array = k * _LN2_HIGH + (2 * s + (2 * s * series + k * _LN2_LOW))
    return result


def sigmoid(x: Float64Array) -> Float64Array:
    """1 / (1 + exp(-x)) to some 3 ULP of float64, the same bits everywhere."""
    e = exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def _normal_quantile(u: Float64Array) -> Float64Array:
    """AS 241: the normal quantile of 0 < u < 1."""
    q = u - 0.5
    middle = np.abs(q) <= 0.425
    inside = np.where(middle, q, 0.0)
    r = 0.180625 - inside * inside
    result = _polynomial(_MIDDLE[0], r) * inside / _polynomial(_MIDDLE[1], r)
    outside = np.flatnonzero(~middle)
    side = q[outside]
    root = np.sqrt(-log(np.where(side <= 0, u[outside], 1.0 - u[outside])))
    near, far = root - 1.6, root - 5.0
    tail = np.where(
        root <= 5.0,
        _polynomial(_TAIL[0], near) / _polynomial(_TAIL[1], near),
        _polynomial(_FAR_TAIL[0], far) / _polynomial(_FAR_TAIL[1], far),
    )
    result[outside] = np.where(side < 0, -tail, tail)
    return result


class Stream:
    """An endless run of random words; another name or another seed gives other, independent ones."""

    def __init__(self, seed: int, name: str) -> None:
        """The stream of that seed and name, at its first word."""
        digest = hashlib.sha256(f"bcelogits:{seed}:{name}".encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def words(self, n: int) -> npt.NDArray[np.uint64]:
        """The next n words."""
        words: npt.NDArray[np.uint64] = np.asarray(self._bits.random_raw(n), dtype=np.uint64)
        return words

    def unit(self, n: int) -> Float64Array:
        """Uniform on [0, 1)."""
        return (self.words(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def uniform(self, n: int, low: float, high: float) -> Float64Array:
        """Uniform on [low, high)."""
        return low + (high - low) * self.unit(n)

    def below(self, n: int, bound: int) -> npt.NDArray[np.int64]:
        """Integers of [0, bound), for bounds up to 2**32."""
        return ((self.words(n) >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.int64)

    def normal(self, n: int, mean: float = 0.0, deviation: float = 1.0) -> Float64Array:
        """Normal with a mean and a standard deviation."""
        u = ((self.words(n) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        return mean + deviation * _normal_quantile(u)

    def bernoulli(self, p: Float64Array) -> Float64Array:
        """1.0 with the probability p of each element, else 0.0."""
        return (self.unit(p.size) < p).astype(np.float64)

    def log_uniform(self, n: int, low: float, high: float) -> Float64Array:
        """Positive numbers between low and high whose logarithm is uniform."""
        ends = log(np.array([low, high]))
        return exp(ends[0] + (ends[1] - ends[0]) * self.unit(n))
