"""The backend `module:function`: anybody's Python function with the NumPy signature of the operator under test."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._base import Backend, BackendError, first_line
from bcelogits.verify.backends._quiet import stdout_to_stderr

__all__ = ["Function"]


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    """With a folder to import from, after all others."""
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BackendError(f"{path}: no such file")
    # A name that no import statement asks for: a file torch.py must not stand for PyTorch.
    name = f"bcelogits backend {path.resolve()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BackendError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and the like look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _locked(array: Array) -> Array:
    """The same memory, read-only: the truth is computed from it too."""
    view = array.view()
    view.flags.writeable = False
    return view


class Function(Backend):
    """A function, of the signature of `bcelogits.binary_cross_entropy_with_logits` or of one of its gradients.

    Args:
        spec: "module:function", the module importable or in the current folder, or "path/to/file.py:function". A name
            with dots reaches into classes and objects.
        op: the operator that the function is; by default its name and that of its first parameter tell.

    It is called as `function(logits, targets, weight, pos_weight=..., reduction=...)`, a gradient with grad_output as
    its first argument, weights left out where the case has none, and reduction where it is "none" and the function
    does not take it. The operands are read-only. A function whose name ends in "target_backward" is the gradient with
    respect to the targets; another one that ends in "backward", or whose first parameter begins with "grad", that with
    respect to the logits. `op` says it where names do not.

    Raises:
        BackendError: no such file, module or function, or it does not load; it is not callable.
    """

    def __init__(self, spec: str, op: Op | None = None) -> None:
        self.name = spec
        where, _, path = spec.rpartition(":")
        is_file = where.endswith(".py")
        self._folder = str(Path(where).resolve().parent) if is_file else os.getcwd()
        with stdout_to_stderr(), _importable(self._folder):
            try:
                found: Any = _load_file(Path(where)) if is_file else importlib.import_module(where)
            except BackendError:
                raise
            except Exception as error:
                raise BackendError(f"{where} does not load: {first_line(error)}") from error
        self.version = " ".join((where, str(getattr(found, "__version__", "")))).strip()
        for name in path.split("."):
            if not hasattr(found, name):
                raise BackendError(f"{spec}: {where} has no {path}")
            found = getattr(found, name)
        if not callable(found):
            raise BackendError(f"{spec}: a {type(found).__name__}, expected a function")
        self._function: Callable[..., Any] = found
        try:
            self._signature: inspect.Signature | None = inspect.signature(found)
        except (TypeError, ValueError):  # of a function in C that does not tell
            self._signature = None
        self._ops = self._operators(path.rpartition(".")[2]) if op is None else (op,)

    def _operators(self, name: str) -> tuple[Op, ...]:
        """What the function may be, by its name and its first argument."""
        if name.endswith(Op.TARGET_BACKWARD.value):
            return (Op.TARGET_BACKWARD,)
        if name.endswith(Op.BACKWARD.value):
            return (Op.BACKWARD,)
        if self._signature is None or not self._signature.parameters:
            return tuple(Op)
        first = next(iter(self._signature.parameters.values()))
        if first.kind is inspect.Parameter.VAR_POSITIONAL:
            return tuple(Op)
        return (Op.BACKWARD,) if first.name.startswith("grad") else (Op.LOSS,)

    def _arguments(self, case: Case, operands: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        first = [] if case.op is Op.LOSS else [operands["grad_output"]]
        positional = [*first, operands["logits"], operands["targets"]]
        keywords = {"reduction": case.reduction}
        if operands.get("weight") is not None:
            positional.append(operands["weight"])
        if operands.get("pos_weight") is not None:
            keywords["pos_weight"] = operands["pos_weight"]
        if case.reduction == "none" and not self._takes("reduction"):
            del keywords["reduction"]
        return positional, keywords

    def _takes(self, keyword: str) -> bool:
        if self._signature is None:
            return True
        parameters = self._signature.parameters
        return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def limit(self, case: Case) -> str:
        if case.op not in self._ops:
            return f"{self.name} is a function for {' and '.join(self._ops)}, and the case is of {case.op}"
        names = ("grad_output", "logits", "targets", "weight", "pos_weight")
        given = {
            name: name for name in names if name not in ("weight", "pos_weight") or getattr(case, name) is not None
        }
        positional, keywords = self._arguments(case, given)
        if self._signature is not None:
            try:
                self._signature.bind(*positional, **keywords)
            except TypeError as error:
                call = ", ".join([*positional, *(f"{name}=" for name in keywords)])
                return f"{self.name} cannot be called with ({call}): {error}"
        return ""

    def result_dtype(self, case: Case) -> str:
        return case.dtype_of("out")  # which its result is held to

    def compute(self, case: Case, operands: Operands) -> Array:
        positional, keywords = self._arguments(case, {name: _locked(a) for name, a in operands.items().items()})
        with _importable(self._folder):
            # A copy: the function may use the same memory at its next call.
            return np.array(self._function(*positional, **keywords))
