"""The examples for users build in every documented way, run, and print the right numbers."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toolchain import COMPILERS, EXAMPLES, WARNINGS, run

from bcelogits import reference

SOURCES = sorted(f.name for f in EXAMPLES.iterdir() if f.suffix in (".c", ".cpp"))
NAMES = [Path(f).stem for f in SOURCES]
Example = Callable[[str], str]

CONFIG = (sys.executable, "-m", "bcelogits.cli", "config")


def config(*options: str) -> list[str]:
    return shlex.split(run([*CONFIG, *options]).stdout)


@pytest.fixture(scope="session")
def built(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, built by the command line that README.md shows."""
    return build_all(compiler, tmp_path_factory.mktemp("examples"))


def build_all(compiler: str, folder: Path) -> Path:
    """`cc x.c -o x $(bcelogits config --cflags --libs)` for each example, with warnings as errors."""
    flags = config("--cflags", "--libs")

    def one(source: str) -> None:
        c = source.endswith(".c")
        command = [compiler if c else COMPILERS[compiler], "-std=c11" if c else "-std=c++11", *WARNINGS]
        run([*command, EXAMPLES / source, "-o", folder / Path(source).stem, *flags])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, SOURCES))
    return folder


@pytest.fixture(scope="session")
def example(built: Path) -> Example:
    """What an example prints."""
    return lambda name: run([built / name], cwd=built).stdout


def numbers(text: str, name: str) -> list[float]:
    return [float(x) for x in re.findall(rf"^{name}.* (-?\d+\.\d+)$", text, re.MULTILINE)]


def close(actual: list[float], expected: Any) -> bool:
    """Equal but for the last digit that is printed, and for what float32 can hold of large numbers."""
    return len(actual) == np.size(expected) and bool(
        np.all(np.abs(np.subtract(actual, np.asarray(expected, float).ravel())) <= 1.1e-7 + 4e-7 * np.abs(actual))
    )


def test_forward_none_prints_the_losses(example: Example) -> None:
    x = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4], np.float32).reshape(4, 2)
    t = np.array([0.2, 0.2, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1], np.float32).reshape(4, 2)
    half = np.full((4, 2), 0.5, np.float32)
    losses = reference.binary_cross_entropy_with_logits(x, t, half, pos_weight=half, reduction="none")
    assert close(numbers(example("forward_none"), "loss"), losses)


def test_mean_repeatable_prints_the_mean_of_each_batch(example: Example) -> None:
    i = np.arange(18).reshape(6, 3)
    expected = [
        reference.binary_cross_entropy_with_logits(
            np.float32((i + batch) % 7 - 3), np.float32((i * (batch + 1)) % 2), reduction="mean"
        )
        for batch in range(4)
    ]
    assert close(numbers(example("mean_repeatable"), "batch"), expected)


def test_gradients_prints_both_gradients(example: Example) -> None:
    ramp, t = np.arange(4, dtype=np.float32).reshape(2, 2), np.full((2, 2), 0.1, np.float32)
    text = example("gradients")
    for name, function in {
        "grad_self": reference.binary_cross_entropy_with_logits_backward,
        "grad_target": reference.binary_cross_entropy_with_logits_target_backward,
    }.items():
        expected = function(ramp, ramp, t, ramp, pos_weight=ramp, reduction="none")
        assert close(numbers(text, name), expected)


def test_streams_events_prints_the_means_and_a_time(example: Example) -> None:
    text = example("streams_events")
    assert close(numbers(text, "batch"), np.log1p(np.exp(-np.arange(6.0))))
    found = re.search(r"^6 batches in (\d+\.\d+) ms$", text, re.MULTILINE)
    assert found
    assert 0 < float(found[1]) < 60_000


ERRORS = {
    "a configuration file that is not there": (100003, "no-such-file.json"),
    "a second initialisation": (100002, "aclInit"),
    "memory before a device was set": (107002, "aclrtMalloc"),
    "a tensor that is required is NULL": (161001, "target"),
    "shapes that differ": (161002, "target: shape (4, 3), expected (4, 2), the shape of self"),
    "a weight that does not broadcast": (
        161002,
        "weightOptional: shape (4, 3), expected one that broadcasts to (4, 2)",
    ),
    "a type that is not supported": (161002, "self: "),
    "a format with blocks": (161002, "self: "),
    "a reduction that does not exist": (161002, "reduction: 3, expected "),
    "an output of another type than target": (161002, "out: "),
    "an output that is not one element for a mean": (161002, "out: shape (4, 2), expected "),
    "the executor of another operator": (161002, "aclnnBinaryCrossEntropyWithLogitsBackward: executor: "),
    "phase two again": (561103, "executor: "),
    "phase two on a stream that was destroyed": (361001, "stream: "),
    "a tensor that was destroyed": (161002, "self: "),
    "a device that does not exist": (107001, "aclrtSetDevice: deviceId: 1000, expected "),
    "no bytes at all": (107000, "aclrtMalloc: size: 0, expected "),
    "more bytes than there is room for": (107000, "aclrtMemcpy"),
    "memory that was freed": (107000, "aclrtMemcpy"),
    "a second free": (107000, "aclrtFree"),
    "NULL freed": (107000, "aclrtFree"),
    "the time between events that were not recorded": (107006, "aclrtEventElapsedTime"),
    "an event that was destroyed": (107017, "aclrtRecordEvent: event: "),
    "a second end": (100037, "aclFinalize"),
}


def test_errors_prints_each_code_and_text(example: Example) -> None:
    found = re.findall(r"^(\S.*)\n  code (\d+)\n  (\[PID: .*)$", example("errors"), re.MULTILINE)
    assert [what for what, _, _ in found] == list(ERRORS)
    for what, code, text in found:
        assert (what, int(code)) == (what, ERRORS[what][0])
        assert ERRORS[what][1] in text


@pytest.mark.parametrize("other", list(COMPILERS)[1:])
def test_every_compiler_builds_the_examples_without_a_warning(other: str, tmp_path: Path) -> None:
    folder = build_all(other, tmp_path)
    for name in NAMES:
        run([folder / name], cwd=tmp_path)


def by_cmake(source: Path, build: Path, *options: str, env: dict[str, str] | None = None) -> None:
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run(["cmake", "-S", source, "-B", build, *generator, *options], env=env)
    run(["cmake", "--build", build, "--parallel", "2"])


@pytest.mark.skipif(not shutil.which("cmake"), reason="no CMake")
def test_cmake_finds_the_package(compiler: str, tmp_path: Path) -> None:
    (package,) = config("--cmake-dir")
    by_cmake(EXAMPLES, tmp_path, f"-Dbcelogits_DIR={package}", f"-DCMAKE_C_COMPILER={compiler}")
    for name in NAMES:
        run([tmp_path / name], cwd=tmp_path)


@pytest.mark.skipif(not shutil.which("cmake"), reason="no CMake")
def test_cmake_builds_against_ascend_home_path_as_for_cann(root: Path, compiler: str, tmp_path: Path) -> None:
    cxx = COMPILERS[compiler]
    env = {"ASCEND_HOME_PATH": str(root), "CC": compiler, "CXX": cxx}
    by_cmake(EXAMPLES / "ascend_home", tmp_path, env=env)
    for name in NAMES:
        run([tmp_path / name], cwd=tmp_path)


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config")
def test_pkg_config_knows_the_flags(root: Path, compiler: str, tmp_path: Path) -> None:
    env = {"PKG_CONFIG_PATH": str(root / "lib64" / "pkgconfig")}
    flags = shlex.split(run(["pkg-config", "--cflags", "--libs", "bcelogits"], env=env).stdout)
    run([compiler, "-std=c11", EXAMPLES / "mean_repeatable.c", "-o", tmp_path / "mean", *flags])
    run([tmp_path / "mean"], env={"LD_LIBRARY_PATH": str(root / "lib64")})


def test_the_pages_of_the_examples_name_them_all() -> None:
    page = (EXAMPLES / "README.md").read_text()
    for way in (EXAMPLES / "CMakeLists.txt", EXAMPLES / "ascend_home" / "CMakeLists.txt"):
        text = way.read_text()
        for source in SOURCES:
            assert source in text
            assert f"({source})" in page


def test_a_program_that_is_started_by_bcelogits_run_needs_no_run_path(
    root: Path, compiler: str, tmp_path: Path
) -> None:
    libraries = ("-lascendcl", "-lnnopbase", "-lopapi")
    program = tmp_path / "mean"
    where = f"-L{root / 'lib64'}"
    run([compiler, EXAMPLES / "mean_repeatable.c", "-o", program, f"-I{root / 'include'}", where, *libraries])
    alone = run([program], check=False)
    assert alone.returncode != 0  # the loader does not find the libraries
    done: subprocess.CompletedProcess[str] = run([sys.executable, "-m", "bcelogits.cli", "run", "--", program])
    assert len(numbers(done.stdout, "batch")) == 4
