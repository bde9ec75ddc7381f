"""The command `run`: becomes another program, in an environment in which our libraries stand for CANN."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from bcelogits import _cann
from bcelogits._files.errors import InputError, reason
from bcelogits.cli.parser import Parser

__all__ = ["define"]


def define(parser: Parser) -> None:
    """Give the command's parser its arguments."""
    parser.usage = "%(prog)s [-h] [--] COMMAND [ARGUMENTS...]"
    parser.description = (
        "Start a program with the libraries of bcelogits in the place of CANN: sets ASCEND_HOME_PATH,\n"
        "ASCEND_TOOLKIT_HOME and ASCEND_OPP_PATH, and puts our folders in front of LD_LIBRARY_PATH and\n"
        "PYTHONPATH, as set_env.sh does. TASK_QUEUE_ENABLE, which torch_npu reads, is 0 unless it is set."
    )
    parser.epilog = (
        "Exit status: that of the program; 127 if there is no such program, 126 if it cannot be started.\n\n"
        "example:\n  bcelogits run -- python train.py --epochs 3"
    )
    parser.add_argument("program", metavar="COMMAND [ARGUMENTS...]", nargs=argparse.REMAINDER, help="what to start")
    parser.set_defaults(command=_run)


def _run(given: argparse.Namespace) -> int:
    program: list[str] = given.program[1:] if given.program[:1] == ["--"] else given.program
    if not program:
        raise InputError("run: missing COMMAND")
    if not _cann.is_built():
        raise InputError(_cann.NOT_BUILT)
    # What Python ignores, a program would inherit.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(program[0], program, _cann.environment(os.environ))
    except OSError as error:
        print(f"error: {program[0]}: {reason(error)}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126
    except ValueError as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        return 126
