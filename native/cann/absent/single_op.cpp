// The older single-operator interface: descriptions and attributes can be made, but there is no operator to run with
// them. torch_npu takes this way for an operator whose two-phase functions it does not find.
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../capi/handles.hpp"
#include "../device/per_process.hpp"
#include "../device/registry.hpp"

using namespace bcelogits::capi;
using namespace bcelogits::runtime;

struct aclTensorDesc;
struct aclopAttr;

// ---- TensorDescs of tensors ----

namespace {

constexpr int kMostDims = 64;

struct TensorDesc {
  std::mutex mutex;  // of all below
  aclDataType dtype = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  std::vector<std::int64_t> dims;
  std::string name;
  aclMemType memory = ACL_MEMTYPE_DEVICE;
};
using TensorDescs = Registry<TensorDesc, HandleKind::TensorDesc>;
TensorDescs& descriptions() { return per_process<TensorDescs>(); }

Result check_dims(int count, const std::int64_t* dims) {
  if (count < 0 || count > kMostDims)
    return fail(kInvalidParam, "numDims: " + std::to_string(count) + ", expected 0 to " + std::to_string(kMostDims));
  if (count > 0 && !dims) return fail(kInvalidParam, "dims: null pointer, expected that many numbers");
  return {};
}

// use(description), which may be changed.
template <class Use>
aclError with(const char* function, const aclTensorDesc* handle, Use&& use) {
  return guarded(function, [&]() -> Result {
    const std::shared_ptr<TensorDesc> d = descriptions().find(handle);
    if (!d)
      return bad_handle(descriptions(), handle, "desc", "what aclCreateTensorDesc gave", kInvalidParam, kInvalidParam);
    const std::lock_guard lock(d->mutex);
    return use(*d);
  });
}

}  // namespace

EXPORTED(aclTensorDesc*, aclCreateTensorDesc,
         (aclDataType dataType, int numDims, const int64_t* dims, aclFormat format)) {
  void* handle = nullptr;
  (void)guarded("aclCreateTensorDesc", [&]() -> Result {
    if (Result r = check_dims(numDims, dims); !r.ok()) return r;
    auto made = std::make_shared<TensorDesc>();
    made->dtype = dataType;
    made->format = format;
    if (numDims > 0) made->dims.assign(dims, dims + numDims);
    handle = descriptions().insert(std::move(made));
    return handle ? Result{} : fail(kInternal, "2^20 descriptions exist, no more can be made");
  });
  return static_cast<aclTensorDesc*>(handle);
}

EXPORTED(void, aclDestroyTensorDesc, (const aclTensorDesc* desc)) {
  (void)guarded("aclDestroyTensorDesc", [&]() -> Result {
    if (!desc || descriptions().remove(desc)) return {};
    return bad_handle(descriptions(), desc, "desc", "what aclCreateTensorDesc gave", kInvalidParam, kInvalidParam);
  });
}

EXPORTED(aclDataType, aclGetTensorDescType, (const aclTensorDesc* desc)) {
  aclDataType dtype = ACL_DT_UNDEFINED;
  (void)with("aclGetTensorDescType", desc, [&](TensorDesc& d) -> Result {
    dtype = d.dtype;
    return {};
  });
  return dtype;
}

EXPORTED(aclFormat, aclGetTensorDescFormat, (const aclTensorDesc* desc)) {
  aclFormat format = ACL_FORMAT_UNDEFINED;
  (void)with("aclGetTensorDescFormat", desc, [&](TensorDesc& d) -> Result {
    format = d.format;
    return {};
  });
  return format;
}

EXPORTED(size_t, aclGetTensorDescNumDims, (const aclTensorDesc* desc)) {
  std::size_t count = 0;
  (void)with("aclGetTensorDescNumDims", desc, [&](TensorDesc& d) -> Result {
    count = d.dims.size();
    return {};
  });
  return count;
}

EXPORTED(aclError, aclGetTensorDescDimV2, (const aclTensorDesc* desc, size_t index, int64_t* dimSize)) {
  return with("aclGetTensorDescDimV2", desc, [&](TensorDesc& d) -> Result {
    if (!dimSize) return fail(kInvalidParam, "dimSize: null pointer, expected where to write the result");
    if (index >= d.dims.size())
      return fail(kInvalidParam,
                  "index: " + std::to_string(index) + ", expected less than " + std::to_string(d.dims.size()));
    *dimSize = d.dims[index];
    return {};
  });
}

EXPORTED(void, aclSetTensorDescName, (aclTensorDesc * desc, const char* name)) {
  (void)with("aclSetTensorDescName", desc, [&](TensorDesc& d) -> Result {
    d.name = name ? name : "";
    return {};
  });
}

EXPORTED(aclError, aclSetTensorFormat, (aclTensorDesc * desc, aclFormat format)) {
  return with("aclSetTensorFormat", desc, [&](TensorDesc& d) -> Result {
    d.format = format;
    return {};
  });
}

EXPORTED(aclError, aclSetTensorShape, (aclTensorDesc * desc, int numDims, const int64_t* dims)) {
  return with("aclSetTensorShape", desc, [&](TensorDesc& d) -> Result {
    if (Result r = check_dims(numDims, dims); !r.ok()) return r;
    d.dims.assign(dims, dims + numDims);
    return {};
  });
}

EXPORTED(aclError, aclSetTensorPlaceMent, (aclTensorDesc * desc, aclMemType memType)) {
  return with("aclSetTensorPlaceMent", desc, [&](TensorDesc& d) -> Result {
    d.memory = memType;
    return {};
  });
}

// ---- Attributes ----

namespace {

struct Attributes {};  // no operator reads them, so they are not kept
using AllAttributes = Registry<Attributes, HandleKind::OpAttr>;
AllAttributes& attributes() { return per_process<AllAttributes>(); }

aclError set_attribute(const char* function, const aclopAttr* attr, const char* name) {
  return guarded(function, [&]() -> Result {
    if (!name) return fail(kInvalidParam, "attrName: null pointer, expected a name");
    if (attributes().find(attr)) return {};
    return bad_handle(attributes(), attr, "attr", "what aclopCreateAttr gave", kInvalidParam, kInvalidParam);
  });
}

}  // namespace

EXPORTED(aclopAttr*, aclopCreateAttr, ()) {
  void* handle = nullptr;
  (void)guarded("aclopCreateAttr", [&]() -> Result {
    handle = attributes().insert(std::make_shared<Attributes>());
    return handle ? Result{} : fail(kInternal, "2^20 sets of attributes exist, no more can be made");
  });
  return static_cast<aclopAttr*>(handle);
}

EXPORTED(void, aclopDestroyAttr, (const aclopAttr* attr)) {
  (void)guarded("aclopDestroyAttr", [&]() -> Result {
    if (!attr || attributes().remove(attr)) return {};
    return bad_handle(attributes(), attr, "attr", "what aclopCreateAttr gave", kInvalidParam, kInvalidParam);
  });
}

#define SET_ATTRIBUTE(name, ...)                                                    \
  EXPORTED(aclError, name, (aclopAttr * attr, const char* attrName, __VA_ARGS__)) { \
    return set_attribute(#name, attr, attrName);                                    \
  }
SET_ATTRIBUTE(aclopSetAttrBool, uint8_t)
SET_ATTRIBUTE(aclopSetAttrInt, int64_t)
SET_ATTRIBUTE(aclopSetAttrFloat, float)
SET_ATTRIBUTE(aclopSetAttrString, const char*)
SET_ATTRIBUTE(aclopSetAttrDataType, aclDataType)
SET_ATTRIBUTE(aclopSetAttrListBool, int, const uint8_t*)
SET_ATTRIBUTE(aclopSetAttrListInt, int, const int64_t*)
SET_ATTRIBUTE(aclopSetAttrListFloat, int, const float*)
SET_ATTRIBUTE(aclopSetAttrListListInt, int, const int*, const int64_t* const*)
#undef SET_ATTRIBUTE

// ---- Operators and how they are compiled ----

namespace {

aclError no_operator(const char* function, const char* type) {
  return guarded(function, [&]() -> Result {
    return {ACL_ERROR_OP_NOT_FOUND, std::string("opType: '") + (type ? type : "") +
                                        "' is not supported by bcelogits, which has no operator of this interface"};
  });
}

}  // namespace

EXPORTED(aclError, aclopCompileAndExecute,
         (const char* opType, int, const aclTensorDesc* const*, const aclDataBuffer* const*, int,
          const aclTensorDesc* const*, aclDataBuffer* const*, const aclopAttr*, int, int, const char*, aclrtStream)) {
  return no_operator("aclopCompileAndExecute", opType);
}

// For outputs whose shape is known afterwards.
EXPORTED(aclError, aclopCompileAndExecuteV2,
         (const char* opType, int, aclTensorDesc**, aclDataBuffer**, int, aclTensorDesc**, aclDataBuffer**, aclopAttr*,
          int, int, const char*, aclrtStream)) {
  return no_operator("aclopCompileAndExecuteV2", opType);
}

namespace {

// Numbers of aclCompileOpt, as published.
constexpr int kJitCompile = 10, kLastOption = 63;

struct Options {
  std::mutex mutex;
  std::map<int, std::string> values{{kJitCompile, "disable"}};
};

// use(options, the value or null)
template <class Use>
aclError with_option(const char* function, int option, Use&& use) {
  return guarded(function, [&]() -> Result {
    if (option < 0 || option > kLastOption)
      return fail(kInvalidParam, "opt: " + std::to_string(option) + ", expected an aclCompileOpt");
    Options& all = per_process<Options>();
    const std::lock_guard lock(all.mutex);
    return use(all);
  });
}

}  // namespace

EXPORTED(aclError, aclSetCompileopt, (int opt, const char* value)) {
  return with_option("aclSetCompileopt", opt, [&](Options& all) -> Result {
    if (!value) return fail(kInvalidParam, "value: null pointer, expected a text");
    if (opt == kJitCompile && std::strcmp(value, "disable") != 0)
      return fail(kNotSupported, "ACL_OP_JIT_COMPILE: '" + std::string(value) +
                                     "' is not supported by bcelogits, which compiles nothing; expected 'disable'");
    all.values[opt] = value;  // for those who ask: nothing else changes
    return {};
  });
}

EXPORTED(size_t, aclGetCompileoptSize, (int opt)) {
  std::size_t size = 0;
  (void)with_option("aclGetCompileoptSize", opt, [&](Options& all) -> Result {
    const auto found = all.values.find(opt);
    size = found == all.values.end() ? 0 : found->second.size() + 1;
    return {};
  });
  return size;
}

EXPORTED(aclError, aclGetCompileopt, (int opt, char* value, size_t length)) {
  return with_option("aclGetCompileopt", opt, [&](Options& all) -> Result {
    if (!value) return fail(kInvalidParam, "value: null pointer, expected where to write the text");
    const auto found = all.values.find(opt);
    const std::string text = found == all.values.end() ? "" : found->second;
    if (length < text.size() + 1)
      return fail(kInvalidParam,
                  "length: " + std::to_string(length) + ", expected at least " + std::to_string(text.size() + 1));
    std::memcpy(value, text.c_str(), text.size() + 1);
    return {};
  });
}
