"""The clients and the libraries under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toolchain import CLIENTS, COMPILERS, EXAMPLES, FUNCTIONS, ROOT, build, flags_for, names_of_tests, run

pytestmark = pytest.mark.exhaustive

FILES = (*FUNCTIONS, "abuse", "stress", "threads")
HEADERS = ROOT / "native" / "cann"  # of the sources; what is installed is built without sanitizers
SANITIZERS = {
    "address,undefined": {
        "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:allocator_may_return_null=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    },
    "thread": {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"},
}
# The clients pass numbers outside of enums on purpose, as a program in C may.
FLAGS = {"address,undefined": "address,undefined;-fno-sanitize=enum", "thread": "thread"}

# What a client ends with that a fork left hanging in the sanitizer itself (clients/process.cpp): it is started again.
SANITIZER_HANGS = 77

Client = Callable[..., str]


@functools.cache
def supported(sanitizer: str, folder: Path) -> bool:
    """Can this machine build and run a program with the sanitizer?"""
    source = folder / "empty.cpp"
    source.write_text("int main() { return 0; }\n")
    program = folder / "empty"
    made = run(["g++", f"-fsanitize={sanitizer}", source, "-o", program], check=False)
    return made.returncode == 0 and run([program], check=False).returncode == 0


@pytest.fixture(scope="module", params=list(SANITIZERS))
def sanitizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    name = str(request.param)
    if "gcc" not in COMPILERS or not shutil.which("cmake"):
        pytest.skip("needs g++ and CMake")
    if not supported(name, tmp_path_factory.mktemp("supported")):
        pytest.skip(f"-fsanitize={name} does not work here")
    return name


@pytest.fixture(scope="module")
def libraries(sanitizer: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries, built from the sources with the sanitizer; pytest's cache keeps the build folder."""
    name = "capi-" + sanitizer.replace(",", "-")
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    folder = cache.mkdir(name) if cache else tmp_path_factory.mktemp(name)
    options = ["-DBCELOGITS_PYTHON=OFF", f"-DBCELOGITS_SANITIZE={FLAGS[sanitizer]}", "-DCMAKE_CXX_COMPILER=g++"]
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run(["cmake", "-S", ROOT, "-B", folder, *generator, *options], timeout=300)
    run(["cmake", "--build", folder, "--parallel", "2"], timeout=3000)
    return folder / "lib64"


@pytest.fixture(scope="module")
def client(sanitizer: str, libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Run tests of the clients, built with the sanitizer, in one process."""
    folder = tmp_path_factory.mktemp("sanitized")
    options = ("-g", "-O1", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all")
    flags = flags_for(HEADERS, lib=libraries)
    program = build(sorted(CLIENTS.glob("*.cpp")), folder / "clients", flags, options=options)

    def start(*names: str, program: Path = program, **env: str) -> str:
        environment = SANITIZERS[sanitizer] | {"FEWER": "1"} | env
        for _ in range(10):
            done = run([program, *names], cwd=folder, env=environment, timeout=600, accept=(0, SANITIZER_HANGS))
            if done.returncode == 0:
                return done.stdout
        pytest.fail(f"{names}: the sanitizer's own allocator hung ten times; nothing was tested")

    return start


@pytest.mark.parametrize("file", FILES)
def test_clients_of_a_file_in_one_process(file: str, client: Client) -> None:
    client(*names_of_tests(file, together=True))


@pytest.mark.parametrize("name", sorted({*names_of_tests(*FILES)} - {*names_of_tests(*FILES, together=True)}))
def test_clients_that_set_variables(name: str, client: Client) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("process"))
def test_the_life_of_the_process(name: str, client: Client) -> None:
    client(name, ASAN_OPTIONS="detect_leaks=0")  # these processes end with things in use


@pytest.mark.parametrize("source", sorted(f.name for f in EXAMPLES.iterdir() if f.suffix in (".c", ".cpp")))
def test_examples(source: str, sanitizer: str, libraries: Path, client: Client, tmp_path: Path) -> None:
    options = ("-g", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all")
    program = build([EXAMPLES / source], tmp_path / "example", flags_for(HEADERS, lib=libraries), options=options)
    assert client(program=program)
