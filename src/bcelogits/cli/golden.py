"""The command `golden`: write operands that find what is wrong, and the truth for them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from bcelogits._files.errors import InputError
from bcelogits.cli.options import error_line
from bcelogits.cli.progress import Progress

__all__ = ["golden"]


def golden(
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="New or empty folder to write to.")] = None,
    suite: Annotated[
        str, typer.Option(metavar="PRESET|FILE", help="smoke, standard, tail, or a .toml file that describes cases.")
    ] = "smoke",
    layout: Annotated[str, typer.Option(metavar="NAME", help="File layout: ttk, sample, npy or safetensors.")] = "ttk",
    special: Annotated[
        str, typer.Option(metavar="limit|torch", help="Truth at infinite operands: limit, or what PyTorch gives.")
    ] = "limit",
    case: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Only cases whose name matches, like 'tail_*_f32_*'.")
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Leave out the float64 truth; verify computes it again.")
    ] = False,
    list_cases: Annotated[bool, typer.Option("--list", help="List the cases of the suite and write nothing.")] = False,
) -> None:
    """Write golden data (operands, expected output, manifest) for the three operators into FOLDER."""
    from bcelogits import golden as data

    with error_line():
        try:
            cases = [c for c in data.load_suite(suite) if not case or any(fnmatchcase(c.name, p) for p in case)]
            if not cases:
                raise InputError(f"--case: {' '.join(case or [])}: no case of {suite} has such a name")
            if list_cases:
                for each in cases:
                    typer.echo(f"{each.name}  {each.op.aclnn}  seed {each.seed}")
                return
            if folder is None:
                raise InputError("FOLDER: missing, expected a new or empty folder to write to")
            sizes = {each.name: each.elements for each in cases}
            with Progress(sum(sizes.values()), "writing") as progress:
                manifest = data.write(
                    cases,
                    folder,
                    suite=suite,
                    layout=layout,
                    special=special,
                    compact=compact,
                    progress=lambda each: progress.advance(sizes[each.name]),
                )
        except ValueError as error:
            raise InputError(str(error)) from None
        elements = sum(entry["counts"]["elements"] for entry in manifest["cases"])
        typer.echo(f"{folder}: {len(cases)} case{'s' * (len(cases) != 1)}, {elements} golden elements, layout {layout}")
