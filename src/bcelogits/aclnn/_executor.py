"""What phase one of an operator makes: an executor, to be launched on a stream."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_uint64, c_void_p
from typing import Self

from bcelogits.aclnn._library import load
from bcelogits.aclnn._memory import Memory
from bcelogits.aclnn._resource import Resource
from bcelogits.aclnn._stream import Stream, stream_or_default
from bcelogits.aclnn._tensor import Tensor

__all__ = ["Executor"]


class Executor(Resource):
    """The result of phase one; :meth:`launch` is phase two.

    It can be launched once, or as often as wanted after :meth:`repeatable`.

    Attributes:
        workspace_size: bytes of device memory that a launch needs besides the tensors.

    Example:
        >>> import numpy as np
        >>> from bcelogits import aclnn
        >>> with aclnn.Device():
        ...     x, t = aclnn.Tensor(np.float32([-20, 0])), aclnn.Tensor(np.float32([0, 1]))
        ...     out = aclnn.Tensor.empty((2,))
        ...     executor = aclnn.binary_cross_entropy_with_logits_get_workspace_size(x, t, reduction=0, out=out)
        ...     with executor.repeatable():
        ...         executor.launch()
        ...         executor.launch()
        ...         out.numpy()
        array([2.0611537e-09, 6.9314718e-01], dtype=float32)
    """

    def __init__(self, operator: str, inputs: Sequence[Tensor | None], reduction: int, out: Tensor | None) -> None:
        self.library = load()
        self.operator = operator
        self.tensors = (*inputs, out)
        size, handle = c_uint64(), c_void_p()
        *given, to = (None if tensor is None else tensor.handle for tensor in self.tensors)
        name = f"{operator}GetWorkspaceSize"
        self.library.call(name, *given, reduction, to, byref(size), byref(handle))
        self.workspace_size = size.value
        self._handle = handle.value
        self._is_repeatable = False
        self._workspace: tuple[Stream, Memory] | None = None
        self._acquired()

    def _release(self) -> None:
        self._workspace = None
        # Phase two has given back one that is used once.
        if self._handle is not None:
            self.library.call("aclDestroyAclOpExecutor", self._handle)

    @property
    def handle(self) -> int | None:
        """The ``aclOpExecutor``; None once it is used up."""
        self._require_open()
        return self._handle

    def repeatable(self) -> Self:
        """Allow any number of launches; returns itself."""
        self.library.call("aclSetAclOpExecutorRepeatable", self.handle)
        self._is_repeatable = True
        return self

    def launch(self, stream: Stream | None = None, workspace: Memory | None = None) -> None:
        """Queue the work on a stream and return.

        Args:
            stream: None is the default stream.
            workspace: device memory of at least ``workspace_size`` bytes; None allocates it if any is needed.

        The tensors of phase one and the workspace stay allocated until the stream is waited for.

        Raises:
            AclError: a call failed; the executor was launched before, for instance.
        """
        queue = stream_or_default(stream)
        handle, queue_handle = self.handle, queue.handle
        if workspace is None and self.workspace_size > 0:
            workspace = self._workspace_for(queue)
        address, size = (None, 0) if workspace is None else (workspace.address, workspace.nbytes)
        if not self._is_repeatable:
            self._handle = None  # consumed, also by a failure
        self.library.call(self.operator, address, size, handle, queue_handle)
        memories = (tensor.memory for tensor in self.tensors if tensor is not None)
        queue._hold((workspace, *memories))

    def _workspace_for(self, queue: Stream) -> Memory:
        # Launches on one stream come one after the other, so that they can share it.
        if self._workspace is None or self._workspace[0] is not queue:
            self._workspace = queue, Memory(self.workspace_size)
        return self._workspace[1]

    def set_tensor_addr(self, index: int, tensor: Tensor, address: int | None = None) -> None:
        """Point operand ``index`` of a repeatable executor to other memory.

        Args:
            index: number of the operand in the order of the C function, inputs before outputs.
            tensor: a tensor like that of phase one.
            address: where its storage starts now; None is ``tensor.address``.
        """
        self._set_addr("aclSetTensorAddr", index, tensor, address)
        self._use(index, tensor)

    def set_input_tensor_addr(self, index: int, tensor: Tensor, address: int | None = None) -> None:
        """As :meth:`set_tensor_addr`, ``index`` counting inputs only."""
        self._set_addr("aclSetInputTensorAddr", index, tensor, address)
        self._use(index, tensor)

    def set_output_tensor_addr(self, index: int, tensor: Tensor, address: int | None = None) -> None:
        """As :meth:`set_tensor_addr`, ``index`` counting outputs only."""
        self._set_addr("aclSetOutputTensorAddr", index, tensor, address)
        self._use(len(self.tensors) - 1 + index, tensor)

    def _set_addr(self, function: str, index: int, tensor: Tensor, address: int | None) -> None:
        self.library.call(function, self.handle, index, tensor.handle, tensor.address if address is None else address)

    def _use(self, index: int, tensor: Tensor) -> None:
        self.tensors = (*self.tensors[:index], tensor, *self.tensors[index + 1 :])
