"""The largest error as a function of the logit: bins of its bit pattern, eight to a binade.

All magnitudes below 2**-30 are one bin, and all from 2**10 on: nothing changes there. One list of errors for each
sign and target.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accuracy_report.ulp import Floats

LEAST, MOST = -30, 10
PER_BINADE = 8
COUNT = (MOST - LEAST) * PER_BINADE + 2
_SHIFT = 20  # three bits of the fraction stay
_FIRST = (127 + LEAST) * PER_BINADE - 1


def key(sign: int, target: int) -> str:
    """The name of the list of one sign and target."""
    return f"{'+' if sign > 0 else '-'}x, target {target}"


def empty() -> Floats:
    """The errors of no points; -1 is less than every error."""
    return np.full(COUNT, -1.0)


def bins(bits: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    """The bin of each float32 magnitude, given as bit patterns."""
    found: npt.NDArray[np.int32] = np.clip((bits >> _SHIFT).astype(np.int32) - _FIRST, 0, COUNT - 1)
    return found


def edges() -> Floats:
    """The COUNT - 1 magnitudes between one bin and the next."""
    bits: npt.NDArray[np.uint32] = ((np.arange(COUNT - 1) + _FIRST + 1) << _SHIFT).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def merge(into: dict[str, list[float]], other: dict[str, Any]) -> None:
    """Take in the errors of other points."""
    for name, values in other.items():
        into[name] = np.maximum(into.get(name, -1.0), values).tolist()
