"""The parser of all commands: argparse, whose complaints are one line like all other errors."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from bcelogits._files.errors import InputError

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors like all others, and that takes no option for another by its beginning."""

    # Added to the complaint about a command that there is not.
    hint = ""

    def __init__(self, **settings: Any) -> None:
        """Take the settings of argparse; descriptions and examples keep their lines."""
        super().__init__(
            **settings, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, exit_on_error=False
        )
        # What argparse shall not take for an option: "-inf" and "-1e-3" too.
        self._negative_number_matcher = re.compile(r"-(\.?\d|inf|nan)", re.IGNORECASE)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does; an error names the option first, as all errors do.

        Raises:
            InputError: a value is missing or not allowed, or there is no such command.
        """
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            where = f"{error.argument_name}: " if error.argument_name else ""
            raise InputError(f"{where}{error.message}{self.hint}") from None

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, with the same error for unknown arguments in all versions of Python.

        Raises:
            InputError: as `parse_known_args`, or there are arguments that the command does not know.
        """
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed

    def error(self, message: str) -> NoReturn:
        """Raise an error for arguments that are missing or unknown, where argparse would end the process."""
        raise InputError(message)
