"""What the options of several commands share: types of their values, and the options themselves."""

from __future__ import annotations

import argparse
from functools import partial

from bcelogits._files.arrays import parse_shape
from bcelogits._formats import FORMATS, format_of
from bcelogits.cli.parser import Parser

__all__ = ["cases", "count", "operands", "raw_dtype", "raw_files"]


_DTYPES = [*FORMATS, *(form.dtype_name for form in FORMATS.values())]

# ---- values ----------------------------------------------------------------------------------------------------


def raw_dtype(text: str) -> str:
    """The short name of a dtype, from the short or the long one.

    >>> raw_dtype("float32"), raw_dtype("bf16")
    ('f32', 'bf16')
    """
    if text not in _DTYPES:
        raise argparse.ArgumentTypeError(f"{text!r}, expected one of {', '.join(_DTYPES)}")
    return format_of(text).name


def count(text: str) -> int:
    """A whole number from 1 on.

    >>> count("3")
    3
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number, at least 1")
    return int(text)


# ---- options of several commands -------------------------------------------------------------------------------


def operands(group: argparse._ArgumentGroup, reduction: str) -> None:
    """Add the options for what the losses are multiplied by and for how they are reduced, `reduction` by default."""
    group.add_argument("--weight", metavar="FILE|FLOAT", help="factor of each element's loss; broadcasts to TARGETS")
    group.add_argument(
        "--pos-weight", metavar="FILE|FLOAT", help="factor of the positive part of each loss; broadcasts likewise"
    )
    group.add_argument(
        "--reduction",
        choices=("none", "mean", "sum"),
        default=reduction,
        help="the losses themselves, their mean or their sum (default: %(default)s)",
    )


def cases(parser: Parser, suite: bool = True) -> None:
    """Add the options for which cases to take, and of which suite if there is a choice."""
    if suite:
        text = "smoke, standard, tail, or a .toml file that describes cases (default: %(default)s)"
        parser.add_argument("--suite", metavar="PRESET|FILE", default="smoke", help=text)
    text = "only cases whose name matches, like 'tail_*_f32_*'; may be repeated (default: all)"
    parser.add_argument("--case", metavar="PATTERN", action="append", help=text)


def raw_files(parser: Parser, *more: str) -> argparse._ArgumentGroup:
    """Add the options for raw .bin files, which say nothing about themselves, with the shape of `more` operands too."""
    group = parser.add_argument_group("raw .bin files (little-endian elements in C order)")
    dtypes = ", ".join(_DTYPES)
    group.add_argument("--dtype", metavar="DTYPE", type=raw_dtype, help=f"dtype of every raw file: {dtypes}")
    texts = {"--shape": "shape of raw logits and targets, like 128,10"} | {
        f"--{name}-shape": f"shape of a raw {name} that does not just cover the last dimensions of the logits"
        for name in ("weight", "pos-weight", *more)
    }
    for option, text in texts.items():
        group.add_argument(option, metavar="N,C", type=partial(parse_shape, option), help=text)
    return group
