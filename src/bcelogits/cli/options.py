"""What the options of several commands share: types of their values, and the options themselves."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from bcelogits._files.arrays import DTYPE_NAMES, parse_shape
from bcelogits._files.errors import InputError
from bcelogits.cli.parser import Parser

__all__ = ["cases", "count_of", "one_of", "operands", "raw_dtype", "raw_files"]


# ---- values ----------------------------------------------------------------------------------------------------


def one_of(option: str, *allowed: str) -> Callable[[str], str]:
    """The type of an option that takes one of a few words.

    >>> one_of("--reduction", "mean", "sum")("sum")
    'sum'
    """

    def value(text: str) -> str:
        if text not in allowed:
            raise InputError(f"{option}: {text!r}, expected one of {', '.join(allowed)}")
        return text

    return value


def raw_dtype(option: str) -> Callable[[str], str]:
    """The type of an option that takes a dtype: the short name for the short or the long one.

    >>> raw_dtype("--dtype")("float32"), raw_dtype("--dtype")("bf16")
    ('f32', 'bf16')
    """

    def value(text: str) -> str:
        if text not in DTYPE_NAMES:
            raise InputError(f"{option}: {text!r}, expected one of {', '.join(DTYPE_NAMES)}")
        return DTYPE_NAMES[text]

    return value


def count_of(option: str) -> Callable[[str], int]:
    """The type of an option that takes a whole number from 1 on.

    >>> count_of("--repeat")("3")
    3
    """

    def value(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise InputError(f"{option}: {text!r}, expected a whole number, at least 1")
        return int(text)

    return value


# ---- options of several commands -------------------------------------------------------------------------------


def operands(group: argparse._ArgumentGroup, reduction: str) -> None:
    """Add the options for what the losses are multiplied by and for how they are reduced, `reduction` by default."""
    group.add_argument("--weight", metavar="FILE|FLOAT", help="factor of each element's loss; broadcasts to TARGETS")
    group.add_argument(
        "--pos-weight", metavar="FILE|FLOAT", help="factor of the positive part of each loss; broadcasts likewise"
    )
    group.add_argument(
        "--reduction",
        metavar="none|mean|sum",
        type=one_of("--reduction", "none", "mean", "sum"),
        default=reduction,
        help="the losses themselves, their mean or their sum (default: %(default)s)",
    )


def cases(parser: Parser, suite: bool = True) -> None:
    """Add the options for which cases to take, and of which suite if there is a choice."""
    if suite:
        parser.add_argument(
            "--suite",
            metavar="PRESET|FILE",
            default="smoke",
            help="smoke, standard, tail, or a .toml file that describes cases (default: %(default)s)",
        )
    parser.add_argument(
        "--case",
        metavar="PATTERN",
        action="append",
        help="only cases whose name matches, like 'tail_*_f32_*'; may be repeated (default: all)",
    )


def raw_files(parser: Parser) -> argparse._ArgumentGroup:
    """Add the options for raw .bin files, which say nothing about themselves; give their group."""
    group = parser.add_argument_group("raw .bin files (little-endian elements in C order)")
    group.add_argument(
        "--dtype",
        metavar="DTYPE",
        type=raw_dtype("--dtype"),
        help="dtype of every raw file: f32, f16, bf16, f64, or the long names float32, float16, bfloat16, float64",
    )
    shapes = {
        "--shape": "shape of raw logits and targets, like 128,10",
        "--weight-shape": "shape of a raw weight that does not just cover the last dimensions of the logits",
        "--pos-weight-shape": "shape of a raw pos-weight, likewise",
    }
    for option, text in shapes.items():
        group.add_argument(option, metavar="N,C", type=partial(parse_shape, option), help=text)
    return group
