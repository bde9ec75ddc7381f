// A program whose allocations fail: an error each time, never an exception or a hang, and all is well afterwards.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>

#include "../device.hpp"

namespace {

constexpr long kNever = -1;
thread_local long countdown = kNever;  // so many allocations of this thread succeed yet; one fails then

}  // namespace

void* operator new(std::size_t size) {
  void* p = countdown == 0 ? nullptr : std::malloc(size ? size : 1);
  if (countdown >= 0) --countdown;
  if (!p) throw std::bad_alloc();
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

bool all_must_work = false;
void done(int code, const char* call, int line) {
  if (all_must_work && code != 0) failed(__FILE__, line, std::string(call) + " gave " + std::to_string(code));
}
#define DO(call) done(static_cast<int>(call), #call, __LINE__)

void* memory(std::size_t bytes) {
  void* p = nullptr;
  DO(aclrtMalloc(&p, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
  if (p) DO(aclrtMemset(p, bytes, 0, bytes));
  return p;
}
aclTensor* made(std::int64_t n, void* data) {
  return aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, data);
}

void use_everything() {
  DO(aclInit(nullptr));
  DO(aclrtSetDevice(0));
  aclrtContext standard = nullptr, context = nullptr;
  aclrtStream a = nullptr, b = nullptr;
  aclrtEvent event = nullptr;
  DO(aclrtGetCurrentContext(&standard));
  DO(aclrtCreateContext(&context, 0));
  DO(aclrtSetCurrentContext(standard));
  DO(aclrtCreateStream(&a));
  DO(aclrtCreateStream(&b));
  DO(aclrtCreateEvent(&event));
  const std::int64_t n = 20000;
  void *x = memory(n * 4), *y = memory(n * 4), *z = memory(4), *workspace = nullptr;
  aclTensor *self = made(n, x), *target = made(n, y), *out = made(1, z);
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  DO(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, target, nullptr, nullptr, 1, out, &size, &executor));
  if (size > 0) workspace = memory(size);
  DO(aclSetAclOpExecutorRepeatable(executor));
  DO(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, a));
  DO(aclSetInputTensorAddr(executor, 0, self, y));
  DO(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, a));
  DO(aclDestroyAclOpExecutor(executor));
  const int recorded = aclrtRecordEvent(event, a);
  DO(recorded);
  if (recorded == 0) DO(aclrtStreamWaitEvent(b, event));
  float result = 0;
  DO(aclrtMemcpyAsync(&result, 4, z, 4, ACL_MEMCPY_DEVICE_TO_HOST, b));
  DO(aclrtLaunchHostFunc(b, [](void*) {}, nullptr));
  DO(aclrtSubscribeReport(static_cast<std::uint64_t>(pthread_self()), a));
  DO(aclrtLaunchCallback([](void*) {}, nullptr, ACL_CALLBACK_NO_BLOCK, a));
  DO(aclrtSynchronizeStream(a));
  DO(aclrtProcessReport(100));
  DO(aclrtUnSubscribeReport(static_cast<std::uint64_t>(pthread_self()), a));
  DO(aclrtSynchronizeStream(b));
  DO(aclrtSynchronizeEvent(event));
  DO(aclrtSynchronizeDevice());
  DO(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
  aclIntArray* numbers = aclCreateIntArray(&n, 1);
  DO(numbers ? aclDestroyIntArray(numbers) : 1);
  aclrtFree(&result);
  aclGetRecentErrMsg();
  if (all_must_work) CHECK(result > 0.69F && result < 0.70F);
  for (aclTensor* each : {self, target, out}) DO(aclDestroyTensor(each));
  DO(aclrtDestroyEvent(event));
  DO(aclrtDestroyStream(a));
  DO(aclrtDestroyStream(b));
  DO(aclrtDestroyContext(context));
  if (workspace) DO(aclrtFree(workspace));
  for (void* each : {x, y, z}) DO(aclrtFree(each));
  DO(aclrtResetDevice(0));
  DO(aclFinalize());
}

// Runs `work(n)` for n = 0, 1, ... in a process of its own each, until it says that no n-th allocation was made.
void for_each_allocation(const std::function<bool(long)>& work) {
  for (long n = 0;; ++n) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      _exit(work(n) ? 0 : 3);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3)) {
      failed(__FILE__, __LINE__, "allocation " + std::to_string(n) + ": status " + std::to_string(status));
    }
    if (WEXITSTATUS(status) == 3) return;
  }
}

}  // namespace

TEST(after_any_allocation_has_failed_everything_works_again) {
  for_each_allocation([](long n) {
    countdown = n;
    use_everything();
    const bool failed_once = countdown == kNever;
    countdown = kNever;
    aclrtResetDeviceForce(0);
    aclFinalize();
    aclGetRecentErrMsg();
    all_must_work = true;
    use_everything();
    return failed_once;
  });
}

TEST(after_set_device_ran_out_of_memory_it_can_be_called_again) {
  for_each_allocation([](long n) {
    std::uint32_t count = 0;
    OK(aclrtGetDeviceCount(&count));
    REFUSED(aclrtSynchronizeDevice());
    recent();
    countdown = n;
    const int code = aclrtSetDevice(0);
    const bool failed_once = countdown == kNever;
    countdown = kNever;
    CHECK(code == 0 || failed_once);
    Device device;
    Stream stream;
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtSynchronizeStream(nullptr));
    if (code == 0) OK(aclrtResetDevice(0));
    return failed_once;
  });
}

TEST(no_function_throws_even_if_it_is_the_first_that_is_called) {
  static std::int64_t number = 1;
  static float value = 1;
  static bool yes = true;
  static std::uint32_t count = 0;
  static void* p = nullptr;
  struct Call {
    const char* text;
    void (*run)();
    Call(const char* its_text, void (*body)()) : text(its_text), run(body) {}
  };
#define CALL(call) Call(#call, [] { static_cast<void>(call); })
  const Call all[] = {
      CALL(aclInit(nullptr)),
      CALL(aclrtSetDevice(0)),
      CALL(aclrtGetDeviceCount(&count)),
      CALL(aclrtMalloc(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST)),
      CALL(aclrtMallocAlign32(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST)),
      CALL(aclrtMallocCached(&p, 64, ACL_MEM_MALLOC_HUGE_FIRST)),
      CALL(aclrtMallocHost(&p, 64)),
      CALL(aclrtCreateContext(&p, 0)),
      CALL(aclrtCreateStream(&p)),
      CALL(aclrtCreateEvent(&p)),
      CALL(aclrtSynchronizeStream(nullptr)),
      CALL(aclrtProcessReport(1)),
      CALL(aclrtGetSocName()),
      CALL(aclGetRecentErrMsg()),
      CALL(made(1, &value)),
      CALL(aclCreateScalar(&value, ACL_FLOAT)),
      CALL(aclCreateIntArray(&number, 1)),
      CALL(aclCreateFloatArray(&value, 1)),
      CALL(aclCreateBoolArray(&yes, 1)),
      CALL(aclCreateTensorList(nullptr, 0)),
      CALL(aclCreateScalarList(nullptr, 0)),
      CALL(aclDestroyTensor(reinterpret_cast<aclTensor*>(&value))),
      CALL(aclDestroyIntArray(reinterpret_cast<aclIntArray*>(&value))),
      CALL(aclDestroyTensorList(reinterpret_cast<aclTensorList*>(&value))),
      CALL(aclDestroyAclOpExecutor(reinterpret_cast<aclOpExecutor*>(&value))),
      CALL(aclCreateDataBuffer(&value, 4)),
      CALL(aclGetDataBufferSizeV2(reinterpret_cast<aclDataBuffer*>(&value))),
      CALL(aclAppLog(ACL_ERROR, "f", "f", 1, "text")),
      CALL(aclnnInit(nullptr)),
      CALL(aclFinalize()),
  };
  for (const Call& call : all) {
    for_each_allocation([&call](long n) {
      countdown = n;
      try {
        call.run();
      } catch (...) {
        countdown = kNever;
        failed(__FILE__, __LINE__, std::string(call.text) + " throws");
      }
      const bool failed_once = countdown == kNever;
      countdown = kNever;
      recent();
      call.run();
      return failed_once;
    });
  }
}
