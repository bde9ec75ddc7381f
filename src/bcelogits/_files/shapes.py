"""Whether the operands of a call fit each other, for those who hand them to the operator in chunks or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bcelogits import _core
from bcelogits._files.errors import InputError

__all__ = ["check_operands"]


def check_operands(operands: Mapping[str, Any]) -> np.dtype[Any]:
    """Check whole operands without reading an element of them; the dtype that the operator returns for them.

    Args:
        operands: logits and targets, and what is given of weight, pos_weight and grad_output, by name.

    Raises:
        InputError: in the operator's own words.
    """
    try:
        return _core.check(**operands)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error
