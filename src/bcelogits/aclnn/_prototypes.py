"""Prototypes of the C functions that are called: result type, then parameter types."""

from __future__ import annotations

from ctypes import (
    POINTER,
    c_bool,
    c_char_p,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

__all__ = ["OPERATORS", "PROTOTYPES", "Prototype"]

Prototype = tuple[Any, ...]

STATUS = ENUM = c_int32
STREAM = EVENT = CONTEXT = TENSOR = EXECUTOR = DATA = c_void_p
HANDLE_OUT, INT_OUT, ENUM_OUT, FLOAT_OUT = POINTER(c_void_p), POINTER(c_int32), POINTER(c_int32), POINTER(c_float)
UINT_OUT, SIZE_OUT, INT64_OUT, UINT64_OUT = POINTER(c_uint32), POINTER(c_size_t), POINTER(c_int64), POINTER(c_uint64)
DIMS = POINTER(c_int64)
DIMS_OUT = POINTER(POINTER(c_int64))

RUNTIME: dict[str, Prototype] = {
    "aclInit": (STATUS, c_char_p),
    "aclFinalize": (STATUS,),
    "aclFinalizeReference": (STATUS, UINT64_OUT),
    "aclGetRecentErrMsg": (c_char_p,),
    "aclDataTypeSize": (c_size_t, ENUM),
    "aclAppLog": (None, ENUM, c_char_p, c_char_p, c_uint32, c_char_p, c_char_p),  # variadic: "%s" and its text
    "aclrtGetVersion": (STATUS, INT_OUT, INT_OUT, INT_OUT),
    "aclrtGetSocName": (c_char_p,),
    "aclrtGetRunMode": (STATUS, ENUM_OUT),
    # Devices and contexts
    "aclrtSetDevice": (STATUS, c_int32),
    "aclrtResetDevice": (STATUS, c_int32),
    "aclrtGetDevice": (STATUS, INT_OUT),
    "aclrtGetDeviceCount": (STATUS, UINT_OUT),
    "aclrtSynchronizeDevice": (STATUS,),
    "aclrtSynchronizeDeviceWithTimeout": (STATUS, c_int32),
    "aclrtCreateContext": (STATUS, HANDLE_OUT, c_int32),
    "aclrtDestroyContext": (STATUS, CONTEXT),
    "aclrtSetCurrentContext": (STATUS, CONTEXT),
    "aclrtGetCurrentContext": (STATUS, HANDLE_OUT),
    # Streams
    "aclrtCreateStream": (STATUS, HANDLE_OUT),
    "aclrtCreateStreamWithConfig": (STATUS, HANDLE_OUT, c_uint32, c_uint32),
    "aclrtDestroyStream": (STATUS, STREAM),
    "aclrtDestroyStreamForce": (STATUS, STREAM),
    "aclrtSynchronizeStream": (STATUS, STREAM),
    "aclrtSynchronizeStreamWithTimeout": (STATUS, STREAM, c_int32),
    "aclrtStreamQuery": (STATUS, STREAM, ENUM_OUT),
    "aclrtStreamWaitEvent": (STATUS, STREAM, EVENT),
    # Events
    "aclrtCreateEvent": (STATUS, HANDLE_OUT),
    "aclrtCreateEventWithFlag": (STATUS, HANDLE_OUT, c_uint32),
    "aclrtCreateEventExWithFlag": (STATUS, HANDLE_OUT, c_uint32),
    "aclrtDestroyEvent": (STATUS, EVENT),
    "aclrtRecordEvent": (STATUS, EVENT, STREAM),
    "aclrtResetEvent": (STATUS, EVENT, STREAM),
    "aclrtSynchronizeEvent": (STATUS, EVENT),
    "aclrtSynchronizeEventWithTimeout": (STATUS, EVENT, c_int32),
    "aclrtQueryEvent": (STATUS, EVENT, ENUM_OUT),
    "aclrtQueryEventStatus": (STATUS, EVENT, ENUM_OUT),
    "aclrtEventElapsedTime": (STATUS, FLOAT_OUT, EVENT, EVENT),
    # Host callbacks
    "aclrtSubscribeReport": (STATUS, c_uint64, STREAM),
    "aclrtUnSubscribeReport": (STATUS, c_uint64, STREAM),
    "aclrtLaunchCallback": (STATUS, DATA, DATA, ENUM, STREAM),
    "aclrtProcessReport": (STATUS, c_int32),
    # Memory
    "aclrtMalloc": (STATUS, HANDLE_OUT, c_size_t, ENUM),
    "aclrtMallocCached": (STATUS, HANDLE_OUT, c_size_t, ENUM),
    "aclrtFree": (STATUS, DATA),
    "aclrtMallocHost": (STATUS, HANDLE_OUT, c_size_t),
    "aclrtFreeHost": (STATUS, DATA),
    "aclrtMemcpy": (STATUS, DATA, c_size_t, DATA, c_size_t, ENUM),
    "aclrtMemcpyAsync": (STATUS, DATA, c_size_t, DATA, c_size_t, ENUM, STREAM),
    "aclrtMemset": (STATUS, DATA, c_size_t, c_int32, c_size_t),
    "aclrtMemsetAsync": (STATUS, DATA, c_size_t, c_int32, c_size_t, STREAM),
    "aclrtGetMemInfo": (STATUS, ENUM, SIZE_OUT, SIZE_OUT),
}

META: dict[str, Prototype] = {
    "aclnnInit": (STATUS, c_char_p),
    "aclnnFinalize": (STATUS,),
    "aclCreateTensor": (TENSOR, DIMS, c_uint64, ENUM, DIMS, c_int64, ENUM, DIMS, c_uint64, DATA),
    "aclDestroyTensor": (STATUS, TENSOR),
    "aclCreateScalar": (c_void_p, DATA, ENUM),
    "aclDestroyScalar": (STATUS, c_void_p),
    "aclCreateIntArray": (c_void_p, DIMS, c_uint64),
    "aclDestroyIntArray": (STATUS, c_void_p),
    "aclCreateFloatArray": (c_void_p, POINTER(c_float), c_uint64),
    "aclDestroyFloatArray": (STATUS, c_void_p),
    "aclCreateBoolArray": (c_void_p, POINTER(c_bool), c_uint64),
    "aclDestroyBoolArray": (STATUS, c_void_p),
    "aclCreateTensorList": (c_void_p, HANDLE_OUT, c_uint64),
    "aclDestroyTensorList": (STATUS, c_void_p),
    "aclGetViewShape": (STATUS, TENSOR, DIMS_OUT, UINT64_OUT),
    "aclGetStorageShape": (STATUS, TENSOR, DIMS_OUT, UINT64_OUT),
    "aclGetViewStrides": (STATUS, TENSOR, DIMS_OUT, UINT64_OUT),
    "aclGetViewOffset": (STATUS, TENSOR, INT64_OUT),
    "aclGetFormat": (STATUS, TENSOR, ENUM_OUT),
    "aclGetDataType": (STATUS, TENSOR, ENUM_OUT),
    "aclGetRawTensorAddr": (STATUS, TENSOR, HANDLE_OUT),
    "aclSetRawTensorAddr": (STATUS, TENSOR, DATA),
    "aclSetAclOpExecutorRepeatable": (STATUS, EXECUTOR),
    "aclDestroyAclOpExecutor": (STATUS, EXECUTOR),
    "aclSetInputTensorAddr": (STATUS, EXECUTOR, c_size_t, TENSOR, DATA),
    "aclSetOutputTensorAddr": (STATUS, EXECUTOR, c_size_t, TENSOR, DATA),
    "aclSetTensorAddr": (STATUS, EXECUTOR, c_size_t, TENSOR, DATA),
}

# Operators: the number of tensors before the reduction.
OPERATORS = {
    "aclnnBinaryCrossEntropyWithLogits": 4,
    "aclnnBinaryCrossEntropyWithLogitsBackward": 5,
    "aclnnBinaryCrossEntropyWithLogitsTargetBackward": 5,
}

PROTOTYPES: dict[str, Prototype] = RUNTIME | META
for _name, _tensors in OPERATORS.items():
    PROTOTYPES[_name] = (STATUS, DATA, c_uint64, EXECUTOR, STREAM)
    _inputs = (TENSOR,) * _tensors
    PROTOTYPES[f"{_name}GetWorkspaceSize"] = (STATUS, *_inputs, c_int64, TENSOR, UINT64_OUT, HANDLE_OUT)
