"""What the libraries export and what they need."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toolchain import BASE, CORE, EMPTY, OPERATORS, ROOT, RUNTIME, THIN, run


def table(*names: str) -> set[str]:
    """The functions of tables in native/cann."""
    text = "".join(next((ROOT / "native" / "cann").rglob(name)).read_text() for name in names)
    return set(re.findall(r"^X\((\w+)\)$", text, flags=re.MULTILINE))


# What torch_npu links or looks up, and no header declares.
ABSENT = table("accepted.def", "refused.def")
COMPILER = table("op_compiler.def")
HCCL = table("hccl.def")
# The elementary operators, which no header declares either.
OPERATORS_TABLE = (ROOT / "native/cann/capi/elementary.def").read_text()
ROWS = re.findall(r"^ELEMENTARY\((\w+), ", OPERATORS_TABLE, flags=re.MULTILINE)
ELEMENTARY = {f"aclnn{name}{phase}" for name in ROWS for phase in ("GetWorkspaceSize", "")}

Symbols = Callable[[str], set[str]]

needs_binutils = pytest.mark.skipif(not (shutil.which("nm") and shutil.which("readelf")), reason="no binutils")


def declared(root: Path, folder: str) -> set[str]:
    """The functions that the public headers of a folder declare."""
    names: set[str] = set()
    for header in (root / "include" / folder).glob("*.h"):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.DOTALL)
        text = re.sub(r"^#.*", "", text, flags=re.MULTILINE)
        names |= set(re.findall(r"ACL_FUNC_VISIBILITY\s[^;(]*?(\w+)\s*\(", text))
    return names


@pytest.fixture(scope="module")
def symbols(root: Path) -> Symbols:
    """The names that a library defines for others, without versions."""

    def of(library: str) -> set[str]:
        lines = run(["nm", "-D", "--defined-only", root / "lib64" / library]).stdout.splitlines()
        return {line.split()[-1].split("@")[0] for line in lines if line.split()[-2] != "A"}

    return of


def dynamic(library: Path) -> str:
    return run(["readelf", "-dW", library]).stdout


@needs_binutils
class TestNames:
    def test_the_headers_declare_what_the_documents_name(self, root: Path) -> None:
        assert {"aclInit", "aclrtMalloc", "aclDataTypeSize"} <= declared(root, "acl")
        assert {"aclCreateTensor", "aclnnInit"} <= declared(root, "aclnn")
        assert len(declared(root, "aclnnop")) == 6

    @pytest.mark.parametrize("library", RUNTIME)
    def test_runtime_libraries_export_the_runtime_and_nothing_else(
        self, library: str, root: Path, symbols: Symbols
    ) -> None:
        more = ABSENT if library == "libascendcl.so" else set()
        assert symbols(library) == declared(root, "acl") | more

    def test_libraries_that_torch_npu_links_export_what_it_takes_from_them(self, symbols: Symbols) -> None:
        assert symbols("libacl_op_compiler.so") == COMPILER
        assert symbols("libhccl.so") == HCCL
        for library in EMPTY:
            assert symbols(library) == set()

    @pytest.mark.parametrize("library", BASE)
    def test_the_base_library_exports_the_meta_functions_and_nothing_else(
        self, library: str, root: Path, symbols: Symbols
    ) -> None:
        assert symbols(library) == declared(root, "aclnn")

    @pytest.mark.parametrize("library", OPERATORS)
    def test_operator_libraries_export_operators_and_nothing_else(
        self, library: str, root: Path, symbols: Symbols
    ) -> None:
        assert symbols(library) == declared(root, "aclnnop") | ELEMENTARY

    def test_the_core_exports_the_same_functions_under_a_prefix(self, root: Path, symbols: Symbols) -> None:
        public = declared(root, "acl") | declared(root, "aclnn") | declared(root, "aclnnop")
        public |= ABSENT | COMPILER | HCCL | ELEMENTARY
        assert symbols(CORE) == {f"bcelogits_{name}" for name in public}

    @pytest.mark.parametrize("library", THIN)
    def test_libraries_need_the_core_and_are_found_beside_it(self, library: str, root: Path) -> None:
        for path in root.rglob(library):
            text = dynamic(path)
            assert f"soname: [{library}]" in text
            assert f"Shared library: [{CORE}]" in text
            assert ("Shared library: [libnnopbase.so]" in text) == (library in OPERATORS)
            (paths,) = re.findall(r"(?:RUNPATH|RPATH).*\[(.*)\]", text)
            assert all(p.startswith("$ORIGIN") for p in paths.split(":"))

    @pytest.mark.parametrize("library", [CORE, *THIN])
    def test_nothing_is_needed_but_the_systems_own_libraries(self, library: str, root: Path) -> None:
        system = r"lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|atomic)\.so\.\d+|ld-linux.*|lib(bcelogits_cann|nnopbase)\.so"
        for name in re.findall(r"Shared library: \[(.*)\]", dynamic(root / "lib64" / library)):
            assert re.fullmatch(system, name), name

    @pytest.mark.parametrize("library", [CORE, *THIN])
    def test_no_text_relocations_and_no_executable_stack(self, library: str, root: Path) -> None:
        assert "TEXTREL" not in dynamic(root / "lib64" / library)
        stack = [x for x in run(["readelf", "-lW", root / "lib64" / library]).stdout.splitlines() if "GNU_STACK" in x]
        assert stack
        assert "RWE" not in stack[0]

    def test_the_libraries_are_also_where_older_builds_look(self, root: Path) -> None:
        for folder in ("runtime/lib64", "runtime/lib64/stub"):
            assert {p.name for p in (root / folder).glob("*.so")} >= set(RUNTIME)
        assert (root / "runtime" / "include" / "acl" / "acl.h").is_file()
        assert (root / "version.cfg").is_file()
