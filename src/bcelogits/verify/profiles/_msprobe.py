"""What msprobe's rules share: its numbers, its relative error, its small domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bcelogits._typing import Float64Array
from bcelogits.verify._model import Context

from ._common import Text

__all__ = ["CODED_SMALL_ERROR", "NUMBERS", "Numbers", "relative", "small_error", "text"]


class Numbers(NamedTuple):
    """A row of msprobe's tables."""

    guard: float  # added to |golden|: the eps of the golden's dtype, which is one step up; of bfloat16 its own
    small: float  # |golden| up to which a value is small
    small_error: float  # the absolute error that a small value may have
    floor: float  # the least denominator of a ratio to the third party
    rtol: float  # absolute threshold
    ulp_cut: float  # ULP: an error above it is counted
    ulp_share: float  # ULP: the share of those has to be below it
    ulp_mean: float | None  # ULP: or their mean below this


# msprobe/pytorch/api_accuracy_checker of Ascend's mstt (99c2e0f): precision_standard/standard_config.py,
# compare/algorithm.py, core/common/const.py. `small_error` is the documented value.
NUMBERS = {
    "f16": Numbers(2.0**-23, 2.0**-10, 2.0**-16, 2.0**-11, 2.0**-10, 1, 0.001, None),
    "bf16": Numbers(2.0**-8, 2.0**-10, 2.0**-16, 2.0**-8, 2.0**-8, 1, 0.001, None),
    "f32": Numbers(2.0**-52, 2.0**-20, 2.0**-30, 2.0**-14, 2.0**-20, 32, 0.05, 64),
}
# Where the code has 1e-16 for the documented 2**-16, by algorithm.
CODED_SMALL_ERROR = {"benchmark": {"f16": 1e-16, "bf16": 1e-16}, "absolute": {"bf16": 1e-16}}

_SOURCE = (
    "https://gitcode.com/Ascend/mstt/blob/master/debug/accuracy_tools/msprobe/docs/zh/accuracy_checker/"
    "pytorch_accuracy_checker_instruct.md"
)


def text(name: str, algorithm: str, summary: str) -> Text:
    """The text of one of msprobe's algorithms."""
    return Text(name, f"msprobe API accuracy checker, {algorithm}", "new standard, mstt 99c2e0f", _SOURCE, summary)


def small_error(context: Context, algorithm: str) -> float:
    """The absolute error that a small value may have, documented or as in the code."""
    name = context.format.name
    documented = NUMBERS[name].small_error
    return CODED_SMALL_ERROR[algorithm].get(name, documented) if context.msprobe_exact else documented


def relative(size: Float64Array, golden: Float64Array, numbers: Numbers) -> Float64Array:
    """|a - g| / (|g| + eps), from |a - g|."""
    return np.asarray(size / (np.abs(golden) + numbers.guard))
