"""What the build guards: one place of processor flags, kernel objects that share one name, compilers new enough.

And the command that the README shows is the one that CI runs.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ISA = ROOT / "cmake" / "isa.cmake"
FLAG = re.compile(r"(?<![\w-])-m(?:avx|fma|f16c|sse|bmi|arch|cpu|tune|prefer)[\w.=-]*")


def cmake(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("cmake"):
        pytest.skip("CMake is not installed")
    done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False, timeout=60)
    done.stderr = " ".join(done.stderr.split())
    return done


# ---- processor flags -------------------------------------------------------------------------------------------


def test_one_file_of_the_build_has_processor_flags() -> None:
    assert "only file of the build with -m flags" in ISA.read_text()
    build = [ROOT / "CMakeLists.txt"]
    build += [p for folder in ("tests", "examples") for p in (ROOT / folder).rglob("CMakeLists.txt")]
    build += [*(ROOT / "cmake").iterdir(), *(ROOT / "tools").glob("*.py"), ROOT / ".ci" / "run"]
    build += [ROOT / "noxfile.py", ROOT / "pyproject.toml"]
    assert [p for p in build if p.is_file() and FLAG.search(p.read_text())] == [ISA]


@pytest.mark.parametrize("folder", ["native", "src"])
def test_no_source_asks_for_a_processor(folder: str) -> None:
    sources = [p for p in (ROOT / folder).rglob("*") if p.suffix in {".cpp", ".hpp", ".inc", ".h", ".def"}]
    asked = re.compile(r"__attribute__\s*\(\(\s*target|#\s*pragma\s+(?:GCC|clang)\s+(?:target|attribute)")
    assert [p for p in sources if asked.search(p.read_text())] == []


# ---- what a kernel object shares -------------------------------------------------------------------------------

TABLE = "namespace bcelogits::kernels { int table_avx2() { return 0; } }\n"
LEAKS = {
    "a weak copy of an inline function": TABLE + "inline int f(int x) { return x; }\nint (*const p)(int) = &f;\n",
    "an instance of a template": TABLE + "template <class T> T g(T x) { return x; }\ntemplate int g<int>(int);\n",
    "another function": TABLE + "int h() { return 1; }\n",
    "the table of another ISA": TABLE.replace("avx2", "avx512"),
    "no table": "namespace { int used = 0; }\nstatic int* q() { return &used; }\n",
}


def check_kernel(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the build says of an object made of this source, as that of AVX2."""
    if lacking := [name for name in ("c++", "nm") if not shutil.which(name)]:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    (folder / "kernel.cpp").write_text(source)
    object_file = folder / "kernel.o"
    made = ["c++", "-std=c++20", "-w", "-c", str(folder / "kernel.cpp"), "-o", str(object_file)]
    subprocess.run(made, check=True, timeout=60)
    return cmake("-DNM=nm", "-DISA=avx2", f"-DOBJECT={object_file}", "-P", str(ROOT / "cmake" / "check_kernel.cmake"))


def test_a_kernel_object_may_share_its_table(tmp_path: Path) -> None:
    hidden = "#include <cstring>\nstatic void* f(void* a, void* b, int n) { return std::memcpy(a, b, n); }\n"
    used = "namespace { void* (*const p)(void*, void*, int) = &f; }\n"
    done = check_kernel(hidden + used + TABLE, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", LEAKS)
def test_a_kernel_object_that_shares_more_fails_the_build(what: str, tmp_path: Path) -> None:
    done = check_kernel(LEAKS[what], tmp_path)
    assert done.returncode != 0
    assert "may share table_avx2() alone, but nm lists:" in done.stderr


# ---- compilers -------------------------------------------------------------------------------------------------


def refusal(compiler: str, version: str) -> str:
    settings = (f"-DCMAKE_CXX_COMPILER_ID={compiler}", f"-DCMAKE_CXX_COMPILER_VERSION={version}")
    return cmake(*settings, "-DCMAKE_CXX_COMPILER=/bin/c++", "-P", str(ROOT / "cmake" / "compiler.cmake")).stderr


@pytest.mark.parametrize(("compiler", "version"), [("GNU", "11.4.0"), ("GNU", "9.3"), ("Clang", "13.0.1")])
def test_an_old_compiler_is_refused_by_a_line_that_names_it_and_what_is_needed(compiler: str, version: str) -> None:
    text = f"bcelogits needs GCC 12 or Clang 14, or newer; CXX is {compiler} {version} (/bin/c++)"
    assert text in refusal(compiler, version)


@pytest.mark.parametrize(
    ("compiler", "version"), [("GNU", "12.2.0"), ("GNU", "15"), ("Clang", "14.0.6"), ("Clang", "22"), ("Other", "1")]
)
def test_other_compilers_are_not_refused(compiler: str, version: str) -> None:
    assert refusal(compiler, version) == ""


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_pages_name_the_oldest_compilers_that_are_not_refused(page: str) -> None:
    assert "GCC 12 or Clang 14, or newer" in " ".join((ROOT / page).read_text().split())


# ---- commands --------------------------------------------------------------------------------------------------


def constant(name: str) -> str:
    """A string of noxfile.py, which nobody needs nox to read."""
    for node in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return str(ast.literal_eval(node.value))
    raise KeyError(name)


def test_the_test_command_of_the_readme_is_the_one_that_ci_runs() -> None:
    (shown,) = (line for line in README.splitlines() if "pytest -m" in line)
    assert constant("TEST") == shown


def test_ci_runs_tasks_of_the_noxfile_alone() -> None:
    tasks = {n.name for n in ast.parse((ROOT / "noxfile.py").read_text()).body if isinstance(n, ast.FunctionDef)}
    (named,) = re.findall(r"^for task in (.*); do$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert {"lint", "test", "exhaustive"} <= set(named.split()) <= tasks


# ---- what is installed -----------------------------------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPORTED_AS = {"scikit-learn": "sklearn"}


@pytest.mark.parametrize("extra", PROJECT["project"]["optional-dependencies"])
def test_every_package_of_an_extra_is_imported_by_the_package_or_its_examples(extra: str) -> None:
    files = [p.read_text() for folder in ("src", "examples") for p in (ROOT / folder).rglob("*.py")]
    for requirement in PROJECT["project"]["optional-dependencies"][extra]:
        name = re.split(r"[^\w-]", requirement)[0]
        imported = re.compile(rf"""(?:import|from) {IMPORTED_AS.get(name, name)}\b|"{name}\"""")
        assert any(imported.search(text) for text in files), name


def test_what_only_developers_need_is_no_extra() -> None:
    assert {"test", "lint", "bench"} <= set(PROJECT["dependency-groups"])
    assert not set(PROJECT["dependency-groups"]) & set(PROJECT["project"]["optional-dependencies"])
