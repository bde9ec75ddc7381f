"""What the typer commands share: values of options, and how bad input ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import typer

from bcelogits._files.arrays import Shape, parse_shape
from bcelogits._files.errors import InputError, reason

__all__ = ["RawDtype", "Reduction", "error_line", "optional_shape"]


class Reduction(StrEnum):
    """Values of --reduction."""

    none = "none"
    mean = "mean"
    sum = "sum"


class RawDtype(StrEnum):
    """Values of --dtype; the keys of arrays.RAW_DTYPES."""

    f32 = "f32"
    f16 = "f16"
    bf16 = "bf16"
    f64 = "f64"


@contextmanager
def error_line() -> Iterator[None]:
    """Turn what cannot be used into one line `error: ...` and status 2."""
    try:
        yield
    except (InputError, OSError, MemoryError) as error:
        typer.echo(f"error: {reason(error)}", err=True)
        raise typer.Exit(2) from None


def optional_shape(option: str, text: str | None) -> Shape | None:
    """The shape that an option gives, if it does."""
    return None if text is None else parse_shape(option, text)
