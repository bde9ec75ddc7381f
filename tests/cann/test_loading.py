"""The ways in which real clients load the libraries."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toolchain import CORE, EXAMPLES, OPERATORS, THIN, run


def python(script: str, *arguments: object, env: dict[str, str] | None = None) -> str:
    """Run a script that needs no package in a new interpreter; the names below are defined."""
    prelude = (
        "import ctypes, json, os, sys\n"
        "from ctypes import CDLL, RTLD_GLOBAL, RTLD_LOCAL, byref, c_int64, c_uint64, c_void_p\n"
        "NOW, LAZY = os.RTLD_NOW, os.RTLD_LAZY\n"
    )
    return run([sys.executable, "-I", "-c", prelude + script, *map(str, arguments)], env=env).stdout


@pytest.mark.parametrize("library", THIN)
def test_each_library_loads_alone_by_its_path(library: str, root: Path) -> None:
    for path in root.rglob(library):
        script = "CDLL(sys.argv[1], mode=NOW | RTLD_LOCAL)\nprint(open('/proc/self/maps').read())"
        maps = python(script, path)
        assert str(path.name) in maps
        assert len(set(re.findall(rf"\S*/{CORE}", maps))) == 1


def test_a_handle_of_an_operator_library_finds_the_meta_functions(root: Path) -> None:
    for library in OPERATORS:
        script = "l = CDLL(sys.argv[1], mode=LAZY)\n[getattr(l, n) for n in sys.argv[2:]]"
        python(script, root / "lib64" / library, "aclCreateTensor", "aclDestroyTensor", "aclDestroyAclOpExecutor")


ONE_STATE = """
root, out = sys.argv[1], (ctypes.c_float * 4)()
lib = lambda name: CDLL(f"{root}/{name}", mode=NOW | RTLD_LOCAL)
runtime, other_runtime = lib("lib64/libascendcl.so"), lib("runtime/lib64/libruntime.so")
base, operators, other = lib("lib64/libnnopbase.so"), lib("lib64/libopapi_nn.so"), lib("lib64/libopapi.so")
assert runtime.aclInit(None) == 0
assert other_runtime.aclInit(None) == 100002
assert other_runtime.aclrtSetDevice(0) == 0
logits, targets, four = (ctypes.c_float * 4)(), (ctypes.c_float * 4)(1, 1, 1, 1), (c_int64 * 1)(4)
def tensor(library, data):
    library.aclCreateTensor.restype = c_void_p
    made = library.aclCreateTensor(four, c_uint64(1), 0, None, c_int64(0), 2, four, c_uint64(1), data)
    return c_void_p(made)
x, t, o = tensor(base, logits), tensor(operators, targets), tensor(other, out)
size, executor = c_uint64(), c_void_p()
one = other.aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize
assert one(x, t, None, None, c_int64(0), o, byref(size), byref(executor)) == 0
assert operators.aclnnBinaryCrossEntropyWithLogits(None, size, executor, None) == 0
assert other_runtime.aclrtSynchronizeStream(None) == 0
assert operators.aclDestroyTensor(x) == base.aclDestroyTensor(t) == other.aclDestroyTensor(o) == 0
print(list(out))
"""


def test_all_libraries_share_one_state(root: Path) -> None:
    assert json.loads(python(ONE_STATE, root)) == pytest.approx([0.6931472] * 4)


def test_the_tree_can_be_moved(root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    assert json.loads(python(ONE_STATE, moved)) == pytest.approx([0.6931472] * 4)


TORCH_NPU = """
# The order in which torch_npu looks for an operator: custom packages, then libopapi_*.so files, then libopapi.so.
home = os.environ["ASCEND_HOME_PATH"]
runtime = CDLL("libascendcl.so", mode=LAZY)
optional = ["aclrtSynchronizeStreamWithTimeout", "aclrtCreateEventExWithFlag", "aclrtNoSuchFunction"]
print([hasattr(runtime, name) for name in optional])
CDLL("libnnopbase.so", mode=LAZY).aclDestroyAclOpExecutor
files = sorted(f for f in os.listdir(home + "/lib64") if f.startswith("libopapi_") and f.endswith(".so"))
handles = [CDLL(f"{home}/lib64/{f}", mode=LAZY) for f in files]
handles.append(CDLL("libopapi.so", mode=LAZY))
for old in ["libaclnn_ops_infer.so", "libaclnn_ops_train.so", "libaclnn_math.so", "libaclnn_sparse.so"]:
    try:
        handles.append(CDLL(old, mode=LAZY))
    except OSError:
        pass
find = lambda name: next((getattr(h, name) for h in handles if hasattr(h, name)), None)
for name in ["aclCreateTensor", "aclDestroyTensor", "aclCreateScalar", "aclCreateIntArray", "aclCreateTensorList"]:
    assert find(name), name
for op in ["", "Backward", "TargetBackward"]:
    assert find(f"aclnnBinaryCrossEntropyWithLogits{op}")
    assert find(f"aclnnBinaryCrossEntropyWithLogits{op}GetWorkspaceSize")
hooks = ["InitHugeMemThreadLocal", "UnInitHugeMemThreadLocal", "ReleaseHugeMem", "PTAGetExecCache", "PTAFindExecCache"]
hooks += ["InitPTACacheThreadLocal", "SetPTAHashKey", "CanUsePTACache", "AddTensorAddrToCachedList"]
print([name for name in hooks if find(name)])
"""


def test_the_loader_of_torch_npu_finds_what_it_looks_for(root: Path) -> None:
    env = {"ASCEND_HOME_PATH": str(root), "LD_LIBRARY_PATH": str(root / "lib64")}
    assert python(TORCH_NPU, env=env).splitlines() == ["[True, True, False]", "[]"]


MINDTORCH = """
# mindtorch: four files must be there; libopapi.so is loaded for all first; each symbol is looked up in this order.
lib, config = sys.argv[1:]
names = ["libnnopbase.so", "libaclnn_ops_infer.so", "libaclnn_math.so", "libopapi.so"]
for name in ["libascendcl.so", "libopapi.so"]:
    CDLL(f"{lib}/{name}", mode=RTLD_GLOBAL)
handles = [CDLL(f"{lib}/{name}") for name in names]
find = lambda name: next(getattr(h, name) for h in handles if hasattr(h, name))
mandatory = ["aclnnInit", "aclCreateTensor", "aclCreateScalar", "aclCreateIntArray", "aclCreateBoolArray"]
mandatory += ["aclDestroyTensor", "aclDestroyScalar", "aclDestroyIntArray", "aclDestroyBoolArray"]
mandatory += ["aclDestroyAclOpExecutor"]
for op in ["aclnnAdd", "aclnnMul", "aclnnRelu", "aclnnReduceSum"]:
    mandatory += [op, op + "GetWorkspaceSize"]
for name in mandatory:
    find(name)
assert find("aclnnInit")(config.encode()) == 0
runtime = CDLL(f"{lib}/libascendcl.so")
runtime.aclGetRecentErrMsg.restype = ctypes.c_char_p
found = {}
for op in ["aclnnAdd", "aclnnMul", "aclnnRelu", "aclnnReduceSum"]:
    size, executor = c_uint64(7), c_void_p(7)
    arguments = [None] * {"aclnnAdd": 4, "aclnnMul": 3, "aclnnRelu": 2, "aclnnReduceSum": 5}[op]
    status = find(op + "GetWorkspaceSize")(*arguments, byref(size), byref(executor))
    text = (runtime.aclGetRecentErrMsg() or b"").decode()
    found[op] = [status, text, find(op)(None, c_uint64(0), None, None)]
print(json.dumps(found))
"""


def test_the_loader_of_mindtorch_binds_and_its_operators_check_what_they_get(root: Path, tmp_path: Path) -> None:
    config = tmp_path / "acl.json"
    config.write_text('{"dump": {"dump_scene": "lite_exception"}}')
    for op, (status, text, second) in json.loads(python(MINDTORCH, root / "lib64", config)).items():
        assert (status, second) == (161001, 561103)
        assert re.search(rf"{op}GetWorkspaceSize: \w+: null pointer, expected ", text)


def test_set_env_sets_what_clients_rely_on(root: Path, tmp_path: Path) -> None:
    names = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_OPP_PATH", "LD_LIBRARY_PATH", "PYTHONPATH")
    # POSIX sh cannot know where a sourced file lies unless it is told; bash can.
    show = "; ".join(f'echo "${{{name}}}"' for name in names)
    done = run(["bash", "-uc", f"cd {tmp_path}; LD_LIBRARY_PATH=/before; . {root}/set_env.sh; {show}"])
    home, toolkit, opp, libraries, modules = done.stdout.splitlines()
    assert Path(home).samefile(root)
    assert Path(toolkit).samefile(root)
    assert opp.startswith(home)
    assert Path(libraries.split(":")[0]).samefile(root / "lib64")
    assert libraries.endswith(":/before")
    assert Path(modules.split(":")[0]).samefile(root / "python" / "site-packages")


def test_loading_uses_neither_python_nor_threads(root: Path, compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "load.c"
    source.write_text(
        "#include <dlfcn.h>\n#include <stdio.h>\n"
        "int main(int n, char** a) {\n"
        "  if (n < 2 || !dlopen(a[1], RTLD_NOW)) return 1;\n"
        '  FILE* f = fopen("/proc/self/maps", "r");\n'
        "  for (int c; (c = getc(f)) != EOF;) putchar(c);\n"
        "  return 0;\n}\n"
    )
    run([compiler, source, "-o", tmp_path / "load", "-ldl"])
    maps = run([tmp_path / "load", root / "lib64" / "libopapi.so"]).stdout
    assert CORE in maps
    assert "libpython" not in maps


def test_examples_link_against_each_split_of_the_operator_library(root: Path, compiler: str, tmp_path: Path) -> None:
    for number, operators in enumerate((["opapi"], ["opapi_nn"], ["opapi_math", "opapi_nn"], ["aclnn_ops_train"])):
        for runtime in ("ascendcl", "acl_rt"):
            program = tmp_path / f"{runtime}{number}"
            libraries = [f"-l{name}" for name in (runtime, "nnopbase", *operators)]
            where = [f"-I{root / 'include'}", f"-L{root / 'lib64'}", f"-Wl,-rpath,{root / 'lib64'}"]
            run([compiler, EXAMPLES / "mean_repeatable.c", "-o", program, *where, *libraries])
            done: subprocess.CompletedProcess[str] = run([program])
            assert done.stdout.startswith("batch 0: mean loss ")
