"""What is installed: types, version, and an import that is light."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bcelogits

RunPython = Callable[..., subprocess.CompletedProcess[str]]
PACKAGE = Path(bcelogits.__file__).parent
SOURCE = Path(__file__).resolve().parents[2] / "src" / "bcelogits"
TESTS = Path(__file__).resolve().parents[1]


def test_the_tests_import_the_installed_package() -> None:
    from bcelogits import _core

    assert Path(_core.__file__).parent == PACKAGE


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_core.pyi").is_file()


def test_the_stub_names_all_that_the_native_module_has() -> None:
    from bcelogits import _core

    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    stubbed = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assert stubbed == {n for n in dir(_core) if not n.startswith("_")}
    (accumulator,) = (n for n in tree.body if isinstance(n, ast.ClassDef))
    methods = {n.name for n in accumulator.body if isinstance(n, ast.FunctionDef)}
    assert methods >= {n for n in vars(_core.Accumulator) if not n.startswith("_")}


def test_the_version_is_that_of_the_distribution() -> None:
    assert bcelogits.__version__ == bcelogits.info()["version"] == importlib.metadata.version("bcelogits")
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z.+-]\S*)?", bcelogits.__version__)


def test_the_base_dependency_is_numpy_alone() -> None:
    required = importlib.metadata.requires("bcelogits") or []
    base = [r for r in required if "extra ==" not in r]
    assert [re.split(r"[^A-Za-z0-9_-]", r)[0] for r in base] == ["numpy"]


def test_info_tells_what_is_in_use() -> None:
    info = bcelogits.info()
    assert info.keys() == {"version", "isa", "isas", "threads"}
    assert info["isa"] in info["isas"]
    assert info["isas"][0] == "baseline"
    assert isinstance(info["threads"], int)


def test_all_names_of_all_exist_and_are_the_documented_ones() -> None:
    assert sorted(bcelogits.__all__) == sorted(
        [
            "ExactSum",
            "LossAccumulator",
            "__version__",
            "binary_cross_entropy_with_logits",
            "binary_cross_entropy_with_logits_backward",
            "binary_cross_entropy_with_logits_target_backward",
            "get_num_threads",
            "info",
            "set_num_threads",
            "value_and_grad",
        ]
    )
    assert all(hasattr(bcelogits, name) for name in bcelogits.__all__)


SIGNATURES = {
    "binary_cross_entropy_with_logits": "logits, targets, weight=None, *, pos_weight=None, reduction='mean', out=None",
    "binary_cross_entropy_with_logits_backward": (
        "grad_output, logits, targets, weight=None, *, pos_weight=None, reduction='mean', out=None"
    ),
    "binary_cross_entropy_with_logits_target_backward": (
        "grad_output, logits, targets, weight=None, *, pos_weight=None, reduction='mean', out=None"
    ),
    "value_and_grad": "logits, targets, weight=None, *, pos_weight=None, reduction='mean', grad_out=None",
}


@pytest.mark.parametrize(("name", "arguments"), SIGNATURES.items())
def test_signatures_are_those_of_the_specification(name: str, arguments: str) -> None:
    signature = inspect.signature(getattr(bcelogits, name))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == f"({arguments})"
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    assert signature.return_annotation is not signature.empty


def test_the_reference_has_the_same_functions_and_operands() -> None:
    from bcelogits import reference

    for name in SIGNATURES:
        ours = list(inspect.signature(getattr(bcelogits, name)).parameters)
        oracles = list(inspect.signature(getattr(reference, name)).parameters)
        assert [p for p in ours if p not in ("out", "grad_out")] == [p for p in oracles if p != "precision"]


def test_import_brings_in_numpy_and_nothing_else(run_python: RunPython) -> None:
    script = """
import sys, numpy
before = set(sys.modules)
import bcelogits
x = numpy.ones(3, numpy.float32)
bcelogits.value_and_grad(x, x)
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(roots - set(sys.stdlib_module_names) - {"bcelogits", "numpy"}))
print(*sorted(name for name in sys.modules if name in ("bcelogits.cli", "bcelogits.reference", "numpy.testing")))
"""
    done = run_python(script)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr


def test_no_file_of_the_package_imports_an_optional_package_at_its_top() -> None:
    optional = {"ml_dtypes", "mpmath", "gmpy2", "torch", "jax", "dask", "scipy", "sklearn"}
    for path in PACKAGE.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not optional & {n.partition(".")[0] for n in names}, path.name


def test_every_file_of_ours_says_first_what_it_is_for() -> None:
    for path in [*SOURCE.rglob("*.py"), *TESTS.rglob("*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text())), path
