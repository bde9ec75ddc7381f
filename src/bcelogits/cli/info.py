"""The command `info`: version, instruction sets and threads."""

from __future__ import annotations

import argparse
import json

import bcelogits
from bcelogits.cli.parser import Parser

__all__ = ["define"]


def define(parser: Parser) -> None:
    """Give the command's parser its arguments."""
    parser.description = "Show the version, the instruction set in use, those built in, and the number of threads."
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=_info)


def _info(given: argparse.Namespace) -> int:
    facts = bcelogits.info()
    if given.json:
        print(json.dumps(facts))
        return 0
    for key, value in facts.items():
        print(f"{key}: {' '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}")
    return 0
