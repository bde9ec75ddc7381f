"""The C API through ctypes: a thin, typed layer for tests that are tables. It checks and converts nothing by itself."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FLOAT, FLOAT16, DOUBLE, BF16 = 0, 1, 11, 27
ND, NCHW, NHWC, NC1HWC0, FRACTAL_Z, HWCN, NDHWC, FRACTAL_NZ, NCDHW, NC, NCL = 2, 0, 1, 3, 4, 16, 27, 29, 30, 35, 47
ACL_DTYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): FLOAT,
    np.dtype(np.float16): FLOAT16,
    np.dtype(ml_dtypes.bfloat16): BF16,
    np.dtype(np.float64): DOUBLE,
    np.dtype(np.int8): 2,
    np.dtype(np.int32): 3,
    np.dtype(np.uint8): 4,
    np.dtype(np.int64): 9,
    np.dtype(np.bool_): 12,
}

LOSS = "aclnnBinaryCrossEntropyWithLogits"
BACKWARD = LOSS + "Backward"
TARGET_BACKWARD = LOSS + "TargetBackward"
# The function that phase one is: the texts of its errors begin with it.
PHASE_ONE = {op: op + "GetWorkspaceSize" for op in (LOSS, BACKWARD, TARGET_BACKWARD)}
# The tensors of each operator in the order of its prototype; the reduction comes before the last one.
PARAMETERS = {
    LOSS: ("self", "target", "weightOptional", "posWeightOptional", "out"),
    BACKWARD: ("gradOutput", "self", "target", "weightOptional", "posWeightOptional", "out"),
    TARGET_BACKWARD: ("gradOutput", "self", "target", "weightOptional", "posWeightOptional", "gradTarget"),
}
NAMES = {
    "logits": "self",
    "targets": "target",
    "weight": "weightOptional",
    "pos_weight": "posWeightOptional",
    "grad_output": "gradOutput",
}  # of the NumPy functions


class AclError(AssertionError):
    """A call that a test expects to succeed did not."""


@dataclass
class PhaseOne:
    """What phase one returned and wrote."""

    status: int
    workspace_size: int
    executor: int
    text: str


POISON_SIZE, POISON_EXECUTOR = 0xDEAD_BEEF, 0x1234_5678


class Acl:
    """The libraries of an installation, loaded into this process."""

    def __init__(self, root: Path) -> None:
        lib = root / "lib64"
        self.runtime = ctypes.CDLL(str(lib / "libascendcl.so"))
        self.base = ctypes.CDLL(str(lib / "libnnopbase.so"))
        self.operators = ctypes.CDLL(str(lib / "libopapi.so"))
        self.runtime.aclGetRecentErrMsg.restype = c_char_p
        self.runtime.aclrtGetSocName.restype = c_char_p
        self.base.aclCreateTensor.restype = c_void_p
        self.base.aclCreateTensor.argtypes = [
            *(POINTER(c_int64), c_uint64, c_int32, POINTER(c_int64), c_int64, c_int32),
            *(POINTER(c_int64), c_uint64, c_void_p),
        ]
        self.base.aclDestroyTensor.argtypes = [c_void_p]
        for name in ("aclSetAclOpExecutorRepeatable", "aclDestroyAclOpExecutor"):
            getattr(self.base, name).argtypes = [c_void_p]
        self.runtime.aclrtMalloc.argtypes = [POINTER(c_void_p), c_size_t, c_int32]
        self.runtime.aclrtFree.argtypes = [c_void_p]
        self.runtime.aclrtMemcpy.argtypes = [c_void_p, c_size_t, c_void_p, c_size_t, c_int32]
        self.runtime.aclrtSynchronizeStream.argtypes = [c_void_p]
        for op, parameters in PARAMETERS.items():
            tensors: list[Any] = [c_void_p] * (len(parameters) - 1)
            one = getattr(self.operators, PHASE_ONE[op])
            one.argtypes = [*tensors, c_int64, c_void_p, c_void_p, c_void_p]
            getattr(self.operators, op).argtypes = [c_void_p, c_uint64, c_void_p, c_void_p]

    @classmethod
    def start(cls, root: Path) -> Acl:
        """Load, initialise and set device 0."""
        acl = cls(root)
        acl.check(acl.runtime.aclInit(None), 0, 100002)
        acl.check(acl.runtime.aclrtSetDevice(0))
        return acl

    def recent(self) -> str:
        """The messages of this thread, which are then forgotten."""
        return (self.runtime.aclGetRecentErrMsg() or b"").decode()

    def check(self, status: int, *allowed: int) -> int:
        if status not in (allowed or (0,)):
            raise AclError(f"status {status}: {self.recent()}")
        return status

    # ---- memory ------------------------------------------------------------------------------------------------

    def malloc(self, size: int) -> int:
        pointer = c_void_p()
        self.check(self.runtime.aclrtMalloc(byref(pointer), size, 0))
        return pointer.value or 0

    def free(self, address: int) -> None:
        self.check(self.runtime.aclrtFree(address))

    def upload(self, address: int, data: bytes) -> None:
        if data:
            self.check(self.runtime.aclrtMemcpy(address, len(data), data, len(data), 1))

    def download(self, address: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        if size:
            self.check(self.runtime.aclrtMemcpy(buffer, size, address, size, 2))
        return buffer.raw

    def synchronize(self) -> None:
        self.check(self.runtime.aclrtSynchronizeStream(None))

    @contextmanager
    def on_device(self, data: bytes) -> Iterator[int]:
        """A copy of the bytes in device memory."""
        address = self.malloc(max(len(data), 1))
        try:
            self.upload(address, data)
            yield address
        finally:
            self.free(address)

    # ---- tensors and operators ---------------------------------------------------------------------------------

    def create_tensor(
        self,
        shape: Sequence[int],
        dtype: int,
        address: int | None,
        *,
        strides: Sequence[int] | None = None,
        offset: int = 0,
        form: int = ND,
        storage: Sequence[int] | None = None,
    ) -> int | None:
        """aclCreateTensor as it is; None when it fails. Rank 0 passes NULL for its dims, as real callers do."""

        def array(dims: Sequence[int] | None) -> Any:
            return (c_int64 * len(dims))(*dims) if dims else None

        held = shape if storage is None else storage
        made = self.base.aclCreateTensor(
            *(array(shape), len(shape), dtype, array(strides), offset, form),
            *(array(held), len(held), address),
        )
        return None if made is None else int(made)

    def destroy_tensor(self, tensor: int | None) -> None:
        self.check(self.base.aclDestroyTensor(tensor))

    def phase_one(
        self,
        op: str,
        tensors: Sequence[int | None],
        reduction: int,
        *,
        no_size: bool = False,
        no_executor: bool = False,
    ) -> PhaseOne:
        """Phase one; the outputs hold poison before, so that what was written is seen."""
        size, executor = c_uint64(POISON_SIZE), c_void_p(POISON_EXECUTOR)
        status = getattr(self.operators, PHASE_ONE[op])(
            *tensors[:-1],
            reduction,
            tensors[-1],
            None if no_size else byref(size),
            None if no_executor else byref(executor),
        )
        return PhaseOne(status, size.value, executor.value or 0, self.recent())

    def phase_two(self, op: str, workspace: int | None, size: int, executor: int, stream: int | None = None) -> int:
        return int(getattr(self.operators, op)(workspace, size, executor, stream))

    def execute(self, op: str, tensors: Sequence[int | None], reduction: int) -> None:
        """Both phases on the default stream, with a workspace of the size that is asked for, and the wait."""
        one = self.phase_one(op, tensors, reduction)
        if one.status:
            raise AclError(f"{op}: status {one.status}: {one.text}")
        workspace = self.malloc(one.workspace_size) if one.workspace_size else None
        try:
            self.check(self.phase_two(op, workspace, one.workspace_size, one.executor))
            self.synchronize()
        finally:
            if workspace:
                self.free(workspace)
