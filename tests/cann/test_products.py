"""Products: which operators and types each has, chosen by BCELOGITS_SOC_NAME."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from binding import BF16, FLOAT, FLOAT16, PHASE_ONE, Acl
from device_tensors import on_device
from error_table import INVALID, NO_SUCH_OPERATOR, OPS, Case, Tensor

A2_AND_LATER = ["Ascend910B2", "Ascend910B4", "Ascend910_9391", "Ascend950PR"]
# Codes of forward, backward and target backward in float32, then the same in bfloat16.
OLDER = [0, 0, NO_SUCH_OPERATOR], [INVALID, INVALID, NO_SUCH_OPERATOR]
PRODUCTS: dict[str, tuple[list[int], list[int]]] = {
    **{name: ([0, 0, 0], [0, 0, 0]) for name in A2_AND_LATER[:3]},
    "Ascend950PR": ([0, 0, NO_SUCH_OPERATOR], [0, 0, NO_SUCH_OPERATOR]),
    "Ascend310P3": OLDER,
    "Ascend910A": OLDER,
    "Ascend910ProB": OLDER,
    "Ascend310B1": ([0, NO_SUCH_OPERATOR, NO_SUCH_OPERATOR], [INVALID, NO_SUCH_OPERATOR, NO_SUCH_OPERATOR]),
}

SCRIPT = """
import json, sys
from pathlib import Path
sys.path[:0] = {paths!r}
import test_products
print(json.dumps(test_products.try_products(Path({root!r}))))
"""


def try_products(root: Path) -> list[tuple[str, int, int, str]]:
    """Operator, type, code and text of phase one with all tensors of one type."""
    acl = Acl.start(root)
    found = []
    for dtype in (FLOAT, FLOAT16, BF16):
        for op in OPS:
            tensors = {name: t and Tensor(dtype=dtype) for name, t in Case("", op, "", 0).tensors().items()}
            with on_device(acl, tensors) as (handles, _):
                one = acl.phase_one(op, handles, 0)
                found.append((op, dtype, one.status, one.text))
    return found


@pytest.mark.parametrize("soc", PRODUCTS)
def test_a_product_has_the_operators_and_types_that_the_documents_list(
    soc: str, root: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    here = str(Path(__file__).parent)
    done = run_python(SCRIPT.format(paths=[here], root=str(root)), BCELOGITS_SOC_NAME=soc)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    plain, bf16 = PRODUCTS[soc]
    assert [row[2] for row in found] == [*plain, *plain, *bf16]
    for op, dtype, status, text in found:
        if status == NO_SUCH_OPERATOR:
            assert op in text
        elif status:
            assert dtype == BF16
            assert re.search(rf"{PHASE_ONE[op]}: \w+: .*bfloat16.*, expected .*float32 or float16", text), text
        if status:
            assert soc in text
