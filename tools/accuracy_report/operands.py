"""The operands of one call, and how they are drawn: ranges that are realistic but wide, with corners over-represented.

Logits: a quarter each random bit patterns, uniform over all that matters, normal, and the tails (80 to 120 for
float32, 660 to 760 for float64, and huge). Soft targets: uniform, tiny, just below 1, and special values. Weights and
grad_output: 2**-20 to 2**20; pos_weight: 2**-14 to 2**14, also next to 1. Some logits are moved to the gradient's root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from accuracy_report.ulp import Array
from bcelogits._formats import FORMATS, Format, format_of

LOSS, GRADIENT, TARGET_GRADIENT = "loss", "gradient", "target gradient"
FUNCTIONS = (LOSS, GRADIENT, TARGET_GRADIENT)
# The greatest magnitude of the binary logarithm of an operand.
WEIGHT_RANGE, POS_WEIGHT_RANGE = 20, 14


@dataclass(frozen=True)
class Operands:
    """x, t, and where given w, p and g: all of one shape and dtype, but g may be a float.

    A gradient with an array g is asked for with reduction "none", else "sum", or "mean" if `mean`.
    """

    x: Array
    t: Array
    w: Array | None = None
    p: Array | None = None
    g: Array | float | None = None
    mean: bool = False

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """The operands that are arrays, by name."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                yield field.name, value

    def paired(self, other: Operands) -> Iterator[tuple[str, Array, Array]]:
        """The operands that are arrays, by name, with those of another call."""
        for name, value in self.arrays():
            yield name, value, getattr(other, name)

    def replace(self, arrays: Mapping[str, Array]) -> Operands:
        """These operands with some arrays replaced."""
        changes: dict[str, Any] = dict(arrays)
        return replace(self, **changes)

    def take(self, chosen: Any) -> Operands:
        """The elements that an index selects."""
        return self.replace({name: value[chosen] for name, value in self.arrays()})

    def describe(self, index: int) -> dict[str, str]:
        """The operands of one element, in digits that give the same bits when read again."""
        found = {
            name: str(value[index].item() if value.itemsize != 4 else value[index]) for name, value in self.arrays()
        }
        if isinstance(self.g, float):
            found["g"] = repr(self.g)
        if self.mean:
            found["N"] = str(self.x.size)
        return found


@dataclass(frozen=True)
class Options:
    """Which operands besides logits and targets a call has."""

    weight: bool = False
    pos_weight: bool = False
    grad_output: bool = False
    mean: bool = False
    scalar: float | None = None

    @property
    def title(self) -> str:
        """These options in words, for the report."""
        named = ("weight", "pos_weight", "grad_output", "mean")
        words = [name for name in named if getattr(self, name)]
        if self.scalar is not None:
            words.append("scalar grad_output")
        return ", ".join(words) or "none"

    def functions(self) -> tuple[str, ...]:
        """The functions that these options concern: grad_output and the mean's scale are the gradients'."""
        return FUNCTIONS[1:] if self.grad_output or self.mean or self.scalar is not None else FUNCTIONS


def _powers(rng: np.random.Generator, n: int, form: Format, limit: float) -> Array:
    return np.exp2(rng.uniform(-limit, limit, n)).astype(form.dtype)


def random_bits(rng: np.random.Generator, n: int, form: Format) -> Array:
    """Finite numbers whose bit patterns are uniform."""
    values = rng.integers(0, np.iinfo(form.bits).max, n, dtype=form.bits, endpoint=True).view(form.dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return np.where(np.isfinite(values), values, values.dtype.type(1))


def logits(rng: np.random.Generator, n: int, form: Format) -> Array:
    """Random logits: any bits, uniform and normal numbers, and tails up to the largest."""
    low, high = (660.0, 760.0) if form.name == "f64" else (80.0, 120.0)
    sign = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    tail = np.where(rng.random(n) < 0.75, rng.uniform(low, high, n), np.exp2(rng.uniform(7, form.emax, n))) * sign
    values = np.choose(
        rng.integers(0, 4, n),
        [np.zeros(n), rng.uniform(-high, high, n), rng.normal(size=n) * np.exp2(rng.uniform(-3, 4, n)), tail],
    ).astype(form.dtype)
    return np.where(values == 0, random_bits(rng, n, form), values)


def soft_targets(rng: np.random.Generator, n: int, form: Format) -> Array:
    """Random targets in [0, 1]: uniform, tiny, just below 1, and special values."""
    u = rng.random(n)
    special = rng.choice([0.0, 1.0, 0.5, 2.0**-10, 1 - 2.0**-10, 2.0**-24, 1 - 2.0**-24], n)
    kinds = [
        rng.random(n),
        np.exp2((form.emin - form.fraction_bits) * u),
        1 - np.exp2(-(form.fraction_bits + 1) * u),
        special,
    ]
    return np.choose(rng.choice(4, n, p=(0.4, 0.3, 0.25, 0.05)), kinds).astype(form.dtype)


def pos_weights(rng: np.random.Generator, n: int, form: Format) -> Array:
    """Powers, and numbers next to 1, whose difference from 1 is all that the gradient of the targets has."""
    near = 1 + np.where(rng.random(n) < 0.5, -1.0, 1.0) * np.exp2(-rng.uniform(1, form.fraction_bits + 2, n))
    return np.where(rng.random(n) < 0.15, near.astype(form.dtype), _powers(rng, n, form, POS_WEIGHT_RANGE))


def draw(rng: np.random.Generator, n: int, form: Format, soft: bool, options: Options) -> Operands:
    """Random operands; the weights of 16-bit logits and targets are float32."""
    x = logits(rng, n, form)
    t = soft_targets(rng, n, form) if soft else rng.integers(0, 2, n).astype(form.dtype)
    wide = FORMATS["f32"] if form.bits.itemsize == 2 else form
    w = _powers(rng, n, wide, WEIGHT_RANGE) if options.weight else None
    p = pos_weights(rng, n, wide) if options.pos_weight else None
    g: Array | float | None = _powers(rng, n, wide, WEIGHT_RANGE) if options.grad_output else options.scalar
    if soft:  # some logits to the root of the gradient: (1-t) s(x) = p t s(-x)
        inside = (rng.random(n) < 0.05) & (t > 0) & (t < 1)
        wide_t = t.astype(np.float64)
        with np.errstate(all="ignore"):
            root = np.log(wide_t / (1 - wide_t) * (1.0 if p is None else p))
        x = np.where(inside & np.isfinite(root), root * (1 + rng.normal(size=n) * 1e-6), x).astype(form.dtype)
    return Operands(x, t, w, p, g, options.mean)


_LIMITS = {"w": WEIGHT_RANGE, "g": WEIGHT_RANGE, "p": POS_WEIGHT_RANGE}


def mutate(rng: np.random.Generator, operands: Operands, soft: bool) -> Operands:
    """Every element with one operand or several moved by a random number of bit patterns, within the ranges above."""
    changed: dict[str, Array] = {}
    for name, old in operands.arrays():
        if name == "t" and not soft:
            continue
        form, n = format_of(old.dtype), old.size
        signed = np.dtype(f"i{form.bits.itemsize}")
        step = np.exp2(rng.uniform(0, form.fraction_bits + 2, n)) * np.where(rng.random(n) < 0.5, -1, 1)
        step[rng.random(n) < 0.4] = 0
        new = (old.view(signed) + step.astype(signed)).view(form.dtype)
        with np.errstate(invalid="ignore"):  # NaNs
            fine = np.isfinite(new) & (np.signbit(new) == np.signbit(old))
            if name == "t":
                fine &= (new >= 0) & (new <= 1)
            elif name in _LIMITS:
                fine &= (new >= 2.0 ** -_LIMITS[name]) & (new <= 2.0 ** _LIMITS[name])
        changed[name] = np.where(fine, new, old)
    return operands.replace(changed)
