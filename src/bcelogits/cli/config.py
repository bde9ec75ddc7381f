"""The command `config`: what a compiler, CMake, pkg-config or a shell needs to use the C API."""

from __future__ import annotations

import argparse
import shlex

from bcelogits import _cann
from bcelogits._files.errors import InputError
from bcelogits.cli.parser import Parser

__all__ = ["define"]

_HELP = {
    "cflags": "flags for the compiler",
    "libs": "flags for the linker",
    "include-dir": "folder of the headers",
    "lib-dir": "folder of the libraries",
    "cmake-dir": "folder for CMake: -Dbcelogits_DIR=...",
    "pkgconfig-dir": "folder for pkg-config: PKG_CONFIG_PATH",
    "root": "folder that stands for an installation of CANN",
    "env": 'lines for a shell: eval "$(bcelogits config --env)"',
}


def define(parser: Parser) -> None:
    """Give the command's parser its arguments."""
    parser.description = (
        "Show what is needed to build and start programs against the C API, one line for each option\n"
        "in the order given; everything but --env, with its name, if no option is given."
    )
    parser.epilog = "example:\n  cc program.c $(bcelogits config --cflags --libs) -o program"
    for name, text in _HELP.items():
        parser.add_argument(f"--{name}", dest="wanted", action="append_const", const=name, help=text)
    parser.set_defaults(command=_config)


def _environment_lines() -> str:
    plain, paths = _cann.variables()
    lines = [f"export {name}={shlex.quote(value)}" for name, value in plain.items()]
    lines += [f'export {name}="${{{name}:-{value}}}"' for name, value in _cann.DEFAULTS.items()]
    lines += [f'export {name}={shlex.quote(folder)}"${{{name}:+:${name}}}"' for name, folder in paths.items()]
    return "\n".join(lines)


def _config(given: argparse.Namespace) -> int:
    if not _cann.is_built():
        raise InputError(_cann.NOT_BUILT)
    values = {name: str(folder) for name, folder in _cann.folders().items()}
    values |= {name: " ".join(flags) for name, flags in _cann.flags().items()}
    for name in given.wanted or [name for name in _HELP if name != "env"]:
        text = _environment_lines() if name == "env" else values[name]
        print(text if given.wanted else f"{name}: {text}")
    return 0
