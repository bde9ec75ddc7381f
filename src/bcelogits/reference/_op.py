"""The operators by name."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Op"]


class Op(StrEnum):
    """The three operators, by the names that suites and options use."""

    LOSS = "loss"
    BACKWARD = "backward"
    TARGET_BACKWARD = "target_backward"

    @property
    def function(self) -> str:
        """The name of the Python function."""
        base = "binary_cross_entropy_with_logits"
        return base if self is Op.LOSS else f"{base}_{self.value}"

    @property
    def aclnn(self) -> str:
        """The name that CANN documents."""
        tail = {Op.LOSS: "", Op.BACKWARD: "Backward", Op.TARGET_BACKWARD: "TargetBackward"}[self]
        return f"aclnnBinaryCrossEntropyWithLogits{tail}"
