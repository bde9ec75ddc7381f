"""The command line as a whole: help, documentation, what a command imports, and how anything that goes wrong ends."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from cann_commands import COMMAND, start

import bcelogits
from bcelogits.cli import COMMANDS, build_parser, main

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text()
WAYS = [["verify", way] for way in ("folder", "backend", "files")]
PARSERS = [[], *([name] for name in COMMANDS), *WAYS]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def help_of(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


# ---- help and documentation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", PARSERS, ids=" ".join)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys)
    assert text.startswith(f"usage: {' '.join(['bcelogits', *command])} ")


def test_the_help_lists_every_command_and_is_what_no_arguments_give(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of([], capsys)
    assert all(f" {name} " in text for name in COMMANDS)
    assert main([]) == 0
    assert capsys.readouterr().out == text


def test_the_page_names_every_option_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    options = {option for command in PARSERS for option in OPTION.findall(help_of(command, capsys))} - {"--help"}
    # In the code of commands that are not ours; "--epochs" is in an example of `run`.
    assert options - set(OPTION.findall(PAGE)) - {"--epochs"} == set()
    assert set(OPTION.findall(PAGE)) - options - {"--help"} == set()


def shown(text: str) -> list[str]:
    """The command lines of a text, without comments and prompts."""
    return re.findall(rf"^ *(?:\$ )?(bcelogits (?:{'|'.join(COMMANDS)})\b[^#\n]*)", text, re.MULTILINE)


def page(path: Path) -> str:
    return "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", path.read_text(), re.DOTALL))


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name
)
def test_the_command_lines_of_the_documentation_are_understood(path: Path) -> None:
    for line in shown(page(path)):
        arguments = shlex.split(line)[1:]
        assert callable(build_parser(arguments[0]).parse_args(arguments).command), line


@pytest.mark.parametrize("command", [["loss"], ["golden"], *WAYS], ids=" ".join)
def test_the_examples_of_the_help_are_understood(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(help_of(command, capsys))
    assert len(lines) >= 2
    for line in lines:
        arguments = shlex.split(line)[1:]
        assert arguments[: len(command)] == command
        assert callable(build_parser(arguments[0]).parse_args(arguments).command), line


# ---- values ----------------------------------------------------------------------------------------------------


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Raw logits, targets and losses in the current folder; the options that say what they are but for the dtype."""
    monkeypatch.chdir(tmp_path)
    x, t = np.float32([1, -2, 0.5]), np.float32([1, 0, 0.25])
    losses = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
    for name, array in (("x", x), ("t", t), ("losses", losses)):
        array.tofile(f"{name}.bin")
    return ["--shape", "3"]


@pytest.mark.parametrize("dtype", ["f32", "float32"])
def test_a_dtype_has_a_short_and_a_long_name(dtype: str, raw: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loss", "x.bin", "t.bin", "--dtype", dtype, *raw]) == 0
    x, t = np.fromfile("x.bin", np.float32), np.fromfile("t.bin", np.float32)
    assert capsys.readouterr().out == str(bcelogits.binary_cross_entropy_with_logits(x, t)) + "\n"
    files = ["verify", "files", "losses.bin", "--logits", "x.bin", "--targets", "t.bin"]
    assert main([*files, "--dtype", dtype, *raw]) == 0
    assert main([*files, "--dtype", dtype, "--out-dtype", dtype, *raw]) == 0


@pytest.mark.parametrize("weight", ["-1", "-.5", "-1e-3", "-inf", "-Infinity", "-nan"])
def test_a_negative_number_is_no_option(weight: str, raw: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loss", "x.bin", "t.bin", "--dtype", "f32", *raw, "--weight", weight]) == 0
    x, t = np.fromfile("x.bin", np.float32), np.fromfile("t.bin", np.float32)
    assert capsys.readouterr().out == str(bcelogits.binary_cross_entropy_with_logits(x, t, float(weight))) + "\n"


# ---- what is needed --------------------------------------------------------------------------------------------

WITHOUT = """
import sys
for name in ("rich", "ml_dtypes", "mpmath", "safetensors", "jinja2"):
    sys.modules[name] = None
from bcelogits.cli import main
status = main(sys.argv[1:])
print(*sorted({"bcelogits.golden", "bcelogits.verify"} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("arguments", [["loss", "x.npy", "t.npy"], ["info"], ["config"], ["golden", "--list"]])
def test_commands_need_no_extra_and_import_no_more_than_they_use(arguments: list[str], raw: list[str]) -> None:
    for name in ("x", "t"):
        np.save(f"{name}.npy", np.zeros(3, np.float32))
    done = start(sys.executable, "-c", WITHOUT, *arguments)
    assert done.returncode == 0
    assert done.stderr == ("bcelogits.golden\n" if arguments[0] == "golden" else "\n")
    assert done.stdout


def test_a_program_is_started_without_any_extra() -> None:
    done = start(sys.executable, "-c", WITHOUT, "run", "--", "sh", "-c", "exit 5")
    assert (done.returncode, done.stderr) == (5, "")


def test_a_verdict_without_rich_is_plain_text(raw: list[str]) -> None:
    files = ["--logits", "x.bin", "--targets", "t.bin", "--dtype", "f32", *raw]
    done = start(sys.executable, "-c", WITHOUT, "verify", "files", "losses.bin", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "losses.bin: pass"
    assert "pip install 'bcelogits[cli]'" in done.stdout
    done = start(sys.executable, "-c", WITHOUT, "verify", "files", "x.bin", *files)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "x.bin: fail"


def test_a_package_that_is_missing_is_named_in_one_line(raw: list[str]) -> None:
    done = start(sys.executable, "-c", WITHOUT, "golden", "new", "--case", "smoke_loss_bf16*")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: bfloat16 needs ml_dtypes: pip install 'bcelogits[bf16]'"


# ---- how it ends -----------------------------------------------------------------------------------------------


def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bcelogits, "info", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_output_that_cannot_be_written_is_one_line_and_status_2() -> None:
    command = shlex.join([*COMMAND, "info"])
    done = start("sh", "-c", f"{command} >/dev/full")
    assert (done.returncode, done.stderr) == (2, "error: No space left on device\n")
