"""The command `run`: becomes another program, in an environment in which our libraries stand for CANN."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from bcelogits import _cann
from bcelogits._files.errors import reason

__all__ = ["main"]

_USAGE = """\
usage: bcelogits run [--] COMMAND [ARGUMENTS...]

Run a program with the libraries of bcelogits in the place of CANN: sets ASCEND_HOME_PATH, ASCEND_TOOLKIT_HOME and
ASCEND_OPP_PATH, and puts our folders in front of LD_LIBRARY_PATH and PYTHONPATH, as set_env.sh does. TASK_QUEUE_ENABLE,
which torch_npu reads, is 0 unless it is set. The exit status is that of the program; 127 if there is no such program,
126 if it cannot be run."""


def main(arguments: Sequence[str]) -> int:
    """Become the program; return an exit status if that fails."""
    given = list(arguments)
    if given[:1] in (["-h"], ["--help"]):
        print(_USAGE)
        return 0
    if given[:1] == ["--"]:
        given = given[1:]
    elif given and given[0].startswith("-"):
        print(f"error: no such option: {given[0]}", file=sys.stderr)
        return 2
    if not given:
        print("error: run: missing COMMAND", file=sys.stderr)
        return 2
    if not _cann.is_built():
        print(f"error: {_cann.NOT_BUILT}", file=sys.stderr)
        return 2
    # What Python ignores, a program would inherit.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execvpe(given[0], given, _cann.environment(os.environ))
    except OSError as error:
        print(f"error: {given[0]}: {reason(error)}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126
    except ValueError as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        return 126
