"""Binary cross-entropy with logits on the CPU: exact, fast, the same bits everywhere.

The functions of this module take NumPy arrays; see :mod:`bcelogits.reference` for the slow oracle.
"""

from bcelogits._numpy import (
    ExactSum,
    LossAccumulator,
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_target_backward,
    get_num_threads,
    info,
    set_num_threads,
    value_and_grad,
)
from bcelogits._version import __version__

__all__ = [
    "ExactSum",
    "LossAccumulator",
    "__version__",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_target_backward",
    "get_num_threads",
    "info",
    "set_num_threads",
    "value_and_grad",
]
