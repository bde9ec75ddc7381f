"""The progress bar of commands that may take long; it needs rich, and there is none without."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress"]

PROGRESS_AFTER_SECONDS = 1.0


class Progress:
    """A bar on standard error for work that takes long, if a person is looking."""

    def __init__(self, total: int, description: str = "computing") -> None:
        """Count up to `total` elements; nothing is shown yet."""
        self._total, self._done, self._description = total, 0, description
        self._start = time.monotonic()
        self._bar: Any = None
        self._watched = sys.stderr.isatty()

    def advance(self, elements: int) -> None:
        """Note that `elements` more are done."""
        self._done += elements
        if self._bar is None and self._watched and time.monotonic() - self._start > PROGRESS_AFTER_SECONDS:
            self._show()
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)

    def _show(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar
        except ImportError:  # the bar is a comfort, not a need
            self._watched = False
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._description, total=self._total, completed=self._done)
        self._bar.start()

    def __enter__(self) -> Progress:
        """Nothing to do: the bar appears later, if at all."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the bar away."""
        if self._bar is not None:
            self._bar.stop()
