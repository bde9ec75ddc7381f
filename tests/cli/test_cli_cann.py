"""The commands `config` and `run`, which put our libraries in the place of CANN."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cann_commands import COMMAND, start

from bcelogits import _cann
from bcelogits.cli import main

# ---- config ----------------------------------------------------------------------------------------------------


def test_folders_exist_and_are_where_callers_look(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["root", "include-dir", "lib-dir", "cmake-dir", "pkgconfig-dir"]
    assert main(["config", *(f"--{name}" for name in names)]) == 0
    folders = dict(zip(names, map(Path, capsys.readouterr().out.splitlines()), strict=True))
    assert folders["root"] == root
    assert all(folder.is_dir() for folder in folders.values())
    assert (folders["include-dir"] / "acl" / "acl.h").is_file()
    assert (folders["lib-dir"] / "libopapi.so").is_file()
    assert (folders["cmake-dir"] / "bcelogitsConfig.cmake").is_file()
    assert (folders["pkgconfig-dir"] / "bcelogits.pc").is_file()
    for name in (
        "set_env.sh",
        "version.cfg",
        "opp",
        "python/site-packages/acl/__init__.py",
        "runtime/include/acl/acl.h",
    ):
        assert (root / name).exists(), name


def test_flags(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--cflags", "--libs"]) == 0
    cflags, libs = capsys.readouterr().out.splitlines()
    assert cflags == f"-I{root}/include -I{root}/include/aclnn"
    assert libs == f"-L{root}/lib64 -Wl,-rpath,{root}/lib64 -lascendcl -lnnopbase -lopapi"


def test_without_options_everything_is_shown_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    names = [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["cflags", "libs", "include-dir", "lib-dir", "cmake-dir", "pkgconfig-dir", "root"]


@pytest.mark.parametrize("argument", ["--nonsense", "nonsense", "--root=3", "--lib"])
def test_a_wrong_argument_is_an_error_line(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", argument]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--help"]) == 0
    assert "--pkgconfig-dir" in capsys.readouterr().out
    assert main(["run", "--help"]) == 0
    assert "COMMAND" in capsys.readouterr().out


# ---- run -------------------------------------------------------------------------------------------------------


def test_the_status_and_the_arguments_are_those_of_the_command(tmp_path: Path) -> None:
    done = start(
        *COMMAND, "run", "--", sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "--", "-x", "a b"
    )
    assert (done.returncode, done.stdout) == (7, "['--', '-x', 'a b']\n")
    done = start(*COMMAND, "run", "sh", "-c", "kill -TERM $$")
    assert done.returncode == -15
    assert start(*COMMAND, "run", "true").returncode == 0


def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    for command, status, text in [
        ("no-such-program-anywhere", 127, "No such file or directory"),
        (str(tmp_path / "absent"), 127, "No such file or directory"),
        (str(plain), 126, "Permission denied"),
    ]:
        done = start(*COMMAND, "run", "--", command)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr == f"error: {command}: {text}\n"
    done = start(*COMMAND, "run", "--nonsense", "true")
    assert (done.returncode, done.stderr) == (2, "error: unrecognized arguments: --nonsense\n")


def test_a_command_that_is_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["run"], ["run", "--"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err == "error: run: missing COMMAND\n"


def test_signals_that_python_ignores_are_not_handed_on() -> None:
    done = start(*COMMAND, "run", "--", "grep", "SigIgn", "/proc/self/status")
    ignored = int(done.stdout.split()[1], 16)
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGPIPE, signal.SIGXFSZ))


def test_a_python_program_finds_acl(run_python: Callable[..., Any]) -> None:
    script = "import acl, bcelogits.aclnn as a; print(acl.init(), a.load().root); from acl.rt import memcpy"
    done = start(*COMMAND, "run", "--", sys.executable, "-c", script)
    assert done.stdout == f"0 {_cann.root()}\n", done.stderr
