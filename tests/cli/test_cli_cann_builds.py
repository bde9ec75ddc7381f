"""Programs that are built with the flags of `bcelogits config`, with pkg-config and with CMake find our libraries."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cann_commands import COMMAND, start

import bcelogits

PROGRAM = """
#include <stdio.h>
#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
int main(void) {
  aclError code = aclInit(NULL);
  printf("%d %s\\n", code, aclrtGetSocName());
  return aclnnBinaryCrossEntropyWithLogits(NULL, 0, NULL, NULL) == 0 ? 1 : aclFinalize();
}
"""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "program.c"
    path.write_text(PROGRAM)
    return path


def check(program: Path, **environment: str) -> None:
    done = start(program, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "0 Ascend910B2\n"


@needs_compiler
def test_a_command_line_with_the_flags(source: Path, tmp_path: Path) -> None:
    command = f"cc -o program $({COMMAND_LINE} config --cflags) program.c $({COMMAND_LINE} config --libs)"
    done = start("sh", "-c", f"cd '{tmp_path}' && {command}")
    assert done.returncode == 0, done.stderr
    check(tmp_path / "program")


COMMAND_LINE = " ".join(f"'{word}'" for word in COMMAND)


@needs_compiler
def test_a_program_built_as_for_cann_runs_with_run(source: Path, tmp_path: Path, root: Path) -> None:
    link = [f"-I{root}/include", f"-L{root}/lib64", "-lascendcl", "-lnnopbase", "-lopapi"]
    done = start("cc", source, "-o", tmp_path / "program", *link)
    assert done.returncode == 0, done.stderr
    assert start(tmp_path / "program").returncode != 0  # it has no run path
    done = start(*COMMAND, "run", "--", tmp_path / "program")
    assert (done.returncode, done.stdout) == (0, "0 Ascend910B2\n"), done.stderr
    done = start("sh", "-c", f". '{root}/set_env.sh'; '{tmp_path}/program'")
    assert (done.returncode, done.stdout) == (0, "0 Ascend910B2\n"), done.stderr


@needs_compiler
@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="no pkg-config")
def test_pkg_config(source: Path, tmp_path: Path, moved: Path, root: Path) -> None:
    where = {"PKG_CONFIG_PATH": start(*COMMAND, "config", "--pkgconfig-dir").stdout.strip()}
    assert start("pkg-config", "--modversion", "bcelogits", **where).stdout == f"{bcelogits.__version__}\n"
    done = start(
        "sh", "-c", f"cd '{tmp_path}' && cc program.c -o program $(pkg-config --cflags --libs bcelogits)", **where
    )
    assert done.returncode == 0, done.stderr
    check(tmp_path / "program")
    elsewhere = {"PKG_CONFIG_PATH": f"{moved}/lib64/pkgconfig"}
    assert start("pkg-config", "--variable=libdir", "bcelogits", **elsewhere).stdout.strip().endswith("lib64")
    assert str(root) not in start("pkg-config", "--cflags", "--libs", "bcelogits", **elsewhere).stdout


CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(client C)
find_package(bcelogits {version} REQUIRED)
foreach(name bcelogits opapi)
  add_executable(${{name}}_client ../program.c)
endforeach()
target_link_libraries(bcelogits_client PRIVATE bcelogits::bcelogits)
target_link_libraries(opapi_client PRIVATE bcelogits::opapi bcelogits::nnopbase bcelogits::ascendcl)
message(STATUS "version ${{bcelogits_VERSION}}")
"""


@needs_compiler
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no CMake")
class TestCMake:
    def configure(self, tmp_path: Path, version: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "client").mkdir(exist_ok=True)
        (tmp_path / "client" / "CMakeLists.txt").write_text(CMAKE.format(version=version))
        return start("cmake", "-S", tmp_path / "client", "-B", tmp_path / "build", *options)

    def test_find_package(self, source: Path, tmp_path: Path) -> None:
        folder = start(*COMMAND, "config", "--cmake-dir").stdout.strip()
        major_minor = ".".join(bcelogits.__version__.split(".")[:2])
        done = self.configure(tmp_path, major_minor, f"-Dbcelogits_DIR={folder}")
        assert done.returncode == 0, done.stderr
        assert f"-- version {bcelogits.__version__}\n" in done.stdout
        done = start("cmake", "--build", tmp_path / "build")
        assert done.returncode == 0, done.stdout + done.stderr
        for name in ("bcelogits_client", "opapi_client"):
            check(tmp_path / "build" / name)

    def test_it_is_found_under_a_prefix_and_may_be_moved(self, source: Path, tmp_path: Path, moved: Path) -> None:
        done = self.configure(tmp_path, "", f"-DCMAKE_PREFIX_PATH={moved}")
        assert done.returncode == 0, done.stderr
        done = start("cmake", "--build", tmp_path / "build")
        assert done.returncode == 0, done.stdout + done.stderr
        check(tmp_path / "build" / "bcelogits_client")

    def test_another_version_is_not_taken(self, source: Path, tmp_path: Path, root: Path) -> None:
        done = self.configure(tmp_path, "99.0", f"-DCMAKE_PREFIX_PATH={root}")
        assert done.returncode != 0
        assert "99.0" in done.stderr
