"""The backends `ours`, `reference` and `aclnn`: this package's functions, the truth, any library with the C API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from ctypes import byref, c_int32
from typing import Any

import numpy as np

import bcelogits
from bcelogits import _cann
from bcelogits._formats import FORMATS
from bcelogits._typing import Array, Shape
from bcelogits.golden import Case, Operands
from bcelogits.golden.problem import Problem
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, BackendError

__all__ = ["Aclnn", "Ours", "Reference"]


def _arguments(op: Op, operands: Operands) -> tuple[Any, ...]:
    """The positional arguments of the NumPy signatures."""
    gradient = () if op is Op.LOSS else (operands.grad_output,)
    return (*gradient, operands.logits, operands.targets, operands.weight)


class Ours(Backend):
    """`bcelogits`, writing to an output of the case's dtype."""

    def __init__(self) -> None:
        self.name = "ours"
        info = bcelogits.info()
        self.version = f"bcelogits {info['version']} ({info['isa']} kernels)"

    def limit(self, case: Case) -> str:
        return ""

    def result_dtype(self, case: Case) -> str:
        return case.dtype_of("out")

    def compute(self, case: Case, operands: Operands) -> Array:
        out = np.empty(case.out_shape, FORMATS[case.dtype_of("out")].dtype)
        function = getattr(bcelogits, case.op.function)
        function(*_arguments(case.op, operands), pos_weight=operands.pos_weight, reduction=case.reduction, out=out)
        return out


class Reference(Backend):
    """The truth rounded once: what an implementation without any fault scores."""

    def __init__(self) -> None:
        self.name = "reference"
        self.version = f"the truth, rounded once (bcelogits {bcelogits.__version__})"

    def limit(self, case: Case) -> str:
        return ""

    def result_dtype(self, case: Case) -> str:
        return case.dtype_of("out")

    def compute(self, case: Case, operands: Operands) -> Array:
        problem = Problem.of(case.op, operands, case.reduction, case.dtype_of("out"))
        if problem.is_reduced:
            return problem.reduced().truth().rounded
        out = np.empty(problem.terms, FORMATS[problem.dtype].dtype)
        for start, stop in problem.chunks():
            out[start:stop] = problem.truth(problem.inputs(start, stop)).rounded
        return out.reshape(case.shape)


def _tiny(shape: Shape) -> Shape:
    """A shape that broadcasts as the given one does and has next to no elements."""
    return tuple(min(n, 2) for n in shape)


def _without_scalars(operand: Array | None) -> Array | None:
    # The operators' documents have no tensors without dimensions among the inputs.
    return operand.reshape(1) if operand is not None and operand.ndim == 0 else operand


class Aclnn(Backend):
    """The two-phase operators of the installation that ASCEND_HOME_PATH names, or of this package."""

    def __init__(self) -> None:
        self.name = "aclnn"
        from bcelogits import aclnn

        self._aclnn = aclnn
        try:
            library = aclnn.load()
        except (OSError, RuntimeError) as error:
            raise BackendError(f"aclnn: {error}") from error
        parts = [c_int32() for _ in range(3)]
        library.call("aclrtGetVersion", *map(byref, parts))
        numbers = ".".join(str(part.value) for part in parts)
        ours = library.root == _cann.root()
        self.version = f"ACL {numbers} {f'of bcelogits {bcelogits.__version__}' if ours else f'in {library.root}'}"

    def limit(self, case: Case) -> str:
        """What phase one, which has all the checks, says of operands like these."""
        shapes = {"logits": case.shape, "targets": case.shape, "weight": case.weight, "pos_weight": case.pos_weight}
        if case.op is not Op.LOSS:
            shapes["grad_output"] = case.grad_output or ()
        small = {
            name: np.zeros(_tiny(shape), FORMATS[case.dtype_of(name)].dtype)
            for name, shape in shapes.items()
            if shape is not None
        }
        phase_one = getattr(self._aclnn, f"{case.op.function}_get_workspace_size")
        try:
            with ExitStack() as stack:
                stack.enter_context(self._aclnn.Device())
                tensors, out = self._tensors(stack, case, Operands(**small), _tiny(case.out_shape))
                *positional, pos_weight = tensors
                stack.enter_context(phase_one(*positional, pos_weight=pos_weight, reduction=case.reduction, out=out))
        except self._aclnn.AclError as error:
            # Process, time and code stand before the name of the function.
            text = " ".join(error.text.split()).rpartition("GetWorkspaceSize: ")[2]
            return f"phase one returns {error.code} {error.name}{': ' if text else ''}{text}"
        except (TypeError, NotImplementedError) as error:
            return str(error)
        return ""

    def _tensors(self, stack: ExitStack, case: Case, operands: Operands, out_shape: Shape) -> tuple[Sequence[Any], Any]:
        reduced = case.op is Op.LOSS and case.reduction != "none"
        arrays = (*_arguments(case.op, operands), operands.pos_weight)
        inputs = [_without_scalars(array) for array in arrays]
        tensors = [None if array is None else stack.enter_context(self._aclnn.Tensor(array)) for array in inputs]
        dtype = FORMATS[case.dtype_of("out")].dtype
        out = stack.enter_context(self._aclnn.Tensor.empty((1,) if reduced else out_shape, dtype))
        return tensors, out

    def result_dtype(self, case: Case) -> str:
        return case.dtype_of("out")

    def compute(self, case: Case, operands: Operands) -> Array:
        function = getattr(self._aclnn, case.op.function)
        with ExitStack() as stack:
            stack.enter_context(self._aclnn.Device())
            (*positional, pos_weight), out = self._tensors(stack, case, operands, case.out_shape)
            function(*positional, pos_weight=pos_weight, reduction=case.reduction, out=out)
            result: Array = out.numpy()
        return result
