"""The command `bcelogits`: its parser, its exit status and its error lines; each command has a module of its own.

Everything a user can get wrong ends as one line `error: ...` on standard error and status 2, without a traceback.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from bcelogits._files.errors import InputError, reason
from bcelogits.cli.parser import Parser

__all__ = ["COMMANDS", "build_parser", "main"]

# What each command is for; it has the module of its name.
COMMANDS = {
    "loss": "compute the loss, and its gradient, of arrays in files",
    "golden": "write golden data for tests of other implementations",
    "verify": "judge other implementations: a device's outputs, an installed one, single files",
    "config": "show compiler flags, folders and environment for programs that use the C API",
    "run": "start a program with our libraries in the place of CANN",
    "info": "show the version, the instruction sets and the number of threads",
}


def build_parser(chosen: str) -> Parser:
    """The parser of the command line; only the command that is chosen has its arguments, and only it is imported."""
    result = Parser(
        prog="bcelogits",
        description="Binary cross-entropy with logits over array files; golden data and verdicts for other\n"
        "implementations; the libraries of CANN's C API.",
        epilog="`bcelogits COMMAND --help` has the options and examples of each command.\n"
        "Exit status: 0, 1 if a verdict is failed, 2 for bad input or usage, 130 if interrupted.",
    )
    commands = result.add_subparsers(metavar="COMMAND", required=True, title="commands", parser_class=Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name == chosen:
            importlib.import_module(f"bcelogits.cli.{name}").define(command)
    return result


def _terminate(signum: int, frame: FrameType | None) -> None:
    # As an exception, so that unfinished output files are removed on the way out.
    raise SystemExit(128 + signum)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: those of the command line without the program's name; by default the process's own.

    Returns:
        0; 1 if `verify` judged that something failed; 2 for bad input or usage; 130 when interrupted.

    >>> main(["info", "--unknown"])
    2
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if arguments is None:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            parsed = build_parser(given[0]).parse_args(given)
            status: Any = parsed.command(parsed)
        except SystemExit as end:  # --help, or a signal
            status = end.code
        sys.stdout.flush()
        return int(status)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except (InputError, OSError, MemoryError, ImportError) as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        _give_up_output()
        return 2


def _give_up_output() -> None:
    """Drop what standard output does not take (a closed pipe, a full disk), or Python would complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
