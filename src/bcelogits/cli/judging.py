"""What `verify folder`, `verify backend` and `verify files` do: open, judge, print verdicts, write reports."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from bcelogits import golden
from bcelogits._files.arrays import Array, RawFormat, Shape, open_array, open_weight, split_name
from bcelogits._files.errors import InputError, reason
from bcelogits.cli.progress import Progress
from bcelogits.golden import Case, Op, Special
from bcelogits.verify import (
    Options,
    RunResult,
    backends,
    judge,
    judge_golden,
    profiles,
    report,
    run_of,
    verify_backend,
    verify_folder,
)

__all__ = ["COMMANDS"]

_Value = TypeVar("_Value", bound=StrEnum)

_EXIT = {"pass": 0, "warn": 0, "fail": 1, "not judged": 2}


# ---- what is given ---------------------------------------------------------------------------------------------


def _member(option: str, text: str, allowed: type[_Value]) -> _Value:
    """The member of `allowed` with the value `text`."""
    if text not in tuple(allowed):
        raise InputError(f"{option}: {text!r}, expected one of {', '.join(allowed)}")
    return allowed(text)


def _op(given: argparse.Namespace) -> Op | None:
    return None if given.op is None else _member("--op", given.op, Op)


def _options(given: argparse.Namespace, special: str = "limit") -> Options:
    """How to judge, checked; `special` is the truth at infinite operands unless another is given."""
    options = Options(
        special=_member("--special", special if given.special is None else given.special, Special),
        saturate=given.saturate,
        flush_subnormals=given.flush_subnormals,
        third=given.third,
        msprobe_exact=given.msprobe_exact,
    )
    names = [name.strip() for text in given.profile or () for name in text.split(",") if name.strip()]
    if names:
        options = replace(options, profiles=tuple(names))
    options.check()
    return options


def _chosen(given: argparse.Namespace, op: Op | None) -> Callable[[Case], bool]:
    """Which cases to judge."""
    patterns: list[str] = given.case or ["*"]
    return lambda case: op in (None, case.op) and any(fnmatchcase(case.name, pattern) for pattern in patterns)


def _check_reports(given: argparse.Namespace, judged: Iterable[Path]) -> None:
    """Before the work: reports can be written, do not meet, and replace nothing of what is judged."""
    sources = [path.resolve() for path in judged]
    seen: dict[Path, str] = {}
    for option, file in {"--html": given.html, "--json": given.json, "--csv": given.csv}.items():
        if file is None:
            continue
        path = file.resolve()
        if path.is_dir():
            raise InputError(f"{option}: {file}: is a directory, expected a file to write to")
        if not path.parent.is_dir():
            raise InputError(f"{option}: {file}: no such directory: {file.parent}")
        if path in seen:
            raise InputError(f"{option}: {file}: already used for {seen[path]}")
        seen[path] = option
        if any(path == source or (path.exists() and source in path.parents) for source in sources):
            raise InputError(f"{option}: {file}: is one of the files that are judged")


# ---- commands --------------------------------------------------------------------------------------------------


class _Watcher:
    """Tells a progress bar how many elements are judged."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def case(self, case: Case, number: int, of: int) -> None:
        """Nothing: the bar counts elements, not cases."""

    def elements(self, done: int) -> None:
        self._bar.advance(done)


def _names(given: argparse.Namespace) -> int:
    """Print the names that `verify` knows, if they are asked for."""
    if not given.list:
        raise InputError("verify: missing folder, backend or files; see bcelogits verify --help")
    print("profiles (default: " + ", ".join(profiles.DEFAULT) + ")")
    for profile in profiles.PROFILES.values():
        print(f"  {profile.name:21} {profile.standard}, {profile.version}: {profile.summary}")
    print("backends: " + ", ".join(backends.NAMES) + ", module:function, file.py:function")
    print("suites: " + ", ".join(golden.PRESETS) + ", or a .toml file")
    return 0


def _judged(way: Callable[[argparse.Namespace], RunResult]) -> Callable[[argparse.Namespace], int]:
    """The command that judges in this way, reports, and gives the exit status of the verdict."""

    def command(given: argparse.Namespace) -> int:
        try:
            result = way(given)
        except (ValueError, RuntimeError) as error:
            raise InputError(str(error)) from None
        _report(result, given)
        return _EXIT[result.status.value]

    return command


def _folder(given: argparse.Namespace) -> RunResult:
    dumps: list[Path] = given.dump or []
    _check_reports(given, [given.golden, *dumps])
    wanted = _chosen(given, _op(given))
    manifest = golden.read_manifest(given.golden)
    options = _options(given, manifest.special)  # golden data say which truth they hold
    total = sum(entry.case.elements for entry in manifest.entries if wanted(entry.case))
    with Progress(total, "judging") as bar:
        return verify_folder(given.golden, dumps, options=options, only=wanted, watcher=_Watcher(bar))


def _backend(given: argparse.Namespace) -> RunResult:
    _check_reports(given, [])
    op, options = _op(given), _options(given)
    subject = backends.get(given.name, op)
    wanted = _chosen(given, op)
    cases = [case for case in golden.load_suite(given.suite) if wanted(case)]
    if not cases:
        raise InputError(f"--suite: {given.suite}: no case is left to judge")
    with Progress(sum(case.elements for case in cases), "judging") as bar:
        return verify_backend(subject, cases, repeats=given.repeat, options=options, watcher=_Watcher(bar))


def _files(given: argparse.Namespace) -> RunResult:
    names = ("logits", "targets", "weight", "pos_weight", "grad_output")
    files: dict[str, str] = {name: text for name in names if (text := getattr(given, name)) is not None}
    sources = [*given.actual, *([] if given.golden is None else [given.golden]), *files.values()]
    _check_reports(given, [split_name(text)[0] for text in sources])
    op, options = _op(given) or Op.LOSS, _options(given)
    name, raw = " ".join(given.actual), RawFormat(given.dtype, given.shape)
    if given.golden is not None:
        if files:
            raise InputError(
                "--golden: given with operands, expected one or the other: golden is computed from operands"
            )
        expected = open_array("golden", given.golden, raw)
        outputs = _open_outputs(given.actual, given.out_dtype or given.dtype, expected.shape)
        with Progress(expected.size, "judging") as bar:
            case = judge_golden(outputs, expected, op=op, options=options, name=name, progress=bar.advance)
        return run_of([case], name, options)
    if op is Op.LOSS and "grad_output" in files:
        raise InputError("--grad-output: given for the loss, expected it with --op backward or target_backward alone")
    operands = _open_operands(given, files, raw)
    full = operands["logits"].shape
    out_shape = () if op is Op.LOSS and given.reduction != "none" else full
    outputs = _open_outputs(given.actual, given.out_dtype or _output_dtype(op, operands), out_shape)
    with Progress(math.prod(full), "judging") as bar:
        case = judge(
            outputs[0],
            repeats=outputs[1:],
            op=op.value,
            reduction=given.reduction,
            name=name,
            options=options,
            progress=bar.advance,
            **operands,
        )
    return run_of([case], name, options)


def _open_outputs(files: Iterable[str], dtype: str | None, shape: Shape) -> list[Array]:
    return [open_array("actual", file, RawFormat(dtype, shape)) for file in files]


def _open_operands(given: argparse.Namespace, files: dict[str, str], raw: RawFormat) -> dict[str, Any]:
    """The operands of `files`, mapped."""
    for needed in ("logits", "targets"):
        if needed not in files:
            raise InputError(f"--{needed}: missing, expected its file (or --golden FILE instead of the operands)")
    operands: dict[str, Any] = {"logits": open_array("logits", files["logits"], raw)}
    full: Shape = operands["logits"].shape
    operands["targets"] = open_array("targets", files["targets"], RawFormat(raw.dtype, raw.shape or full))
    for name, file in files.items():
        if name not in operands:
            operands[name] = open_weight(name, file, raw.dtype, getattr(given, f"{name}_shape"), full)
    return operands


def _output_dtype(op: Op, operands: dict[str, Any]) -> str:
    """The output's dtype where the file does not say it: the one that the documents name."""
    of = "logits" if op is Op.BACKWARD else "targets"
    return golden.short_name(operands[of], of)


COMMANDS = {"names": _names, "folder": _judged(_folder), "backend": _judged(_backend), "files": _judged(_files)}


# ---- reports ---------------------------------------------------------------------------------------------------


def _report(result: RunResult, given: argparse.Namespace) -> None:
    _print_table(result, given.verbose)
    for path, make in ((given.html, report.to_html), (given.json, report.to_json), (given.csv, report.to_csv)):
        if path is not None:
            try:
                path.write_text(make(result), encoding="utf-8")
            except OSError as error:
                raise InputError(f"{path}: {reason(error)}") from None


def _print_table(result: RunResult, verbose: bool) -> None:
    """Print the table, or without rich what became of each case."""
    try:
        from rich.console import Console
    except ImportError:
        for case in result.cases:
            print(f"{case.name}: {case.status}{case.error and f': {case.error}'}")
        print(f"all: {result.status} (a table with the figures needs rich: pip install 'bcelogits[cli]')")
        return
    # What is not a terminal has no width: names are not cut there.
    report.print_table(result, Console(width=None if sys.stdout.isatty() else 2000), verbose)
