"""The truth: of runs of elements, and of reduced losses. Always rounded to the output's dtype exactly once.

The formulas are those of `bcelogits.reference`. Values come from float64 arithmetic and are computed again in
double-double, or with rational numbers, wherever float64 does not decide how they round.
"""

from bcelogits.golden._elementwise import elementwise
from bcelogits.golden._reduction import Reduction, reduce_losses
from bcelogits.golden._rounding import round_float64

__all__ = ["Reduction", "elementwise", "reduce_losses", "round_float64"]
