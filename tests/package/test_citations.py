"""Sections of docs/precision.md that comments and docstrings cite are on that page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "precision.md").read_text(encoding="utf-8")
CITED = re.compile(r"precision\.md (\d+(?:\.\d+)?)(?:[^\n.]*? and (\d+(?:\.\d+)?))?")


def test_every_section_that_is_cited_exists() -> None:
    sections = set(re.findall(r"^#+ (\d+(?:\.\d+)?) ", PAGE, re.MULTILINE))
    sources = [p for folder in ("src", "tests") for p in sorted((ROOT / folder).rglob("*.py"))]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    cited = {number for text in texts for pair in CITED.findall(text) for number in pair if number}
    assert {"2.3", "2.4", "2.5", "5.4", "3"} <= cited  # the pattern finds them
    assert cited <= sections
