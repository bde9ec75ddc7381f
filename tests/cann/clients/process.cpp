// The life of the process: finalize and exit with work in flight, threads that end, fork.
#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "device.hpp"

namespace {

// Status of a program that could not be tested: its child hung in AddressSanitizer's own allocator. Unlike glibc that
// one does not take its locks before a fork, so that the child finds them held by a thread which it does not have.
constexpr int kSanitizerHangs = 77;

const void* interrupted_at(void* context) {
  [[maybe_unused]] const auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(machine.pc);
#else
  return nullptr;
#endif
}

void tell_who_hangs(int signal_number, siginfo_t*, void* context) {
  Dl_info where{};
  const void* const at = interrupted_at(context);
  if (at && dladdr(at, &where) != 0 && std::strstr(where.dli_fname, "libasan")) _exit(kSanitizerHangs);
  signal(signal_number, SIG_DFL);
  raise(signal_number);  // a hang of ours: the signal ends the child
}

// A child that hangs is ended, and does not go for one that works.
void must_end_soon() {
  struct sigaction action{};
  action.sa_sigaction = tell_who_hangs;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGALRM, &action, nullptr);
  alarm(10);
}

void check_child(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSanitizerHangs) std::_Exit(kSanitizerHangs);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

TEST(finalize_with_work_in_flight_ends_and_leaves_dead_handles) {
  for (int round = 0; round < 3; ++round) {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    aclrtEvent event = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtCreateEvent(&event));
    Gate gate;
    std::vector<float> self(100000, 0.0F), out(100000, -1.0F);
    aclTensor *x = tensor({100000}, self.data()), *o = tensor({100000}, out.data());
    gate.hold(stream);
    for (int i = 0; i < 10; ++i) {
      std::uint64_t size = 0;
      aclOpExecutor* executor = nullptr;
      OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, x, nullptr, nullptr, 0, o, &size, &executor));
      OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream));
    }
    OK(aclrtRecordEvent(event, stream));
    std::thread opener([&gate] {
      pause(30);
      gate.open();
    });
    OK(aclFinalize());
    opener.join();
    pause(20);
    const std::vector<float> settled = out;
    pause(20);
    CHECK(settled == out);  // nobody writes any more
    REFUSED(aclrtSynchronizeStream(stream));
    REFUSED(aclrtSynchronizeEvent(event));
    for (aclTensor* each : {x, o}) aclDestroyTensor(each);
  }
}

TEST(the_process_ends_with_work_in_flight_and_without_finalize) {
  static float self[100000], out[100000];
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  OK(aclrtCreateStream(&stream));
  aclTensor *x = tensor({100000}, self), *o = tensor({100000}, out);
  for (int i = 0; i < 100; ++i) {
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    OK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(x, x, nullptr, nullptr, 0, o, &size, &executor));
    OK(aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream));
  }
}

TEST(the_process_ends_although_a_host_function_never_does) {
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  OK(aclrtLaunchHostFunc(
      nullptr,
      [](void*) {
        for (;;) pause(1000);
      },
      nullptr));
  pause(20);
}

TEST(finalize_in_an_exit_handler_and_in_a_destructor_does_no_harm) {
  static struct AtExit {
    ~AtExit() {
      aclrtResetDevice(0);
      aclFinalize();
    }
  } finalizer;
  static_cast<void>(finalizer);
  std::atexit([] { aclFinalize(); });
  OK(aclInit(nullptr));
  OK(aclrtSetDevice(0));
  std::atexit([] { aclFinalize(); });
}

TEST(a_destructor_that_runs_late_in_the_end_of_a_thread_may_still_call) {
  Device device;
  std::thread([] {
    // Made before the library's own variables of this thread, and so destroyed after them.
    static thread_local struct Late {
      bool used = false;
      ~Late() {
        aclrtFree(nullptr);
        static_cast<void>(aclGetRecentErrMsg());
        aclrtGetLastError(ACL_RT_THREAD_LEVEL);
        aclrtSynchronizeStream(nullptr);
        aclrtSetDevice(0);
        aclrtResetDevice(0);
        aclrtSetDevice(-1);
      }
    } late;
    late.used = true;
    OK(aclrtSetDevice(0));
    REFUSED(aclrtFree(nullptr));
    CHECK_SAYS("aclrtFree");
    OK(aclrtResetDevice(0));
  }).join();
}

TEST(a_thread_that_ends_leaves_nothing_behind) {
  Device device;
  for (int i = 0; i < 200; ++i) {
    std::thread([] {
      OK(aclrtSetDevice(0));
      REFUSED(aclrtFree(nullptr));  // a message that nobody reads
      Loss loss(64);
      OK(loss.phase_one());
      OK(loss.phase_two());
      OK(aclrtSynchronizeStream(nullptr));
      OK(aclrtResetDevice(0));
    }).join();
  }
}

TEST(a_fork_after_init_leaves_the_parent_whole_and_the_child_without_a_hang) {
  Device device;
  Stream stream;
  Loss loss(300000), small(8);
  OK(loss.phase_one());
  OK(loss.phase_two(stream));
  OK(small.phase_one());
  const pid_t child = fork();
  if (child == 0) {
    must_end_soon();
    small.phase_two(nullptr);
    aclrtSynchronizeStream(nullptr);
    std::uint64_t size = 0;
    aclOpExecutor* executor = nullptr;
    aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(loss.self_tensor, loss.target_tensor, nullptr, nullptr, 0,
                                                      loss.out_tensor, &size, &executor);
    aclnnBinaryCrossEntropyWithLogits(nullptr, 0, executor, stream);
    aclrtSynchronizeStream(stream);
    aclrtSynchronizeDevice();
    aclrtDestroyStream(stream);
    _exit(0);
  }
  check_child(child);
  OK(aclrtSynchronizeStream(stream));
  CHECK(loss.done());
  OK(small.phase_two(stream));
  OK(aclrtSynchronizeStream(stream));
  CHECK(small.done());
}

TEST(a_child_of_fork_starts_with_a_runtime_of_its_own) {
  Device device;
  Loss parents(8);
  const pid_t child = fork();
  if (child == 0) {
    must_end_soon();
    std::int32_t id = 0;
    FAILS(107002, aclrtGetDevice(&id));
    {
      Device own;  // not a repeated initialisation
      Stream stream;
      Loss small(100), large(300000);
      for (Loss* loss : {&small, &large}) {
        OK(loss->phase_one());
        OK(loss->phase_two(stream));
        OK(aclrtSynchronizeStream(stream));
        CHECK(loss->done());
      }
    }
    _exit(0);
  }
  check_child(child);
  OK(parents.phase_one());
  OK(parents.phase_two());
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(parents.done());
}

TEST(a_child_of_fork_that_just_exits_does_not_hang) {
  Device device;
  Loss loss(300000);
  OK(loss.phase_one());
  OK(loss.phase_two());
  const pid_t child = fork();
  if (child == 0) {
    must_end_soon();
    std::exit(0);  // runs destructors and exit handlers
  }
  check_child(child);
  OK(aclrtSynchronizeStream(nullptr));
  CHECK(loss.done());
}
