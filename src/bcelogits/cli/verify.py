"""The parsers of `verify` and its commands `folder`, `backend` and `files`; what they do is in judging.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from bcelogits.cli.options import cases, count, operands, raw_dtype, raw_files
from bcelogits.cli.parser import Parser

__all__ = ["define"]

_Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

_STATUS = "Exit status: 0 passed, 1 failed, 2 could not judge, or bad input."
_FOLDER_EXAMPLES = """\
examples:
  bcelogits verify folder golden/ --dump dumps/ --html report.html
  bcelogits verify folder golden/ --dump first/ --dump second/ --op loss --profile cann-mixed,torch"""
_BACKEND_EXAMPLES = """\
examples:
  bcelogits verify backend torch --suite tail
  bcelogits verify backend mymodule:my_loss --op loss --suite tail
  bcelogits verify backend aclnn --repeat 3"""
_FILES_EXAMPLES = """\
examples:
  bcelogits verify files out.npy --logits logits.npy --targets labels.npy --pos-weight 3
  bcelogits verify files grad.npy --op backward --grad-output g.npy --logits logits.npy --targets labels.npy
  bcelogits verify files out.bin --golden golden.bin --dtype bf16 --shape 128,80"""


def define(parser: Parser) -> None:
    """Give the parser of `verify` its three commands."""
    parser.description = (
        "Judge outputs of this operator under the field's precision standards and in units in the last\n"
        "place (ULP). " + _STATUS
    )
    parser.epilog = "`bcelogits verify COMMAND --help` has the options and examples of each."
    parser.hint = ", as in: bcelogits verify folder golden/ --dump dumps/"
    parser.add_argument("--list", action="store_true", help="list the names of profiles, backends and suites")
    parser.set_defaults(command=_command("names"))
    ways = parser.add_subparsers(metavar="folder|backend|files", title="commands", parser_class=Parser)
    judging = _judging()
    _add_folder(ways, judging)
    _add_backend(ways, judging)
    _add_files(ways, judging)


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """The command of that name in judging.py, which is imported when it is called: it imports much."""

    def command(given: argparse.Namespace) -> int:
        from bcelogits.cli import judging

        return judging.COMMANDS["names" if given.list else name](given)

    return command


def _judging() -> Parser:
    """The options that all three commands have: how to judge, and what to report."""
    parser = Parser(add_help=False)
    rules = parser.add_argument_group("rules")
    text = (
        "rules to judge by, names of `bcelogits verify --list` with commas; may be repeated (default: cann-mixed,ulp)"
    )
    rules.add_argument("--profile", metavar="NAME", action="append", help=text)
    text = "truth at infinite operands: the limit, or what PyTorch gives (default: that of GOLDEN, else limit)"
    rules.add_argument("--special", metavar="limit|torch", help=text)
    rules.add_argument("--saturate", action="store_true", help="the device saturates: no infinity, and 0 for NaN")
    text = "the device flushes subnormal results to 0, and may"
    rules.add_argument("--flush-subnormals", action="store_true", help=text)
    text = "third party of the dual rules: stable-form or torch-form (default: %(default)s)"
    rules.add_argument("--third", metavar="NAME", default="stable-form", help=text)
    text = "msprobe's constants as in its code, where they differ from its documents"
    rules.add_argument("--msprobe-exact", action="store_true", help=text)
    reports = parser.add_argument_group("reports")
    reports.add_argument("--html", metavar="FILE", type=Path, help="write the report as one HTML file")
    reports.add_argument("--json", metavar="FILE", type=Path, help="write every figure as JSON")
    reports.add_argument("--csv", metavar="FILE", type=Path, help="write one row for each case, profile and metric")
    reports.add_argument("-v", "--verbose", action="store_true", help="show every metric and the worst points")
    return parser


def _add_folder(ways: _Commands, judging: Parser) -> None:
    parser = ways.add_parser(
        "folder",
        parents=[judging],
        help="judge a device's outputs for a folder of golden data",
        description="Judge a device's outputs for the cases of GOLDEN, a folder that `bcelogits golden` wrote.\n"
        + _STATUS,
        epilog=_FOLDER_EXAMPLES,
    )
    parser.add_argument("golden", metavar="GOLDEN", type=Path, help="folder of golden data")
    text = "outputs of the device; may be repeated: the others must have the first's bytes (default: GOLDEN itself)"
    parser.add_argument("--dump", metavar="FOLDER", type=Path, action="append", help=text)
    cases(parser, suite=False)
    parser.add_argument("--op", metavar="NAME", help="only cases of loss, backward or target_backward (default: all)")
    parser.set_defaults(command=_command("folder"))


def _add_backend(ways: _Commands, judging: Parser) -> None:
    parser = ways.add_parser(
        "backend",
        parents=[judging],
        help="judge an installed implementation, or a Python function",
        description="Judge an implementation that is installed here, on the cases of a suite.\n" + _STATUS,
        epilog=_BACKEND_EXAMPLES,
    )
    text = "a name of `bcelogits verify --list`, module:function, or path/to/file.py:function"
    parser.add_argument("name", metavar="NAME", help=text)
    cases(parser)
    text = "loss, backward or target_backward: what a function is, and only its cases (default: by its name; all)"
    parser.add_argument("--op", metavar="NAME", help=text)
    text = "call it N times on each case and compare the bytes (default: %(default)s)"
    parser.add_argument("--repeat", metavar="N", type=count, default=1, help=text)
    parser.set_defaults(command=_command("backend"))


def _add_files(ways: _Commands, judging: Parser) -> None:
    parser = ways.add_parser(
        "files",
        parents=[judging],
        help="judge single files, against their operands or an expected output",
        description="Judge the output of one call against the truth, which is computed from --logits, --targets and\n"
        "the other operands, or read from --golden. Files are .npy, .npz, .safetensors or raw .bin.\n" + _STATUS,
        epilog=_FILES_EXAMPLES,
    )
    text = "the output; further ones, of the same call repeated, must have the same bytes"
    parser.add_argument("actual", metavar="ACTUAL", nargs="+", help=text)
    parser.add_argument("--golden", metavar="FILE", help="expected output, in place of all operands")
    text = "what ACTUAL is: loss, or the gradient backward or target_backward (default: %(default)s)"
    parser.add_argument("--op", metavar="NAME", default="loss", help=text)
    group = parser.add_argument_group("operands")
    group.add_argument("--logits", metavar="FILE", help="FILE, or FILE.npz:NAME, FILE.safetensors:NAME")
    group.add_argument("--targets", metavar="FILE", help="likewise, of the same shape")
    operands(group, reduction="none")
    text = "of a gradient: that of the (reduced) loss; broadcasts (default: 1)"
    group.add_argument("--grad-output", metavar="FILE|FLOAT", help=text)
    raw = raw_files(parser, "grad-output")
    text = (
        "dtype of a raw ACTUAL (default: --dtype with --golden; else that of the targets, for backward of the logits)"
    )
    raw.add_argument("--out-dtype", metavar="DTYPE", type=raw_dtype, help=text)
    parser.set_defaults(command=_command("files"))
