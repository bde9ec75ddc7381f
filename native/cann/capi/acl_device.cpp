// Devices and contexts of the runtime API.
#include "../device/device.hpp"
#include "../device/settings.hpp"
#include "api.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

aclError aclrtSetDevice(int32_t deviceId) {
  return guarded("aclrtSetDevice", [&] { return set_device(deviceId); });
}

aclError aclrtResetDevice(int32_t deviceId) {
  return guarded("aclrtResetDevice", [&] { return reset_device(deviceId, false); });
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
  return guarded("aclrtResetDeviceForce", [&] { return reset_device(deviceId, true); });
}

aclError aclrtGetDevice(int32_t* deviceId) {
  return guarded("aclrtGetDevice", [&]() -> Result {
    if (!deviceId) return null_argument("deviceId");
    int device = 0;
    Result r = current_device(device);
    if (r.ok()) *deviceId = device;
    return r;
  });
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  return guarded("aclrtGetDeviceCount", [&]() -> Result {
    if (!count) return null_argument("count");
    if (!settings().problem.empty()) return fail(kBadValue, settings().problem);
    *count = static_cast<uint32_t>(settings().devices);
    return {};
  });
}

aclError aclrtGetRunMode(aclrtRunMode* runMode) {
  return guarded("aclrtGetRunMode", [&]() -> Result {
    if (!runMode) return null_argument("runMode");
    *runMode = ACL_HOST;  // as on every card: host and device memory are apart
    return {};
  });
}

const char* aclrtGetSocName() {
  const char* name = nullptr;
  (void)guarded("aclrtGetSocName", [&]() -> Result {
    if (!settings().problem.empty()) return fail(kBadValue, settings().problem);
    name = settings().soc_name.c_str();
    return {};
  });
  return name;
}

aclError aclrtSynchronizeDevice() {
  return guarded("aclrtSynchronizeDevice", [] { return synchronize_device(kForever); });
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
  return guarded("aclrtSynchronizeDeviceWithTimeout", [&]() -> Result {
    if (timeout < -1) return bad_timeout(timeout);
    return synchronize_device(timeout);
  });
}

aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
  return guarded("aclrtDeviceCanAccessPeer", [&]() -> Result {
    if (!canAccessPeer) return null_argument("canAccessPeer");
    for (const int32_t id : {deviceId, peerDeviceId})
      if (id < 0 || id >= settings().devices)
        return fail(kInvalidDevice,
                    "deviceId: " + std::to_string(id) + ", expected 0 to " + std::to_string(settings().devices - 1));
    *canAccessPeer = 0;  // there is no aclrtDeviceEnablePeerAccess; copies between devices work without
    return {};
  });
}

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
  return guarded("aclrtSetDeviceSatMode", [&]() -> Result {
    int device = 0;
    if (Result r = current_device(device); !r.ok()) return r;
    if (mode == ACL_RT_OVERFLOW_MODE_INFNAN) return {};
    const int number = static_cast<int>(mode);
    return fail(number == ACL_RT_OVERFLOW_MODE_SATURATION ? kNotSupported : kBadValue,
                "mode: " + std::to_string(number) +
                    ", expected ACL_RT_OVERFLOW_MODE_INFNAN (1): results here overflow to infinity");
  });
}

aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode) {
  return guarded("aclrtGetDeviceSatMode", [&]() -> Result {
    if (!mode) return null_argument("mode");
    int device = 0;
    if (Result r = current_device(device); !r.ok()) return r;
    *mode = ACL_RT_OVERFLOW_MODE_INFNAN;
    return {};
  });
}

aclError aclrtGetPrimaryCtxState(int32_t deviceId, uint32_t* flags, int32_t* active) {
  return guarded("aclrtGetPrimaryCtxState", [&]() -> Result {
    if (!active) return null_argument("active");
    bool in_use = false;
    Result r = device_in_use(deviceId, in_use);
    if (!r.ok()) return r;
    if (flags) *flags = 0;
    *active = in_use;
    return {};
  });
}

aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return guarded("aclrtCreateContext",
                 [&] { return context ? create_context(deviceId, context) : null_argument("context"); });
}

aclError aclrtDestroyContext(aclrtContext context) {
  return guarded("aclrtDestroyContext", [&] { return context ? destroy_context(context) : null_argument("context"); });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  return guarded("aclrtSetCurrentContext",
                 [&] { return context ? set_current_context(context) : null_argument("context"); });
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  return guarded("aclrtGetCurrentContext", [&]() -> Result {
    if (!context) return null_argument("context");
    std::shared_ptr<Context> current;
    Result r = current_context(current);
    if (r.ok()) *context = current->handle;
    return r;
  });
}

aclError aclrtCtxGetCurrentDefaultStream(aclrtStream* stream) {
  return guarded("aclrtCtxGetCurrentDefaultStream", [&]() -> Result {
    if (!stream) return null_argument("stream");
    std::shared_ptr<Context> current;
    Result r = current_context(current);
    if (r.ok()) *stream = current->default_stream_handle;
    return r;
  });
}
