"""Operands as float64, exactly, and what a reduction is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from bcelogits._typing import Float64Array

__all__ = ["read_all", "reduction_name"]

_REDUCTIONS: dict[object, str] = {0: "none", 1: "mean", 2: "sum", "none": "none", "mean": "mean", "sum": "sum"}


def _is_python_number(value: object) -> bool:
    # np.float64 is a subclass of float, but it has a dtype and so is not weak.
    return isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic))


def _read(name: str, value: Any, wide: bool) -> Float64Array:
    """The operand as float64, exactly; a python number as the nearest float32 unless `wide`."""
    if _is_python_number(value):
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(float(value) if wide else np.float32(value), dtype=np.float64)
    array = np.asarray(value)
    is_bfloat16 = array.dtype.name == "bfloat16"
    if not is_bfloat16 and (array.dtype.kind not in "fiub" or array.dtype.itemsize > 8):
        raise TypeError(f"{name}: dtype {array.dtype}, expected a real dtype of at most 64 bits")
    return array.astype(np.float64)


def read_all(
    logits: Any, targets: Any, weight: Any, pos_weight: Any, grad_output: Any = 1.0
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]:
    """x, t, w, p of one shape, and grad_output as it came."""
    named = {
        "logits": logits,
        "targets": targets,
        "weight": 1.0 if weight is None else weight,
        "pos_weight": 1.0 if pos_weight is None else pos_weight,
        "grad_output": grad_output,
    }
    wide = any(not _is_python_number(v) and np.asarray(v).dtype == np.float64 for v in named.values())
    x, t, w, p, g = (_read(name, value, wide) for name, value in named.items())
    if t.shape != x.shape:
        raise ValueError(f"targets: shape {t.shape}, expected {x.shape}, the shape of logits")
    return x, t, np.broadcast_to(w, t.shape), np.broadcast_to(p, t.shape), g


def reduction_name(value: object) -> str:
    try:
        return _REDUCTIONS[value]
    except (KeyError, TypeError):
        raise ValueError(f"reduction: {value!r}, expected 'none', 'mean' or 'sum' (0, 1 or 2)") from None
