"""Entry point of the command `bcelogits`: exit status and error lines; the commands are in app.py.

Everything a user can get wrong ends as one line `error: ...` on standard error and status 2, without a traceback.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TypeAlias

__all__ = ["main"]

Command: TypeAlias = Callable[[Sequence[str]], int]

# Modules of the commands that need no package of the cli extra; in app.py they are listed for the help only.
WITHOUT_EXTRA = {"config": "bcelogits.cli.config", "run": "bcelogits.cli.run"}


def _terminate(signum: int, frame: FrameType | None) -> None:
    # As an exception, so that unfinished output files are removed on the way out.
    raise SystemExit(128 + signum)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 for bad input or usage, 130 when interrupted.

    >>> main(["info", "--unknown"])
    2
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if given[0] in WITHOUT_EXTRA:
        command: Command = importlib.import_module(WITHOUT_EXTRA[given[0]]).main
        return command(given[1:])
    try:
        import typer
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        print("error: the command line needs typer and rich: pip install 'bcelogits[cli]'", file=sys.stderr)
        return 2
    from bcelogits.cli.app import app

    if arguments is None:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        status = typer.main.get_command(app).main(args=given, prog_name="bcelogits", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        print("error: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        # Usage errors: their class lives in click or inside typer, depending on typer's version.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        print("error:", " ".join(describe().split()), file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0
