"""Judging many outputs: the dumps of a folder of golden data, or an implementation that runs here and now."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bcelogits._files.arrays import Array, RawFormat, open_array
from bcelogits._files.errors import InputError, reason
from bcelogits._version import __version__
from bcelogits.golden import Case, make_operands
from bcelogits.golden.file_names import dump_candidates
from bcelogits.golden.manifest import Entry, read_manifest
from bcelogits.golden.problem import Problem
from bcelogits.reference.truth import Special
from bcelogits.verify._judge import Options, judge_output, not_judged, worst
from bcelogits.verify._model import CaseResult, RunResult, Status
from bcelogits.verify._sources import Computed, Source, Stored
from bcelogits.verify.backends import Backend, BackendError

__all__ = ["Watcher", "run_of", "verify_backend", "verify_folder"]


class Watcher(Protocol):
    """Told how far a run is, for a progress bar."""

    def case(self, case: Case, number: int, of: int) -> None:
        """The next case begins."""

    def elements(self, done: int) -> None:
        """`done` more elements of the case are judged."""


def run_of(cases: Iterable[CaseResult], subject: str, options: Options, **facts: Any) -> RunResult:
    """The run that these cases are: its status is the worst of them, and `not judged` if a case could not be judged."""
    results = tuple(cases)
    status = worst(case.status for case in results)
    if status is not Status.FAIL and any(case.error for case in results):
        status = Status.NOT_JUDGED
    known = {
        "subject": subject,
        "bcelogits": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "profiles": list(options.names()),
        "special": options.special.value,
        "saturate": options.saturate,
        "flush_subnormals": options.flush_subnormals,
        "third": options.third_wanted,
        "msprobe_exact": options.msprobe_exact,
    }
    return RunResult(status, results, known | facts)


def _failed(case: Case, error: str) -> CaseResult:
    return not_judged(case.name, case.op, case.dtype_of("out"), case.out_shape, case.reduction, error)


# ---- dumps -----------------------------------------------------------------------------------------------------


def _find(folder: Path, case: Case) -> Path:
    tried = list(dump_candidates(case))
    for candidate in tried:
        path = folder / candidate
        if path.is_file():
            return path
    raise InputError(f"no output in {folder}: expected {tried[0]}, or another name such as {tried[1]} or {tried[4]}")


def _open_dump(folder: Path, case: Case) -> tuple[Array, Path]:
    path = _find(folder, case)
    return open_array("actual", str(path), RawFormat(case.dtype_of("out"), case.out_shape)), path


def _source(entry: Entry, options: Options, special: Special) -> Source:
    """The columns that were written, if they are of the same kind; else they are computed from the operands."""
    case, dtype = entry.case, entry.case.dtype_of("out")
    stored = special is options.special and not options.third_wanted
    entry.check()
    truth = entry.truth() if stored else {}
    problem = None
    try:
        problem = Problem(case.op, entry.inputs(), case.reduction, dtype, options.special)
    except InputError:
        if not truth:
            raise
    if truth:
        return Stored(case.op, case.reduction, int(np.prod(case.shape)), entry.golden(), truth, problem)
    if problem is None:
        raise InputError("neither the operands nor the columns of the truth are there")
    return Computed(problem, options.third_wanted)


def verify_folder(
    folder: str | Path,
    dumps: Sequence[str | Path] = (),
    *,
    options: Options | None = None,
    only: Callable[[Case], bool] | None = None,
    watcher: Watcher | None = None,
) -> RunResult:
    """Judge a device's outputs for the cases of a folder of golden data.

    Args:
        folder: as `golden.write` made it.
        dumps: folders with one output for each case, under the names of docs/verify.md; `folder` itself if none is
            given. Of several the first is judged, and the others must have the same bytes.
        options: profiles and modes; by default the truth at infinite operands is that of the golden data.
        only: which cases.
        watcher: told how far it is.

    Returns:
        One result for each case. An output that is missing, truncated or of the wrong size or dtype is not judged, and
        its `error` says which file and why; likewise one whose golden data are not as they were written (SHA-256).

    Raises:
        InputError: the folder has no readable manifest, a folder of dumps does not exist, or no case is left.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    chosen = options or Options(special=manifest.special)
    for dump in dumps:
        if not Path(dump).is_dir():
            raise InputError(f"dump: {dump}: no such folder")
    entries = [entry for entry in manifest.entries if only is None or only(entry.case)]
    if not entries:
        raise InputError(f"{root}: no case is left to judge")
    folders = [Path(dump) for dump in dumps] or [root]
    results = []
    for number, entry in enumerate(entries):
        if watcher is not None:
            watcher.case(entry.case, number, len(entries))
        try:
            opened = [_open_dump(dump, entry.case) for dump in folders]
            result = judge_output(
                opened[0][0],
                _source(entry, chosen, manifest.special),
                chosen,
                name=entry.case.name,
                repeats=[array for array, _ in opened[1:]],
                facts={"files": [str(path) for _, path in opened]} | _facts(entry.case),
                progress=None if watcher is None else watcher.elements,
            )
        except (InputError, OSError) as error:
            result = _failed(entry.case, reason(error))
        results.append(result)
    return run_of(results, str(folders[0]), chosen, suite=manifest.suite, golden=str(root))


# ---- implementations -------------------------------------------------------------------------------------------


def _facts(case: Case) -> dict[str, Any]:
    weights = {name: getattr(case, name) for name in ("weight", "pos_weight", "grad_output")}
    shapes = {name: list(shape) for name, shape in weights.items() if shape is not None}
    return {"family": case.family, "seed": case.seed, "logits": list(case.shape), **shapes}


def verify_backend(
    backend: Backend,
    cases: Sequence[Case],
    *,
    repeats: int = 1,
    options: Options | None = None,
    watcher: Watcher | None = None,
) -> RunResult:
    """Judge an implementation: it computes every case, and each output is judged.

    Args:
        backend: from `backends.get`.
        cases: from `golden.load_suite`, or your own.
        repeats: how often each case is computed; all outputs must have the same bytes.
        options: profiles and modes.
        watcher: told how far it is.

    Returns:
        One result for each case. One that the implementation does not support is not judged, and the fact "skipped"
        says why; one where it fails has an `error`.
    """
    chosen = options or Options()
    results = []
    for number, case in enumerate(cases):
        if watcher is not None:
            watcher.case(case, number, len(cases))
        if why := backend.unsupported(case):
            skipped = _failed(case, "")
            results.append(CaseResult(**(vars(skipped) | {"facts": {"skipped": why} | _facts(case)})))
            continue
        operands = make_operands(case)
        try:
            problem = Problem.of(case.op, operands, case.reduction, case.dtype_of("out"), chosen.special)
            outputs = [backend.run(case, operands) for _ in range(max(repeats, 1))]
            result = judge_output(
                outputs[0],
                Computed(problem, chosen.third_wanted),
                chosen,
                name=case.name,
                repeats=outputs[1:],
                facts=_facts(case),
                progress=None if watcher is None else watcher.elements,
            )
        except (BackendError, InputError) as error:
            result = _failed(case, reason(error))
        results.append(result)
    return run_of(results, f"{backend.name} ({backend.version})", chosen)
