"""`bcelogits run`, `bcelogits config --env` and set_env.sh: three ways to one environment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cann_commands import COMMAND, VARIABLES, start

from bcelogits import _cann

SHOW = "for name in " + " ".join(VARIABLES) + '; do eval "echo $name=\\${$name-}"; done'


def shown(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def expected(root: Path, library_path: str = "", python_path: str = "", queue: str = "0") -> dict[str, str]:
    return {
        "ASCEND_HOME_PATH": f"{root}",
        "ASCEND_TOOLKIT_HOME": f"{root}",
        "ASCEND_OPP_PATH": f"{root}/opp",
        "TASK_QUEUE_ENABLE": queue,
        "LD_LIBRARY_PATH": f"{root}/lib64{library_path}",
        "PYTHONPATH": f"{root}/python/site-packages{python_path}",
    }


BEFORE: dict[str, dict[str, str]] = {
    "nothing": {},
    "another CANN": dict.fromkeys(VARIABLES, "/usr/local/Ascend/x:/y") | {"TASK_QUEUE_ENABLE": "1"},
    "empty": dict.fromkeys(VARIABLES, ""),
    "ours already": _cann.environment({}),
    "ours behind": {"LD_LIBRARY_PATH": f"/a:{_cann.root()}/lib64", "PYTHONPATH": "/b"},
}
SHELLS = [shell for shell in ("sh", "bash", "zsh", "ksh", "dash") if shutil.which(shell)]


@pytest.mark.parametrize("before", BEFORE)
def test_run_and_eval_and_set_env_agree(before: str, root: Path) -> None:
    environment = BEFORE[before]
    found = shown(start(*COMMAND, "run", "--", "sh", "-c", SHOW, **environment))
    if before == "another CANN":
        assert found == expected(root, *[":/usr/local/Ascend/x:/y"] * 2, queue="1")
    elif before == "ours behind":
        assert found == expected(root, f":/a:{root}/lib64", ":/b")
    else:
        assert found == expected(root)
    for shell in SHELLS:
        assert shown(start(shell, "-c", f". '{root}/set_env.sh'; {SHOW}", **environment)) == found
    if before != "ours already":
        lines = start(*COMMAND, "config", "--env", **environment).stdout
        assert shown(start("sh", "-c", f"{lines}\n{SHOW}", **environment)) == found


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("options", ["", "-e", "-u", "-eu"])
def test_set_env_tells_where_it_is(shell: str, options: str, moved: Path) -> None:
    command = [shell, *options.split(), "-c"]
    assert shown(start(*command, f'. "{moved}/set_env.sh"; {SHOW}')) == expected(moved)
    twice = f'cd "{moved}"; . ./set_env.sh; cd ..; . "./{moved.name}/set_env.sh"; {SHOW}'
    assert shown(start(*command, twice)) == expected(moved)
    assert shown(start(*command, f'cd "{moved}"; (. ./set_env.sh; {SHOW})')) == expected(moved)
    left = start(*command, f'. "{moved}/set_env.sh"; set')
    assert "_bcelogits" not in left.stdout


def test_set_env_that_is_lost_says_so(tmp_path: Path, root: Path) -> None:
    shutil.copy(root / "set_env.sh", tmp_path)
    done = start("bash", "-c", f". '{tmp_path}/set_env.sh' || exit 3; echo went on")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: set_env.sh: ")
