"""The public C headers: valid in every language standard, the documented names and numbers, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "native" / "cann" / "include"
TABLES = ROOT / "native" / "cann" / "capi"
SOURCES = Path(__file__).parent / "headers"

HEADERS = sorted(p.relative_to(INCLUDE).as_posix() for p in INCLUDE.rglob("*.h"))
EVERYTHING = [h for h in HEADERS if h != "acl/acl_rt_api.h"]  # what adds overloads is tested by itself
C = ("c99", "c11", "c17")
CXX = ("c++11", "c++20")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMPILERS = [(c, cxx) for c, cxx in (("gcc", "g++"), ("clang", "clang++")) if shutil.which(c) and shutil.which(cxx)]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc with g++ nor clang with clang++ is installed")
every_compiler = pytest.mark.parametrize("compilers", COMPILERS, ids=lambda pair: pair[0])


def run(*command: str | Path, source: str | None = None) -> str:
    """What the command prints; its complaints if it fails or warns."""
    result = subprocess.run(
        [str(word) for word in command], input=source, capture_output=True, text=True, timeout=60, check=False
    )
    if result.returncode != 0 or result.stderr:
        pytest.fail(f"{' '.join(str(word) for word in command)}\n{result.stdout}{result.stderr}", pytrace=False)
    return result.stdout


def compiler_of(standard: str, compilers: tuple[str, str]) -> list[str]:
    if standard.startswith("c++"):
        return [compilers[1], f"-std={standard}", "-x", "c++", *WARNINGS]
    return [compilers[0], f"-std={standard}", "-x", "c", *WARNINGS, "-Wstrict-prototypes"]


def including(*headers: str) -> str:
    return "".join(f'#include "{header}"\n' for header in headers)


def check(source: str, standard: str, compilers: tuple[str, str]) -> None:
    run(*compiler_of(standard, compilers), "-I", INCLUDE, "-fsyntax-only", "-", source=source)


@every_compiler
@pytest.mark.parametrize("standard", C + CXX)
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_stands_alone(header: str, standard: str, compilers: tuple[str, str]) -> None:
    # Found by its full path, without -I: a header finds the others by itself, whatever folder the caller's -I names.
    run(*compiler_of(standard, compilers), "-fsyntax-only", "-", source=including(str(INCLUDE / header)) * 2)


@every_compiler
@pytest.mark.parametrize("standard", C + CXX)
def test_all_headers_together_and_from_two_copies(standard: str, compilers: tuple[str, str], tmp_path: Path) -> None:
    shutil.copytree(INCLUDE, tmp_path / "runtime" / "include")
    source = including(*HEADERS, *(str(tmp_path / "runtime" / "include" / h) for h in HEADERS))
    check(source, standard, compilers)


@every_compiler
@pytest.mark.parametrize("folder", ["", "acl", "aclnn"])
def test_folders_that_callers_name(folder: str, compilers: tuple[str, str]) -> None:
    # Some callers name the folder of a header and leave it out of the #include.
    names = {"": "aclnn/acl_meta.h", "acl": "acl.h", "aclnn": "acl_meta.h"}
    run(*compiler_of("c11", compilers), "-I", INCLUDE / folder, "-fsyntax-only", "-", source=including(names[folder]))


@every_compiler
@pytest.mark.parametrize(
    ("file", "standards"),
    [
        ("prototypes.c", C + CXX),
        ("app_log.c", C + CXX),
        ("sizes.c", ("c11", *CXX)),
        ("redeclared.c", ("c11", *CXX)),  # C99 forbids to repeat a typedef
        ("overloads.cpp", CXX),
    ],
)
def test_a_caller_compiles(file: str, standards: tuple[str, ...], compilers: tuple[str, str]) -> None:
    for standard in standards:
        check((SOURCES / file).read_text(), standard, compilers)


@every_compiler
def test_overloads_call_the_c_functions(compilers: tuple[str, str], tmp_path: Path) -> None:
    program = tmp_path / "overloads"
    run(*compiler_of("c++11", compilers), "-I", INCLUDE, SOURCES / "overloads.cpp", "-o", program)
    assert run(program) == ""


def documented_constants() -> dict[str, tuple[str, int]]:
    """Type and value of each constant in the hand-written table."""
    text = re.sub(r"^#.*$", "", (SOURCES / "constants.txt").read_text(), flags=re.MULTILINE)
    constants = {}
    for kind, prefix, body in re.findall(r"\[(\w+) (\w+)\]([^\[]+)", text):
        for entry in body.split(","):
            name, value = entry.split()
            name = name.removeprefix("=") if name.startswith("=") else prefix + name
            assert name not in constants, f"{name} is twice in the table"
            constants[name] = (kind, int(value))
    return constants


@every_compiler
def test_constants_have_their_documented_values(compilers: tuple[str, str]) -> None:
    constants = documented_constants()
    values = [f'static_assert({name} == {value}, "{name}");' for name, (_, value) in constants.items()]
    check(including(*EVERYTHING) + "\n".join(values), "c++11", compilers)
    enumerators = [
        f'_Static_assert({name} == {value}, "{name}");\n' + (f"extern {kind} v; " if kind != "macro" else "")
        for name, (kind, value) in constants.items()
        if kind not in {"aclError", "aclnnStatus"}  # variables, which C takes for no constants
    ]
    source = "".join(e.replace(" v; ", f" v{i};\n") for i, e in enumerate(enumerators))
    check(including(*EVERYTHING) + source, "c11", compilers)


def own_text(header: str) -> str:
    """The header's own declarations: no comments, no preprocessor lines, no string of a linkage."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", (INCLUDE / header).read_text(), flags=re.DOTALL)
    text = re.sub(r"^\s*#(?:[^\n\\]|\\.)*$", " ", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r'extern "C" \{', " ", text)


def macros(source: str) -> set[str]:
    listing = run(COMPILERS[0][0], "-std=c11", "-I", INCLUDE, "-dM", "-E", "-x", "c", "-", source=source)
    return {line.split()[1].partition("(")[0] for line in listing.splitlines()}


def own_macros() -> set[str]:
    system = "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
    return macros(system + including(*HEADERS)) - macros(system)


def declared_functions(header: str) -> list[str]:
    return re.findall(r"^ACL_FUNC_VISIBILITY[^;(]*?\b(\w+)\(", own_text(header), flags=re.MULTILINE)


def test_the_table_of_constants_is_complete() -> None:
    """No header has a constant that the table lacks: an invented name would show here."""
    text = "".join(own_text(header) for header in HEADERS if header != "acl/acl_rt_api.h")
    constants = documented_constants()
    numbers = {name for name, (kind, _) in constants.items() if kind != "macro"}
    assert set(re.findall(r"\b(\w+) = -?\w+[,;\s]", text)) == numbers
    allowed = {"ACL_FUNC_VISIBILITY", "ACL_APP_LOG"} | (constants.keys() - numbers)
    assert {m for m in own_macros() if not m.startswith("BCELOGITS_")} == allowed


def test_guards_are_ours_and_one_for_each_header() -> None:
    guards = {f"BCELOGITS_{re.sub(r'[/.]', '_', header).upper()}_" for header in HEADERS}
    assert {m for m in own_macros() if m.startswith("BCELOGITS_")} == guards


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_adds_only_names_of_the_interface(header: str) -> None:
    text = re.sub(r"\{[^{}]*\}", " ", own_text(header))  # bodies of enums, structs and functions
    while (shorter := re.sub(r"\((?!\*)[^()]*\)", " ", text)) != text:  # parameters
        text = shorter
    text = re.sub(r"\(\*(\w+)\)", r" \1 ", text)  # names of pointers to functions
    text = re.sub(r"template <[^>]*>", " ", text)
    words = {"typedef", "enum", "struct", "static", "const", "inline", "void", "int", "char", "float"}
    words |= {"size_t", "int32_t", "uint16_t", "uint32_t", "int64_t", "uint64_t"}
    names = set(re.findall(r"\b[A-Za-z_]\w*\b", text)) - words
    assert {n for n in names if not n.startswith(("acl", "Acl", "ACL"))} == set()


@pytest.mark.parametrize("header", HEADERS)
def test_the_first_line_says_what_a_header_is_for(header: str) -> None:
    first = (INCLUDE / header).read_text().splitlines()[0]
    assert re.fullmatch(r"// [A-Z].{20,}\.", first)


@pytest.mark.parametrize(
    ("table", "folder"), [("runtime.def", "acl"), ("meta.def", "aclnn"), ("operators.def", "aclnnop")]
)
def test_the_table_of_exports_is_what_the_headers_declare(table: str, folder: str) -> None:
    exported = re.findall(r"^X\((\w+)\)$", (TABLES / table).read_text(), flags=re.MULTILINE)
    headers = [h for h in HEADERS if h.startswith(f"{folder}/") and h != "acl/acl_rt_api.h"]
    declared = [name for header in headers for name in declared_functions(header)]
    prototypes = [name for h in headers for name in re.findall(r"\b([aA]cl\w+)\([^)*]", own_text(h))]
    assert len(exported) == len(set(exported))
    assert sorted(declared) == sorted(exported)
    assert sorted(prototypes) == sorted(declared), "a function is declared without ACL_FUNC_VISIBILITY"


def test_hand_written_prototypes_cover_every_function() -> None:
    written = re.findall(r"\b([aA]cl\w+)\(", (SOURCES / "prototypes.c").read_text())
    tables = "".join((TABLES / name).read_text() for name in ("runtime.def", "meta.def", "operators.def"))
    assert sorted(written) == sorted(re.findall(r"^X\((\w+)\)$", tables, flags=re.MULTILINE))
