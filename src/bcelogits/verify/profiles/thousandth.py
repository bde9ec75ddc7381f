"""The "double thousandth" and "double ten-thousandth" of CANN's operator tasks."""

from __future__ import annotations

from bcelogits._typing import Float64Array, Mask
from bcelogits.verify._model import Context, Judge

from ._common import Text, profile
from ._share import Outside, ShareOut

__all__ = ["PROFILES"]

# Public task texts: float16 "double 1/1000", float32 "double 1/10000", bfloat16 commonly "double 4/1000".
_TOLERANCES = {"f16": 1e-3, "bf16": 4e-3, "f32": 1e-4}

_TEXT = Text(
    "thousandth",
    "double thousandth (float16), ten-thousandth (float32), 4/1000 (bfloat16)",
    "public task texts, as of 2026-11-22",
    "https://gitee.com/cajcak/optest (AscendOpTest, whose defaults the task texts name)",
    "at most the share d of the elements off by more than d, absolutely and relatively",
)


def _outside(tolerance: float) -> Outside:
    def out(size: Float64Array, golden: Float64Array) -> Mask:
        return (size > tolerance) & (size > tolerance * golden)

    return out


def _start(context: Context) -> Judge:
    tolerance = _TOLERANCES[context.format.name]
    return ShareOut(_TEXT, context, _outside(tolerance), tolerance)


PROFILES = (profile(_TEXT, _start, rows=_TOLERANCES),)
