"""Small golden values, of which the published rules count absolute errors; the numbers are those of the profiles."""

from __future__ import annotations

from typing import NamedTuple

from bcelogits._formats import FORMATS
from bcelogits._typing import Float64Array, Mask

from ._msprobe import CODED_SMALL_ERROR, NUMBERS
from .cann_dual import SMALL

__all__ = ["SMALL_DOMAINS", "SmallDomain"]


class SmallDomain(NamedTuple):
    """A published rule for small golden values: an element with |golden| < small errs if |actual-golden| > error."""

    source: str
    small: float
    error: float
    inclusive: bool = False  # |golden| <= small

    def masks(self, magnitude: Float64Array) -> Mask:
        """Which golden magnitudes are in the domain."""
        return magnitude <= self.small if self.inclusive else magnitude < self.small


def _domains(name: str) -> tuple[SmallDomain, ...]:
    row, coded = NUMBERS[name], CODED_SMALL_ERROR["benchmark"].get(name)
    found = [SmallDomain("cann-dual", *SMALL[name])]
    if coded is None:
        return (*found, SmallDomain("msprobe, MindSpore", row.small, row.small_error, True))
    documented = SmallDomain("msprobe, documented", row.small, row.small_error, True)
    return (*found, documented, SmallDomain("msprobe and MindSpore, as coded", row.small, coded, True))


# docs/precision.md 2.4 (commercial standard) and 2.5 (msprobe; its code has 1e-16 for 2**-16, which MindSpore repeats).
# No standard has float64; the test kit takes the row of f32.
SMALL_DOMAINS = {name: _domains(name if name in SMALL else "f32") for name in FORMATS}
