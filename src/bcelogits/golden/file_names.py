"""Where the arrays of a case lie in a folder of golden data: one naming scheme for each file layout.

`ttk`: self-describing names, read by Ascend's test kits (docs/precision.md 2.9)::

    CASE/input_0_float32.bin  ...  CASE/input_2_none.bin      operands in the order of the aclnn call; empty: not given
    CASE/golden_0_float32__shape_1024x80.bin                  a device writes CASE/output_0_float32.bin

`sample`: the folders of the Ascend C samples::

    CASE/input/input_self.bin, input_target.bin, ...          CASE/output/golden.bin; a device writes output/output.bin

`npy`: CASE/logits.npy, ..., CASE/golden.npy; a device writes CASE/output.npy. `safetensors`: CASE.safetensors with
all of them, and a device writes CASE.output.safetensors.

Raw files are little-endian elements in C order and nothing else. What a device has no use for lies apart, in every
layout: truth/CASE/value.npy (float64, not rounded), flags.npy, scale.npy of gradients, low.npy for float64; and for
operands that are no contiguous arrays storage/CASE/OPERAND.bin, the memory that the manifest's strides refer to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from bcelogits._formats import FORMATS
from bcelogits.golden._model import Case
from bcelogits.reference.truth import Op

__all__ = ["FILE_LAYOUTS", "ORDER", "dump_candidates", "golden_file", "input_files"]

FILE_LAYOUTS = ("ttk", "sample", "npy", "safetensors")
# Operands in the order of the aclnn call, and CANN's names for them.
ORDER = {
    Op.LOSS: ("logits", "targets", "weight", "pos_weight"),
    Op.BACKWARD: ("grad_output", "logits", "targets", "weight", "pos_weight"),
    Op.TARGET_BACKWARD: ("grad_output", "logits", "targets", "weight", "pos_weight"),
}
_ACLNN_NAMES = {"logits": "self", "targets": "target"}


def _has(case: Case, operand: str) -> bool:
    return operand in ("logits", "targets") or getattr(case, operand) is not None


def input_files(case: Case, layout: str) -> dict[str, str]:
    """The file of each operand, relative to the folder; those that are not given have one in `ttk` only."""
    result = {}
    for number, operand in enumerate(ORDER[case.op]):
        given = _has(case, operand)
        if layout == "ttk":
            dtype = FORMATS[case.dtype_of(operand)].dtype_name if given else "none"
            result[operand] = f"{case.name}/input_{number}_{dtype}.bin"
        elif not given:
            continue
        elif layout == "sample":
            result[operand] = f"{case.name}/input/input_{_ACLNN_NAMES.get(operand, operand)}.bin"
        elif layout == "npy":
            result[operand] = f"{case.name}/{operand}.npy"
        else:
            result[operand] = f"{case.name}.safetensors"
    return result


def golden_file(case: Case, layout: str) -> str:
    """The file of the rounded golden output, relative to the folder."""
    shape = "x".join(map(str, case.out_shape)) or "scalar"
    return {
        "ttk": f"{case.name}/golden_0_{FORMATS[case.dtype_of('out')].dtype_name}__shape_{shape}.bin",
        "sample": f"{case.name}/output/golden.bin",
        "npy": f"{case.name}/golden.npy",
        "safetensors": f"{case.name}.safetensors",
    }[layout]


def dump_candidates(case: Case) -> Iterator[PurePosixPath]:
    """Where a device's output may lie in a folder of dumps: the names of every layout, most telling first."""
    name, dtype = case.name, FORMATS[case.dtype_of("out")].dtype_name
    for file in (f"output_0_{dtype}.bin", "output/output.bin", "output/output_z.bin", "output.bin", "output.npy"):
        yield PurePosixPath(name, file)
    for suffix in (".output.safetensors", ".output.npy", ".output.bin", ".npy", ".bin"):
        yield PurePosixPath(name + suffix)
