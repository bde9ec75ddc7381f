// Overloads of the runtime functions for C++: optional parameters, and typed pointers instead of void*.
// Everything is inline; each overload is the C function of acl_rt.h that its comment names.
#ifndef BCELOGITS_ACL_ACL_RT_API_H_
#define BCELOGITS_ACL_ACL_RT_API_H_

#include "acl_rt.h"

#ifdef __cplusplus

// ---- waiting, at most this long ------------------------------------------------------------------------------------

/// aclrtSynchronizeDeviceWithTimeout; milliseconds, -1: for ever.
inline aclError aclrtSynchronizeDevice(int32_t timeout) { return aclrtSynchronizeDeviceWithTimeout(timeout); }

/// aclrtSynchronizeStreamWithTimeout; milliseconds, -1: for ever.
inline aclError aclrtSynchronizeStream(aclrtStream stream, int32_t timeout) {
  return aclrtSynchronizeStreamWithTimeout(stream, timeout);
}

/// aclrtSynchronizeEventWithTimeout; milliseconds, -1: for ever.
inline aclError aclrtSynchronizeEvent(aclrtEvent event, int32_t timeout) {
  return aclrtSynchronizeEventWithTimeout(event, timeout);
}

/// aclrtStreamWaitEventWithTimeout; seconds, 0: for ever.
inline aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event, int32_t timeout) {
  return aclrtStreamWaitEventWithTimeout(stream, event, timeout);
}

// ---- making, with options ------------------------------------------------------------------------------------------

/// aclrtCreateStreamWithConfig.
inline aclError aclrtCreateStream(aclrtStream* stream, uint32_t priority, uint32_t flag) {
  return aclrtCreateStreamWithConfig(stream, priority, flag);
}

/// aclrtCreateEventWithFlag.
inline aclError aclrtCreateEvent(aclrtEvent* event, uint32_t flag) { return aclrtCreateEventWithFlag(event, flag); }

// ---- memory of a type; all sizes in bytes --------------------------------------------------------------------------

/// aclrtMalloc with ACL_MEM_MALLOC_HUGE_FIRST. *devPtr is written on success only.
template <class T>
aclError aclrtMalloc(T** devPtr, size_t size) {
  void* block = nullptr;
  const aclError status = aclrtMalloc(devPtr == nullptr ? nullptr : &block, size, ACL_MEM_MALLOC_HUGE_FIRST);
  if (status == ACL_SUCCESS) *devPtr = static_cast<T*>(block);
  return status;
}

/// aclrtMallocHost. *hostPtr is written on success only.
template <class T>
aclError aclrtMallocHost(T** hostPtr, size_t size) {
  void* block = nullptr;
  const aclError status = aclrtMallocHost(hostPtr == nullptr ? nullptr : &block, size);
  if (status == ACL_SUCCESS) *hostPtr = static_cast<T*>(block);
  return status;
}

/// aclrtMemcpy.
template <class T, class U>
aclError aclrtMemcpy(T* dst, size_t destMax, const U* src, size_t count, aclrtMemcpyKind kind) {
  void* const to = dst;
  const void* const from = src;
  return aclrtMemcpy(to, destMax, from, count, kind);
}

/// aclrtMemcpyAsync.
template <class T, class U>
aclError aclrtMemcpyAsync(T* dst, size_t destMax, const U* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  void* const to = dst;
  const void* const from = src;
  return aclrtMemcpyAsync(to, destMax, from, count, kind, stream);
}

/// aclrtMemcpy2d.
template <class T, class U>
aclError aclrtMemcpy2d(T* dst, size_t dpitch, const U* src, size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind) {
  void* const to = dst;
  const void* const from = src;
  return aclrtMemcpy2d(to, dpitch, from, spitch, width, height, kind);
}

/// aclrtMemcpy2dAsync.
template <class T, class U>
aclError aclrtMemcpy2dAsync(T* dst, size_t dpitch, const U* src, size_t spitch, size_t width, size_t height,
                            aclrtMemcpyKind kind, aclrtStream stream) {
  void* const to = dst;
  const void* const from = src;
  return aclrtMemcpy2dAsync(to, dpitch, from, spitch, width, height, kind, stream);
}

#endif  // __cplusplus

#endif  // BCELOGITS_ACL_ACL_RT_API_H_
