// What programs ask about: versions, abilities, properties of devices, options.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "../device/device.hpp"
#include "../device/per_process.hpp"
#include "../device/settings.hpp"
#include "api.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

// ---- Versions and abilities ----

namespace {

constexpr std::array<int, 3> kInterface{1, 15, 0};             // of the ACL interface, which aclrtGetVersion answers
constexpr std::array<const char*, 3> kEdition{"8", "5", "0"};  // of the documents that these functions follow

bool able(aclCannAttr attribute) {
  const Product p = settings().product;
  switch (attribute) {
    case ACL_CANN_ATTR_INF_NAN:
      return true;
    case ACL_CANN_ATTR_BF16:
      return p == Product::A2 || p == Product::A3 || p == Product::A950;
    default:  // nothing is compiled at run time
      return false;
  }
}

Result no_package(const std::string& parameter) {
  return fail(kNotSupported, parameter + " is not installed; this is bcelogits in the place of CANN");
}

}  // namespace

aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return guarded("aclrtGetVersion", [&]() -> Result {
    if (!majorVersion) return null_argument("majorVersion");
    if (!minorVersion) return null_argument("minorVersion");
    if (!patchVersion) return null_argument("patchVersion");
    *majorVersion = kInterface[0];
    *minorVersion = kInterface[1];
    *patchVersion = kInterface[2];
    return {};
  });
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion* version) {
  return guarded("aclsysGetCANNVersion", [&]() -> Result {
    if (!version) return null_argument("version");
    const int number = static_cast<int>(name);
    if (number < ACL_PKG_NAME_CANN || number > ACL_PKG_NAME_DRIVER)
      return fail(kBadValue, "name: " + std::to_string(number) + ", expected an aclCANNPackageName, 0 to 7");
    if (number != ACL_PKG_NAME_CANN && number != ACL_PKG_NAME_RUNTIME)
      return no_package("name: " + std::to_string(number));
    *version = {};
    std::snprintf(version->version, sizeof version->version, "%s.%s.%s", kEdition[0], kEdition[1], kEdition[2]);
    std::snprintf(version->majorVersion, sizeof version->majorVersion, "%s", kEdition[0]);
    std::snprintf(version->minorVersion, sizeof version->minorVersion, "%s", kEdition[1]);
    std::snprintf(version->releaseVersion, sizeof version->releaseVersion, "%s", kEdition[2]);
    std::snprintf(version->patchVersion, sizeof version->patchVersion, "0");
    return {};
  });
}

aclError aclsysGetVersionNum(char* pkgName, int32_t* versionNum) {
  return guarded("aclsysGetVersionNum", [&]() -> Result {
    if (!pkgName) return null_argument("pkgName");
    if (!versionNum) return null_argument("versionNum");
    return no_package("pkgName: '" + std::string(pkgName) + "'");
  });
}

aclError aclsysGetVersionStr(char* pkgName, char* versionStr) {
  return guarded("aclsysGetVersionStr", [&]() -> Result {
    if (!pkgName) return null_argument("pkgName");
    if (!versionStr) return null_argument("versionStr");
    return no_package("pkgName: '" + std::string(pkgName) + "'");
  });
}

aclError aclGetCannAttributeList(const aclCannAttr** cannAttrList, size_t* num) {
  return guarded("aclGetCannAttributeList", [&]() -> Result {
    if (!cannAttrList) return null_argument("cannAttrList");
    if (!num) return null_argument("num");
    static constexpr aclCannAttr kList[] = {ACL_CANN_ATTR_INF_NAN,
                                            ACL_CANN_ATTR_BF16};  // the products' differ at the end
    *cannAttrList = kList;
    *num = static_cast<std::size_t>(std::count_if(std::begin(kList), std::end(kList), able));
    return {};
  });
}

aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t* value) {
  return guarded("aclGetCannAttribute", [&]() -> Result {
    if (!value) return null_argument("value");
    const int number = static_cast<int>(cannAttr);
    if (number < ACL_CANN_ATTR_INF_NAN || number > ACL_CANN_ATTR_JIT_COMPILE)
      return fail(kBadValue, "cannAttr: " + std::to_string(number) + ", expected an aclCannAttr, 0 to 2");
    *value = able(cannAttr);
    return {};
  });
}

// ---- Properties of devices ----

namespace {

enum class Property { Processors, Workers, Memory, Cache };

// Of this machine and its settings: a device is what runs here.
Result property(std::uint32_t device, Property which, std::int64_t* value) {
  if (!value) return null_argument("value");
  const Settings& s = settings();
  if (!s.problem.empty()) return fail(kBadValue, s.problem);
  if (device >= static_cast<std::uint32_t>(s.devices))
    return fail(kInvalidDevice,
                "deviceId: " + std::to_string(device) + ", expected 0 to " + std::to_string(s.devices - 1));
  std::int64_t found = 0;
  switch (which) {
    case Property::Processors:
      found = static_cast<std::int64_t>(std::thread::hardware_concurrency());
      break;
    case Property::Workers:
      found = s.threads;
      break;
    case Property::Memory:
      found = static_cast<std::int64_t>(s.device_memory);
      break;
    case Property::Cache:
      found = sysconf(_SC_LEVEL2_CACHE_SIZE);
      break;
  }
  if (found <= 0) return fail(kNotSupported, "this machine does not tell it");
  *value = found;
  return {};
}

}  // namespace

aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t* value) {
  return guarded("aclrtGetDeviceInfo", [&]() -> Result {
    switch (attr) {
      case ACL_DEV_ATTR_AICPU_CORE_NUM:
        return property(deviceId, Property::Processors, value);
      case ACL_DEV_ATTR_AICORE_CORE_NUM:
      case ACL_DEV_ATTR_CUBE_CORE_NUM:
      case ACL_DEV_ATTR_VECTOR_CORE_NUM:
        return property(deviceId, Property::Workers, value);
      case ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE:
        return property(deviceId, Property::Memory, value);
      case ACL_DEV_ATTR_L2_CACHE_SIZE:
        return property(deviceId, Property::Cache, value);
      default:
        return fail(kNotSupported, "attr: " + std::to_string(static_cast<int>(attr)) +
                                       ", expected a number of cores, the size of the memory or of the L2 cache");
    }
  });
}

aclError aclGetDeviceCapability(uint32_t deviceId, aclDeviceInfo deviceInfo, int64_t* value) {
  return guarded("aclGetDeviceCapability", [&]() -> Result {
    switch (deviceInfo) {
      case ACL_DEVICE_INFO_AI_CORE_NUM:
      case ACL_DEVICE_INFO_VECTOR_CORE_NUM:
        return property(deviceId, Property::Workers, value);
      case ACL_DEVICE_INFO_L2_SIZE:
        return property(deviceId, Property::Cache, value);
      default:
        return fail(kBadValue, "deviceInfo: " + std::to_string(static_cast<int>(deviceInfo)) +
                                   ", expected an aclDeviceInfo, 0 to 2");
    }
  });
}

// ---- Options ----

namespace {

// Kept for those who ask. Results are deterministic, memory is checked and writes are consistent whatever is set.
using Options = std::array<std::optional<std::int64_t>, 3>;

struct AllOptions {
  std::mutex mutex;
  Options process;
  std::map<const void*, Options> contexts;  // by handle
};

Result check_option(aclSysParamOpt opt) {
  const int number = static_cast<int>(opt);
  if (number >= ACL_OPT_DETERMINISTIC && number <= ACL_OPT_STRONG_CONSISTENCY) return {};
  return fail(kBadValue, "opt: " + std::to_string(number) + ", expected an aclSysParamOpt, 0 to 2");
}

Result set_option(Options& options, aclSysParamOpt opt, std::int64_t value) {
  if (value != 0 && value != 1) return fail(kBadValue, "value: " + std::to_string(value) + ", expected 0 or 1");
  options[static_cast<std::size_t>(opt)] = value;
  return {};
}

Result get_option(const Options& options, aclSysParamOpt opt, std::int64_t* value) {
  const auto& kept = options[static_cast<std::size_t>(opt)];
  if (!kept && opt == ACL_OPT_DETERMINISTIC) {  // torch_npu counts on an answer
    *value = 0;
    return {};
  }
  if (!kept)
    return {ACL_ERROR_RT_SYSPARAMOPT_NOT_SET, "opt: " + std::to_string(static_cast<int>(opt)) + " was never set"};
  *value = *kept;
  return {};
}

// use(options) of the process, or of the current context.
template <class Use>
aclError with_options(const char* function, bool of_context, aclSysParamOpt opt, Use&& use) {
  return guarded(function, [&]() -> Result {
    if (Result r = check_option(opt); !r.ok()) return r;
    std::shared_ptr<Context> context;
    if (of_context)
      if (Result r = current_context(context); !r.ok()) return r;
    auto& all = per_process<AllOptions>();
    const std::lock_guard lock(all.mutex);
    if (!of_context) return use(all.process);
    const auto found = all.contexts.find(context->handle);
    if (found != all.contexts.end()) return use(found->second);
    std::erase_if(all.contexts, [](const auto& entry) { return !contexts().find(entry.first); });
    return use(all.contexts[context->handle]);
  });
}

}  // namespace

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return with_options("aclrtSetSysParamOpt", false, opt, [&](Options& o) { return set_option(o, opt, value); });
}

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t* value) {
  return with_options("aclrtGetSysParamOpt", false, opt,
                      [&](Options& o) { return value ? get_option(o, opt, value) : null_argument("value"); });
}

aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return with_options("aclrtCtxSetSysParamOpt", true, opt, [&](Options& o) { return set_option(o, opt, value); });
}

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t* value) {
  return with_options("aclrtCtxGetSysParamOpt", true, opt,
                      [&](Options& o) { return value ? get_option(o, opt, value) : null_argument("value"); });
}
