// What torch_npu links besides the documented runtime: descriptions and attributes of the older interface, options, and
// functions that a processor without an NPU does not have. No header declares them.
#include <dlfcn.h>

#include "device.hpp"

struct aclTensorDesc;
struct aclopAttr;

extern "C" {
aclTensorDesc* aclCreateTensorDesc(aclDataType, int, const std::int64_t*, aclFormat);
void aclDestroyTensorDesc(const aclTensorDesc*);
aclDataType aclGetTensorDescType(const aclTensorDesc*);
aclFormat aclGetTensorDescFormat(const aclTensorDesc*);
std::size_t aclGetTensorDescNumDims(const aclTensorDesc*);
aclError aclGetTensorDescDimV2(const aclTensorDesc*, std::size_t, std::int64_t*);
void aclSetTensorDescName(aclTensorDesc*, const char*);
aclError aclSetTensorFormat(aclTensorDesc*, aclFormat);
aclError aclSetTensorShape(aclTensorDesc*, int, const std::int64_t*);
aclError aclSetTensorPlaceMent(aclTensorDesc*, aclMemType);
aclopAttr* aclopCreateAttr();
void aclopDestroyAttr(const aclopAttr*);
aclError aclopSetAttrInt(aclopAttr*, const char*, std::int64_t);
aclError aclopSetAttrListFloat(aclopAttr*, const char*, int, const float*);
}

namespace {

// A function of a library that programs do not link here.
template <class Function>
Function* from(const char* library, const char* name) {
  // By its path: a sanitizer stands between, so that the run path of this program is not searched.
  Dl_info where{};
  CHECK(dladdr(dlsym(RTLD_DEFAULT, "aclInit"), &where) != 0);
  const std::string runtime = where.dli_fname;
  void* const handle = dlopen((runtime.substr(0, runtime.rfind('/') + 1) + library).c_str(), RTLD_LAZY);
  CHECK(handle != nullptr);
  void* const found = dlsym(handle, name);
  CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

constexpr char kCompiler[] = "libacl_op_compiler.so";
constexpr int kInvalid = 100000, kJitCompile = 10;

}  // namespace

TEST(a_description_gives_back_what_it_was_made_from) {
  const std::int64_t dims[] = {2, 3}, others[] = {7};
  aclTensorDesc* const d = aclCreateTensorDesc(ACL_FLOAT16, 2, dims, ACL_FORMAT_ND);
  CHECK(d != nullptr);
  CHECK_EQ(aclGetTensorDescType(d), ACL_FLOAT16);
  CHECK_EQ(aclGetTensorDescFormat(d), ACL_FORMAT_ND);
  CHECK_EQ(aclGetTensorDescNumDims(d), std::size_t{2});
  std::int64_t n = 0;
  OK(aclGetTensorDescDimV2(d, 1, &n));
  CHECK_EQ(n, 3);
  FAILS(kInvalid, aclGetTensorDescDimV2(d, 2, &n));
  CHECK_SAYS("index: 2, expected less than 2");
  aclSetTensorDescName(d, "x");
  OK(aclSetTensorFormat(d, ACL_FORMAT_NCHW));
  OK(aclSetTensorPlaceMent(d, ACL_MEMTYPE_HOST));
  OK(aclSetTensorShape(d, 1, others));
  CHECK_EQ(aclGetTensorDescFormat(d), ACL_FORMAT_NCHW);
  CHECK_EQ(aclGetTensorDescNumDims(d), std::size_t{1});
  OK(aclSetTensorShape(d, 0, nullptr));
  CHECK_EQ(aclGetTensorDescNumDims(d), std::size_t{0});
  FAILS(kInvalid, aclSetTensorShape(d, 65, dims));
  FAILS(kInvalid, aclSetTensorShape(d, 1, nullptr));
  aclDestroyTensorDesc(d);
  FAILS(kInvalid, aclSetTensorFormat(d, ACL_FORMAT_ND));
  CHECK_SAYS("desc: destroyed");
  CHECK_EQ(aclGetTensorDescType(d), ACL_DT_UNDEFINED);
  CHECK(aclCreateTensorDesc(ACL_FLOAT, -1, nullptr, ACL_FORMAT_ND) == nullptr);
  aclDestroyTensorDesc(nullptr);
}

TEST(attributes_are_taken_and_a_destroyed_set_is_recognised) {
  const float values[] = {1, 2};
  aclopAttr* const attr = aclopCreateAttr();
  OK(aclopSetAttrInt(attr, "axis", 1));
  OK(aclopSetAttrListFloat(attr, "scales", 2, values));
  FAILS(kInvalid, aclopSetAttrInt(attr, nullptr, 1));
  aclopDestroyAttr(attr);
  FAILS(kInvalid, aclopSetAttrInt(attr, "axis", 1));
  CHECK_SAYS("attr: destroyed");
  FAILS(kInvalid, aclopSetAttrInt(nullptr, "axis", 1));
}

TEST(an_operator_of_the_older_interface_is_named_and_refused) {
  using Execute = aclError(const char*, int, const aclTensorDesc* const*, const aclDataBuffer* const*, int,
                           const aclTensorDesc* const*, aclDataBuffer* const*, const aclopAttr*, int, int, const char*,
                           aclrtStream);
  for (const char* name : {"aclopCompileAndExecute", "aclopCompileAndExecuteV2"}) {
    FAILS(100024, from<Execute>(kCompiler, name)("MatMul", 0, nullptr, nullptr, 0, nullptr, nullptr, nullptr, 0, 0,
                                                 nullptr, nullptr));
    CHECK_SAYS("opType: 'MatMul' is not supported by bcelogits");
  }
}

TEST(nothing_is_compiled_whatever_the_options_are) {
  auto* const set = from<aclError(int, const char*)>(kCompiler, "aclSetCompileopt");
  auto* const get = from<aclError(int, char*, std::size_t)>(kCompiler, "aclGetCompileopt");
  auto* const size = from<std::size_t(int)>(kCompiler, "aclGetCompileoptSize");
  char text[16];
  CHECK_EQ(size(kJitCompile), std::size_t{8});
  OK(get(kJitCompile, text, sizeof text));
  CHECK_EQ(std::string(text), "disable");
  FAILS(207000, set(kJitCompile, "enable"));
  CHECK_SAYS("compiles nothing");
  OK(set(kJitCompile, "disable"));
  CHECK_EQ(size(0), std::size_t{0});
  OK(set(0, "must_keep_origin"));
  CHECK_EQ(size(0), std::size_t{17});
  FAILS(kInvalid, get(0, text, sizeof text));
  FAILS(kInvalid, get(0, nullptr, 99));
  FAILS(kInvalid, set(-1, "x"));
  FAILS(kInvalid, set(0, nullptr));
}

TEST(what_needs_an_npu_is_not_supported) {
  for (const char* name :
       {"aclrtReserveMemAddress", "aclrtMapMem", "aclrtMemExportToShareableHandle", "aclrtDeviceEnablePeerAccess",
        "aclrtBinaryLoadFromData", "rtKernelLaunch", "aclmdlInitDump", "MsprofReportApi"}) {
    FAILS(207000, from<int()>("libascendcl.so", name)());
    CHECK_SAYS((std::string(name) + ": not supported by bcelogits").c_str());
  }
}

TEST(clients_may_offer_a_callback_to_the_profiler_and_options_to_collectives) {
  OK((from<std::int32_t(std::uint32_t, void*)>("libascendcl.so", "MsprofRegisterCallback")(1, nullptr)));
  auto* const clock = from<std::uint64_t()>("libascendcl.so", "MsprofSysCycleTime");
  const std::uint64_t before = clock();
  CHECK(clock() >= before);
  OK((from<std::int32_t(std::int32_t, std::int32_t)>("libhccl.so", "HcclSetConfig")(0, 1)));
}

TEST(results_overflow_to_infinity_and_no_other_mode_is_taken) {
  FAILS(107002, aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_INFNAN));
  Device device;
  OK(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_INFNAN));
  FAILS(207000, aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_SATURATION));
  CHECK_SAYS("overflow to infinity");
  REFUSED(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_UNDEF));
  aclrtFloatOverflowMode mode = ACL_RT_OVERFLOW_MODE_UNDEF;
  OK(aclrtGetDeviceSatMode(&mode));
  CHECK_EQ(mode, ACL_RT_OVERFLOW_MODE_INFNAN);
  REFUSED(aclrtGetDeviceSatMode(nullptr));
  OK(aclrtSetOpExecuteTimeOut(5));
}
