"""The installed tree, and a copy of it under a name that shells do not like."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bcelogits import _cann


@pytest.fixture
def root() -> Path:
    return _cann.root()


@pytest.fixture
def moved(root: Path, tmp_path: Path) -> Path:
    """The tree under another name, with a space and a quote in it."""
    where = tmp_path / "it's here"
    shutil.copytree(root, where)
    return where
