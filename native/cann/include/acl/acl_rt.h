// The ACL runtime: set-up, devices, contexts, streams, events, host callbacks, memory and diagnostics.
#ifndef BCELOGITS_ACL_ACL_RT_H_
#define BCELOGITS_ACL_ACL_RT_H_

#include <stddef.h>
#include <stdint.h>

#include "acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What holds for every function that returns aclError, and is not repeated below:
 *   0       ACL_SUCCESS
 *   107000  ACL_ERROR_RT_PARAM_INVALID: a NULL output, or a value that is not allowed
 *   107002  ACL_ERROR_RT_CONTEXT_NULL: the function needs a context and this thread has none
 *   107003  ACL_ERROR_RT_STREAM_CONTEXT: the stream is not of the current context
 *   107017  ACL_ERROR_RT_INVALID_HANDLE: a stream, event or context that does not exist or was destroyed
 * aclGetRecentErrMsg then says what was wrong. Outputs are only written on success.
 * A NULL stream is the default stream of this thread's current context. Work in one stream runs in order.
 * "Device" memory is memory of this machine; only go through the functions here if the program is to run on an NPU too.
 */

/** Flags of aclrtCreateStreamWithConfig; combine with |. They are accepted; all streams behave the same here. */
#define ACL_STREAM_FAST_LAUNCH 0x00000001U
#define ACL_STREAM_FAST_SYNC 0x00000002U
#define ACL_STREAM_PERSISTENT 0x00000004U
#define ACL_STREAM_HUGE 0x00000008U
#define ACL_STREAM_CPU_SCHEDULE 0x00000010U
#define ACL_STREAM_DEVICE_USE_ONLY 0x00000020U

/** Flags of aclrtCreateEventWithFlag; combine with |. Without ACL_EVENT_SYNC no stream may wait for the event. */
#define ACL_EVENT_SYNC 0x00000001U
#define ACL_EVENT_CAPTURE_STREAM_PROGRESS 0x00000002U
#define ACL_EVENT_TIME_LINE 0x00000008U
#define ACL_EVENT_DEVICE_USE_ONLY 0x00000010U
#define ACL_EVENT_EXTERNAL 0x00000020U
#define ACL_EVENT_IPC 0x00000040U

/** Modes of aclrtSetStreamFailureMode. */
#define ACL_CONTINUE_ON_FAILURE 0x00000000U
#define ACL_STOP_ON_FAILURE 0x00000001U

/** Sizes of the texts of a version, with the closing zero. */
#define ACL_PKG_VERSION_MAX_SIZE 128
#define ACL_PKG_VERSION_PARTS_MAX_SIZE 64

/** Whether this process runs on the board of the NPU (ACL_DEVICE) or on a host (ACL_HOST). */
typedef enum aclrtRunMode { ACL_DEVICE = 0, ACL_HOST = 1 } aclrtRunMode;

/** State of a device. */
typedef enum aclrtDeviceStatus {
  ACL_RT_DEVICE_STATUS_NORMAL = 0,
  ACL_RT_DEVICE_STATUS_ABNORMAL = 1,
  ACL_RT_DEVICE_STATUS_END = 0xFFFF
} aclrtDeviceStatus;

/** What arithmetic does on overflow: largest finite number, or infinity and NaN. */
typedef enum aclrtFloatOverflowMode {
  ACL_RT_OVERFLOW_MODE_SATURATION = 0,
  ACL_RT_OVERFLOW_MODE_INFNAN = 1,
  ACL_RT_OVERFLOW_MODE_UNDEF = 2
} aclrtFloatOverflowMode;

/** State of a stream, see aclrtStreamQuery. */
typedef enum aclrtStreamStatus {
  ACL_STREAM_STATUS_COMPLETE = 0,
  ACL_STREAM_STATUS_NOT_READY = 1,
  ACL_STREAM_STATUS_RESERVED = 0xFFFF
} aclrtStreamStatus;

/** State of an event, see aclrtQueryEvent. The numbers are opposite to aclrtEventRecordedStatus. */
typedef enum aclrtEventStatus {
  ACL_EVENT_STATUS_COMPLETE = 0,
  ACL_EVENT_STATUS_NOT_READY = 1,
  ACL_EVENT_STATUS_RESERVED = 2
} aclrtEventStatus;

/** State of what an event recorded, see aclrtQueryEventStatus. */
typedef enum aclrtEventRecordedStatus {
  ACL_EVENT_RECORDED_STATUS_NOT_READY = 0,
  ACL_EVENT_RECORDED_STATUS_COMPLETE = 1
} aclrtEventRecordedStatus;

/** State of the waits for an event, see aclrtQueryEventWaitStatus. */
typedef enum aclrtEventWaitStatus {
  ACL_EVENT_WAIT_STATUS_COMPLETE = 0,
  ACL_EVENT_WAIT_STATUS_NOT_READY = 1,
  ACL_EVENT_WAIT_STATUS_RESERVED = 0xFFFF
} aclrtEventWaitStatus;

/** Whether later work of the stream waits for a callback. */
typedef enum aclrtCallbackBlockType { ACL_CALLBACK_NO_BLOCK = 0, ACL_CALLBACK_BLOCK = 1 } aclrtCallbackBlockType;

/** What memory to allocate. All choices give the same memory here; values outside the enum are tolerated. */
typedef enum aclrtMemMallocPolicy {
  ACL_MEM_MALLOC_HUGE_FIRST = 0,
  ACL_MEM_MALLOC_HUGE_ONLY = 1,
  ACL_MEM_MALLOC_NORMAL_ONLY = 2,
  ACL_MEM_MALLOC_HUGE_FIRST_P2P = 3,
  ACL_MEM_MALLOC_HUGE_ONLY_P2P = 4,
  ACL_MEM_MALLOC_NORMAL_ONLY_P2P = 5,
  ACL_MEM_MALLOC_HUGE1G_ONLY = 6,
  ACL_MEM_MALLOC_HUGE1G_ONLY_P2P = 7,
  ACL_MEM_TYPE_LOW_BAND_WIDTH = 0x0100,
  ACL_MEM_TYPE_HIGH_BAND_WIDTH = 0x1000,
  ACL_MEM_ACCESS_USER_SPACE_READONLY = 0x100000
} aclrtMemMallocPolicy;

/** From where to where a copy goes. */
typedef enum aclrtMemcpyKind {
  ACL_MEMCPY_HOST_TO_HOST = 0,
  ACL_MEMCPY_HOST_TO_DEVICE = 1,
  ACL_MEMCPY_DEVICE_TO_HOST = 2,
  ACL_MEMCPY_DEVICE_TO_DEVICE = 3,
  ACL_MEMCPY_DEFAULT = 4,
  ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE = 5,
  ACL_MEMCPY_INNER_DEVICE_TO_DEVICE = 6,
  ACL_MEMCPY_INTER_DEVICE_TO_DEVICE = 7
} aclrtMemcpyKind;

/** Which memory aclrtGetMemInfo counts. */
typedef enum aclrtMemAttr {
  ACL_DDR_MEM = 0,
  ACL_HBM_MEM = 1,
  ACL_DDR_MEM_HUGE = 2,
  ACL_DDR_MEM_NORMAL = 3,
  ACL_HBM_MEM_HUGE = 4,
  ACL_HBM_MEM_NORMAL = 5,
  ACL_DDR_MEM_P2P_HUGE = 6,
  ACL_DDR_MEM_P2P_NORMAL = 7,
  ACL_HBM_MEM_P2P_HUGE = 8,
  ACL_HBM_MEM_P2P_NORMAL = 9,
  ACL_HBM_MEM_HUGE1G = 10,
  ACL_HBM_MEM_P2P_HUGE1G = 11,
  ACL_MEM_NORMAL = 12,
  ACL_MEM_HUGE = 13,
  ACL_MEM_HUGE1G = 14,
  ACL_MEM_P2P_NORMAL = 15,
  ACL_MEM_P2P_HUGE = 16,
  ACL_MEM_P2P_HUGE1G = 17
} aclrtMemAttr;

/** Where an address lies. */
typedef enum aclrtMemLocationType {
  ACL_MEM_LOCATION_TYPE_HOST = 0,
  ACL_MEM_LOCATION_TYPE_DEVICE = 1,
  ACL_MEM_LOCATION_TYPE_UNREGISTERED = 2,
  ACL_MEM_LOCATION_TYPE_MANAGED = 3,
  ACL_MEM_LOCATION_TYPE_HOST_NUMA = 4
} aclrtMemLocationType;

/** What aclrtGetDeviceInfo answers: numbers of cores, bytes of memory, identifiers. */
typedef enum aclrtDevAttr {
  ACL_DEV_ATTR_AICPU_CORE_NUM = 1,
  ACL_DEV_ATTR_AICORE_CORE_NUM = 101,
  ACL_DEV_ATTR_CUBE_CORE_NUM = 102,
  ACL_DEV_ATTR_VECTOR_CORE_NUM = 201,
  ACL_DEV_ATTR_WARP_SIZE = 202,
  ACL_DEV_ATTR_MAX_THREAD_PER_VECTOR_CORE = 203,
  ACL_DEV_ATTR_LOCAL_MEM_PER_VECTOR_CORE = 204,
  ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE = 301,
  ACL_DEV_ATTR_L2_CACHE_SIZE = 302,
  ACL_DEV_ATTR_SMP_ID = 401,
  ACL_DEV_ATTR_PHY_CHIP_ID = 402,
  ACL_DEV_ATTR_SUPER_POD_DEVIDE_ID = 403, /* spelled so in the documents */
  ACL_DEV_ATTR_SUPER_POD_SERVER_ID = 404,
  ACL_DEV_ATTR_SUPER_POD_ID = 405,
  ACL_DEV_ATTR_CUST_OP_PRIVILEGE = 406,
  ACL_DEV_ATTR_MAINBOARD_ID = 407,
  ACL_DEV_ATTR_IS_VIRTUAL = 501,
  ACL_DEV_ATTR_NPU_ARCH = 601
} aclrtDevAttr;

/** What aclGetDeviceCapability answers. */
typedef enum aclDeviceInfo {
  ACL_DEVICE_INFO_UNDEFINED = -1,
  ACL_DEVICE_INFO_AI_CORE_NUM = 0,
  ACL_DEVICE_INFO_VECTOR_CORE_NUM = 1,
  ACL_DEVICE_INFO_L2_SIZE = 2
} aclDeviceInfo;

/** Abilities of the software. */
typedef enum aclCannAttr {
  ACL_CANN_ATTR_UNDEFINED = -1,
  ACL_CANN_ATTR_INF_NAN = 0,
  ACL_CANN_ATTR_BF16 = 1,
  ACL_CANN_ATTR_JIT_COMPILE = 2
} aclCannAttr;

/** Settings of the process or of a context. Results here are deterministic whatever is set. */
typedef enum aclSysParamOpt {
  ACL_OPT_DETERMINISTIC = 0,
  ACL_OPT_ENABLE_DEBUG_KERNEL = 1,
  ACL_OPT_STRONG_CONSISTENCY = 2
} aclSysParamOpt;

/** Whose last error is asked for. */
typedef enum aclrtLastErrLevel { ACL_RT_THREAD_LEVEL = 0 } aclrtLastErrLevel;

/** A part of the software whose version can be asked for. */
typedef enum aclCANNPackageName {
  ACL_PKG_NAME_CANN = 0,
  ACL_PKG_NAME_RUNTIME = 1,
  ACL_PKG_NAME_COMPILER = 2,
  ACL_PKG_NAME_HCCL = 3,
  ACL_PKG_NAME_TOOLKIT = 4,
  ACL_PKG_NAME_OPP = 5,
  ACL_PKG_NAME_OPP_KERNEL = 6,
  ACL_PKG_NAME_DRIVER = 7
} aclCANNPackageName;

/** A version: all of it, and its parts ("0" where there is none). */
typedef struct aclCANNPackageVersion {
  char version[ACL_PKG_VERSION_MAX_SIZE];
  char majorVersion[ACL_PKG_VERSION_PARTS_MAX_SIZE];
  char minorVersion[ACL_PKG_VERSION_PARTS_MAX_SIZE];
  char releaseVersion[ACL_PKG_VERSION_PARTS_MAX_SIZE];
  char patchVersion[ACL_PKG_VERSION_PARTS_MAX_SIZE];
  char reserved[ACL_PKG_VERSION_MAX_SIZE];
} aclCANNPackageVersion;

/** Called by aclrtProcessReport. It must not allocate, free, synchronise or enqueue. */
typedef void (*aclrtCallback)(void* userData);

/** Called by a stream, see aclrtLaunchHostFunc. It must not allocate, free, synchronise or enqueue. */
typedef void (*aclrtHostFunc)(void* args);

/* ---- Set-up ---- */

/**
 * Initialises the process.
 * @param[in] configPath  Path of a JSON file of settings, or NULL.
 * @return 100002 if the process is initialised already (harmless; the new settings are ignored), 100003 if the file
 *         cannot be read, 100006 if it is not JSON or nested deeper than 10.
 */
ACL_FUNC_VISIBILITY aclError aclInit(const char* configPath);

/** Ends what aclInit began, however often it was called. @return 100037 on a second call. */
ACL_FUNC_VISIBILITY aclError aclFinalize(void);

/** Takes one aclInit back; the last one finalizes. @param[out] refCount  Calls that remain; may be NULL. */
ACL_FUNC_VISIBILITY aclError aclFinalizeReference(uint64_t* refCount);

/* ---- Devices ---- */

/**
 * Makes a device current on this thread, with its default context, which all threads share. Counted: see
 * aclrtResetDevice. @param[in] deviceId  From 0. @return 107001 if there is no such device.
 */
ACL_FUNC_VISIBILITY aclError aclrtSetDevice(int32_t deviceId);

/** Takes one aclrtSetDevice back; the last one waits for the device and frees its default context. */
ACL_FUNC_VISIBILITY aclError aclrtResetDevice(int32_t deviceId);

/** Frees the device's default context at once, whatever the count. An error if that is done already. */
ACL_FUNC_VISIBILITY aclError aclrtResetDeviceForce(int32_t deviceId);

/** The device of this thread's current context. @return 107002 if there is none. */
ACL_FUNC_VISIBILITY aclError aclrtGetDevice(int32_t* deviceId);

/** Number of devices. */
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceCount(uint32_t* count);

/** Where this process runs: always ACL_HOST here. */
ACL_FUNC_VISIBILITY aclError aclrtGetRunMode(aclrtRunMode* runMode);

/** Name of the processor that is imitated, for example "Ascend910B2"; NULL on failure. Not to be freed. */
ACL_FUNC_VISIBILITY const char* aclrtGetSocName(void);

/** Waits for all work of the current context's device; returns the error of work that failed. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDevice(void);

/** The same for at most timeout milliseconds; -1: for ever. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout);

/** A property of a device. @param[out] value  A number of cores or bytes. */
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t* value);

/** A property of a device, older form. @param[out] value  A number of cores or bytes. */
ACL_FUNC_VISIBILITY aclError aclGetDeviceCapability(uint32_t deviceId, aclDeviceInfo deviceInfo, int64_t* value);

/** Whether peer access can be enabled: here never, copies between devices work without. @param[out] canAccessPeer  0 */
ACL_FUNC_VISIBILITY aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId);

/** What arithmetic does on overflow: ACL_RT_OVERFLOW_MODE_INFNAN, as always here; others give 207000, not supported. */
ACL_FUNC_VISIBILITY aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode);

/** The same, asked. @param[out] mode  ACL_RT_OVERFLOW_MODE_INFNAN */
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode);

/* ---- Contexts ---- */

/** Creates a context with a default stream and makes it current on this thread. */
ACL_FUNC_VISIBILITY aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId);

/** Destroys a context that aclrtCreateContext made. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyContext(aclrtContext context);

/** Makes a context, and so its device, current on this thread. NULL is an error and changes nothing. */
ACL_FUNC_VISIBILITY aclError aclrtSetCurrentContext(aclrtContext context);

/** This thread's current context. @return 107002 if there is none. */
ACL_FUNC_VISIBILITY aclError aclrtGetCurrentContext(aclrtContext* context);

/** The default stream of the current context. It cannot be destroyed. */
ACL_FUNC_VISIBILITY aclError aclrtCtxGetCurrentDefaultStream(aclrtStream* stream);

/** Whether a device's default context exists. @param[out] flags  0. @param[out] active  1 or 0. */
ACL_FUNC_VISIBILITY aclError aclrtGetPrimaryCtxState(int32_t deviceId, uint32_t* flags, int32_t* active);

/** Sets or gets an option of the process. @return The getter: 107021 if it was never set. */
ACL_FUNC_VISIBILITY aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value);
ACL_FUNC_VISIBILITY aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t* value);

/** Sets or gets an option of the current context. @return The getter: 107021 if it was never set. */
ACL_FUNC_VISIBILITY aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value);
ACL_FUNC_VISIBILITY aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t* value);

/* ---- Streams ---- */

/** Creates a stream in the current context, to be destroyed by aclrtDestroyStream. @return 207008 if too many. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStream(aclrtStream* stream);

/** The same with a priority, 0 (highest) to 7, clamped, and ACL_STREAM_... flags; unknown flags are ignored. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag);

/** Waits for the stream's work, then destroys it. It must be of the current context, and not a default stream. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStream(aclrtStream stream);

/** Destroys the stream without waiting: work that has not begun is dropped. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStreamForce(aclrtStream stream);

/** Waits for the stream's work; returns the error of work that failed. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStream(aclrtStream stream);

/** The same for at most timeout milliseconds; -1: for ever, 0: look once. @return 507046 on time-out. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);

/** Whether the stream has work left, without waiting. */
ACL_FUNC_VISIBILITY aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status);

/** Drops the work of a stream that has not begun; synchronising then returns 107023. NULL is an error. */
ACL_FUNC_VISIBILITY aclError aclrtStreamAbort(aclrtStream stream);

/** A number that names the stream. */
ACL_FUNC_VISIBILITY aclError aclrtStreamGetId(aclrtStream stream, int32_t* streamId);

/** Whether work goes on after a failure (ACL_CONTINUE_ON_FAILURE, the default) or not. Not for default streams. */
ACL_FUNC_VISIBILITY aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode);

/* ---- Events ---- */

/** Creates an event for timing and for waits between streams; destroy it with aclrtDestroyEvent. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEvent(aclrtEvent* event);

/** The same with ACL_EVENT_... flags. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag);

/** The same; such an event may not be used in aclrtResetEvent, aclrtQueryEvent and aclrtQueryEventWaitStatus. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag);

/** Destroys an event at once; work that waits for it still runs as planned. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyEvent(aclrtEvent event);

/** Records the work that the stream holds now. Recording again replaces what was recorded. */
ACL_FUNC_VISIBILITY aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream);

/** Makes a recorded event fresh again, in order with the stream's work. */
ACL_FUNC_VISIBILITY aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream);

/** Lets later work of the stream wait for what the event recorded. Does not block this thread. */
ACL_FUNC_VISIBILITY aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event);

/** The same; the stream waits at most timeout seconds; 0: for ever. */
ACL_FUNC_VISIBILITY aclError aclrtStreamWaitEventWithTimeout(aclrtStream stream, aclrtEvent event, int32_t timeout);

/** How many seconds later aclrtStreamWaitEvent calls of this process wait; 0: for ever, the default. */
ACL_FUNC_VISIBILITY aclError aclrtSetOpWaitTimeout(uint32_t timeout);

/** How many seconds an operator may run. Accepted without effect: every operator here ends by itself. */
ACL_FUNC_VISIBILITY aclError aclrtSetOpExecuteTimeOut(uint32_t timeout);

/** Blocks this thread until what the event recorded is done. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeEvent(aclrtEvent event);

/** The same for at most timeout milliseconds; -1: for ever. @return 507047 on time-out. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout);

/** Whether what the event recorded is done: 1 if so. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status);

/** Whether what the event recorded is done: 0 if so. Deprecated: use aclrtQueryEventStatus. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus* status);

/** Whether all waits for the event are over. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status);

/**
 * Time between two events that are recorded and done. @param[out] ms  Milliseconds.
 * @return 107006 if one has no time, 107007 if endEvent is earlier.
 */
ACL_FUNC_VISIBILITY aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent);

/** When what the event recorded was done. @param[out] timestamp  Microseconds of a clock that only goes forward. */
ACL_FUNC_VISIBILITY aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* timestamp);

/* ---- Host callbacks ---- */

/** Lets a thread run a stream's callbacks, in aclrtProcessReport. @return 107011 if the stream has one already. */
ACL_FUNC_VISIBILITY aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream);

/** Enqueues fn(userData) for the subscribed thread. @return 107015 if the stream has none. */
ACL_FUNC_VISIBILITY aclError aclrtLaunchCallback(aclrtCallback fn, void* userData, aclrtCallbackBlockType blockType,
                                                 aclrtStream stream);

/**
 * Waits for a callback of this thread's streams and runs it. @param[in] timeout  Milliseconds; -1: for ever.
 * @return 507012 on time-out, 107012 if this thread is not subscribed.
 */
ACL_FUNC_VISIBILITY aclError aclrtProcessReport(int32_t timeout);

/** Ends aclrtSubscribeReport. */
ACL_FUNC_VISIBILITY aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream);

/** Enqueues fn(args); later work of the stream waits for it. Needs no subscription. */
ACL_FUNC_VISIBILITY aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void* args);

/* ---- Memory ---- */

/**
 * Allocates device memory on the current device, aligned to 512 bytes, not initialised.
 * @param[out] devPtr  The memory, to be freed by aclrtFree.
 * @param[in] size  Bytes, not 0; rounded up to 32, and 32 more are added.
 * @return 207001 if there is not enough.
 */
ACL_FUNC_VISIBILITY aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy policy);

/** The same without the 32 bytes added. */
ACL_FUNC_VISIBILITY aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy policy);

/** The same as aclrtMalloc. */
ACL_FUNC_VISIBILITY aclError aclrtMallocCached(void** devPtr, size_t size, aclrtMemMallocPolicy policy);

/**
 * Frees device memory at once: synchronise first if work uses it.
 * @return 107000 for NULL and for what aclrtMalloc did not give, 207002 if the program wrote beyond the block.
 */
ACL_FUNC_VISIBILITY aclError aclrtFree(void* devPtr);

/** Allocates host memory that asynchronous copies can use; size in bytes, not 0. Free it with aclrtFreeHost. */
ACL_FUNC_VISIBILITY aclError aclrtMallocHost(void** hostPtr, size_t size);

/** Frees what aclrtMallocHost gave; nothing for NULL. */
ACL_FUNC_VISIBILITY aclError aclrtFreeHost(void* hostPtr);

/** Sets count bytes, at most maxCount (the room at devPtr), of host or device memory to the low byte of value. */
ACL_FUNC_VISIBILITY aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count);

/** The same, enqueued in a stream. */
ACL_FUNC_VISIBILITY aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count,
                                              aclrtStream stream);

/**
 * Copies count bytes now; does not wait for any stream. Addresses inside a block are fine.
 * @param[in] destMax  Room at dst in bytes, at least count.
 * @return 107000 also if a range of device memory ends beyond its block or was freed.
 */
ACL_FUNC_VISIBILITY aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count,
                                         aclrtMemcpyKind kind);

/** The same, enqueued in a stream. @return 207000 for ACL_MEMCPY_HOST_TO_HOST. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count,
                                              aclrtMemcpyKind kind, aclrtStream stream);

/** Copies height rows of width bytes that begin dpitch and spitch bytes apart. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                                           size_t height, aclrtMemcpyKind kind);

/** The same, enqueued in a stream. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                                                size_t height, aclrtMemcpyKind kind, aclrtStream stream);

/** Free and total memory of the current device in bytes; zeros for a kind of memory that it does not have. */
ACL_FUNC_VISIBILITY aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* freeSize, size_t* totalSize);

/* ---- Diagnostics and versions ---- */

/**
 * What went wrong on this thread since the last call, newest first; the messages are then forgotten.
 * @return A text that lives until the next call on this thread; NULL if there is nothing. Not to be freed.
 */
ACL_FUNC_VISIBILITY const char* aclGetRecentErrMsg(void);

/** The last error code of this thread; 0 if none. */
ACL_FUNC_VISIBILITY aclError aclrtPeekAtLastError(aclrtLastErrLevel level);

/** The same, which is then reset to 0. */
ACL_FUNC_VISIBILITY aclError aclrtGetLastError(aclrtLastErrLevel level);

/** Version of the ACL interface. Deprecated: use aclsysGetCANNVersion. */
ACL_FUNC_VISIBILITY aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion);

/** Version of a part of the software. */
ACL_FUNC_VISIBILITY aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion* version);

/** Version of a package as a number that grows with every version. */
ACL_FUNC_VISIBILITY aclError aclsysGetVersionNum(char* pkgName, int32_t* versionNum);

/** Version of a package as a text. @param[out] versionStr  Room for ACL_PKG_VERSION_MAX_SIZE bytes. */
ACL_FUNC_VISIBILITY aclError aclsysGetVersionStr(char* pkgName, char* versionStr);

/** Abilities of the software. @param[out] cannAttrList  An array of num entries, not to be freed. */
ACL_FUNC_VISIBILITY aclError aclGetCannAttributeList(const aclCannAttr** cannAttrList, size_t* num);

/** Whether the software has an ability. @param[out] value  1 or 0. */
ACL_FUNC_VISIBILITY aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t* value);

#ifdef __cplusplus
}
#endif

#endif  // BCELOGITS_ACL_ACL_RT_H_
