"""Writing golden data: operands, rounded golden output and truth of every case, then the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bcelogits._files.errors import InputError, reason
from bcelogits._files.output import Output, write_safetensors
from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits._version import __version__
from bcelogits.golden._families import make_operands
from bcelogits.golden._model import Case
from bcelogits.golden.file_names import FILE_LAYOUTS, golden_file, input_files
from bcelogits.golden.manifest import FILE_NAME, SCHEMA, describe, sha256
from bcelogits.golden.problem import Problem, short_name
from bcelogits.reference.truth import Flag, Op, Special

__all__ = ["write"]


def _save(path: Path, array: Array) -> None:
    """One array in a .npy or raw .bin file; an empty raw file where there is no element."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Output("golden", path, array.shape, array.dtype, path.stem) as output:
        output.array[...] = array
        output.commit()


def _storage(array: Array) -> tuple[Array, dict[str, Any]]:
    """The memory below a view from its first to its last element, and the view's strides and offset in elements."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    memory = base.ravel(order="K")  # no copy: the bases of layouts are contiguous
    offset = (array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]) // array.itemsize
    if not 0 <= offset < max(memory.size, 1):
        raise AssertionError("a layout whose memory is not that of its base")
    strides = [stride // array.itemsize for stride in array.strides]
    return memory, {"shape": [memory.size], "strides": strides, "offset": int(offset)}


class _Truth:
    """The columns of a case's truth, filled a chunk at a time."""

    def __init__(self, problem: Problem) -> None:
        """Compute the truth of a problem."""
        count = 1 if problem.is_reduced else problem.terms
        self.rounded = np.empty(count, FORMATS[problem.dtype].dtype)
        self.columns: dict[str, Array] = {"value": np.empty(count), "flags": np.empty(count, np.uint8)}
        if problem.op is not Op.LOSS:
            self.columns["scale"] = np.empty(count)
        if problem.dtype == "f64":
            self.columns["low"] = np.empty(count)
        self.reduced: dict[str, str] = {}
        if problem.is_reduced:
            total = problem.reduced()
            self._put(0, 1, total.truth())
            self.reduced = {"ideal": str(self.columns["value"][0]), "contract": str(total.contract())}
        else:
            for start, stop in problem.chunks():
                self._put(start, stop, problem.truth(problem.inputs(start, stop)))

    def _put(self, start: int, stop: int, truth: Any) -> None:
        self.rounded[start:stop] = truth.rounded
        for name, column in self.columns.items():
            column[start:stop] = getattr(truth, name)

    def counts(self) -> dict[str, int]:
        """How many elements have each flag."""
        flags = self.columns["flags"]
        kinds = {flag.name.lower(): int(np.count_nonzero(flags & flag)) for flag in Flag if flag.name}
        return {"elements": int(flags.size), **kinds}


class _Writer:
    """Writes cases into a folder."""

    def __init__(self, folder: Path, layout: str, special: Special, compact: bool) -> None:
        self.folder, self.layout, self.special, self.compact = folder, layout, special, compact

    def _file(self, file: str, array: Array, key: str | None = None) -> dict[str, Any]:
        path = self.folder / file
        if key is None:
            _save(path, array)
        entry = {"file": file, "key": key, "dtype": short_name(array, file), "shape": list(array.shape)}
        return entry | {"sha256": sha256(path)}

    def case(self, case: Case) -> dict[str, Any]:
        """Write one case; its entry in the manifest."""
        operands = make_operands(case)
        problem = Problem.of(case.op, operands, case.reduction, case.dtype_of("out"), self.special)
        truth = _Truth(problem)
        golden = truth.rounded.reshape(case.out_shape)
        files = input_files(case, self.layout)
        together = self.layout == "safetensors"
        if together:
            write_safetensors(self.folder / golden_file(case, self.layout), {**problem.operands, "golden": golden})
        inputs = {
            name: self._file(files[name], array, name if together else None) for name, array in problem.operands.items()
        }
        if self.layout == "ttk":
            for name in files.keys() - inputs.keys():  # an operand that is not given is an empty file
                (self.folder / files[name]).write_bytes(b"")
        for name, array in problem.operands.items():
            if case.layouts.get(name, "contiguous") != "contiguous":
                memory, view = _storage(array)
                file = f"storage/{case.name}/{name}.bin"
                inputs[name]["storage"] = self._file(file, memory) | view
        entry = describe(case) | {"inputs": inputs}
        entry["golden"] = self._file(golden_file(case, self.layout), golden, "golden" if together else None)
        entry["truth"] = {} if self.compact else self._truth(case, truth)
        return entry | {"counts": truth.counts(), "reduced": truth.reduced}

    def _truth(self, case: Case, truth: _Truth) -> dict[str, dict[str, str]]:
        entries = {}
        for name, column in truth.columns.items():
            file = f"truth/{case.name}/{name}.npy"
            _save(self.folder / file, column.reshape(case.out_shape))
            entries[name] = {"file": file, "sha256": sha256(self.folder / file)}
        return entries


def write(
    cases: Iterable[Case],
    folder: str | Path,
    *,
    suite: str = "",
    layout: str = "ttk",
    special: Special | str = Special.LIMIT,
    compact: bool = False,
    progress: Callable[[Case], None] | None = None,
) -> Mapping[str, Any]:
    """Write golden data for cases into a new or empty folder.

    Args:
        cases: from `load_suite`, or your own; their names are file names and differ.
        folder: where to; made if it is not there.
        suite: what to call it in the manifest.
        layout: "ttk", "sample", "npy" or "safetensors"; see docs/verify.md.
        special: the truth at infinite operands, "limit" or "torch".
        compact: leave the columns of the truth out (they take 9 to 25 bytes an element); `verify` computes them again.
        progress: called with each case before it is made.

    Returns:
        The manifest, as it was written to manifest.json. The same cases give the same bytes, everywhere.

    Raises:
        ValueError: an unknown layout or special.
        InputError: the folder is not empty or cannot be written, or a case is one that the operator does not take.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write([Case("one", Op.LOSS, "f32", (2, 3))], folder)
    ...     print(*sorted(path.name for path in (Path(folder) / "one").glob("*float32*")))
    golden_0_float32__shape_2x3.bin input_0_float32.bin input_1_float32.bin
    """
    if layout not in FILE_LAYOUTS:
        raise ValueError(f"layout: {layout!r}, expected one of {', '.join(FILE_LAYOUTS)}")
    special = Special(special)
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            raise InputError(f"{root}: is not empty")
        writer = _Writer(root, layout, special, compact)
        entries = []
        for case in cases:
            if progress is not None:
                progress(case)
            entries.append(writer.case(case))
        manifest = {
            "schema": SCHEMA,
            "generator": f"bcelogits {__version__}",
            "suite": suite,
            "layout": layout,
            "special": special.value,
            "cases": entries,
        }
        (root / FILE_NAME).write_text(json.dumps(manifest, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{root}: {reason(error)}") from None
    return manifest
