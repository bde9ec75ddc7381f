"""The commands `loss` and `info`: options in, one line or JSON out; the others are elsewhere and joined here."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import bcelogits
from bcelogits._files.arrays import RawFormat, open_array, open_weight, split_name
from bcelogits._files.errors import InputError
from bcelogits._files.output import destination
from bcelogits.cli import config
from bcelogits.cli import run as run_command
from bcelogits.cli.chunked_loss import Target, Weight, run
from bcelogits.cli.golden import golden
from bcelogits.cli.options import RawDtype, Reduction, error_line, optional_shape
from bcelogits.cli.verify import verify

app = typer.Typer(
    help="Binary cross-entropy with logits over array files.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _number(value: Any) -> float | str:
    """A NumPy scalar for JSON: the shortest digits that give back its dtype's value; "nan", "inf", "-inf" as text."""
    text = str(value)
    return float(text) if math.isfinite(float(value)) else text


def _target(option: str, text: str | None, array_name: str, used: dict[str, Path]) -> Target | None:
    if text is None:
        return None
    path, given_name = destination(option, text, used)
    used[option] = path
    return Target(path, given_name or array_name)


@app.command()
def loss(
    logits: Annotated[str, typer.Argument(metavar="LOGITS", help="FILE, or FILE.npz:NAME, FILE.safetensors:NAME.")],
    targets: Annotated[str, typer.Argument(metavar="TARGETS", help="Like LOGITS, and of the same shape.")],
    weight: Annotated[str | None, typer.Option(metavar="FILE|FLOAT", help="Factor of each loss; broadcasts.")] = None,
    pos_weight: Annotated[
        str | None, typer.Option(metavar="FILE|FLOAT", help="Factor of the positive part; broadcasts.")
    ] = None,
    reduction: Annotated[Reduction, typer.Option(help="What to do with the losses.")] = Reduction.mean,
    grad: Annotated[str | None, typer.Option(metavar="FILE", help="Write the gradient wrt the logits.")] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the loss.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    dtype: Annotated[RawDtype | None, typer.Option(help="Dtype of all raw .bin inputs.")] = None,
    shape: Annotated[str | None, typer.Option(metavar="N,C", help="Shape of raw .bin logits and targets.")] = None,
    weight_shape: Annotated[
        str | None, typer.Option(metavar="N,C", help="Shape of a raw .bin weight, if not the last dimensions.")
    ] = None,
    pos_weight_shape: Annotated[
        str | None, typer.Option(metavar="N,C", help="Shape of a raw .bin pos-weight, likewise.")
    ] = None,
) -> None:
    """Compute the loss of LOGITS against TARGETS: .npy, .npz, .safetensors or raw .bin files of any size."""
    with error_line():
        mode = reduction.value
        if mode == "none" and out is None and grad is None:
            raise InputError("--reduction none: needs --out FILE or --grad FILE to write to")
        raw_dtype = None if dtype is None else dtype.value
        given = optional_shape("--shape", shape)
        x = open_array("logits", logits, RawFormat(raw_dtype, given))
        t = open_array("targets", targets, RawFormat(raw_dtype, x.shape if given is None else given))
        used = {"logits": split_name(logits)[0], "targets": split_name(targets)[0]}
        weights: list[Weight] = []
        for name, text, own_shape in [
            ("weight", weight, optional_shape("--weight-shape", weight_shape)),
            ("pos_weight", pos_weight, optional_shape("--pos-weight-shape", pos_weight_shape)),
        ]:
            weights.append(None if text is None else open_weight(name, text, raw_dtype, own_shape, x.shape))
            if text is not None and isinstance(weights[-1], np.ndarray):
                used[name] = split_name(text)[0]
        grad_file = _target("--grad", grad, "grad", used)
        out_file = _target("--out", out, "loss", used)
        result = run(x, t, weights[0], weights[1], mode, grad_file, out_file)
        # Paths as they were given.
        written = {"grad": grad and str(split_name(grad)[0]), "out": out and str(split_name(out)[0])}
        if as_json:
            facts = {"reduction": mode, "count": result.count, "shape": x.shape, "dtype": result.dtype.name}
            loss_value = None if result.loss is None else _number(result.loss)
            typer.echo(json.dumps({"loss": loss_value, **facts, **written}, allow_nan=False))
        elif result.loss is not None:
            typer.echo(str(result.loss))
        else:
            for name, path in written.items():
                if path is not None:
                    typer.echo(f"{name}: {path} ({result.dtype.name}, shape {x.shape})")


@app.command()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the version, the instruction set in use, those built in, and the number of threads."""
    facts = bcelogits.info()
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {' '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}")


app.command("golden")(golden)
app.command("verify")(verify)


# Listed by --help; main() hands them over before typer is imported.
_PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@app.command("config", context_settings=_PASSED_ON)
def _config(context: typer.Context) -> None:
    """Show compiler flags, folders and environment for programs that use the C API."""
    raise typer.Exit(config.main(context.args))


@app.command("run", context_settings=_PASSED_ON)
def _run(context: typer.Context) -> None:
    """Run a program with our libraries in the place of CANN: run -- COMMAND ARGUMENTS."""
    raise typer.Exit(run_command.main(context.args))
