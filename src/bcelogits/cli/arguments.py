"""Command line arguments without typer: for the commands that need none of the cli extra."""

from __future__ import annotations

import argparse
from typing import NoReturn

from bcelogits._files.errors import InputError

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors like all others, not the end of the process."""

    def error(self, message: str) -> NoReturn:
        """A wrong argument."""
        raise InputError(message)
