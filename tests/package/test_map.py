"""CONTRIBUTING's map has every folder, and its table says in at most four places where something is added."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# A line of the map begins with its folder; `/**` stands for all that is below as well.
MAP = set(re.findall(r"^([\w./-]+/(?:\*\*)?)  ", TEXT, re.MULTILINE))
TOPS = ("native", "src/bcelogits", "tests", "tools", "benchmarks", "docs", "examples", "cmake")
ROWS = re.findall(r"^\| (an? [^|]+) \| (.+) \|$", TEXT, re.MULTILINE)


def folders() -> Iterator[str]:
    """All that hold files of ours, not what programs leave behind."""
    for top in TOPS:
        for path in [ROOT / top, *(ROOT / top).rglob("*")]:
            parts = path.relative_to(ROOT).parts
            if path.is_dir() and not any(part.startswith((".", "__pycache__")) for part in parts):
                yield "/".join(parts)


def on_the_map(folder: str) -> bool:
    parts = folder.split("/")
    above = ("/".join(parts[:n]) for n in range(1, len(parts) + 1))
    return f"{folder}/" in MAP or any(f"{name}/**" in MAP for name in above)


@pytest.mark.parametrize("folder", list(folders()))
def test_every_folder_is_on_the_map(folder: str) -> None:
    assert on_the_map(folder)


@pytest.mark.parametrize("name", sorted(MAP))
def test_everything_on_the_map_is_a_folder(name: str) -> None:
    assert (ROOT / name.removesuffix("**")).is_dir()


@pytest.mark.parametrize(("what", "where"), ROWS)
def test_what_is_added_has_at_most_four_places(what: str, where: str) -> None:
    assert 1 <= len(re.findall(r"`[^`]*[/.][^`]*`", where)) <= 4


def test_the_table_knows_all_kinds_of_additions() -> None:
    asked = ("operator", "element type", "kind of target", "ISA", "front-end", "aclnn operator", "profile", "family")
    added = " ".join(what for what, _ in ROWS)
    assert [word for word in (*asked, "backend", "constant") if word not in added] == []
