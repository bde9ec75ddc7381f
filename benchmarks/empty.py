"""An empty nanobind function, called with the arguments that bcelogits gets: the floor of a call from Python.

Compiled without nanobind's build system from its single source file; both are in the wheel that builds bcelogits.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import native
from benchmarks.cases import Case, make_inputs
from benchmarks.contenders import Contender, Prepared, load

NAME = "bcelogits_noop"
FLAGS = ("-std=c++17", "-fvisibility=hidden", "-fno-strict-aliasing", "-DNDEBUG", "-DNB_COMPACT_ASSERTIONS")


def module() -> Any:
    """The compiled module."""
    nanobind = load("nanobind")
    source, include = Path(nanobind.source_dir()), Path(nanobind.include_dir())
    folders = [include, source.parent / "ext" / "robin_map" / "include", Path(sysconfig.get_paths()["include"])]
    flags = [*FLAGS, *(f"-I{folder}" for folder in folders)]
    path = native.shared_library([native.HERE / "noop.cpp", source / "nb_combined.cpp"], flags, f"{NAME}.so")
    spec = importlib.util.spec_from_file_location(NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: cannot be loaded")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class EmptyCall(Contender):
    """A native function that takes the same arguments and returns None."""

    name = "empty-call"
    modules = ("numpy", "nanobind")
    has_peak: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or (None if native.compiler() else "a C++ compiler")

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.op in ("forward-mean", "value_and_grad") and case.option == "none"

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.module = module()

    def version(self) -> str:
        return f"nanobind {load('nanobind').__version__}"

    def prepare(self, case: Case) -> Prepared:
        inputs = make_inputs(case)
        x, t = inputs.logits, inputs.targets
        options = {"reduction": case.reduction}
        function = self.module.value_and_grad if case.op == "value_and_grad" else self.module.loss
        return Prepared(lambda: function(x, t, **options))
