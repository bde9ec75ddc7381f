"""A fixed corpus of calls and the hashes of their results.

    python tests/determinism/corpus.py            # prints them as JSON
    python tests/determinism/corpus.py --write    # replaces hashes.json, after a deliberate change of results

The inputs are made of integers (no library's random numbers, no libm), so that they are the same on every machine.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

import bcelogits

Array = npt.NDArray[Any]
HASHES = Path(__file__).with_name("hashes.json")
SIZE = 5003  # blocks of 2048, and a rest that no vector length divides

DTYPES: dict[str, Any] = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64}
UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}
PAIRS = [*zip(DTYPES, DTYPES, strict=True), ("f16", "bf16"), ("f32", "f16"), ("bf16", "f64"), ("f64", "f32")]


def random_bits(seed: int, size: int = SIZE) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood 2014), the n-th number for each n."""
    with np.errstate(over="ignore"):
        z = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed << 32)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(seed: int, low: float, high: float) -> Array:
    """Multiples of 2^-20, exact in all steps for bounds that are integers."""
    return low + (high - low) * ((random_bits(seed) >> np.uint64(44)).astype(np.float64) * 2.0**-20)


def specials(dtype: Any) -> Array:
    limits = ml_dtypes.finfo(dtype)
    tiny, least, largest = (float(v) for v in (limits.tiny, limits.smallest_subnormal, limits.max))
    values = [0.0, 1.0, 16.5, 79.5, 80.5, 88.0, 95.5, 103.0, 104.5, 669.5, 670.5, 709.0, 744.0, 746.0]
    values += [tiny, least, largest, np.inf]
    signed = [s * v for v in values if v <= largest or v == np.inf for s in (1, -1)]
    return np.array(signed + 4 * [np.inf, -np.inf, np.nan]).astype(dtype)


def logits(dtype: Any, finite: bool) -> Array:
    """Ordinary values mixed with special ones, with tails and with any bits at all; each vector has some of each."""
    x = (uniform(1, -16, 16)).astype(dtype)
    if finite:
        x[::9] = uniform(2, -64, 64).astype(dtype)[::9]
        return x
    unsigned = UNSIGNED[np.dtype(dtype).itemsize]
    x[::5] = random_bits(3).astype(unsigned).view(dtype)[::5]
    x[::7] = uniform(4, -128, 128).astype(dtype)[::7]
    special = specials(dtype)
    x[::11] = special[(random_bits(5) % np.uint64(special.size)).astype(np.int64)][::11]
    x[3000:4000] = uniform(6, -16, 16).astype(dtype)[3000:4000]  # and long stretches without
    return x


def operands(x_dtype: Any, t_dtype: Any, finite: bool) -> dict[str, Array]:
    t = uniform(7, 0, 1)
    t[::2] = (random_bits(8)[::2] & np.uint64(1)).astype(np.float64)
    w = np.ldexp(uniform(9, -4, 4), (random_bits(10) % np.uint64(12)).astype(np.int32) - 6)
    p, g = uniform(11, 0, 4), uniform(12, -4, 4)
    if not finite:
        for a, step, seed in ((t, 61, 13), (w, 67, 14), (p, 71, 15), (g, 73, 16)):
            odd = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 2.0])
            if a is t:
                odd = np.array([0.0, 1.0, np.nan, 1.5, -0.5])
            a[::step] = odd[(random_bits(seed) % np.uint64(odd.size)).astype(np.int64)][::step]
    with np.errstate(over="ignore", invalid="ignore"):
        named = {"targets": t.astype(t_dtype)} | {
            k: v.astype(x_dtype) for k, v in {"weight": w, "pos_weight": p, "grad_output": g}.items()
        }
    return {"logits": logits(x_dtype, finite)} | named


def calls(x_dtype: str, t_dtype: str) -> Iterator[tuple[str, Any]]:
    """Name and result of each call of one pair of dtypes."""
    for finite, weights in itertools.product(
        (False, True), ((), ("weight",), ("pos_weight",), ("weight", "pos_weight"))
    ):
        everything = operands(DTYPES[x_dtype], DTYPES[t_dtype], finite)
        x, t, g = (everything[k] for k in ("logits", "targets", "grad_output"))
        more = {k: everything[k] for k in weights}
        for reduction in ("none", "mean", "sum") if finite else ("none",):
            name = " ".join([x_dtype, t_dtype, "finite" if finite else "any", *weights, reduction])
            upstream = g if reduction == "none" else g[:1]
            yield f"{name} loss", bcelogits.binary_cross_entropy_with_logits(x, t, **more, reduction=reduction)
            for function in ("backward", "target_backward"):
                gradient = getattr(bcelogits, f"binary_cross_entropy_with_logits_{function}")
                yield f"{name} {function}", gradient(upstream, x, t, **more, reduction=reduction)
            loss, gradient = bcelogits.value_and_grad(x, t, **more, reduction=reduction)
            yield f"{name} value_and_grad loss", loss
            yield f"{name} value_and_grad gradient", gradient


def digest(result: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest()[:16]


def hashes() -> dict[str, str]:
    return {name: digest(result) for pair in PAIRS for name, result in calls(*pair)}


if __name__ == "__main__":
    text = json.dumps(hashes(), indent=0) + "\n"
    if sys.argv[1:] == ["--write"]:
        HASHES.write_text(text)
    else:
        sys.stdout.write(text)
