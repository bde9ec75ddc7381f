"""The fast oracle of float32 results: oracle.cpp, built when first needed and fed with constants from MPFR.

`Truths` holds softplus and sigmoid of float32 magnitudes, and of their negatives, in double-double: right to 2**-96,
which `deviation` measures against MPFR. One such table serves both signs of the logit and both targets:

    loss at x, target 0:      softplus(x)     target 1: softplus(-x)
    gradient at x, target 0:  sigmoid(x)      target 1: -sigmoid(-x)
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gmpy2
import numpy as np
import numpy.typing as npt
from gmpy2 import mpfr

from accuracy_report.ulp import Array, Floats

SOURCE = Path(__file__).with_name("oracle.cpp")
FLAGS = (
    *("-std=c++20", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-Wno-psabi", "-shared", "-fPIC"),
)
# Relative error of a truth, at most.
BOUND = 2.0**-96
# exp(-|x|) counts as 0 from here on: nothing that float32 or its errors can show.
NOTHING = 300.0
# The order of the table.
SOFTPLUS, SOFTPLUS_OF_NEGATIVE, SIGMOID, SIGMOID_OF_NEGATIVE = range(4)


class Verdict(ctypes.Structure):
    """What a comparison found; the fields of the C++ struct."""

    _fields_ = (
        ("worst", ctypes.c_double),
        ("where", ctypes.c_int64),
        ("not_nearest", ctypes.c_int64),
        ("lost", ctypes.c_int64),
        ("not_finite", ctypes.c_int64),
        ("first_bad", ctypes.c_int64),
    )
    worst: float
    where: int
    not_nearest: int
    lost: int
    not_finite: int
    first_bad: int


def _build() -> ctypes.CDLL:
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), None)
    if compiler is None:
        raise RuntimeError("the float32 oracle needs a C++ compiler, as building the package does: none found, set CXX")
    # Loaded before the folder goes: nothing of it stays.
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "oracle.so")
        for native in (["-march=native"], []):  # not every compiler knows it on every processor
            command = [*compiler.split(), *FLAGS, *native, str(SOURCE), "-o", target]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return ctypes.CDLL(target)
    raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def _parts(value: Any, count: int) -> list[float]:
    found = []
    for _ in range(count):
        found.append(float(value))
        value -= mpfr(found[-1])
    return found


def _constants() -> Floats:
    """What the struct `Constants` of oracle.cpp holds, from MPFR."""
    with gmpy2.context(precision=400):
        ln2 = gmpy2.log(mpfr(2))
        step = ln2 / 64
        first = gmpy2.mpfr(gmpy2.rint(step * mpfr(2) ** 42)) / mpfr(2) ** 42  # 36 bits
        values = [float(64 / ln2), float(first), *_parts(step - first, 2)]
        for k in range(13):
            values += _parts(1 / mpfr(gmpy2.fac(k)), 2)
        for k in range(7):
            values += _parts(mpfr(1) / (2 * k + 1), 2)
        for column in (
            [gmpy2.exp2(mpfr(-j) / 64) for j in range(64)],
            [gmpy2.log(1 + mpfr(j) / 64) for j in range(65)],
        ):
            pairs = [_parts(value, 2) for value in column]
            values += [high for high, _ in pairs] + [low for _, low in pairs]
    return np.array(values)


@cache
def _library() -> tuple[ctypes.CDLL, Floats]:
    library = _build()
    library.constants_size.restype = ctypes.c_int64
    constants = _constants()
    if library.constants_size() != constants.size:
        raise RuntimeError(f"{SOURCE} and {__file__} differ in their constants")
    return library, constants


def _pointer(array: Array, dtype: npt.DTypeLike) -> ctypes.c_void_p:
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


@dataclass(frozen=True)
class Truths:
    """Softplus and sigmoid of magnitudes a and of -a, as sums of two float64: high[4, n] + low[4, n]."""

    magnitude: Array
    high: Floats
    low: Floats

    def judge(self, got: Array, which: int, sign: float, bin_of: npt.NDArray[np.int32], bins: Floats) -> Verdict:
        """Compare float32 results with sign * the truth; `bins[bin_of]` become the largest errors seen."""
        library, _ = _library()
        n = self.magnitude.size
        assert got.shape == bin_of.shape == (n,)
        verdict = Verdict()
        library.judge(
            _pointer(np.ascontiguousarray(got), np.float32),
            ctypes.c_double(sign),
            _pointer(self.high[which], np.float64),
            _pointer(self.low[which], np.float64),
            _pointer(bin_of, np.int32),
            ctypes.c_int64(n),
            _pointer(bins, np.float64),
            ctypes.byref(verdict),
        )
        return verdict


def truths(magnitude: Array) -> Truths:
    """The exact results for finite float32 magnitudes."""
    library, constants = _library()
    if not library.subnormals():
        raise RuntimeError("this thread flushes subnormal numbers to 0")
    n = magnitude.size
    high, low = np.empty((4, n)), np.empty((4, n))
    library.truths(
        _pointer(constants, np.float64),
        _pointer(magnitude, np.float32),
        ctypes.c_int64(n),
        _pointer(high, np.float64),
        _pointer(low, np.float64),
    )
    return Truths(magnitude, high, low)


def deviation(found: Truths, index: int) -> float:
    """The largest relative error of the four truths of one magnitude, by MPFR; what counts as 0 is held against 1."""
    worst = 0.0
    with gmpy2.context(precision=700, emin=-(10**9), emax=10**9):
        a = mpfr(float(found.magnitude[index]))
        e = gmpy2.exp(-a)
        tail = gmpy2.log1p(e)
        for which, exact in enumerate((a + tail, tail, 1 / (1 + e), e / (1 + e))):
            value = mpfr(float(found.high[which, index])) + mpfr(float(found.low[which, index]))
            scale = exact if a <= NOTHING or value != 0 else mpfr(1)
            worst = max(worst, float(abs(value - exact) / scale))
    return worst
