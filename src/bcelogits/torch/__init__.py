"""PyTorch's ``binary_cross_entropy_with_logits`` and ``BCEWithLogitsLoss``, computed by bcelogits on the CPU.

The same signatures; change one import, or nothing at all:

    >>> import torch
    >>> from bcelogits.torch import BCEWithLogitsLoss, patch
    >>> logits, targets = torch.tensor([2.0, -20.0, 0.5], requires_grad=True), torch.tensor([1.0, 0.0, 0.0])
    >>> loss = BCEWithLogitsLoss(reduction="sum")(logits, targets)
    >>> loss.backward()
    >>> logits.grad
    tensor([-1.1920e-01,  2.0612e-09,  6.2246e-01])
    >>> with patch():  # torch.nn.functional.binary_cross_entropy_with_logits is ours, for all modules
    ...     print(torch.nn.BCEWithLogitsLoss()(torch.tensor([-20.0]), torch.tensor([0.0])).item() > 0)
    True

Tensors go through by pointer, with any strides, and nothing of their size is allocated but gradients. On other devices
and for tensor subclasses that this module does not know, PyTorch's own implementation runs.
"""

from bcelogits.torch._function import binary_cross_entropy_with_logits
from bcelogits.torch._module import BCEWithLogitsLoss
from bcelogits.torch._patch import patch

__all__ = ["BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "patch"]
