"""Puts this loss in the place of PyTorch's own, and back."""

from __future__ import annotations

from types import TracebackType

import torch

from bcelogits.torch._function import binary_cross_entropy_with_logits

__all__ = ["Patch", "patch"]

_active: list[Patch] = []  # the oldest first


class Patch:
    """What :func:`patch` gives back; ends the patch with :meth:`restore` or at the end of a ``with`` block."""

    def __init__(self) -> None:
        self._install()

    def _install(self) -> None:
        self._before = torch.nn.functional.binary_cross_entropy_with_logits
        torch.nn.functional.binary_cross_entropy_with_logits = binary_cross_entropy_with_logits
        _active.append(self)

    def restore(self) -> None:
        """Put back what was there before, once all patches have ended; nothing happens the second time."""
        if self not in _active:
            return
        i = _active.index(self)
        if self is _active[-1]:
            torch.nn.functional.binary_cross_entropy_with_logits = self._before
        else:
            _active[i + 1]._before = self._before
        del _active[i]

    def __enter__(self) -> Patch:
        if self not in _active:
            self._install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()


def patch() -> Patch:
    """Let ``torch.nn.functional.binary_cross_entropy_with_logits``, and all that calls it there, be this package's.

    ``torch.nn.BCEWithLogitsLoss`` calls it; a name that was imported before, by ``from torch.nn.functional import
    binary_cross_entropy_with_logits``, stays what it was.

    Returns:
        A context manager that puts PyTorch's own back at its end; or call its ``restore()``.

    Example:
        >>> import torch
        >>> from bcelogits.torch import patch
        >>> patched = patch()
        >>> torch.nn.BCEWithLogitsLoss()(torch.tensor([-20.0]), torch.tensor([0.0]))
        tensor(2.0612e-09)
        >>> patched.restore()
        >>> torch.nn.BCEWithLogitsLoss()(torch.tensor([-20.0]), torch.tensor([0.0]))
        tensor(0.)
    """
    return Patch()
