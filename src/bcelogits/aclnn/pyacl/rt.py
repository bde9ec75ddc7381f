"""`acl.rt`: devices, contexts, streams, events, callbacks and memory."""

from __future__ import annotations

from ctypes import byref, c_float, c_int32, c_size_t, c_uint32
from typing import Any

from bcelogits.aclnn.pyacl import _threads
from bcelogits.aclnn.pyacl._calls import new_handle, new_value, status

# Names of pyACL, in the order of its documentation.
__all__ = [
    "create_context",
    "create_event",
    "create_event_ex_with_flag",
    "create_event_with_flag",
    "create_stream",
    "create_stream_with_config",
    "destroy_context",
    "destroy_event",
    "destroy_stream",
    "event_elapsed_time",
    "free",
    "free_host",
    "get_context",
    "get_device",
    "get_device_count",
    "get_mem_info",
    "get_run_mode",
    "launch_callback",
    "malloc",
    "malloc_cached",
    "malloc_host",
    "memcpy",
    "memcpy_async",
    "memset",
    "memset_async",
    "process_report",
    "query_event",
    "query_event_status",
    "record_event",
    "reset_device",
    "reset_event",
    "set_context",
    "set_device",
    "stream_query",
    "stream_wait_event",
    "subscribe_report",
    "synchronize_device",
    "synchronize_event",
    "synchronize_stream",
    "synchronize_stream_with_timeout",
    "unsubscribe_report",
]

# ---- devices and contexts ----------------------------------------------------------------------------------------


def set_device(device_id: int) -> int:
    """``aclrtSetDevice``."""
    return status("aclrtSetDevice", device_id)


def reset_device(device_id: int) -> int:
    """``aclrtResetDevice``."""
    return status("aclrtResetDevice", device_id)


def get_device() -> tuple[int, int]:
    """``aclrtGetDevice``."""
    return new_value(c_int32(), "aclrtGetDevice")


def get_device_count() -> tuple[int, int]:
    """``aclrtGetDeviceCount``."""
    return new_value(c_uint32(), "aclrtGetDeviceCount")


def get_run_mode() -> tuple[int, int]:
    """``aclrtGetRunMode``: 1 is ACL_HOST."""
    return new_value(c_int32(), "aclrtGetRunMode")


def synchronize_device() -> int:
    """``aclrtSynchronizeDevice``."""
    return status("aclrtSynchronizeDevice")


def create_context(device_id: int) -> tuple[int, int]:
    """``aclrtCreateContext``."""
    return new_handle("aclrtCreateContext", device_id)


def destroy_context(context: int) -> int:
    """``aclrtDestroyContext``."""
    return status("aclrtDestroyContext", context)


def set_context(context: int) -> int:
    """``aclrtSetCurrentContext``."""
    return status("aclrtSetCurrentContext", context)


def get_context() -> tuple[int, int]:
    """``aclrtGetCurrentContext``."""
    return new_handle("aclrtGetCurrentContext")


# ---- streams -----------------------------------------------------------------------------------------------------


def create_stream() -> tuple[int, int]:
    """``aclrtCreateStream``."""
    return new_handle("aclrtCreateStream")


def create_stream_with_config(priority: int, flag: int) -> tuple[int, int]:
    """``aclrtCreateStreamWithConfig``."""
    return new_handle("aclrtCreateStreamWithConfig", priority, flag)


def destroy_stream(stream: int) -> int:
    """``aclrtDestroyStream``."""
    return status("aclrtDestroyStream", stream)


def synchronize_stream(stream: int) -> int:
    """``aclrtSynchronizeStream``; 0 is the default stream."""
    return status("aclrtSynchronizeStream", stream)


def synchronize_stream_with_timeout(stream: int, timeout: int) -> int:
    """``aclrtSynchronizeStreamWithTimeout``, in milliseconds."""
    return status("aclrtSynchronizeStreamWithTimeout", stream, timeout)


def stream_query(stream: int) -> tuple[int, int]:
    """``aclrtStreamQuery``: 0 is complete, 1 not ready."""
    return new_value(c_int32(), "aclrtStreamQuery", stream)


def stream_wait_event(stream: int, event: int) -> int:
    """``aclrtStreamWaitEvent``."""
    return status("aclrtStreamWaitEvent", stream, event)


# ---- events ------------------------------------------------------------------------------------------------------


def create_event() -> tuple[int, int]:
    """``aclrtCreateEvent``."""
    return new_handle("aclrtCreateEvent")


def create_event_with_flag(flag: int) -> tuple[int, int]:
    """``aclrtCreateEventWithFlag``."""
    return new_handle("aclrtCreateEventWithFlag", flag)


def create_event_ex_with_flag(flag: int) -> tuple[int, int]:
    """``aclrtCreateEventExWithFlag``."""
    return new_handle("aclrtCreateEventExWithFlag", flag)


def destroy_event(event: int) -> int:
    """``aclrtDestroyEvent``."""
    return status("aclrtDestroyEvent", event)


def record_event(event: int, stream: int) -> int:
    """``aclrtRecordEvent``; 0 is the default stream."""
    return status("aclrtRecordEvent", event, stream)


def reset_event(event: int, stream: int) -> int:
    """``aclrtResetEvent``."""
    return status("aclrtResetEvent", event, stream)


def synchronize_event(event: int) -> int:
    """``aclrtSynchronizeEvent``."""
    return status("aclrtSynchronizeEvent", event)


def query_event(event: int) -> tuple[int, int]:
    """``aclrtQueryEvent``: 0 is complete, 1 not ready."""
    return new_value(c_int32(), "aclrtQueryEvent", event)


def query_event_status(event: int) -> tuple[int, int]:
    """``aclrtQueryEventStatus``: 0 is not ready, 1 complete."""
    return new_value(c_int32(), "aclrtQueryEventStatus", event)


def event_elapsed_time(start: int, end: int) -> tuple[float, int]:
    """``aclrtEventElapsedTime``, in milliseconds."""
    milliseconds = c_float()
    code = status("aclrtEventElapsedTime", byref(milliseconds), start, end)
    return milliseconds.value, code


# ---- host callbacks ----------------------------------------------------------------------------------------------


def subscribe_report(thread_id: int, stream: int) -> int:
    """``aclrtSubscribeReport``."""
    return status("aclrtSubscribeReport", thread_id, stream)


def unsubscribe_report(thread_id: int, stream: int) -> int:
    """``aclrtUnSubscribeReport``."""
    return status("aclrtUnSubscribeReport", thread_id, stream)


def launch_callback(fn: Any, user_data: Any, block_type: int, stream: int) -> int:
    """``aclrtLaunchCallback``: ``fn(user_data)`` runs in the thread that has subscribed the stream."""
    with _threads.callback(fn, user_data) as (function, argument, keep):
        code = status("aclrtLaunchCallback", function, argument, block_type, stream)
        if code == 0:
            keep()
    return code


def process_report(timeout: int) -> int:
    """``aclrtProcessReport``, in milliseconds; -1 waits for ever."""
    _threads.check_stopped()
    return status("aclrtProcessReport", timeout)


# ---- memory ------------------------------------------------------------------------------------------------------


def malloc(size: int, policy: int) -> tuple[int, int]:
    """``aclrtMalloc``."""
    return new_handle("aclrtMalloc", size, policy)


def malloc_cached(size: int, policy: int) -> tuple[int, int]:
    """``aclrtMallocCached``."""
    return new_handle("aclrtMallocCached", size, policy)


def free(ptr: int) -> int:
    """``aclrtFree``."""
    return status("aclrtFree", ptr)


def malloc_host(size: int) -> tuple[int, int]:
    """``aclrtMallocHost``."""
    return new_handle("aclrtMallocHost", size)


def free_host(ptr: int) -> int:
    """``aclrtFreeHost``."""
    return status("aclrtFreeHost", ptr)


def memcpy(dst: int, dest_max: int, src: int, count: int, kind: int) -> int:
    """``aclrtMemcpy``."""
    return status("aclrtMemcpy", dst, dest_max, src, count, kind)


def memcpy_async(dst: int, dest_max: int, src: int, count: int, kind: int, stream: int) -> int:
    """``aclrtMemcpyAsync``."""
    return status("aclrtMemcpyAsync", dst, dest_max, src, count, kind, stream)


def memset(ptr: int, max_count: int, value: int, count: int) -> int:
    """``aclrtMemset``."""
    return status("aclrtMemset", ptr, max_count, value, count)


def memset_async(ptr: int, max_count: int, value: int, count: int, stream: int) -> int:
    """``aclrtMemsetAsync``."""
    return status("aclrtMemsetAsync", ptr, max_count, value, count, stream)


def get_mem_info(attr: int) -> tuple[int, int, int]:
    """``aclrtGetMemInfo``: bytes free, bytes in all, status."""
    free_bytes, total = c_size_t(), c_size_t()
    code = status("aclrtGetMemInfo", attr, byref(free_bytes), byref(total))
    return free_bytes.value, total.value, code
