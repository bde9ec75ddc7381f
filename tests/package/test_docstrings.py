"""The examples of the public documentation run, in the package as it is installed."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import bcelogits

ROOT = Path(__file__).resolve().parents[2]
# What a module needs beyond the base dependency.
EXTRAS = {"bcelogits.reference": "mpmath", "bcelogits.torch": "torch"}
MODULES = ["bcelogits", *(m.name for m in pkgutil.walk_packages(bcelogits.__path__, "bcelogits."))]
DOCUMENTED = [name for name in bcelogits.__all__ if not name.startswith("__")]


@pytest.mark.parametrize("name", [m for m in MODULES if not m.endswith("__main__")])
def test_examples_in_documentation(name: str) -> None:
    for prefix, needed in EXTRAS.items():
        if name.startswith(prefix):
            pytest.importorskip(needed)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize("page", ["README.md", "docs/cann.md", "docs/sums.md", "docs/torch.md"])
def test_examples_in_pages_of_documentation(page: str) -> None:
    if page == "docs/torch.md":
        pytest.importorskip("torch")
    text = (ROOT / page).read_text()
    if ">>>" not in text:
        pytest.skip(f"{page} shows no examples in the form of doctest")
    failed, _ = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert failed == 0


OPERATOR = [n for n in DOCUMENTED if n == "value_and_grad" or n.startswith("binary_cross_entropy")]


@pytest.mark.parametrize("name", DOCUMENTED)
class TestDocumentation:
    def doc(self, name: str) -> tuple[Any, str]:
        thing = getattr(bcelogits, name)
        return thing, thing.__doc__ or ""

    def test_every_public_name_is_documented(self, name: str) -> None:
        assert len(self.doc(name)[1].strip()) > 40


@pytest.mark.parametrize("name", OPERATOR)
def test_the_functions_of_the_operator_state_arguments_results_errors_and_an_example(name: str) -> None:
    text = getattr(bcelogits, name).__doc__ or ""
    for heading in ("Args:", "Returns:", "Raises:", "Example:"):
        assert heading in text
    assert "ULP" in text or name == "value_and_grad" or "exactly" in text


def test_docstrings_are_found_at_all() -> None:
    finder = doctest.DocTestFinder()
    found = [t for m in ("bcelogits._numpy", "bcelogits._accumulator") for t in finder.find(importlib.import_module(m))]
    assert sum(bool(t.examples) for t in found) >= 5
