"""The backends `torch` and `torch-compile`: PyTorch's own loss on the CPU, its gradients through autograd."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, dtype_name, first_line, import_framework

__all__ = ["Torch", "TorchCompile"]


class Torch(Backend):
    """`torch.nn.functional.binary_cross_entropy_with_logits`, eager mode."""

    def __init__(self) -> None:
        self.name = "torch"
        self._torch = import_framework("torch", "pip install torch")
        self.version = f"torch {self._torch.__version__}"

    def _loss_function(self, case: Case) -> Callable[..., Any]:
        function = self._torch.nn.functional.binary_cross_entropy_with_logits
        reduction = case.reduction

        def loss(x: Any, t: Any, w: Any, p: Any) -> Any:
            return function(x, t, weight=w, pos_weight=p, reduction=reduction)

        return loss

    def _apply(self, loss: Callable[..., Any], op: Op, tensors: dict[str, Any]) -> Any:
        x, t = tensors["logits"], tensors["targets"]
        others = tensors.get("weight"), tensors.get("pos_weight")
        if op is Op.LOSS:
            with self._torch.no_grad():
                return loss(x, t, *others)
        with self._torch.enable_grad():
            variable = (x if op is Op.BACKWARD else t).requires_grad_()
            value = loss(x, t, *others)
            upstream = tensors["grad_output"].to(value.dtype)
            upstream = upstream.expand(value.shape) if value.ndim else upstream.reshape(())
            return self._torch.autograd.grad(value, variable, upstream)[0]

    def limit(self, case: Case) -> str:
        grad_output = case.grad_output or ()
        if case.op is not Op.LOSS and case.reduction != "none" and any(n != 1 for n in grad_output):
            return f"autograd has one gradient of a {case.reduction}, and grad_output has the shape {grad_output}"
        try:
            loss = self._dtype_name(self._on_meta(case, Op.LOSS))
            if case.op is Op.LOSS:
                return ""
            if not FORMATS[loss].holds(FORMATS[case.dtype_of("grad_output")]):
                return f"autograd rounds grad_output, {case.dtype_of('grad_output')}, to the dtype of the loss, {loss}"
            self._on_meta(case, case.op)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            return f"PyTorch refuses it: {first_line(error)}"
        return ""

    def result_dtype(self, case: Case) -> str:
        return self._dtype_name(self._on_meta(case, case.op))

    def _on_meta(self, case: Case, op: Op) -> Any:
        """The result without its elements."""
        shapes = {"logits": case.shape, "targets": case.shape, "weight": case.weight, "pos_weight": case.pos_weight}
        shapes["grad_output"] = case.grad_output or ()
        tensors = {
            name: self._torch.empty(shape, dtype=self._dtype(case.dtype_of(name)), device="meta")
            for name, shape in shapes.items()
            if shape is not None
        }
        return self._apply(Torch._loss_function(self, case), op, tensors)

    @staticmethod
    def _dtype_name(tensor: Any) -> str:
        return dtype_name(str(tensor.dtype).removeprefix("torch."))

    def _dtype(self, name: str) -> Any:
        return getattr(self._torch, FORMATS[name].dtype_name)

    def _tensor(self, array: Array) -> Any:
        """A tensor that shares the array's memory where PyTorch can have such a tensor."""
        if any(stride < 0 or stride % array.itemsize for stride in array.strides):
            array = np.asarray(array, order="C")
        with warnings.catch_warnings():  # of a mapped file, which nothing here writes to
            warnings.filterwarnings("ignore", message=".*not writable", category=UserWarning)
            if array.dtype.name == "bfloat16":  # NumPy cannot hand bfloat16 over; its bits it can
                return self._torch.from_numpy(array.view(np.int16)).view(self._torch.bfloat16)
            return self._torch.from_numpy(array)

    def _array(self, tensor: Any) -> Array:
        tensor = tensor.detach()
        bits = tensor.dtype == self._torch.bfloat16
        result: Array = tensor.view(self._torch.int16).numpy().view(FORMATS["bf16"].dtype) if bits else tensor.numpy()
        return result

    def compute(self, case: Case, operands: Operands) -> Array:
        tensors = {name: self._tensor(array) for name, array in operands.items().items()}
        return self._array(self._apply(self._loss_function(case), case.op, tensors))


class TorchCompile(Torch):
    """The same function through `torch.compile`; the compiler's own gradient of it."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "torch-compile"
        self.version = f"torch.compile of {self.version}"

    def _loss_function(self, case: Case) -> Callable[..., Any]:
        # After some variants of one function the compiler would give up: every case starts anew.
        self._torch._dynamo.reset()
        compiled: Callable[..., Any] = self._torch.compile(super()._loss_function(case), fullgraph=True)
        return compiled
