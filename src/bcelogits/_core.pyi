"""
The native engine. Use the functions of the bcelogits package, which document and name the arguments.
"""

from typing import Any

import numpy
import numpy.typing
import torch


def loss(logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None, reduction: str | int | None, out: numpy.typing.NDArray[Any] | None) -> numpy.typing.NDArray[Any] | numpy.floating[Any]: ...

def backward(grad_output: numpy.typing.NDArray[Any] | float | None, logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None, reduction: str | int | None, out: numpy.typing.NDArray[Any] | None) -> numpy.typing.NDArray[Any]: ...

def target_backward(grad_output: numpy.typing.NDArray[Any] | float | None, logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None, reduction: str | int | None, out: numpy.typing.NDArray[Any] | None) -> numpy.typing.NDArray[Any]: ...

def value_and_grad(logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None, reduction: str | int | None, grad_out: numpy.typing.NDArray[Any] | None) -> tuple[numpy.typing.NDArray[Any] | numpy.floating[Any], numpy.typing.NDArray[Any]]: ...

def check(logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None = None, pos_weight: numpy.typing.NDArray[Any] | float | None = None, grad_output: numpy.typing.NDArray[Any] | float | None = None) -> numpy.dtype[Any]:
    """
    Raise what the operator raises for these operands, without reading an element; the dtype of its result.
    """

def tensor_loss(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None, reduction: int, out: torch.Tensor, threads: int) -> None: ...

def tensor_backward(grad_output: torch.Tensor, input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None, reduction: int, out: torch.Tensor, threads: int, mean_over: int = 0) -> None: ...

def tensor_target_backward(grad_output: torch.Tensor, input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None, reduction: int, out: torch.Tensor, threads: int, mean_over: int = 0) -> None: ...

def tensor_value_and_grad(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None, reduction: int, out: torch.Tensor, grad_out: torch.Tensor, threads: int) -> None: ...

def set_plain_types(tensor: type[torch.Tensor], parameter: type[torch.Tensor]) -> None: ...

def check_tensors(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None) -> None:
    """
    Raise what the operator raises for tensors of these shapes and dtypes, without looking at their memory.
    """

def are_plain(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None) -> bool: ...

class Accumulator:
    def __init__(self) -> None: ...

    def add_values(self, values: numpy.typing.NDArray[Any] | float | None) -> None: ...

    def add_losses(self, logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None) -> None: ...

    def add_losses_with_gradient(self, logits: numpy.typing.NDArray[Any] | None, targets: numpy.typing.NDArray[Any] | None, weight: numpy.typing.NDArray[Any] | float | None, pos_weight: numpy.typing.NDArray[Any] | float | None, reduction: str | int | None, grad_out: numpy.typing.NDArray[Any], mean_over: int) -> None: ...

    def add_tensor_losses(self, input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, pos_weight: torch.Tensor | None, threads: int) -> None: ...

    def merge(self, other: Accumulator) -> None: ...

    def read(self, reduction: str | int | None, dtype: numpy.typing.DTypeLike | None, default_dtype: str) -> numpy.floating[Any]: ...

    def read_into_tensor(self, reduction: int, out: torch.Tensor) -> None: ...

    def integers(self) -> bytes: ...

    @staticmethod
    def from_integers(integers: bytes, dtype: str | None = None) -> Accumulator: ...

    def __eq__(self, other: object, /) -> bool:
        """
        Whether exact sum, count, dtype and the kinds of what was not finite are equal.
        """

    @property
    def count(self) -> int:
        """How many numbers were added."""

    @property
    def dtype_name(self) -> str | None:
        """The promoted dtype of the arrays so far; None if there was none."""

def set_num_threads(n: int) -> None:
    """
    Set how many threads calls of this process use, 1 to 4096. Results do not depend on it.
    """

def get_num_threads() -> int:
    """How many threads calls of this process use."""

def version() -> str: ...

def isa() -> str: ...

def isas() -> str: ...

def reduction_of(reduction: str | int) -> int:
    """The number of 'none', 'mean' or 'sum'; 0, 1 or 2 is its own."""
