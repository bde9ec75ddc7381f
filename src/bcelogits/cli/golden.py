"""The command `golden`: write operands that find what is wrong, and the truth for them."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from pathlib import Path

from bcelogits._files.errors import InputError
from bcelogits.cli.options import cases
from bcelogits.cli.parser import Parser
from bcelogits.cli.progress import Progress

__all__ = ["define"]

_EXAMPLES = """\
examples:
  bcelogits golden golden/ --suite tail
  bcelogits golden golden/ --suite mine.toml --layout npy --case 'mine_loss_*'
  bcelogits golden --suite standard --list"""


def define(parser: Parser) -> None:
    """Give the command's parser its arguments."""
    parser.description = "Write golden data (operands, expected output, manifest) for the loss and both gradients."
    parser.epilog = _EXAMPLES
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="new or empty folder to write to")
    cases(parser)
    text = "names and format of the files: ttk, sample, npy or safetensors (default: %(default)s)"
    parser.add_argument("--layout", metavar="NAME", default="ttk", help=text)
    text = "truth at infinite operands: the limit, or what PyTorch gives (default: %(default)s)"
    parser.add_argument("--special", metavar="limit|torch", default="limit", help=text)
    parser.add_argument("--compact", action="store_true", help="leave out the float64 truth; verify computes it again")
    parser.add_argument("--list", action="store_true", help="list the cases of the suite and write nothing")
    parser.set_defaults(command=_golden)


def _golden(given: argparse.Namespace) -> int:
    from bcelogits import golden

    try:
        patterns: list[str] = given.case or ["*"]
        chosen = [c for c in golden.load_suite(given.suite) if any(fnmatchcase(c.name, p) for p in patterns)]
        if not chosen:
            raise InputError(f"--case: {' '.join(patterns)}: no case of {given.suite} has such a name")
        if given.list:
            for each in chosen:
                print(f"{each.name}  {each.op.aclnn}  seed {each.seed}")
            return 0
        if given.folder is None:
            raise InputError("FOLDER: missing, expected a new or empty folder to write to")
        sizes = {each.name: each.elements for each in chosen}
        with Progress(sum(sizes.values()), "writing") as progress:
            manifest = golden.write(
                chosen,
                given.folder,
                suite=given.suite,
                layout=given.layout,
                special=given.special,
                compact=given.compact,
                progress=lambda each: progress.advance(sizes[each.name]),
            )
    except ValueError as error:
        raise InputError(str(error)) from None
    elements = sum(entry["counts"]["elements"] for entry in manifest["cases"])
    number = f"{len(chosen)} case{'s' * (len(chosen) != 1)}"
    print(f"{given.folder}: {number}, {elements} golden elements, layout {given.layout}")
    return 0
