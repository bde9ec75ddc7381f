// Every function, declared again by hand from the documentation: a compiler refuses the file if a type differs.
#include "acl/acl.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_backward.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits_target_backward.h"

#ifdef __cplusplus
extern "C" {
#endif

/* base */
size_t aclDataTypeSize(aclDataType);
float aclFloat16ToFloat(uint16_t);
uint16_t aclFloatToFloat16(float);
aclDataBuffer* aclCreateDataBuffer(void*, size_t);
int aclDestroyDataBuffer(const aclDataBuffer*);
int aclUpdateDataBuffer(aclDataBuffer*, void*, size_t);
void* aclGetDataBufferAddr(const aclDataBuffer*);
uint32_t aclGetDataBufferSize(const aclDataBuffer*);
size_t aclGetDataBufferSizeV2(const aclDataBuffer*);
void aclAppLog(aclLogLevel, const char*, const char*, uint32_t, const char*, ...);

/* set-up and devices */
int aclInit(const char*);
int aclFinalize(void);
int aclFinalizeReference(uint64_t*);
int aclrtSetDevice(int32_t);
int aclrtResetDevice(int32_t);
int aclrtResetDeviceForce(int32_t);
int aclrtGetDevice(int32_t*);
int aclrtGetDeviceCount(uint32_t*);
int aclrtGetRunMode(aclrtRunMode*);
const char* aclrtGetSocName(void);
int aclrtSynchronizeDevice(void);
int aclrtSynchronizeDeviceWithTimeout(int32_t);
int aclrtGetDeviceInfo(uint32_t, aclrtDevAttr, int64_t*);
int aclGetDeviceCapability(uint32_t, aclDeviceInfo, int64_t*);
int aclrtDeviceCanAccessPeer(int32_t*, int32_t, int32_t);
int aclrtSetDeviceSatMode(aclrtFloatOverflowMode);
int aclrtGetDeviceSatMode(aclrtFloatOverflowMode*);

/* contexts */
int aclrtCreateContext(void**, int32_t);
int aclrtDestroyContext(void*);
int aclrtSetCurrentContext(void*);
int aclrtGetCurrentContext(void**);
int aclrtCtxGetCurrentDefaultStream(void**);
int aclrtGetPrimaryCtxState(int32_t, uint32_t*, int32_t*);
int aclrtSetSysParamOpt(aclSysParamOpt, int64_t);
int aclrtGetSysParamOpt(aclSysParamOpt, int64_t*);
int aclrtCtxSetSysParamOpt(aclSysParamOpt, int64_t);
int aclrtCtxGetSysParamOpt(aclSysParamOpt, int64_t*);

/* streams */
int aclrtCreateStream(void**);
int aclrtCreateStreamWithConfig(void**, uint32_t, uint32_t);
int aclrtDestroyStream(void*);
int aclrtDestroyStreamForce(void*);
int aclrtSynchronizeStream(void*);
int aclrtSynchronizeStreamWithTimeout(void*, int32_t);
int aclrtStreamQuery(void*, aclrtStreamStatus*);
int aclrtStreamAbort(void*);
int aclrtStreamGetId(void*, int32_t*);
int aclrtSetStreamFailureMode(void*, uint64_t);

/* events */
int aclrtCreateEvent(void**);
int aclrtCreateEventWithFlag(void**, uint32_t);
int aclrtCreateEventExWithFlag(void**, uint32_t);
int aclrtDestroyEvent(void*);
int aclrtRecordEvent(void*, void*);
int aclrtResetEvent(void*, void*);
int aclrtStreamWaitEvent(void*, void*);
int aclrtStreamWaitEventWithTimeout(void*, void*, int32_t);
int aclrtSetOpWaitTimeout(uint32_t);
int aclrtSetOpExecuteTimeOut(uint32_t);
int aclrtSynchronizeEvent(void*);
int aclrtSynchronizeEventWithTimeout(void*, int32_t);
int aclrtQueryEventStatus(void*, aclrtEventRecordedStatus*);
int aclrtQueryEvent(void*, aclrtEventStatus*);
int aclrtQueryEventWaitStatus(void*, aclrtEventWaitStatus*);
int aclrtEventElapsedTime(float*, void*, void*);
int aclrtEventGetTimestamp(void*, uint64_t*);

/* host callbacks */
int aclrtSubscribeReport(uint64_t, void*);
int aclrtLaunchCallback(void (*)(void*), void*, aclrtCallbackBlockType, void*);
int aclrtProcessReport(int32_t);
int aclrtUnSubscribeReport(uint64_t, void*);
int aclrtLaunchHostFunc(void*, void (*)(void*), void*);

/* memory */
int aclrtMalloc(void**, size_t, aclrtMemMallocPolicy);
int aclrtMallocAlign32(void**, size_t, aclrtMemMallocPolicy);
int aclrtMallocCached(void**, size_t, aclrtMemMallocPolicy);
int aclrtFree(void*);
int aclrtMallocHost(void**, size_t);
int aclrtFreeHost(void*);
int aclrtMemset(void*, size_t, int32_t, size_t);
int aclrtMemsetAsync(void*, size_t, int32_t, size_t, void*);
int aclrtMemcpy(void*, size_t, const void*, size_t, aclrtMemcpyKind);
int aclrtMemcpyAsync(void*, size_t, const void*, size_t, aclrtMemcpyKind, void*);
int aclrtMemcpy2d(void*, size_t, const void*, size_t, size_t, size_t, aclrtMemcpyKind);
int aclrtMemcpy2dAsync(void*, size_t, const void*, size_t, size_t, size_t, aclrtMemcpyKind, void*);
int aclrtGetMemInfo(aclrtMemAttr, size_t*, size_t*);

/* diagnostics */
const char* aclGetRecentErrMsg(void);
int aclrtPeekAtLastError(aclrtLastErrLevel);
int aclrtGetLastError(aclrtLastErrLevel);
int aclrtGetVersion(int32_t*, int32_t*, int32_t*);
int aclsysGetCANNVersion(aclCANNPackageName, aclCANNPackageVersion*);
int aclsysGetVersionNum(char*, int32_t*);
int aclsysGetVersionStr(char*, char*);
int aclGetCannAttributeList(const aclCannAttr**, size_t*);
int aclGetCannAttribute(aclCannAttr, int32_t*);

/* objects */
struct aclTensor* aclCreateTensor(const int64_t*, uint64_t, aclDataType, const int64_t*, int64_t, aclFormat,
                                  const int64_t*, uint64_t, void*);
int32_t aclInitTensor(struct aclTensor*, const int64_t*, uint64_t, aclDataType, const int64_t*, int64_t, aclFormat,
                      const int64_t*, uint64_t, void*);
struct aclScalar* aclCreateScalar(void*, aclDataType);
struct aclIntArray* aclCreateIntArray(const int64_t*, uint64_t);
struct aclFloatArray* aclCreateFloatArray(const float*, uint64_t);
struct aclBoolArray* aclCreateBoolArray(const bool*, uint64_t);
struct aclTensorList* aclCreateTensorList(const aclTensor* const*, uint64_t);
struct aclScalarList* aclCreateScalarList(const aclScalar* const*, uint64_t);
int32_t aclDestroyTensor(const struct aclTensor*);
int32_t aclDestroyScalar(const struct aclScalar*);
int32_t aclDestroyIntArray(const struct aclIntArray*);
int32_t aclDestroyFloatArray(const struct aclFloatArray*);
int32_t aclDestroyBoolArray(const struct aclBoolArray*);
int32_t aclDestroyTensorList(const struct aclTensorList*);
int32_t aclDestroyScalarList(const struct aclScalarList*);
int32_t aclGetViewShape(const aclTensor*, int64_t**, uint64_t*);
int32_t aclGetStorageShape(const aclTensor*, int64_t**, uint64_t*);
int32_t aclGetViewStrides(const aclTensor*, int64_t**, uint64_t*);
int32_t aclGetViewOffset(const aclTensor*, int64_t*);
int32_t aclGetFormat(const aclTensor*, aclFormat*);
int32_t aclGetDataType(const aclTensor*, aclDataType*);
int32_t aclGetRawTensorAddr(const aclTensor*, void**);
int32_t aclSetRawTensorAddr(aclTensor*, void*);
int32_t aclGetIntArraySize(const aclIntArray*, uint64_t*);
int32_t aclGetFloatArraySize(const aclFloatArray*, uint64_t*);
int32_t aclGetBoolArraySize(const aclBoolArray*, uint64_t*);
int32_t aclGetTensorListSize(const aclTensorList*, uint64_t*);
int32_t aclGetScalarListSize(const aclScalarList*, uint64_t*);

/* executors */
int32_t aclSetAclOpExecutorRepeatable(struct aclOpExecutor*);
int32_t aclDestroyAclOpExecutor(struct aclOpExecutor*);
int32_t aclSetInputTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t aclSetOutputTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t aclSetTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t aclSetDynamicInputTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t aclSetDynamicOutputTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t aclSetDynamicTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t AclSetInputTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t AclSetOutputTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t AclSetTensorAddr(aclOpExecutor*, size_t, aclTensor*, void*);
int32_t AclSetDynamicInputTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t AclSetDynamicOutputTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t AclSetDynamicTensorAddr(aclOpExecutor*, size_t, size_t, aclTensorList*, void*);
int32_t aclnnInit(const char*);
int32_t aclnnFinalize(void);

/* operators */
int32_t aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(const aclTensor*, const aclTensor*, const aclTensor*,
                                                          const aclTensor*, int64_t, aclTensor*, uint64_t*,
                                                          aclOpExecutor**);
int32_t aclnnBinaryCrossEntropyWithLogits(void*, uint64_t, aclOpExecutor*, aclrtStream);
int32_t aclnnBinaryCrossEntropyWithLogitsBackwardGetWorkspaceSize(const aclTensor*, const aclTensor*, const aclTensor*,
                                                                  const aclTensor*, const aclTensor*, int64_t,
                                                                  aclTensor*, uint64_t*, aclOpExecutor**);
int32_t aclnnBinaryCrossEntropyWithLogitsBackward(void*, uint64_t, aclOpExecutor*, aclrtStream);
int32_t aclnnBinaryCrossEntropyWithLogitsTargetBackwardGetWorkspaceSize(const aclTensor*, const aclTensor*,
                                                                        const aclTensor*, const aclTensor*,
                                                                        const aclTensor*, int64_t, aclTensor*,
                                                                        uint64_t*, aclOpExecutor**);
int32_t aclnnBinaryCrossEntropyWithLogitsTargetBackward(void*, uint64_t, aclOpExecutor*, aclrtStream);

#ifdef __cplusplus
}
#endif
