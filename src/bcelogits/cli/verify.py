"""The command `verify`: a device's dumps, single files or an installed implementation, judged; reports written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bcelogits import golden
from bcelogits._files.arrays import RawFormat, Shape, open_array, open_weight, split_name
from bcelogits._files.errors import InputError, reason
from bcelogits.cli.options import RawDtype, Reduction, error_line, optional_shape
from bcelogits.cli.progress import Progress
from bcelogits.golden import Case, Op, Special

__all__ = ["verify"]

_EXIT = {"pass": 0, "warn": 0, "fail": 1, "not judged": 2}


class _Watcher:
    """Feeds the progress bar."""

    def __init__(self, bar: Progress) -> None:
        """Of this bar."""
        self._bar = bar

    def case(self, case: Case, number: int, of: int) -> None:
        """Nothing: the bar counts elements."""

    def elements(self, done: int) -> None:
        """So many more."""
        self._bar.advance(done)


def _wanted(case: Case, patterns: Sequence[str] | None) -> bool:
    return not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)


def _profiles(given: Sequence[str] | None) -> tuple[str, ...] | None:
    names = [name.strip() for text in given or () for name in text.split(",") if name.strip()]
    return tuple(names) or None


def _list() -> None:
    from bcelogits.verify import backends, profiles

    typer.echo("profiles (default: " + ", ".join(profiles.DEFAULT) + ")")
    for profile in profiles.PROFILES.values():
        typer.echo(f"  {profile.name:21} {profile.standard}, {profile.version}: {profile.summary}")
    typer.echo("backends: " + ", ".join(backends.NAMES) + ", module:function, file.py:function")
    typer.echo("suites: " + ", ".join(golden.PRESETS) + ", or a .toml file")


def _output_dtype(op: Op, operands: dict[str, Any], given: str | None) -> str:
    """The output's dtype where the file does not say it: the one that the documents name."""
    if given is not None:
        return given
    of = operands["logits"] if op is Op.BACKWARD else operands["targets"]
    return golden.short_name(of, "logits" if op is Op.BACKWARD else "targets")


# Which options belong to which way of judging; all others belong to each.
_OF = {
    "FOLDER": {"dump", "case", "op"},
    "--backend": {"suite", "repeat", "case", "op"},
    "--actual": {
        *("golden_file", "logits", "targets", "weight", "pos_weight", "grad_output", "reduction", "dtype", "out_dtype"),
        *("shape", "weight_shape", "pos_weight_shape", "grad_output_shape", "op"),
    },
}


def _check_options(context: typer.Context, way: str) -> None:
    """Refuse options that would be ignored: who gives one counts on it."""
    for name in sorted(set().union(*_OF.values()) - _OF[way]):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--golden" if name == "golden_file" else "--" + name.replace("_", "-")
            ways = " or ".join(other for other, names in _OF.items() if name in names)
            raise InputError(f"{option}: given with {way}, expected it with {ways} alone")


def _choice(option: str, text: str, allowed: type[StrEnum]) -> Any:
    """The member of that value."""
    if text not in tuple(allowed):
        raise InputError(f"{option}: {text!r}, expected one of {', '.join(allowed)}")
    return allowed(text)


def _check_reports(reports: dict[str, Path | None], used: Sequence[Path]) -> None:
    """Before the work: reports can be written, do not meet, and replace nothing of what is judged."""
    seen: dict[Path, str] = {}
    for option, report in reports.items():
        if report is None:
            continue
        path = report.resolve()
        if str(report) in ("", ".") or path.is_dir():
            raise InputError(f"{option}: {report}: is a directory, expected a file to write to")
        if not path.parent.is_dir():
            raise InputError(f"{option}: {report}: no such directory: {report.parent}")
        if path in seen:
            raise InputError(f"{option}: {report}: is the file of {seen[path]} too")
        seen[path] = option
        for other in used:
            source = other.resolve()
            if path == source or (path.exists() and source in path.parents):
                raise InputError(f"{option}: {report}: is one of the files that are judged")


def verify(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="Golden data to judge dumps for.")] = None,
    dump: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Outputs of a device; repeat it to compare repeated runs byte by byte."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="Judge an installed implementation; see --list.")
    ] = None,
    suite: Annotated[str, typer.Option(metavar="PRESET|FILE", help="Cases for --backend.")] = "smoke",
    op: Annotated[
        str | None, typer.Option(metavar="NAME", help="loss, backward or target_backward: for files, or of a suite.")
    ] = None,
    repeat: Annotated[int, typer.Option(metavar="N", min=1, help="Run a backend N times and compare the bytes.")] = 1,
    case: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Only cases with such a name.")] = None,
    actual: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="One output; repeat it for repeated runs.")
    ] = None,
    golden_file: Annotated[
        str | None, typer.Option("--golden", metavar="FILE", help="Expected output for --actual, if not computed.")
    ] = None,
    logits: Annotated[str | None, typer.Option(metavar="FILE", help="Operands of --actual.")] = None,
    targets: Annotated[str | None, typer.Option(metavar="FILE")] = None,
    weight: Annotated[str | None, typer.Option(metavar="FILE|FLOAT")] = None,
    pos_weight: Annotated[str | None, typer.Option(metavar="FILE|FLOAT")] = None,
    grad_output: Annotated[str | None, typer.Option(metavar="FILE|FLOAT")] = None,
    reduction: Annotated[Reduction, typer.Option(help="Of --actual.")] = Reduction.none,
    dtype: Annotated[RawDtype | None, typer.Option(help="Dtype of raw .bin files.")] = None,
    out_dtype: Annotated[RawDtype | None, typer.Option(help="Dtype of a raw --actual, if another.")] = None,
    shape: Annotated[str | None, typer.Option(metavar="N,C", help="Shape of raw .bin logits and targets.")] = None,
    weight_shape: Annotated[
        str | None, typer.Option(metavar="N,C", help="Shape of a raw .bin weight, if not the last dimensions.")
    ] = None,
    pos_weight_shape: Annotated[str | None, typer.Option(metavar="N,C", help="Likewise.")] = None,
    grad_output_shape: Annotated[str | None, typer.Option(metavar="N,C", help="Likewise.")] = None,
    profile: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Rules to judge by, see --list; ulp is always among them.")
    ] = None,
    special: Annotated[
        str | None,
        typer.Option(metavar="limit|torch", help="Truth at infinite operands: limit (default), or what PyTorch gives."),
    ] = None,
    saturate: Annotated[bool, typer.Option("--saturate", help="The device saturates: no infinity, 0 for NaN.")] = False,
    flush: Annotated[
        bool, typer.Option("--flush-subnormals", help="The device flushes subnormal results to 0.")
    ] = False,
    third: Annotated[
        str, typer.Option(metavar="NAME", help="Third party of dual rules: stable-form or torch-form.")
    ] = "stable-form",
    msprobe_exact: Annotated[
        bool, typer.Option("--msprobe-exact", help="msprobe's constants as in its code, typing errors included.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one HTML file.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every figure as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one row per case, profile, metric.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every metric and the worst points.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List profiles, backends and suites.")] = False,
) -> None:
    """Judge outputs of this operator: dumps for FOLDER, single files (--actual), or an installed --backend.

    Exit status: 0 passed, 1 failed, 2 could not judge.
    """
    with error_line():
        if show_list:
            _list()
            return
        ways = {"FOLDER": folder is not None, "--backend": backend is not None, "--actual": bool(actual)}
        if sum(ways.values()) != 1:
            given = " and ".join(name for name, is_given in ways.items() if is_given) or "nothing"
            raise InputError(f"given {given}, expected one of FOLDER, --backend NAME and --actual FILE")
        _check_options(context, next(name for name, is_given in ways.items() if is_given))
        given_files = [*(actual or []), golden_file, logits, targets, weight, pos_weight, grad_output]
        used = [*([folder] if folder else []), *(dump or []), *(split_name(text)[0] for text in given_files if text)]
        _check_reports({"--html": html, "--json": json, "--csv": csv}, used)
        try:
            from bcelogits.verify import Options

            kind = None if op is None else _choice("--op", op, Op)
            if special is None:  # golden data say which truth they hold
                truth = golden.read_manifest(folder).special if folder is not None else Special.LIMIT
            else:
                truth = _choice("--special", special, Special)
            chosen = Options(
                special=truth,
                saturate=saturate,
                flush_subnormals=flush,
                third=third,
                msprobe_exact=msprobe_exact,
                **({} if (names := _profiles(profile)) is None else {"profiles": names}),
            )
            chosen.check()
            if folder is not None:
                run = _folder(folder, dump or [], chosen, case, kind)
            elif backend is not None:
                run = _backend(backend, suite, chosen, case, kind, repeat)
            else:
                raw = RawFormat(None if dtype is None else dtype.value, optional_shape("--shape", shape))
                names_of_files = {
                    "logits": logits,
                    "targets": targets,
                    "weight": weight,
                    "pos_weight": pos_weight,
                    "grad_output": grad_output,
                }
                files = {name: file for name, file in names_of_files.items() if file is not None}
                out = None if out_dtype is None else out_dtype.value
                shapes = {
                    "weight": optional_shape("--weight-shape", weight_shape),
                    "pos_weight": optional_shape("--pos-weight-shape", pos_weight_shape),
                    "grad_output": optional_shape("--grad-output-shape", grad_output_shape),
                }
                run = _files(
                    actual or [], golden_file, files, shapes, kind or Op.LOSS, reduction.value, raw, out, chosen
                )
        except (ValueError, RuntimeError) as error:
            raise InputError(str(error)) from None
        _report(run, html, json, csv, verbose)
    raise typer.Exit(_EXIT[run.status.value])


def _folder(folder: Path, dumps: Sequence[Path], options: Any, patterns: Sequence[str] | None, kind: Op | None) -> Any:
    from bcelogits.verify import verify_folder

    def only(case: Case) -> bool:
        return _wanted(case, patterns) and kind in (None, case.op)

    manifest = golden.read_manifest(folder)
    total = sum(entry.case.elements for entry in manifest.entries if only(entry.case))
    with Progress(total, "judging") as bar:
        return verify_folder(folder, dumps, options=options, only=only, watcher=_Watcher(bar))


def _backend(name: str, suite: str, options: Any, patterns: Sequence[str] | None, kind: Op | None, repeats: int) -> Any:
    from bcelogits.verify import backends, verify_backend

    subject = backends.get(name, kind)
    cases = [c for c in golden.load_suite(suite) if _wanted(c, patterns) and kind in (None, c.op)]
    if not cases:
        raise InputError(f"--suite: {suite}: no case is left to judge")
    with Progress(sum(case.elements for case in cases), "judging") as bar:
        return verify_backend(subject, cases, repeats=repeats, options=options, watcher=_Watcher(bar))


def _files(
    actual: Sequence[str],
    golden_file: str | None,
    files: dict[str, str],
    shapes: dict[str, Shape | None],
    op: Op,
    reduction: str,
    raw: RawFormat,
    out_dtype: str | None,
    options: Any,
) -> Any:
    from bcelogits.verify import judge, judge_golden, run_of

    name = " ".join(actual)
    if golden_file is not None and not files:
        expected = open_array("golden", golden_file, raw)
        outputs = [open_array("actual", file, RawFormat(out_dtype or raw.dtype, expected.shape)) for file in actual]
        with Progress(expected.size, "judging") as bar:
            case = judge_golden(outputs, expected, op=op, options=options, name=name, progress=bar.advance)
        return run_of([case], name, options)
    if golden_file is not None:
        raise InputError("--golden: given with operands, expected one or the other: golden is computed from operands")
    if op is Op.LOSS and "grad_output" in files:
        raise InputError("--grad-output: given for the loss, expected it with --op backward or target_backward alone")
    for needed in ("logits", "targets"):
        if needed not in files:
            raise InputError(f"--{needed}: missing, expected its file (or --golden FILE instead of the operands)")
    operands: dict[str, Any] = {"logits": open_array("logits", files.pop("logits"), raw)}
    full = operands["logits"].shape
    operands["targets"] = open_array("targets", files.pop("targets"), RawFormat(raw.dtype, raw.shape or full))
    for operand, file in files.items():
        operands[operand] = open_weight(operand, file, raw.dtype, shapes[operand], full)
    out_shape = () if op is Op.LOSS and reduction != "none" else full
    dtype = _output_dtype(op, operands, out_dtype)
    outputs = [open_array("actual", file, RawFormat(dtype, out_shape)) for file in actual]
    with Progress(int(np.prod(full)), "judging") as bar:
        case = judge(
            outputs[0],
            repeats=outputs[1:],
            op=op.value,
            reduction=reduction,
            name=name,
            options=options,
            progress=bar.advance,
            **operands,
        )
    return run_of([case], name, options)


def _report(run: Any, html: Path | None, json: Path | None, csv: Path | None, verbose: bool) -> None:
    from rich.console import Console

    from bcelogits.verify import report

    # What is not a terminal has no width: names are not cut there.
    report.print_table(run, Console(width=None if sys.stdout.isatty() else 2000), verbose)
    for path, make in ((html, report.to_html), (json, report.to_json), (csv, report.to_csv)):
        if path is not None:
            try:
                path.write_text(make(run), encoding="utf-8")
            except OSError as error:
                raise InputError(f"{path}: {reason(error)}") from None
