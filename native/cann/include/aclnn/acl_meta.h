// Objects that operators take: tensors, scalars, arrays, lists; and executors, the plan of one call.
#ifndef BCELOGITS_ACLNN_ACL_META_H_
#define BCELOGITS_ACLNN_ACL_META_H_

#ifndef __cplusplus
#include <stdbool.h>
#endif
#include <stddef.h>
#include <stdint.h>

#include "../acl/acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Result of an operator: 0, or one of the codes named in bcelogits/aclnn_status.h. */
typedef int32_t aclnnStatus;

typedef struct aclOpExecutor aclOpExecutor;
typedef struct aclTensor aclTensor;
typedef struct aclScalar aclScalar;
typedef struct aclIntArray aclIntArray;
typedef struct aclFloatArray aclFloatArray;
typedef struct aclBoolArray aclBoolArray;
typedef struct aclTensorList aclTensorList;
typedef struct aclScalarList aclScalarList;

/*
 * Functions that create return NULL on failure; aclGetRecentErrMsg then says why.
 * Functions that destroy accept NULL and return 0; a second destroy of the same object returns 161002.
 * Getters and setters return 161001 for a NULL object or a NULL output, 161002 for an object that was destroyed.
 */

/**
 * Describes a view of memory as a tensor. The arrays are copied; the memory stays the caller's.
 * @param[in] viewDims, viewDimsNum  Shape; NULL with 0 for a scalar.
 * @param[in] dataType  Type of the elements.
 * @param[in] stride  Step of each dimension in elements, not negative; NULL for contiguous. 0 repeats an element.
 * @param[in] offset  The first element's distance from tensorData in elements, not negative.
 * @param[in] format  ACL_FORMAT_ND, or another format without blocks.
 * @param[in] storageDims, storageDimsNum  Shape of the storage; its rank may differ from the view's.
 * @param[in] tensorData  Begin of the storage; may be NULL and be set later, at the latest before phase two.
 * @return The tensor, to be destroyed by aclDestroyTensor.
 */
ACL_FUNC_VISIBILITY aclTensor* aclCreateTensor(const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType,
                                               const int64_t* stride, int64_t offset, aclFormat format,
                                               const int64_t* storageDims, uint64_t storageDimsNum, void* tensorData);

/** Describes an existing tensor anew; parameters as in aclCreateTensor. @return 161001 or 161002, tensor unchanged. */
ACL_FUNC_VISIBILITY aclnnStatus aclInitTensor(aclTensor* tensor, const int64_t* viewDims, uint64_t viewDimsNum,
                                              aclDataType dataType, const int64_t* stride, int64_t offset,
                                              aclFormat format, const int64_t* storageDims, uint64_t storageDimsNum,
                                              void* tensorDataAddr);

/** Copies one value of the type. Destroy with aclDestroyScalar. */
ACL_FUNC_VISIBILITY aclScalar* aclCreateScalar(void* value, aclDataType dataType);

/** Copies size values. Destroy with aclDestroyIntArray. */
ACL_FUNC_VISIBILITY aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size);

/** Copies size values. Destroy with aclDestroyFloatArray. */
ACL_FUNC_VISIBILITY aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size);

/** Copies size values. Destroy with aclDestroyBoolArray. */
ACL_FUNC_VISIBILITY aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size);

/** Makes a list of tensors and takes them over: destroying the list destroys them. Entries may be NULL. */
ACL_FUNC_VISIBILITY aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size);

/** Makes a list of scalars and takes them over: destroying the list destroys them. Entries may be NULL. */
ACL_FUNC_VISIBILITY aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size);

/** Destroys a description. The memory of a tensor is not freed. */
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyTensor(const aclTensor* tensor);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyScalar(const aclScalar* scalar);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyIntArray(const aclIntArray* array);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyFloatArray(const aclFloatArray* array);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyBoolArray(const aclBoolArray* array);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyTensorList(const aclTensorList* array);
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyScalarList(const aclScalarList* array);

/**
 * Shape of the view, shape of the storage, strides of the view (in elements).
 * @param[out] viewDims, storageDims, stridesValue  A new array, which the caller releases with delete[] of C++.
 * @param[out] viewDimsNum, storageDimsNum, stridesNum  Its length.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclGetViewShape(const aclTensor* tensor, int64_t** viewDims, uint64_t* viewDimsNum);
ACL_FUNC_VISIBILITY aclnnStatus aclGetStorageShape(const aclTensor* tensor, int64_t** storageDims,
                                                   uint64_t* storageDimsNum);
ACL_FUNC_VISIBILITY aclnnStatus aclGetViewStrides(const aclTensor* tensor, int64_t** stridesValue,
                                                  uint64_t* stridesNum);

/** Distance of the first element from the begin of the storage, in elements. */
ACL_FUNC_VISIBILITY aclnnStatus aclGetViewOffset(const aclTensor* tensor, int64_t* offset);

/** Format and type that the tensor was created with. */
ACL_FUNC_VISIBILITY aclnnStatus aclGetFormat(const aclTensor* tensor, aclFormat* format);
ACL_FUNC_VISIBILITY aclnnStatus aclGetDataType(const aclTensor* tensor, aclDataType* dataType);

/** Begin of the storage. The setter must not be called between the two phases: see aclSetTensorAddr. */
ACL_FUNC_VISIBILITY aclnnStatus aclGetRawTensorAddr(const aclTensor* tensor, void** addr);
ACL_FUNC_VISIBILITY aclnnStatus aclSetRawTensorAddr(aclTensor* tensor, void* addr);

/** Number of entries. */
ACL_FUNC_VISIBILITY aclnnStatus aclGetIntArraySize(const aclIntArray* array, uint64_t* size);
ACL_FUNC_VISIBILITY aclnnStatus aclGetFloatArraySize(const aclFloatArray* array, uint64_t* size);
ACL_FUNC_VISIBILITY aclnnStatus aclGetBoolArraySize(const aclBoolArray* array, uint64_t* size);
ACL_FUNC_VISIBILITY aclnnStatus aclGetTensorListSize(const aclTensorList* tensorList, uint64_t* size);
ACL_FUNC_VISIBILITY aclnnStatus aclGetScalarListSize(const aclScalarList* scalarList, uint64_t* size);

/*
 * Executors. Phase one (aclnn...GetWorkspaceSize) makes one; phase two uses it up, unless it was made repeatable.
 */

/**
 * Lets phase two be called many times; aclDestroyAclOpExecutor is then the caller's duty.
 * @return 561103 for NULL and for an executor that is used up.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor* executor);

/** Destroys an executor. @return 561103 for NULL and for an executor that is used up; harmless. */
ACL_FUNC_VISIBILITY aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor* executor);

/**
 * Gives one tensor of an executor another address for the runs to come; shape, strides and type stay.
 * @param[in] index  Position among the operator's inputs, among its outputs, or among all, inputs first.
 *                   Optional tensors that are absent count too.
 * @param[in] tensor  The tensor that was passed in phase one.
 * @param[in] addr  Begin of the storage.
 * @return 161002 if index is out of range or that tensor was absent, 561103 if executor or tensor is NULL or not live.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclSetInputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                      void* addr);
ACL_FUNC_VISIBILITY aclnnStatus aclSetOutputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                       void* addr);
ACL_FUNC_VISIBILITY aclnnStatus aclSetTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                 void* addr);

/**
 * The same for entry relativeIndex of the list at irIndex. No operator here takes a list, so these return 161002
 * for every index, 561103 if executor or tensors is NULL or not live.
 */
ACL_FUNC_VISIBILITY aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                             const size_t relativeIndex, aclTensorList* tensors,
                                                             void* addr);
ACL_FUNC_VISIBILITY aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                              const size_t relativeIndex, aclTensorList* tensors,
                                                              void* addr);
ACL_FUNC_VISIBILITY aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                        const size_t relativeIndex, aclTensorList* tensors, void* addr);

/** The six functions above under their older names. */
ACL_FUNC_VISIBILITY aclnnStatus AclSetInputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                      void* addr);
ACL_FUNC_VISIBILITY aclnnStatus AclSetOutputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                       void* addr);
ACL_FUNC_VISIBILITY aclnnStatus AclSetTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor,
                                                 void* addr);
ACL_FUNC_VISIBILITY aclnnStatus AclSetDynamicInputTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                             const size_t relativeIndex, aclTensorList* tensors,
                                                             void* addr);
ACL_FUNC_VISIBILITY aclnnStatus AclSetDynamicOutputTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                              const size_t relativeIndex, aclTensorList* tensors,
                                                              void* addr);
ACL_FUNC_VISIBILITY aclnnStatus AclSetDynamicTensorAddr(aclOpExecutor* executor, size_t irIndex,
                                                        const size_t relativeIndex, aclTensorList* tensors, void* addr);

#ifdef __cplusplus
}
#endif

#endif  // BCELOGITS_ACLNN_ACL_META_H_
