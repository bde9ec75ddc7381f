"""``BCEWithLogitsLoss``, a drop-in for PyTorch's module."""

from __future__ import annotations

import torch
from torch import Tensor

from bcelogits.torch._function import binary_cross_entropy_with_logits

__all__ = ["BCEWithLogitsLoss"]


class BCEWithLogitsLoss(torch.nn.BCEWithLogitsLoss):
    """:class:`torch.nn.BCEWithLogitsLoss`, with the loss and gradients of bcelogits on the CPU.

    The same constructor, buffers, ``state_dict`` and representation; an instance of PyTorch's class.

    Example:
        >>> import torch
        >>> from bcelogits.torch import BCEWithLogitsLoss
        >>> criterion = BCEWithLogitsLoss(pos_weight=torch.tensor([2.0, 1.0]))
        >>> criterion(torch.tensor([[0.0, -30.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits ``input`` against ``target``; see :func:`binary_cross_entropy_with_logits`."""
        return binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )
