"""The two-phase operators of CANN from Python, over any library with this C API: ours, or that of an installed CANN.

The libraries are those of the installation that ``ASCEND_HOME_PATH`` names, as its ``set_env.sh`` sets it, and else the
ones that come with this package. So a program written with it on a laptop runs on an NPU later: memory always goes
through the runtime. Every failure is an :class:`AclError` with the status code and the library's text.

    >>> import numpy as np
    >>> from bcelogits import aclnn
    >>> x, t = np.float32([[0, 2], [-1, 3]]), np.float32([[1, 1], [0, 1]])
    >>> with aclnn.Device(), aclnn.Stream() as stream:
    ...     logits, targets = aclnn.Tensor(x), aclnn.Tensor(t)
    ...     loss = aclnn.binary_cross_entropy_with_logits(logits, targets, stream=stream)
    ...     gradient = aclnn.binary_cross_entropy_with_logits_backward(1.0, logits, targets, stream=stream)
    ...     stream.synchronize()
    ...     print(loss.numpy(), gradient.numpy().shape)
    [0.29548106] (2, 2)
"""

from bcelogits.aclnn._device import Device
from bcelogits.aclnn._event import Event
from bcelogits.aclnn._executor import Executor
from bcelogits.aclnn._install import install_acl
from bcelogits.aclnn._library import AclError, Library, load
from bcelogits.aclnn._memory import Memory
from bcelogits.aclnn._operators import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_backward_get_workspace_size,
    binary_cross_entropy_with_logits_get_workspace_size,
    binary_cross_entropy_with_logits_target_backward,
    binary_cross_entropy_with_logits_target_backward_get_workspace_size,
)
from bcelogits.aclnn._stream import Stream
from bcelogits.aclnn._tensor import Tensor

__all__ = [
    "AclError",
    "Device",
    "Event",
    "Executor",
    "Library",
    "Memory",
    "Stream",
    "Tensor",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_backward_get_workspace_size",
    "binary_cross_entropy_with_logits_get_workspace_size",
    "binary_cross_entropy_with_logits_target_backward",
    "binary_cross_entropy_with_logits_target_backward_get_workspace_size",
    "install_acl",
    "load",
]
