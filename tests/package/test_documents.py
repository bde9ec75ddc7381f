"""What documents and comments name exists: paths, pages, and commands that the build runs."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("native", "src", "tests", "tools", "benchmarks", "docs", "examples", "cmake", r"\.ci")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += [p for folder in ("docs", "examples", "native") for p in sorted((ROOT / folder).rglob("*.md"))]

# A path from the root, a link of Markdown, and a file of the sources by its name alone or the end of its path.
FROM_ROOT = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./*<>-]*[\w/*>]")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
IN_CODE = re.compile(r"`([\w/*<>-][\w./*<>-]*\.(?:cpp|hpp|inc|def|cmake))`")
PAGE = re.compile(r"(?<![\w/.:-])[\w./-]*\w\.md\b")
COMMENT = {"//": (".cpp", ".hpp", ".inc", ".def", ".h", ".c", ".S"), "#": (".cmake", ".toml", ".txt", ".sh", ".yaml")}
# Comments name pages of these elsewhere, too.
ELSEWHERE = ("docs/zh/", "docs/Precision_Comparison.md")


def exists(name: str, *bases: Path) -> bool:
    """Whether there is such a path below one of the bases; `*` and `<isa>` stand for anything."""
    pattern = re.sub(r"<\w+>", "*", name).rstrip("/")
    return any(any(base.glob(pattern)) if "*" in pattern else (base / pattern).exists() for base in bases)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def comments(path: Path) -> Iterator[str]:
    """The comments of a file, and the docstrings of Python."""
    text = path.read_text()
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""
        return
    for mark, suffixes in COMMENT.items():
        if path.suffix in suffixes:
            yield from re.findall(rf"{mark}.*", text)


def sources() -> list[Path]:
    known = {".py", *(suffix for suffixes in COMMENT.values() for suffix in suffixes)}
    below = [p for folder in FOLDERS for p in (ROOT / folder.replace("\\", "")).rglob("*")]
    return [p for p in [*sorted(below), *ROOT.glob("*.*")] if p.suffix in known and p.is_file()]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    native = [p for p in (ROOT / "native").rglob("*") if p.is_dir()]
    missing = [name for name in FROM_ROOT.findall(text) if not exists(name, ROOT, page.parent)]
    missing += [name for name in LINK.findall(text) if not exists(name, page.parent)]
    missing += [n for n in IN_CODE.findall(text) if not exists(n, ROOT, page.parent, ROOT / "native", *native)]
    assert missing == []


def test_every_page_that_a_comment_names_exists() -> None:
    missing = [
        f"{relative(path)}: {name}"
        for path in sources()
        if ".md" in path.read_text()
        for comment in comments(path)
        for name in PAGE.findall(comment)
        if not name.startswith(ELSEWHERE) and not exists(name, ROOT, ROOT / "docs", path.parent)
    ]
    assert missing == []


def test_the_tests_see_what_is_missing() -> None:
    assert exists("native/engine/kernels/simd_<isa>.hpp", ROOT)
    assert not exists("native/engine/kernels/<isa>_simd.hpp", ROOT)
    assert FROM_ROOT.findall("in `src/gone.py`, (docs/gone.md), https://a.b/docs/c.md and .ci/run.") == [
        "src/gone.py",
        "docs/gone.md",
        ".ci/run",
    ]
    assert PAGE.findall("see gone.md and docs/gone.md; https://a.b/c.md") == ["gone.md", "docs/gone.md"]
