"""The approximations inside the kernels are as good as the comments above them say: exp, log1p, a sigmoid looked up.

All instruction sets give the same bits, so the portable one is measured. Truth is MPFR's, at 200 bits.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gmpy2
import numpy as np
import numpy.typing as npt
import pytest
from accuracy_report.ulp import all_finite

from bcelogits._formats import FORMATS

Reals = npt.NDArray[Any]
Truth = Callable[[Any], Any]  # from MPFR to MPFR

MANTISSA = {np.dtype(np.float32): 23, np.dtype(np.float64): 52}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The functions of kernel_steps.cpp."""
    compiler = os.environ.get("CXX") or shutil.which("c++")
    if not compiler:
        pytest.skip("no C++ compiler")
    library = tmp_path_factory.mktemp("steps") / "kernel_steps.so"
    source = Path(__file__).with_name("kernel_steps.cpp")
    flags = ["-std=c++20", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.share.restype = ctypes.c_float
    return loaded


def call(function: Any, *arrays: Reals) -> None:
    """A function of kernel_steps.cpp on arrays of one length."""
    function(*(ctypes.c_void_p(a.ctypes.data) for a in arrays), ctypes.c_size_t(arrays[0].size))


def sums(function: Any, z: Reals) -> list[Any]:
    """head + tail of each element, exactly."""
    head, tail = np.empty(z.size), np.empty(z.size)
    call(function, z, head, tail)
    return [gmpy2.mpfr(h) + gmpy2.mpfr(t) for h, t in zip(head.tolist(), tail.tolist(), strict=True)]


def worst(found: list[Any], arguments: Reals, truth: Truth) -> float:
    """The largest error in ULP of the arguments' dtype."""
    errors = []
    for got, argument in zip(found, arguments.tolist(), strict=True):
        exact = truth(gmpy2.mpfr(argument))
        ulp = gmpy2.exp2(gmpy2.get_exp(exact) - 1 - MANTISSA[arguments.dtype])
        errors.append(float(abs(got - exact) / ulp))
    return max(errors)


def operands(dtype: Any, far: float) -> Reals:
    """Numbers from -far to 0: all of them, those that matter most, small ones, and around the middle of log1p."""
    rng, n = np.random.default_rng(1), 5_000
    parts = [rng.uniform(0, far, n), rng.uniform(0, 2, n), rng.uniform(0.68, 0.7, n), np.exp2(rng.uniform(-60, 1, n))]
    ends = [0.0, far, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny]
    return -np.concatenate([*parts, ends]).astype(dtype)


@pytest.fixture(autouse=True)
def precise() -> Any:
    with gmpy2.context(precision=200) as context:
        yield context


def log1p_of_exp(z: Any) -> Any:
    return gmpy2.log1p(gmpy2.exp(z))


def test_exp_of_floats(steps: ctypes.CDLL) -> None:
    z, share = operands(np.float32, 64), gmpy2.mpfr(steps.share())
    assert worst(sums(steps.exp_f32, z), z, lambda a: share * gmpy2.exp(a)) <= 0.081
    assert sums(steps.exp_f32, np.array([0, -0.0], np.float32)) == [share, share]


def test_exp_of_doubles(steps: ctypes.CDLL) -> None:
    z = operands(np.float64, 670)
    assert worst(sums(steps.exp_f64, z), z, gmpy2.exp) <= 0.21
    assert sums(steps.exp_f64, np.array([0, -0.0])) == [1, 1]


def test_exp_scaled_up(steps: ctypes.CDLL) -> None:
    z = -np.random.default_rng(2).uniform(600, 790, 10_000)
    assert worst(sums(steps.exp_scaled_up_f64, z), z, lambda a: gmpy2.exp(a) * gmpy2.exp2(128)) <= 0.21
    special = np.array([0, -0.0, -np.inf, np.nan, -790, -800, -1e300])
    zero, negative_zero, limit, nan, last, *beyond = sums(steps.exp_scaled_up_f64, special)
    assert zero == negative_zero == gmpy2.exp2(128)
    assert limit == 0
    assert gmpy2.is_nan(nan)
    assert beyond == [last, last]


def test_log1p_of_floats(steps: ctypes.CDLL) -> None:
    z = operands(np.float32, 64)
    assert worst(sums(steps.log1p_f32, z), z, log1p_of_exp) <= 0.53


def test_log1p_of_doubles(steps: ctypes.CDLL) -> None:
    z = operands(np.float64, 670)
    assert worst(sums(steps.log1p_f64, z), z, log1p_of_exp) <= 0.45


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_gradient_from_a_sigmoid_that_is_looked_up(dtype: str, steps: ctypes.CDLL) -> None:
    """On every magnitude up to 64, for both targets and any pos_weight."""
    x = np.abs(all_finite(FORMATS[dtype]).astype(np.float64))
    x = np.unique(x[x <= 64])
    exact = [1 / (1 + gmpy2.exp(gmpy2.mpfr(a))) for a in x.tolist()]  # sigmoid(-x)
    small = np.array([float(s) for s in exact]).astype(np.float32)
    p = np.random.default_rng(3).uniform(0.25, 4, x.size).astype(np.float32)
    for target in (0, 1):
        grad = np.empty_like(p)
        call(steps.hard_grad_f32, small, np.full_like(p, target), p, grad)
        truth = [-gmpy2.mpfr(q) * s if target else 1 - s for q, s in zip(p.tolist(), exact, strict=True)]
        for got, right in zip(grad.tolist(), truth, strict=True):
            ulp = gmpy2.exp2(gmpy2.get_exp(right) - 1 - 23)
            assert abs(gmpy2.mpfr(got) - right) <= 1.5 * ulp
