"""What cannot be used, in one line; the command line turns it into an error line."""

from __future__ import annotations


class InputError(Exception):
    """The files or options given cannot be used; the text says which and why."""


def reason(error: BaseException) -> str:
    """What went wrong, on one line; for an OSError without its number and file name."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
