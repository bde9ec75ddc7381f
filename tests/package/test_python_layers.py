"""Who may import whom in the Python package: what stands under an underscore is its own package's alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGE = SOURCE / "bcelogits"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "site-packages" not in p.parts)

# Every subpackage, and what it may import of the package besides itself and the private modules at its top.
ALLOWED: dict[str, set[str]] = {
    "_files": set(),
    "reference": set(),
    "golden": {"_files", "reference"},
    "verify": {"_files", "reference", "golden", "aclnn"},
    "aclnn": set(),
    "torch": set(),
    "cli": {"_files", "golden", "verify", "aclnn"},
}


def package_of(module: Path) -> tuple[str, ...]:
    """The package that a file belongs to, as the parts of its name."""
    return module.relative_to(SOURCE).parent.parts


def imported(module: Path) -> Iterator[tuple[str, ...]]:
    """The names of this package that a file imports, each as its parts."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = package_of(module)
            start = package[: len(package) - node.level + 1] if node.level else ()
            start += tuple(node.module.split(".")) if node.module else ()
            names = [(*start, alias.name) for alias in node.names]
        else:
            continue
        yield from (name for name in names if name[0] == "bcelogits")


def is_private(part: str) -> bool:
    return part.startswith("_") and not part.startswith("__")


def name(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_nobody_imports_a_private_name_of_another_package(module: Path) -> None:
    own = package_of(module)
    for parts in imported(module):
        for depth, part in enumerate(parts):
            assert not is_private(part) or own[:depth] == parts[:depth], ".".join(parts)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_package_imports_only_what_it_may(module: Path) -> None:
    if module.parent == PACKAGE:
        return
    own = package_of(module)[1]
    for parts in imported(module):
        other = next(iter(parts[1:]), "")
        assert other not in ALLOWED or other == own or other in ALLOWED[own], ".".join(parts)


def test_every_subpackage_has_a_row() -> None:
    found = {package_of(module)[1] for module in MODULES if module.parent != PACKAGE}
    assert found == set(ALLOWED)
