"""Whether the operands of a call fit each other, for those who hand them to the operator in parts or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._typing import Array, Shape

__all__ = ["check_shapes"]


def check_shapes(logits: Array, targets: Array, weights: Mapping[str, Any]) -> None:
    """Check the shapes of whole operands; weights that are no arrays fit anything.

    Raises:
        InputError: in the operator's own words.
    """
    if targets.shape != logits.shape:
        raise InputError(f"targets: shape {targets.shape}, expected {logits.shape}, the shape of logits")
    full = targets.shape
    for name, weight in weights.items():
        shape: Shape = weight.shape if isinstance(weight, np.ndarray) else ()
        pairs = zip(reversed(shape), reversed(full), strict=False)
        if len(shape) > len(full) or any(n not in (1, m) for n, m in pairs):
            raise InputError(f"{name}: shape {shape}, expected one that broadcasts to {full}, the shape of targets")
