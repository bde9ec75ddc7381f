"""What every backend does: it says what it cannot do, runs a case, and its result is checked, not mended."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._formats import FORMATS, format_of
from bcelogits._typing import Array
from bcelogits.golden import Case, Operands
from bcelogits.reference.truth import Op
from bcelogits.verify.backends._quiet import stdout_to_stderr

__all__ = ["Backend", "BackendError", "dtype_name", "first_line", "import_framework"]


class BackendError(InputError):
    """A backend is not installed, failed on a case, or gave a result of another dtype or shape; on one line."""


def dtype_name(dtype: Any) -> str:
    """The short name of a framework's dtype, or its own name where it is no format of the operator."""
    try:
        return format_of(str(dtype)).name
    except TypeError:
        return str(dtype)


def first_line(error: BaseException) -> str:
    """The kind of an exception and the first line of its text that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def import_framework(module: str, command: str) -> Any:
    """Import a framework as `Any`: none is a dependency of this package, and few are typed.

    Raises:
        BackendError: it is not installed, or does not load.
    """
    with stdout_to_stderr():
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.split(".")[0] == module.split(".")[0]:
                raise BackendError(f"{module} is not installed: {command}") from None
            raise BackendError(f"{module} does not load: {first_line(error)}") from error
        except Exception as error:
            raise BackendError(f"{module} does not load: {first_line(error)}") from error


class Backend(ABC):
    """An installed implementation of the operators, which takes NumPy arrays and returns one.

    Attributes:
        name: as given to `get`.
        version: its name and version, and those of what it runs on.
    """

    name: str
    version: str

    @abstractmethod
    def limit(self, case: Case) -> str:
        """Why it cannot take the case at all, in one sentence; "" if it can."""

    @abstractmethod
    def result_dtype(self, case: Case) -> str:
        """The short name of the dtype that its result will have."""

    @abstractmethod
    def compute(self, case: Case, operands: Operands) -> Array:
        """The result of a case as the implementation gives it, not checked."""

    def unsupported(self, case: Case) -> str:
        """Why the case cannot be judged with this backend, in one sentence; "" if it can."""
        with stdout_to_stderr():
            if why := self.limit(case):
                return why
            expected, given = case.dtype_of("out"), self.result_dtype(case)
        return "" if given == expected else f"its result would be {given}, and the case's output is {expected}"

    def run(self, case: Case, operands: Operands) -> Array:
        """The result of a case, of its output's dtype and shape.

        Raises:
            BackendError: it cannot take the case, the implementation failed, or its result has another dtype or shape;
                the text says which.
        """
        if why := self.unsupported(case):
            raise BackendError(f"{self.name}, case {case.name}: {why}")
        try:
            with stdout_to_stderr():
                result = np.asarray(self.compute(case, operands))
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(f"{self.name} failed on case {case.name}: {first_line(error)}") from error
        expected = FORMATS[case.dtype_of("out")].dtype
        if result.dtype != expected:
            raise BackendError(f"{self.name}, case {case.name}: result of dtype {result.dtype}, expected {expected}")
        # One element or none: the documents of the C API have (1,) for a reduced loss, PyTorch has ().
        if result.shape == (1,) and case.op is Op.LOSS and case.reduction != "none":
            result = result.reshape(())
        if result.shape != case.out_shape:
            shapes = f"shape {result.shape}, expected {case.out_shape}"
            raise BackendError(f"{self.name}, case {case.name}: result of {shapes}")
        return result
