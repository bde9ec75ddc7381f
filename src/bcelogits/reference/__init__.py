"""The slow oracle: the same functions as the package, in float64, in double-double or to hundreds of bits.

Nothing here is shared with the fast path: neither the native module nor its approximations. Every operand is read
exactly in its own dtype. The precision is one of

- ``"f64"``: formulas in which nothing cancels, in float64 with NumPy: right to a few ULP of float64;
- ``"dd"``: pairs of float64 numbers (`DoubleDouble`) with at least 100 correct bits, NumPy alone, vectorised;
- ``"mp"``: objects ``mpmath.mpf`` that carry at least 200 correct bits. mpmath is imported when it is first needed
  (``pip install 'bcelogits[cli]'``), and computes with gmpy2's integers where that is installed.

With ``sp(z) = max(z, 0) + log1p(exp(-|z|))`` (softplus) and ``s(z) = 1 / (1 + exp(-z))`` (sigmoid)::

    loss     = w * [(1 - t) * sp(x) + p * t * sp(-x)]
    dloss/dx = w * [(1 - t) * s(x)  - p * t * s(-x)]
    dloss/dt = w * [p * sp(-x) - sp(x)]                     which is -w * x for p = 1, as sp(x) - sp(-x) = x

A gradient near its root is the difference of two terms that are nearly equal: bits count there relative to the larger
of the two for ``"f64"`` and ``"dd"``, and relative to the gradient itself for ``"mp"``.

Infinite operands stand for the limit: 0 times infinity is 0. A NaN in any operand that the formula names gives NaN.

Range of ``"f64"``: an intermediate result below 2**-1074 or above 1.8e308 leaves float64 (``exp(-x)`` from x = 745 on).
With operands up to float32 that matters only where a huge weight meets such a tail; with float64 operands, and wherever
float64's own rounding would decide, use ``"dd"`` or ``"mp"``, which have no such range inside: ``"f64"`` is right to a
few ULP of float64, and NumPy's exponential may differ in its last bit between machines. (Beyond |x| = 131,072 the
exponential is below 2**-189,000 and ``"dd"`` takes it for that.)

Results that are rounded once for certain, with what is special about each, are in :mod:`bcelogits.reference.truth`, and
those of a reduced loss in :mod:`bcelogits.reference.reduced`.
"""

from bcelogits.reference._double_double import DoubleDouble
from bcelogits.reference._operator import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_target_backward,
    value_and_grad,
)
from bcelogits.reference._ulp import ulp, ulp_error
from bcelogits.reference.rounding import round_to

__all__ = [
    "DoubleDouble",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_target_backward",
    "round_to",
    "ulp",
    "ulp_error",
    "value_and_grad",
]
