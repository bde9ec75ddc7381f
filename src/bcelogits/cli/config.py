"""The command `config`: what a compiler, CMake, pkg-config or a shell needs to use the C API."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from bcelogits import _cann
from bcelogits._files.errors import InputError
from bcelogits.cli.arguments import Parser

__all__ = ["main", "parser"]

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


def parser() -> Parser:
    """The parser of the arguments."""
    result = Parser(
        prog="bcelogits config",
        description="Show what is needed to build and run programs against the C API, one line for each option"
        " in the order given; everything with its name if no option is given.",
    )
    for name, text in _HELP.items():
        result.add_argument(f"--{name}", dest="wanted", action="append_const", const=name, help=text)
    return result


def _environment_lines() -> str:
    plain, paths = _cann.variables()
    lines = [f"export {name}={shlex.quote(value)}" for name, value in plain.items()]
    lines += [f'export {name}="${{{name}:-{value}}}"' for name, value in _cann.DEFAULTS.items()]
    lines += [f'export {name}={shlex.quote(folder)}"${{{name}:+:${name}}}"' for name, folder in paths.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; the exit status."""
    try:
        wanted: list[str] | None = parser().parse_args(arguments).wanted
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SystemExit:  # --help
        return 0
    if not _cann.is_built():
        print(f"error: {_cann.NOT_BUILT}", file=sys.stderr)
        return 2
    values = {name: str(folder) for name, folder in _cann.folders().items()}
    values |= {name: " ".join(flags) for name, flags in _cann.flags().items()}
    for name in wanted or [name for name in _HELP if name != "env"]:
        text = _environment_lines() if name == "env" else values[name]
        print(text if wanted else f"{name}: {text}")
    return 0
