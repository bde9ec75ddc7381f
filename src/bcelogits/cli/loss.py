"""The command `loss`: arrays in files in; one line or JSON, and files with the loss and the gradient out."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from bcelogits._files.arrays import RawFormat, open_array, open_weight, split_name
from bcelogits._files.errors import InputError
from bcelogits._files.output import destination
from bcelogits.cli.chunked_loss import OutputFile, Weight, chunked_loss
from bcelogits.cli.options import operands, raw_files
from bcelogits.cli.parser import Parser

__all__ = ["define"]

_EXAMPLES = """\
examples:
  bcelogits loss logits.npy targets.npy
  bcelogits loss model.npz:logits model.npz:targets --pos-weight 3 --grad grad.npy --json
  bcelogits loss x.bin t.bin --dtype f32 --shape 1000,80 --reduction none --out losses.npy"""


def define(parser: Parser) -> None:
    """Give the command's parser its arguments."""
    parser.description = (
        "Compute the loss of LOGITS against TARGETS, arrays in .npy, .npz, .safetensors or raw .bin files\n"
        "of any size. It is printed, with digits that give back the same number."
    )
    parser.epilog = _EXAMPLES
    parser.add_argument("logits", metavar="LOGITS", help="FILE, or FILE.npz:NAME, FILE.safetensors:NAME")
    parser.add_argument("targets", metavar="TARGETS", help="like LOGITS, and of the same shape")
    operands(parser.add_argument_group("operands"), reduction="mean")
    results = parser.add_argument_group("results")
    results.add_argument(
        "--grad", metavar="FILE", help="write the gradient of the (reduced) loss with respect to the logits"
    )
    results.add_argument(
        "--out", metavar="FILE", help="write the loss: of the logits' shape for none, else a single number"
    )
    results.add_argument("--json", action="store_true", help="print one JSON object in place of the loss")
    raw_files(parser)
    parser.set_defaults(command=_loss)


def _number(value: Any) -> float | str:
    """A NumPy scalar for JSON: the shortest digits that give back its dtype's value; "nan", "inf", "-inf" as text."""
    text = str(value)
    return float(text) if math.isfinite(float(value)) else text


def _output_file(option: str, text: str | None, array_name: str, used: dict[str, Path]) -> OutputFile | None:
    if text is None:
        return None
    path, given_name = destination(option, text, used)
    used[option] = path
    return OutputFile(path, given_name or array_name)


def _loss(given: argparse.Namespace) -> int:
    mode: str = given.reduction
    if mode == "none" and given.out is None and given.grad is None:
        raise InputError("--reduction none: needs --out FILE or --grad FILE to write to")
    x = open_array("logits", given.logits, RawFormat(given.dtype, given.shape))
    t = open_array("targets", given.targets, RawFormat(given.dtype, x.shape if given.shape is None else given.shape))
    used = {"logits": split_name(given.logits)[0], "targets": split_name(given.targets)[0]}
    weights: list[Weight] = []
    for name, text, shape in [
        ("weight", given.weight, given.weight_shape),
        ("pos_weight", given.pos_weight, given.pos_weight_shape),
    ]:
        weights.append(None if text is None else open_weight(name, text, given.dtype, shape, x.shape))
        if isinstance(weights[-1], np.ndarray):
            used[name] = split_name(text)[0]
    grad = _output_file("--grad", given.grad, "grad", used)
    out = _output_file("--out", given.out, "loss", used)
    result = chunked_loss(x, t, weights[0], weights[1], mode, grad, out)
    # Paths as they were given.
    written = {name: text and str(split_name(text)[0]) for name, text in (("grad", given.grad), ("out", given.out))}
    if given.json:
        facts = {"reduction": mode, "count": result.count, "shape": x.shape, "dtype": result.dtype.name}
        loss = None if result.loss is None else _number(result.loss)
        print(json.dumps({"loss": loss, **facts, **written}, allow_nan=False))
    elif result.loss is not None:
        print(result.loss)
    else:
        for name, path in written.items():
            if path is not None:
                print(f"{name}: {path} ({result.dtype.name}, shape {x.shape})")
    return 0
